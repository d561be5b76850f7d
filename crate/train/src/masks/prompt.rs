//! What is asked about an object of a scene: clicks on it and beside it, a box, an earlier mask.

use models::vision::sam::{Labels, TRAINED_ROWS};

use super::scene::Scene;
use crate::Random;
use crate::dice::Dice;

/// The rows of a prompt: a place and the row of its label.
pub type Row = ([f32; 2], i32);

/// A prompt about one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The object.
    pub object: u8,
    /// Places and labels, as the model counts them in training.
    pub rows: Vec<Row>,
    /// An earlier mask that was not quite right is a part of it: what it is drawn from.
    pub spoil: Option<Random>,
}

/// What held-out objects are asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One click.
    Point,
    /// A box.
    Area,
}

/// No point; the corners of a box. As [`Labels`] count them.
const NONE: i32 = 2;
/// A row that a prompt does not have.
pub(super) const PADDING: Row = ([0.0; 2], 3);
const CORNERS: [i32; 2] = [5, 6];

impl Prompt {
    /// A click or a box half of the time, else more of them.
    pub(super) fn draw(scene: &Scene, object: u8, dice: &mut Dice) -> Self {
        let length = [2, 2, 2, 2, 2, 3, 3, 4, 4, TRAINED_ROWS][dice.below(10)];
        let by_box = dice.chance(0.4);
        let points = if by_box { length - 2 } else { length - 1 };
        let mut rows: Vec<Row> = Vec::new();
        for i in 0..points {
            let inside = (i == 0 && !by_box) || dice.chance(0.5);
            rows.push(if inside { on(scene, object, dice) } else { beside(scene, object, dice) });
        }
        if by_box {
            rows.extend(area(scene, object, 0.08, dice))
        } else {
            rows.push(([0.0; 2], NONE))
        }
        let spoil = (length > 2 && dice.chance(0.4)).then(|| dice.fork());
        Self { object, rows, spoil }
    }

    /// One that is asked for: both kinds have 2 rows.
    pub(super) fn asked(scene: &Scene, object: u8, asked: Asked, dice: &mut Dice) -> Self {
        let rows = match asked {
            Asked::Point => vec![on(scene, object, dice), ([0.0; 2], NONE)],
            Asked::Area => area(scene, object, 0.03, dice).to_vec(),
        };
        Self { object, rows, spoil: None }
    }
}

/// A place on an object, away from its edge where it has such a place.
fn on(scene: &Scene, object: u8, dice: &mut Dice) -> Row {
    let (w, h) = (scene.width, scene.height);
    let own: Vec<usize> = (0..w * h).filter(|i| scene.owner[*i] == object).collect();
    let deep = |i: &usize| {
        let (x, y) = (i % w, i / w);
        (2..w.max(2) - 2).contains(&x)
            && (2..h.max(2) - 2).contains(&y)
            && [i - 2, i + 2, i - 2 * w, i + 2 * w].iter().all(|i| scene.owner[*i] == object)
    };
    let inner: Vec<usize> = own.iter().copied().filter(deep).collect();
    let from = if inner.is_empty() { &own } else { &inner };
    let place = from.get(dice.below(from.len().max(1))).copied().unwrap_or(0);
    ([(place % w) as f32, (place / w) as f32], Labels::row(1.0))
}

/// A place that is not on an object, often near it.
fn beside(scene: &Scene, object: u8, dice: &mut Dice) -> Row {
    let [left, top, right, bottom] = bounds(scene, object);
    let mut place = [0.0; 2];
    for _ in 0..20 {
        let near = dice.chance(0.6);
        let mut along = |first: f32, last: f32, n: usize| {
            let margin = (last - first) * 0.3 + 2.0;
            let (least, most) = if near { (first - margin, last + margin) } else { (0.0, n as f32) };
            dice.between(least, most).clamp(0.0, n as f32 - 1.0).floor()
        };
        place = [along(left, right, scene.width), along(top, bottom, scene.height)];
        if !scene.has(object, place[0] as usize, place[1] as usize) {
            return (place, Labels::row(0.0));
        }
    }
    (place, Labels::row(1.0))
}

/// Left, top, right and bottom of an object.
pub(super) fn bounds(scene: &Scene, object: u8) -> [f32; 4] {
    let mut found = [f32::MAX, f32::MAX, 0.0, 0.0];
    for (i, _) in scene.owner.iter().enumerate().filter(|(_, owner)| **owner == object) {
        let (x, y) = ((i % scene.width) as f32, (i / scene.width) as f32);
        found = [found[0].min(x), found[1].min(y), found[2].max(x + 1.0), found[3].max(y + 1.0)];
    }
    found
}

/// The corners of a box around an object, each side moved by a share of the box about as large as `jitter`.
fn area(scene: &Scene, object: u8, jitter: f32, dice: &mut Dice) -> [Row; 2] {
    let [left, top, right, bottom] = bounds(scene, object);
    let (w, h) = (right - left, bottom - top);
    let mut moved = |at: f32, length: f32, n: usize| (at + jitter * length * dice.normal()).clamp(0.0, n as f32);
    let first = [moved(left, w, scene.width), moved(top, h, scene.height)];
    let last = [moved(right, w, scene.width), moved(bottom, h, scene.height)];
    let last = [last[0].max(first[0] + 1.0), last[1].max(first[1] + 1.0)];
    [(first, CORNERS[0]), (last, CORNERS[1])]
}
