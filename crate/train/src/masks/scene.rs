//! A picture with its objects, and which pixel belongs to which.

use super::atlas::Atlas;
use super::recipe::SceneSpec;
use crate::dice::Dice;

/// A composed picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue, 0 to 255: [H, W, 3].
    pub rgb: Vec<u8>,
    /// The object in front of each pixel, counted from 1; 0 for the background: [H, W].
    pub owner: Vec<u8>,
    /// Objects of which enough is seen, in the order in which they were laid down.
    pub objects: Vec<u8>,
}

/// An object is asked for if at least so many pixels, and this share of it, are seen.
const LEAST: (usize, f32) = (24, 0.3);

/// A canvas while it is painted.
struct Canvas {
    width: usize,
    height: usize,
    /// [H, W, 3], 0 to 1.
    rgb: Vec<[f32; 3]>,
    owner: Vec<u8>,
}

/// Where and how a thing lies.
struct Laid {
    cell: usize,
    /// The middle.
    at: [f32; 2],
    /// Pixels of its side.
    side: f32,
    /// Cosine and sine of its turn.
    turn: [f32; 2],
    flip: bool,
    /// What colours are multiplied with.
    gain: [f32; 3],
    grey: bool,
}

impl Scene {
    /// Composes a scene of a longest side `side` of the cells `pool`.
    pub(super) fn compose(atlas: &Atlas, pool: &[usize], spec: &SceneSpec, side: usize, dice: &mut Dice) -> Self {
        let short = if dice.chance(spec.oblong) { dice.between(0.5, 1.0) } else { 1.0 };
        let short = ((side as f32 * short) as usize).max(1);
        let (width, height) = if dice.chance(0.5) { (side, short) } else { (short, side) };
        let mut canvas = Canvas { width, height, rgb: Vec::new(), owner: vec![0; width * height] };
        canvas.background(dice);
        let [least, most] = spec.objects;
        let count = least + dice.below(most - least + 1);
        let mut whole = Vec::new();
        for i in 0..count {
            let laid = Laid::draw(pool, spec, [width, height], side, dice);
            whole.push(canvas.lay(atlas, &laid, i as u8 + 1));
        }
        canvas.spoil(dice.between(0.0, 0.04), dice);
        let seen = |i: u8| {
            let area = canvas.owner.iter().filter(|owner| **owner == i).count();
            area >= LEAST.0 && area as f32 >= LEAST.1 * whole[usize::from(i) - 1] as f32
        };
        let objects = (1..=count as u8).filter(|i| seen(*i)).collect();
        let byte = |value: f32| (value * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
        let rgb = canvas.rgb.iter().flat_map(|colour| colour.map(byte)).collect();
        Self { width, height, rgb, owner: canvas.owner, objects }
    }

    /// Whether a pixel belongs to an object.
    pub fn has(&self, object: u8, x: usize, y: usize) -> bool {
        self.owner[y * self.width + x] == object
    }

    /// An object's pixels, row by row.
    pub fn mask(&self, object: u8) -> Vec<bool> {
        self.owner.iter().map(|owner| *owner == object).collect()
    }
}

fn colour(dice: &mut Dice) -> [f32; 3] {
    [dice.unit(), dice.unit(), dice.unit()]
}

fn mixed(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * share)
}

impl Canvas {
    /// One colour, two that run into each other, stripes or squares of two, or clouds.
    fn background(&mut self, dice: &mut Dice) {
        let (first, second, kind) = (colour(dice), colour(dice), dice.below(5));
        let [dx, dy] = [dice.normal(), dice.normal()];
        let length = (dx * dx + dy * dy).sqrt().max(1e-3);
        let (dx, dy, period) = (dx / length, dy / length, dice.between(3.0, 24.0));
        let clouds = Clouds::draw(self.width, self.height, dice);
        let share = |x: f32, y: f32| match kind {
            0 => 0.0,
            1 => 0.5 + (dx * (x / self.width as f32 - 0.5) + dy * (y / self.height as f32 - 0.5)) * 0.7,
            2 => ((dx * x + dy * y) / period).rem_euclid(2.0).floor(),
            3 => ((x / period).floor() + (y / period).floor()).rem_euclid(2.0),
            _ => clouds.at(x, y),
        };
        let pixels = (0..self.width * self.height).map(|i| ((i % self.width) as f32, (i / self.width) as f32));
        self.rgb = pixels.map(|(x, y)| mixed(first, second, share(x, y).clamp(0.0, 1.0))).collect();
    }

