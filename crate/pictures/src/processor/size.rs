//! The size to which a picture is brought.

use crate::Error;
use crate::picture::MAX_SIDE;

/// The longest side of a resized picture. What is cut out of it may be small, so it is no bound on memory.
const LONGEST: usize = MAX_SIDE * 256;

/// How a picture's size becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Exactly this height and width.
    Exact(usize, usize),
    /// The shorter side becomes this, and the longer keeps its proportion.
    Shortest(usize),
    /// The same, but the longer becomes no longer than the second number.
    Between(usize, usize),
    /// The longer side becomes this.
    Longest(usize),
    /// The largest that fits into this height and width.
    Within(usize, usize),
}

impl Size {
    /// The new height and width for a height and width.
    ///
    /// # Errors
    /// [`Error::Size`] if a side becomes nothing or is far too long.
    pub(super) fn of(self, (height, width): (usize, usize)) -> Result<(usize, usize), Error> {
        let (short, long) = (height.min(width), height.max(width));
        let ordered = |short, long| if width <= height { (long, short) } else { (short, long) };
        let (h, w) = match self {
            Self::Exact(h, w) => (h, w),
            Self::Shortest(edge) => ordered(edge, (edge * long) / short),
            Self::Between(edge, most) => between(edge, most, (height, width)),
            Self::Longest(edge) => {
                let scale = edge as f64 / long as f64;
                let side = |side: usize| (side as f64 * scale + 0.5) as usize;
                (side(height), side(width))
            }
            Self::Within(most_h, most_w) => {
                let scale = (most_h as f64 / height as f64).min(most_w as f64 / width as f64);
                ((height as f64 * scale) as usize, (width as f64 * scale) as usize)
            }
        };
        if h == 0 || w == 0 || h.max(w) > LONGEST {
            return Err(Error::Size(format!("{width}×{height} pixels would become {w}×{h} for the model")));
        }
        Ok((h, w))
    }
}

/// As the library's `get_size_with_aspect_ratio`.
fn between(edge: usize, most: usize, (height, width): (usize, usize)) -> (usize, usize) {
    let (short, long) = (height.min(width) as f64, height.max(width) as f64);
    let too_long = long / short * edge as f64 > most as f64;
    let raw = if too_long { most as f64 * short / long } else { edge as f64 };
    let new = if too_long { raw.round_ties_even() as usize } else { edge };
    if short as usize == new {
        return (height, width);
    }
    let other = (raw * long / short) as usize;
    if width < height { (other, new) } else { (new, other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_librarys() {
        assert_eq!(Size::Shortest(224).of((333, 500)).unwrap(), (224, 336));
        assert_eq!(Size::Longest(1024).of((1200, 1800)).unwrap(), (683, 1024));
        assert_eq!(Size::Between(800, 1333).of((480, 640)).unwrap(), (800, 1066));
        assert_eq!(Size::Between(800, 1333).of((300, 1200)).unwrap(), (333, 1333));
        assert_eq!(Size::Within(100, 200).of((50, 20)).unwrap(), (100, 40));
        assert!(Size::Longest(8).of((1, 60_000)).is_err());
        assert!(Size::Shortest(4096).of((1, 60_000)).is_err());
    }
}
