//! Convolution of each channel by itself.

use graph::Act;

use super::window::Sliding;
use crate::matrix::act;
use crate::parts::{rows, widest};
use crate::pool::Pool;

/// `x` [B, H, W, C], `weight` [kh·kw, C], `bias` [C] → [B, H', W', C].
pub(crate) fn depthwise(
    pool: &Pool,
    sliding: &Sliding,
    (x, weight, bias): (&[f32], &[f32], Option<&[f32]>),
    activation: Option<Act>,
    out: &mut [f32],
) {
    let c = sliding.channels;
    let ([height, width], [tall, wide]) = (sliding.size, sliding.window.kernel);
    rows(pool, out, c, |first, out| {
        for (i, out) in out.chunks_exact_mut(c.max(1)).enumerate() {
            let (picture, [row, column]) = sliding.place(first + i);
            match bias {
                Some(bias) => out.copy_from_slice(bias),
                None => out.fill(0.0),
            }
            for a in 0..tall {
                let Some(y) = sliding.seen(0, row, a) else { continue };
                for b in 0..wide {
                    let Some(x_at) = sliding.seen(1, column, b) else { continue };
                    let pixel = (picture * height + y) * width + x_at;
                    add_product(&x[pixel * c..][..c], &weight[(a * wide + b) * c..][..c], out);
                }
            }
        }
        finish(out, activation);
    });
}

widest! {
    fn add_product(x: &[f32], weight: &[f32], out: &mut [f32]) {
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out += x * weight;
        }
    }
}

widest! {
    fn finish(out: &mut [f32], activation: Option<Act>) {
        act::finish(out, None, activation);
    }
}

#[cfg(test)]
mod tests {
    use graph::Window;

    use super::*;

    #[test]
    fn channels_do_not_mix() {
        let sliding = Sliding { window: Window::square(2, 1, 0), size: [2, 2], places: [1, 1], channels: 2 };
        let (x, weight) = ([1., 10., 2., 20., 3., 30., 4., 40.], [1., 1., 1., 0., 1., 0., 1., 1.]);
        let mut out = [0.0; 2];
        depthwise(&Pool::new(1), &sliding, (&x, &weight, Some(&[0.5, -60.0])), Some(Act::Relu), &mut out);
        assert_eq!(out, [10.5, 0.0]);
    }
}
