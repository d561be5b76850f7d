//! Run lengths as COCO writes masks.
//!
//! Source: <https://github.com/cocodataset/cocoapi>, `common/maskApi.c` (`rleEncode`, `rleToString`, `rleFrString`).

use super::{Bounds, Mask};
use crate::{Error, picture::pixels};

/// A mask column by column: so many pixels outside, so many inside, and so on, beginning with those outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rle {
    /// Rows of the mask.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    counts: Vec<u32>,
}

/// Columns that are turned at a time.
const COLUMNS: usize = 32;

/// Pixels that are compared at a time.
const PIECE: usize = 32;

/// How many of the first pixels are `inside`.
fn leading(pixels: &[bool], inside: bool) -> usize {
    let whole = pixels.chunks_exact(PIECE).take_while(|piece| **piece == [inside; PIECE]).count() * PIECE;
    whole + pixels[whole..].iter().take_while(|pixel| **pixel == inside).count()
}

impl Rle {
    /// From its run lengths.
    ///
    /// # Errors
    /// [`Error::Mask`] if they are not as many pixels as `height` × `width`.
    pub fn new(height: usize, width: usize, counts: Vec<u32>) -> Result<Self, Error> {
        let pixels = pixels(width, height)? as u64;
        let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        if sum != pixels {
            return Err(Error::Mask(format!("the runs are {sum} pixels long, {width}×{height} are {pixels}")));
        }
        Ok(Self { height, width, counts })
    }

    /// Of a mask.
    pub fn encode(mask: &Mask) -> Self {
        let (height, width) = (mask.height(), mask.width());
        let (mut counts, mut inside, mut run) = (Vec::new(), false, 0);
        // Some columns are turned at a time, so that the mask is read row by row and a column is one piece of memory.
        let mut columns = vec![false; COLUMNS.min(width) * height];
        for left in (0..width).step_by(COLUMNS) {
            let n = COLUMNS.min(width - left);
            for (y, row) in mask.inside().chunks_exact(width).enumerate() {
                for (x, pixel) in row[left..left + n].iter().enumerate() {
                    columns[x * height + y] = *pixel;
                }
            }
            let mut rest = &columns[..n * height];
            while !rest.is_empty() {
                let same = leading(rest, inside);
                run += same as u32;
                rest = &rest[same..];
                if !rest.is_empty() {
                    counts.push(run);
                    (inside, run) = (!inside, 0);
                }
            }
        }
        counts.push(run);
        Self { height, width, counts }
    }

    /// The mask.
    pub fn decode(&self) -> Mask {
        let mut inside = vec![false; self.height * self.width];
        self.each_run(|start, end| {
            for place in start..end {
                inside[place % self.height * self.width + place / self.height] = true;
            }
        });
        Mask { width: self.width, height: self.height, inside }
    }

    /// The lengths of the runs: outside, inside, outside …
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The number of pixels inside.
    pub fn area(&self) -> usize {
        self.counts.iter().skip(1).step_by(2).map(|count| *count as usize).sum()
    }

    /// The smallest rectangle around it, if it is not empty.
    pub fn bounds(&self) -> Option<Bounds> {
        let mut bounds: Option<Bounds> = None;
        self.each_run(|start, end| {
            let (left, right) = (start / self.height, (end - 1) / self.height + 1);
            // A run into the next column touches the first row and the last.
            let (top, bottom) =
                if right - left > 1 { (0, self.height) } else { (start % self.height, (end - 1) % self.height + 1) };
            let old = bounds.unwrap_or(Bounds { left, top, right, bottom });
            bounds = Some(Bounds {
                left: old.left.min(left),
                top: old.top.min(top),
                right: old.right.max(right),
                bottom: old.bottom.max(bottom),
            });
        });
        bounds
    }

    /// Calls with the beginning and the end of each run inside that is not empty, counted column by column.
    fn each_run(&self, mut call: impl FnMut(usize, usize)) {
        let mut at = 0;
        for (i, count) in self.counts.iter().enumerate() {
            let end = at + *count as usize;
            if i % 2 == 1 && end > at {
                call(at, end);
            }
            at = end;
        }
    }

    /// COCO's text: from the fourth on, a run's difference to the one two before, in digits of five bits with a sign.
    ///
    /// ```
    /// # use dynasty_pictures::{Mask, Rle};
    /// let mask = Mask::new(3, 2, vec![true, false, false, true, true, false])?;
    /// assert_eq!(Rle::encode(&mask).counts(), [0, 2, 1, 1, 2]);
    /// assert_eq!(Rle::encode(&mask).text(), "021O1");
    /// # Ok::<(), dynasty_pictures::Error>(())
    /// ```
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (i, count) in self.counts.iter().enumerate() {
            let before = if i > 2 { i64::from(self.counts[i - 2]) } else { 0 };
            let mut left = i64::from(*count) - before;
            loop {
                let digit = (left & 0x1f) as u8;
                left >>= 5;
                let more = if digit & 0x10 != 0 { left != -1 } else { left != 0 };
                text.push(char::from(48 + digit + if more { 0x20 } else { 0 }));
                if !more {
                    break;
                }
            }
        }
        text
    }

    /// Reads COCO's text.
    ///
    /// # Errors
    /// [`Error::Mask`] if it ends in the middle of a number, has other characters, or its runs are not as many pixels.
    pub fn from_text(height: usize, width: usize, text: &str) -> Result<Self, Error> {
        let broken = |at: usize, what: &str| Error::Mask(format!("at character {at} of the run lengths: {what}"));
        let mut counts: Vec<u32> = Vec::new();
        let (mut value, mut shift) = (0i64, 0);
        for (at, byte) in text.bytes().enumerate() {
            let digit = i64::from(byte.wrapping_sub(48));
            if digit > 0x3f {
                return Err(broken(at, "no digit"));
            }
            if shift > 35 {
                return Err(broken(at, "a number is too long"));
            }
            value |= (digit & 0x1f) << shift;
            shift += 5;
            if digit & 0x20 != 0 {
                continue;
            }
            if digit & 0x10 != 0 {
                value |= -1 << shift;
            }
            let before = if counts.len() > 2 { i64::from(counts[counts.len() - 2]) } else { 0 };
            let count = u32::try_from(value + before).map_err(|_| broken(at, "a run is shorter than nothing"))?;
            counts.push(count);
            (value, shift) = (0, 0);
        }
        if shift > 0 {
            return Err(broken(text.len(), "the last number is cut off"));
        }
        Self::new(height, width, counts)
    }
}
