//! Masks: which pixels belong to an object.

mod contour;
mod cutout;
mod json;
mod regions;
mod rle;
mod svg;
mod upscale;

pub use contour::{Polygon, simplified};
pub use json::{RleForm, polygons, segmentation};
pub use regions::Small;
pub use rle::Rle;
pub use upscale::{Frame, Upscaled};

pub use cutout::{Cutout, overlay};
#[cfg(not(target_arch = "wasm32"))]
pub use cutout::{mask_png, overlay_png};
pub use svg::svg;

use crate::{Error, picture::pixels};

/// A truth value for each pixel, row by row: [H, W].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: usize,
    height: usize,
    inside: Vec<bool>,
}

/// The smallest rectangle around something, in pixels; the right and lower ends are outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// After the last column.
    pub right: usize,
    /// After the last row.
    pub bottom: usize,
}

impl Bounds {
    /// Columns.
    pub fn width(&self) -> usize {
        self.right - self.left
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.bottom - self.top
    }

    /// Left, top, width and height, as COCO writes boxes.
    pub fn xywh(&self) -> [usize; 4] {
        [self.left, self.top, self.width(), self.height()]
    }
}

impl Mask {
    /// From a truth value for each pixel.
    ///
    /// # Errors
    /// [`Error::Size`] if a side is nothing, there are too many pixels, or there are not as many values.
    pub fn new(width: usize, height: usize, inside: Vec<bool>) -> Result<Self, Error> {
        if inside.len() != pixels(width, height)? {
            return Err(Error::Size(format!("{} values are no {width}×{height} mask", inside.len())));
        }
        Ok(Self { width, height, inside })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Which pixels belong to it: [H, W].
    pub fn inside(&self) -> &[bool] {
        &self.inside
    }

    /// The number of pixels that belong to it.
    pub fn area(&self) -> usize {
        self.inside.iter().filter(|inside| **inside).count()
    }

    /// The smallest rectangle around it, if it is not empty.
    pub fn bounds(&self) -> Option<Bounds> {
        let rows = || self.inside.chunks_exact(self.width);
        let top = rows().position(|row| row.contains(&true))?;
        let bottom = self.height - rows().rev().position(|row| row.contains(&true))?;
        let ends = |row: &[bool]| Some((row.iter().position(|i| *i)?, row.iter().rposition(|i| *i)? + 1));
        let (left, right) = rows().filter_map(ends).fold((self.width, 0), |(l, r), (a, b)| (l.min(a), r.max(b)));
        Some(Bounds { left, top, right, bottom })
    }

    /// The same mask in a larger picture, of which this one begins at `left`, `top`.
    ///
    /// # Errors
    /// [`Error::Size`] if it does not lie in that picture.
    pub fn placed(&self, left: usize, top: usize, width: usize, height: usize) -> Result<Self, Error> {
        let pixels = pixels(width, height)?;
        if left + self.width > width || top + self.height > height {
            return Err(Error::Size(format!(
                "a {}×{} mask at {left}, {top} does not lie in {width}×{height} pixels",
                self.width, self.height
            )));
        }
        let mut inside = vec![false; pixels];
        for (row, from) in inside.chunks_exact_mut(width).skip(top).zip(self.inside.chunks_exact(self.width)) {
            row[left..left + self.width].copy_from_slice(from);
        }
        Ok(Self { width, height, inside })
    }

    /// How much two masks are the same: the pixels of both over the pixels of any.
    pub fn iou(&self, other: &Self) -> f64 {
        let pairs = || self.inside.iter().zip(&other.inside);
        let both = pairs().filter(|(a, b)| **a && **b).count();
        let any = pairs().filter(|(a, b)| **a || **b).count();
        if any == 0 { 0.0 } else { both as f64 / any as f64 }
    }
}
