//! From a mask decoder's small logits to a mask of the whole picture, row by row.
//!
//! Source: <https://github.com/pytorch/pytorch>, `aten/src/ATen/native/UpSample.h`, bilinear without aligned corners.

use super::Mask;
use crate::Error;
use crate::picture::pixels;

/// How the logits of a mask lie over a picture. Each pair is height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the model read, and how much of it, from the upper left on, was the picture; nothing where the picture
    /// filled it.
    pub padded: Option<((usize, usize), (usize, usize))>,
    /// The picture.
    pub original: (usize, usize),
}

/// A mask of the whole picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Upscaled {
    /// Where the logits are above the threshold.
    pub mask: Mask,
    /// How little the mask changes with the threshold: the pixels above `threshold + offset` over those above
    /// `threshold − offset`. NaN where both are none.
    pub stability: f32,
}

impl Frame {
    /// Brings logits [h, w] to the picture's size, and cuts them at `threshold`.
    ///
    /// # Errors
    /// [`Error::Size`] if the sizes do not fit each other.
    pub fn upscale(
        &self,
        logits: &[f32],
        (height, width): (usize, usize),
        threshold: f32,
        offset: f32,
    ) -> Result<Upscaled, Error> {
        if logits.len() != height * width || logits.is_empty() {
            return Err(Error::Size(format!("{} logits are no {width}×{height} mask", logits.len())));
        }
        let mut inside = Vec::with_capacity(pixels(self.original.1, self.original.0)?);
        let (mut surely, mut maybe) = (0u64, 0u64);
        self.rows(logits, (height, width), |row| {
            inside.extend(row.iter().map(|logit| *logit > threshold));
            surely += row.iter().filter(|logit| **logit > threshold + offset).count() as u64;
            maybe += row.iter().filter(|logit| **logit > threshold - offset).count() as u64;
        })?;
        let mask = Mask::new(self.original.1, self.original.0, inside)?;
        Ok(Upscaled { mask, stability: surely as f32 / maybe as f32 })
    }

    /// The logits at the picture's size, a row at a time.
    ///
    /// # Errors
    /// [`Error::Size`] if the picture's part is larger than what the model read, or there are too many pixels.
    pub fn rows(&self, logits: &[f32], small: (usize, usize), mut row: impl FnMut(&[f32])) -> Result<(), Error> {
        let Some((padded, part)) = self.padded else {
            interpolate(logits, small, self.original, self.original, row);
            return Ok(());
        };
        if part.0 > padded.0 || part.1 > padded.1 || part.0 == 0 || part.1 == 0 {
            return Err(Error::Size(format!("a part of {part:?} (height, width) does not lie in {padded:?}")));
        }
        if part == self.original {
            interpolate(logits, small, padded, part, row);
            return Ok(());
        }
        let mut middle = Vec::with_capacity(pixels(part.1, part.0)?);
        interpolate(logits, small, padded, part, |row| middle.extend_from_slice(row));
        interpolate(&middle, part, self.original, self.original, &mut row);
        Ok(())
    }
}

/// Two values and how much of the second one takes.
struct Taps {
    first: usize,
    second: usize,
    part: f32,
}

/// Where the first `count` of `new` places lie among `old` ones.
fn taps(old: usize, new: usize, count: usize) -> Vec<Taps> {
    let scale = old as f32 / new as f32;
    let tap = |place: usize| {
        if old == new {
            return Taps { first: place, second: place, part: 0.0 };
        }
        let at = (scale * (place as f32 + 0.5) - 0.5).max(0.0);
        let first = (at as usize).min(old - 1);
        Taps { first, second: (first + 1).min(old - 1), part: (at - first as f32).clamp(0.0, 1.0) }
    };
    (0..count).map(tap).collect()
}

/// The upper left `part` of `values` [h, w] brought to `new`, a row at a time.
fn interpolate(
    values: &[f32],
    (height, width): (usize, usize),
    new: (usize, usize),
    part: (usize, usize),
    mut emit: impl FnMut(&[f32]),
) {
    let columns = taps(width, new.1, part.1);
    let across = |y: usize| -> Vec<f32> {
        let row = &values[y * width..(y + 1) * width];
        columns.iter().map(|tap| row[tap.first] * (1.0 - tap.part) + row[tap.second] * tap.part).collect()
    };
    // The rows that the last new row was made of; the next one is made of the same or of the following.
    let mut known: Vec<(usize, Vec<f32>)> = Vec::new();
    let mut out = vec![0.0; part.1];
    for tap in taps(height, new.0, part.0) {
        known.retain(|(y, _)| *y >= tap.first);
        for y in [tap.first, tap.second] {
            if !known.iter().any(|(known, _)| *known == y) {
                known.push((y, across(y)));
            }
        }
        let row = |wanted: usize| known.iter().find(|(y, _)| *y == wanted).map_or(&[][..], |(_, row)| row);
        for ((value, a), b) in out.iter_mut().zip(row(tap.first)).zip(row(tap.second)) {
            *value = a * (1.0 - tap.part) + b * tap.part;
        }
        emit(&out);
    }
}
