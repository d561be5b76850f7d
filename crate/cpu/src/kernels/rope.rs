//! Rotary position embedding (Su et al. 2021, arXiv:2104.09864).

use graph::{Rope, RopeLayout};

use crate::parts::{rows, widest};
use crate::pool::Pool;

/// Cosines and sines of every token, [tokens, R/2] each, kept while nodes ask for the same ones.
#[derive(Default)]
pub(crate) struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

impl Angles {
    /// Of `positions` times `inv_freq`, each cosine and sine times `scale`. The angle is taken in double precision:
    /// far positions would lose its fraction otherwise.
    pub fn fill(&mut self, positions: &[i32], inv_freq: &[f32], scale: f32) {
        self.half = inv_freq.len();
        self.cos.clear();
        self.sin.clear();
        for position in positions {
            for frequency in inv_freq {
                let (sin, cos) = (f64::from(*position) * f64::from(*frequency)).sin_cos();
                self.cos.push(cos as f32 * scale);
                self.sin.push(sin as f32 * scale);
            }
        }
    }
}

/// `x` [tokens, H, D].
pub(crate) fn rope(
    pool: &Pool,
    spec: &Rope,
    (n_head, head_dim): (usize, usize),
    angles: &Angles,
    x: &[f32],
    out: &mut [f32],
) {
    let width = n_head * head_dim;
    let half = angles.half;
    rows(pool, out, width, |first, out| {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let token = first + i;
            let (cos, sin) = (&angles.cos[token * half..][..half], &angles.sin[token * half..][..half]);
            one(spec.layout, head_dim, cos, sin, &x[token * width..][..width], out);
        }
    });
}

widest! {
    /// All heads of one token.
    fn one(layout: RopeLayout, head_dim: usize, cos: &[f32], sin: &[f32], x: &[f32], out: &mut [f32]) {
        let half = cos.len();
        for (x, out) in x.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)) {
            let ((x, rest), (out, out_rest)) = (x.split_at(2 * half), out.split_at_mut(2 * half));
            out_rest.copy_from_slice(rest);
            match layout {
                RopeLayout::Half => {
                    let ((a, b), (c, d)) = (x.split_at(half), out.split_at_mut(half));
                    for i in 0..half {
                        c[i] = a[i] * cos[i] - b[i] * sin[i];
                        d[i] = b[i] * cos[i] + a[i] * sin[i];
                    }
                }
                RopeLayout::Interleaved => {
                    for (i, (x, out)) in x.as_chunks::<2>().0.iter().zip(out.as_chunks_mut::<2>().0).enumerate() {
                        *out = [x[0] * cos[i] - x[1] * sin[i], x[1] * cos[i] + x[0] * sin[i]];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn() {
        let mut angles = Angles::default();
        angles.fill(&[1], &[std::f32::consts::FRAC_PI_2], 1.0);
        for (layout, expected) in [(RopeLayout::Half, [-2.0, 1.0, 3.0]), (RopeLayout::Interleaved, [-2.0, 1.0, 3.0])] {
            let mut out = [0.0; 3];
            rope(&Pool::new(1), &Rope { layout, scale: 1.0 }, (1, 3), &angles, &[1.0, 2.0, 3.0], &mut out);
            assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{layout:?} {out:?}");
        }
    }

    #[test]
    fn the_layouts_pair_differently() {
        let mut angles = Angles::default();
        angles.fill(&[1], &[std::f32::consts::FRAC_PI_2, 0.0], 1.0);
        let x = [1.0, 2.0, 3.0, 4.0];
        let turn = |layout| {
            let mut out = [0.0; 4];
            rope(&Pool::new(1), &Rope { layout, scale: 1.0 }, (1, 4), &angles, &x, &mut out);
            out.map(f32::round)
        };
        assert_eq!(turn(RopeLayout::Half), [-3.0, 2.0, 1.0, 4.0]);
        assert_eq!(turn(RopeLayout::Interleaved), [-2.0, 1.0, 3.0, 4.0]);
    }
}
