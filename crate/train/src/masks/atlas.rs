//! The things that scenes are made of: square cells of one picture with alpha.

use std::path::Path;

use pictures::Picture;

use super::recipe::AtlasSpec;
use crate::{Error, Random, digest};

/// Cells of red, green, blue and alpha, the colours multiplied by alpha.
#[derive(Clone, Debug, PartialEq)]
pub struct Atlas {
    /// Pixels of a cell's side.
    pub side: usize,
    /// Each cell: [side, side, 4], 0 to 1.
    pub cells: Vec<Vec<f32>>,
    /// The digest of the file.
    pub digest: String,
}

/// Which cells are learned from, and which are only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Learned from.
    Learned,
    /// Held out.
    HeldOut,
}

impl Atlas {
    /// Reads a recipe's picture under `root`.
    ///
    /// # Errors
    /// It is not there, no picture, has no alpha, or fewer cells than the recipe says.
    pub fn open(spec: &AtlasSpec, root: &Path) -> Result<Self, Error> {
        let path = root.join(&spec.file);
        let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
        let name = path.display().to_string();
        let picture = pictures::decode(&name, &bytes).map_err(|error| Error::data(&name, 0, error))?;
        let atlas = Self::cut(&picture, spec.side, spec.count).map_err(|reason| Error::data(&name, 0, reason))?;
        Ok(Self { digest: digest::of_bytes(&bytes), ..atlas })
    }

    /// The first `count` cells, row by row.
    ///
    /// # Errors
    /// The picture has no alpha or fewer cells; the reason.
    pub fn cut(picture: &Picture, side: usize, count: usize) -> Result<Self, String> {
        let Some(alpha) = picture.alpha() else { return Err("has no alpha channel".into()) };
        let (columns, rows) = (picture.width() / side.max(1), picture.height() / side.max(1));
        if side == 0 || columns * rows < count {
            return Err(format!("has {columns}×{rows} cells of {side} pixels, the recipe says {count}"));
        }
        let cell = |i: usize| {
            let (left, top) = (i % columns * side, i / columns * side);
            let pixel = |k: usize| {
                let at = (top + k / side) * picture.width() + left + k % side;
                let a = f32::from(alpha[at]) / 255.0;
                let colour = |c: usize| f32::from(picture.rgb()[3 * at + c]) / 255.0 * a;
                [colour(0), colour(1), colour(2), a]
            };
            (0..side * side).flat_map(pixel).collect()
        };
        Ok(Self { side, cells: (0..count).map(cell).collect(), digest: String::new() })
    }

    /// The cells of a pool: each cell is held out by its own number, whatever else there is.
    pub fn pool(&self, seed: u64, share: f64, pool: Pool) -> Vec<usize> {
        let random = Random::new(seed).named("held out");
        let held = |i: &usize| (random.unit(*i as u64) < share) == (pool == Pool::HeldOut);
        (0..self.cells.len()).filter(held).collect()
    }

    /// A cell's colour and alpha between its pixels; nothing beyond it. `u` and `v` are in pixels, middles at halves.
    pub(super) fn sample(&self, cell: usize, u: f32, v: f32) -> [f32; 4] {
        let (x, y) = ((u - 0.5).floor(), (v - 0.5).floor());
        let (fx, fy) = (u - 0.5 - x, v - 0.5 - y);
        let mut sum = [0.0; 4];
        for (dx, dy, weight) in
            [(0, 0, (1.0 - fx) * (1.0 - fy)), (1, 0, fx * (1.0 - fy)), (0, 1, (1.0 - fx) * fy), (1, 1, fx * fy)]
        {
            let (x, y) = (x as i64 + dx, y as i64 + dy);
            if (0..self.side as i64).contains(&x) && (0..self.side as i64).contains(&y) {
                let at = 4 * (y as usize * self.side + x as usize);
                (0..4).for_each(|c| sum[c] += weight * self.cells[cell][at + c]);
            }
        }
        sum
    }
}
