//! Pictures a little changed: moved, turned, scaled, slanted, and on other paper with other ink.

use serde::{Deserialize, Serialize};

use crate::Random;
use crate::dice::Dice;

/// How far pictures are changed before they are learned from. Without a section nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Moved by up to so many pixels in each direction.
    pub shift: f32,
    /// Turned by up to so many degrees.
    pub turn: f32,
    /// The least and the largest size.
    pub scale: [f32; 2],
    /// Slanted by up to so many pixels a row.
    pub slant: f32,
    /// The share of pictures on paper and in ink of other colours; the rest is white on black.
    pub colours: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self { shift: 0.0, turn: 0.0, scale: [1.0; 2], slant: 0.0, colours: 0.0 }
    }
}

/// What a picture is drawn with: red, green and blue, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colours {
    /// Behind the ink.
    pub paper: [f32; 3],
    /// Where the picture is full.
    pub ink: [f32; 3],
}

impl Colours {
    /// As the files have it.
    pub const PLAIN: Self = Self { paper: [0.0; 3], ink: [1.0; 3] };
}

impl Augment {
    /// A changed picture of `side` by `side` shares of ink, 0 to 1, and its colours.
    pub fn draw(&self, pixels: &[u8], side: usize, random: Random) -> (Vec<f32>, Colours) {
        let mut dice = Dice::new(random);
        let around = |dice: &mut Dice, most: f32| dice.between(-most, most);
        let (sin, cos) = around(&mut dice, self.turn).to_radians().sin_cos();
        let [wide, high] = [0; 2].map(|_| dice.between(self.scale[0], self.scale[1]));
        let slant = around(&mut dice, self.slant);
        let [right, down] = [0; 2].map(|_| around(&mut dice, self.shift));
        let middle = (side as f32 - 1.0) / 2.0;
        let ink = (0..side * side).map(|i| {
            let (x, y) = ((i % side) as f32 - middle - right, (i / side) as f32 - middle - down);
            let (x, y) = ((cos * x + sin * y) / wide, (cos * y - sin * x) / high);
            sample(pixels, side, x + slant * y + middle, y + middle)
        });
        let ink = ink.collect();
        let colours = if dice.chance(self.colours) { colours(&mut dice) } else { Colours::PLAIN };
        (ink, colours)
    }
}

/// The share of ink between pixels; none beyond the picture.
fn sample(pixels: &[u8], side: usize, x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let at = |dx: i64, dy: i64| {
        let (x, y) = (left as i64 + dx, top as i64 + dy);
        let inside = (0..side as i64).contains(&x) && (0..side as i64).contains(&y);
        if inside { f32::from(pixels[y as usize * side + x as usize]) / 255.0 } else { 0.0 }
    };
    (1.0 - fy) * ((1.0 - fx) * at(0, 0) + fx * at(1, 0)) + fy * ((1.0 - fx) * at(0, 1) + fx * at(1, 1))
}

/// One bright and one dark colour, most often near white and black, in either order.
fn colours(dice: &mut Dice) -> Colours {
    let far = |dice: &mut Dice| 0.4 * dice.unit().powi(2);
    let (dark, bright) = (far(dice), 1.0 - far(dice));
    let [dark, bright] = [dark, bright].map(|grey| [0; 3].map(|_| (grey + dice.between(-0.15, 0.15)).clamp(0.0, 1.0)));
    if dice.chance(0.75) { Colours { paper: bright, ink: dark } } else { Colours { paper: dark, ink: bright } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_change_a_picture_stays_as_it_is() {
        let pixels: Vec<u8> = (0..25).map(|i| i * 10).collect();
        let (ink, colours) = Augment::default().draw(&pixels, 5, Random::new(3));
        let wanted: Vec<f32> = pixels.iter().map(|pixel| f32::from(*pixel) / 255.0).collect();
        assert_eq!((ink, colours), (wanted, Colours::PLAIN));
    }

    #[test]
    fn ink_moves_but_is_not_lost() {
        let mut pixels = [0; 81];
        pixels[40] = 255;
        let augment = Augment { shift: 2.0, turn: 30.0, colours: 1.0, ..Augment::default() };
        let drawn: Vec<_> = (0..20).map(|i| augment.draw(&pixels, 9, Random::new(7).of(i))).collect();
        for (ink, colours) in &drawn {
            let sum: f32 = ink.iter().sum();
            assert!((0.6..1.4).contains(&sum), "{sum}");
            assert!((0..3).all(|c| (colours.paper[c] - colours.ink[c]).abs() > 0.15), "{colours:?}");
        }
        assert!(drawn.iter().any(|other| other != &drawn[0]));
        assert_eq!(drawn[4], augment.draw(&pixels, 9, Random::new(7).of(4)));
    }
}