    /// Lays a thing down; how many pixels it has, those covered by the edge left out.
    fn lay(&mut self, atlas: &Atlas, laid: &Laid, object: u8) -> usize {
        let reach = laid.side * (laid.turn[0].abs() + laid.turn[1].abs()) / 2.0;
        let span = |middle: f32, n: usize| {
            let (first, end) = ((middle - reach).floor().max(0.0), (middle + reach).ceil().clamp(0.0, n as f32));
            first as usize..end as usize
        };
        // Where the thing is smaller than its cell, a pixel is the mean of several places in it.
        let fine = ((atlas.side as f32 / laid.side).ceil() as usize).clamp(1, 4);
        let mut area = 0;
        for y in span(laid.at[1], self.height) {
            for x in span(laid.at[0], self.width) {
                let mut sum = [0.0; 4];
                for k in 0..fine * fine {
                    let within = |k: usize| (k as f32 + 0.5) / fine as f32;
                    let found = laid.look(atlas, x as f32 + within(k % fine), y as f32 + within(k / fine));
                    (0..4).for_each(|c| sum[c] += found[c] / (fine * fine) as f32);
                }
                let at = y * self.width + x;
                (0..3).for_each(|c| self.rgb[at][c] = self.rgb[at][c] * (1.0 - sum[3]) + sum[c]);
                if sum[3] >= 0.5 {
                    self.owner[at] = object;
                    area += 1;
                }
            }
        }
        area
    }

    /// Adds noise.
    fn spoil(&mut self, deviation: f32, dice: &mut Dice) {
        self.rgb.iter_mut().for_each(|colour| *colour = colour.map(|value| value + deviation * dice.normal()));
    }
}

impl Laid {
    fn draw(pool: &[usize], spec: &SceneSpec, [width, height]: [usize; 2], side: usize, dice: &mut Dice) -> Self {
        let [least, most] = spec.scale.map(f32::ln);
        let angle = if dice.chance(0.5) { dice.between(-0.5, 0.5) } else { 0.0 };
        let bright = dice.between(0.6, 1.2);
        Self {
            cell: pool[dice.below(pool.len())],
            at: [width, height].map(|n| n as f32 * dice.between(0.08, 0.92)),
            side: side as f32 * dice.between(least, most).exp(),
            turn: [angle.cos(), angle.sin()],
            flip: dice.chance(0.5),
            gain: [0; 3].map(|_| bright * dice.between(0.8, 1.2)),
            grey: dice.chance(0.1),
        }
    }

    /// Colour and alpha at a place of the canvas.
    fn look(&self, atlas: &Atlas, x: f32, y: f32) -> [f32; 4] {
        let (dx, dy, [cos, sin]) = ((x - self.at[0]) / self.side, (y - self.at[1]) / self.side, self.turn);
        let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let (u, n) = (if self.flip { -u } else { u }, atlas.side as f32);
        let [r, g, b, a] = atlas.sample(self.cell, (u + 0.5) * n, (v + 0.5) * n);
        let [r, g, b] = if self.grey { [(r + g + b) / 3.0; 3] } else { [r, g, b] };
        [(r * self.gain[0]).min(a), (g * self.gain[1]).min(a), (b * self.gain[2]).min(a), a]
    }
}

/// Random values on a coarse grid, and what lies between.
struct Clouds {
    step: f32,
    columns: usize,
    values: Vec<f32>,
}

impl Clouds {
    fn draw(width: usize, height: usize, dice: &mut Dice) -> Self {
        let step = dice.between(4.0, 40.0);
        let [columns, rows] = [width, height].map(|n| (n as f32 / step) as usize + 2);
        Self { step, columns, values: (0..columns * rows).map(|_| dice.unit()).collect() }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let (u, v) = (x / self.step, y / self.step);
        let (i, j) = (u as usize, v as usize);
        let value = |i: usize, j: usize| self.values.get(j * self.columns + i).copied().unwrap_or(0.0);
        let row = |j: usize| value(i, j) + (value(i + 1, j) - value(i, j)) * u.fract();
        row(j) + (row(j + 1) - row(j)) * v.fract()
    }
}
