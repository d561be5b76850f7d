//! Where the elements of a sliding window lie.

use graph::Window;

/// A window on pictures of certain sizes: [B, H, W, C] and its places [B, H', W'].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sliding {
    /// How it slides.
    pub window: Window,
    /// H and W.
    pub size: [usize; 2],
    /// H' and W'.
    pub places: [usize; 2],
    /// Channels, C.
    pub channels: usize,
}

impl Sliding {
    /// Picture, row and column of a place by its number.
    pub fn place(&self, number: usize) -> (usize, [usize; 2]) {
        let [rows, columns] = self.places;
        (number / columns / rows, [number / columns % rows, number % columns])
    }

    /// The row or column (`axis`) of the picture that element `tap` of the window at `place` sees.
    pub fn seen(&self, axis: usize, place: usize, tap: usize) -> Option<usize> {
        let at = (place * self.window.stride[axis] + tap * self.window.dilation[axis])
            .checked_sub(self.window.padding[axis])?;
        (at < self.size[axis]).then_some(at)
    }

    /// The place from which element `tap` sees the row or column `at`.
    pub fn seer(&self, axis: usize, at: usize, tap: usize) -> Option<usize> {
        let from = (at + self.window.padding[axis]).checked_sub(tap * self.window.dilation[axis])?;
        let place = from / self.window.stride[axis];
        (from.is_multiple_of(self.window.stride[axis]) && place < self.places[axis]).then_some(place)
    }
}
