//! The two matrices that are learned, cut into stripes of rows that threads change apart.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::window::LANES;

/// Stripes of a matrix; row r is in stripe r mod 16, so that frequent words are spread over all.
pub(super) const STRIPES: usize = 16;

/// A matrix of words, [words, width], in stripes.
pub(super) struct Parameters {
    stripes: Vec<RwLock<Vec<f32>>>,
    width: usize,
}

/// All stripes, to be read.
pub(super) struct Rows<'a> {
    stripes: Vec<RwLockReadGuard<'a, Vec<f32>>>,
    width: usize,
}

impl Parameters {
    /// Rows of `dim` values, padded with zeros; `value` gives that of a row's column.
    pub(super) fn new(words: usize, dim: usize, value: impl Fn(usize, usize) -> f32) -> Parameters {
        let width = dim.next_multiple_of(LANES);
        let cell = |row: usize, column: usize| if column < dim { value(row, column) } else { 0.0 };
        let stripe = |first: usize| {
            let rows = (first..words).step_by(STRIPES);
            RwLock::new(
                rows.flat_map(|row| (0..width).map(move |column| (row, column))).map(|(r, c)| cell(r, c)).collect(),
            )
        };
        Parameters { stripes: (0..STRIPES).map(stripe).collect(), width }
    }

    /// Values of a padded row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// All rows, to be read while nobody writes.
    pub(super) fn read(&self) -> Rows<'_> {
        let read = |stripe| RwLock::read(stripe).unwrap_or_else(PoisonError::into_inner);
        Rows { stripes: self.stripes.iter().map(read).collect(), width: self.width }
    }

    /// One stripe, to be changed.
    pub(super) fn write(&self, stripe: usize) -> RwLockWriteGuard<'_, Vec<f32>> {
        self.stripes[stripe].write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows<'_> {
    /// A padded row.
    pub(super) fn row(&self, row: u32) -> &[f32] {
        let (stripe, at) = place(row);
        &self.stripes[stripe][at * self.width..][..self.width]
    }
}

/// The stripe of a row, and its place there.
pub(super) fn place(row: u32) -> (usize, usize) {
    (row as usize % STRIPES, row as usize / STRIPES)
}
