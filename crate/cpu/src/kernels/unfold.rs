//! What a window sees at each place.

use super::window::Sliding;
use crate::parts::rows;
use crate::pool::Pool;

/// `x` [B, H, W, C] → [B, H', W', kh·kw·C].
pub(crate) fn unfold(pool: &Pool, sliding: &Sliding, x: &[f32], out: &mut [f32]) {
    let width = sliding.window.taps() * sliding.channels;
    rows(pool, out, width, |first, out| write(sliding, x, first, out));
}

/// The places from `first` on.
pub(crate) fn write(sliding: &Sliding, x: &[f32], first: usize, out: &mut [f32]) {
    let (window, c) = (sliding.window, sliding.channels);
    let width = window.taps() * c;
    for (i, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
        let (picture, [row, column]) = sliding.place(first + i);
        for (tap, out) in out.chunks_exact_mut(window.kernel[1] * c).enumerate() {
            let Some(y) = sliding.seen(0, row, tap) else {
                out.fill(0.0);
                continue;
            };
            let line = &x[(picture * sliding.size[0] + y) * sliding.size[1] * c..][..sliding.size[1] * c];
            write_row(sliding, line, column, out);
        }
    }
}

/// One row of the window at a column's place.
fn write_row(sliding: &Sliding, line: &[f32], column: usize, out: &mut [f32]) {
    let c = sliding.channels;
    let last = sliding.window.kernel[1] - 1;
    if let (1, Some(from), Some(_)) =
        (sliding.window.dilation[1], sliding.seen(1, column, 0), sliding.seen(1, column, last))
    {
        // The whole row lies inside.
        return out.copy_from_slice(&line[from * c..][..out.len()]);
    }
    for (tap, out) in out.chunks_exact_mut(c).enumerate() {
        match sliding.seen(1, column, tap) {
            Some(x) => out.copy_from_slice(&line[x * c..][..c]),
            None => out.fill(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use graph::Window;

    use super::*;

    #[test]
    fn zeros_stand_beyond_the_picture() {
        let sliding = Sliding { window: Window::square(2, 2, 1), size: [2, 2], places: [2, 2], channels: 1 };
        let mut out = [9.0; 16];
        unfold(&Pool::new(1), &sliding, &[1.0, 2.0, 3.0, 4.0], &mut out);
        assert_eq!(out, [0., 0., 0., 1., 0., 0., 2., 0., 0., 3., 0., 0., 4., 0., 0., 0.]);
    }
}
