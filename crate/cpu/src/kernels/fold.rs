//! The sum of what windows hold.

use super::window::Sliding;
use crate::parts::{rows, widest};
use crate::pool::Pool;

/// `x` [B, H', W', kh·kw·C] → [B, H, W, C].
pub(crate) fn fold(pool: &Pool, sliding: &Sliding, x: &[f32], out: &mut [f32]) {
    let c = sliding.channels;
    let ([height, width], [down, across]) = (sliding.size, sliding.places);
    let [tall, wide] = sliding.window.kernel;
    rows(pool, out, c, |first, out| {
        for (i, out) in out.chunks_exact_mut(c.max(1)).enumerate() {
            let pixel = first + i;
            let (picture, row, column) = (pixel / width / height, pixel / width % height, pixel % width);
            out.fill(0.0);
            for a in 0..tall {
                let Some(y) = sliding.seer(0, row, a) else { continue };
                for b in 0..wide {
                    let Some(x_at) = sliding.seer(1, column, b) else { continue };
                    let place = (picture * down + y) * across + x_at;
                    add(&x[(place * tall * wide + a * wide + b) * c..][..c], out);
                }
            }
        }
    });
}

widest! {
    fn add(x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out += x;
        }
    }
}

#[cfg(test)]
mod tests {
    use graph::Window;

    use super::*;

    #[test]
    fn overlapping_windows_add_up() {
        let sliding = Sliding { window: Window::square(2, 1, 0), size: [2, 3], places: [1, 2], channels: 1 };
        let mut out = [9.0; 6];
        fold(&Pool::new(1), &sliding, &[1., 2., 3., 4., 10., 20., 30., 40.], &mut out);
        assert_eq!(out, [1., 12., 20., 3., 34., 40.]);
    }
}
