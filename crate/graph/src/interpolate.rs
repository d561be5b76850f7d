//! Pictures in another size: each axis by a matrix of weights, so that the gradient is that matrix too.

use crate::{Dim, Error, MatMul, Side, Tensor, Var};

/// How values between samples are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// The sample whose cell it lies in.
    Nearest,
    /// Between two samples.
    Bilinear,
    /// Between four samples, by the cubic kernel with a = −0.75 that PyTorch has.
    Bicubic,
    /// The same kernel with a = −0.5, as wide as a sample of the result where that is wider (`antialias`).
    BicubicSmooth,
}

/// Where the first and the last sample lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Corners {
    /// In the middle of their cells.
    Cells,
    /// At the ends of the axis (`align_corners`).
    Aligned,
}

impl Interpolation {
    /// The weights of `from` samples in each of `to`: [to, from], each row adding up to 1. `scale` is the size of a
    /// sample of the result in samples of the input, if it is not `from / to`.
    ///
    /// # Errors
    /// The matrix is too large.
    pub fn matrix(self, corners: Corners, from: usize, to: usize, scale: Option<f64>) -> Result<Tensor, Error> {
        let mut weights = vec![0.0; from * to];
        for (i, row) in weights.chunks_exact_mut(from.max(1)).enumerate() {
            let scale = scale.unwrap_or(from as f64 / to as f64);
            let at = match corners {
                Corners::Cells => (i as f64 + 0.5) * scale - 0.5,
                Corners::Aligned => i as f64 * (from.saturating_sub(1) as f64 / to.saturating_sub(1).max(1) as f64),
            };
            let last = from as i64 - 1;
            let mut add = |place: i64, weight: f64| row[place.clamp(0, last) as usize] += weight as f32;
            match self {
                Self::Nearest => add((i as f64 * scale).floor() as i64, 1.0),
                Self::Bilinear => {
                    let at = at.max(0.0);
                    add(at.floor() as i64, 1.0 - at.fract());
                    add(at.floor() as i64 + 1, at.fract());
                }
                Self::Bicubic => {
                    let first = at.floor();
                    (-1..=2).for_each(|k: i64| add(first as i64 + k, cubic(at - first - k as f64, -0.75)));
                }
                Self::BicubicSmooth => smooth(at, scale.max(1.0), row),
            }
        }
        Tensor::f32([to, from], weights)
    }
}

/// The cubic convolution kernel (Keys 1981).
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

/// The weights of the samples around `at` by a kernel that is `wide` times as wide; what is left out at the ends is
/// shared by the others.
fn smooth(at: f64, wide: f64, row: &mut [f32]) {
    let (center, support) = (at + 0.5, 2.0 * wide);
    let first = ((center - support + 0.5).floor().max(0.0)) as usize;
    let end = ((center + support + 0.5).floor().max(0.0) as usize).min(row.len());
    let weight = |i: usize| cubic((i as f64 + 0.5 - center) / wide, -0.5);
    let total: f64 = (first..end).map(weight).sum();
    (first..end).for_each(|i| row[i] = (weight(i) / total) as f32);
}

impl<'g> Var<'g> {
    /// Pictures `[B, H, W, C]` in another size: `[B, h, w, C]`.
    #[track_caller]
    pub fn interpolate(self, [h, w]: [usize; 2], how: Interpolation, corners: Corners) -> Var<'g> {
        self.interpolate_by([h, w], how, corners, [None; 2])
    }

    /// [`Var::interpolate`] with the scale of each axis said apart from the sizes.
    #[track_caller]
    pub fn interpolate_by(
        self,
        [h, w]: [usize; 2],
        how: Interpolation,
        corners: Corners,
        scales: [Option<f64>; 2],
    ) -> Var<'g> {
        self.stretch(1, h, how, corners, scales[0]).stretch(2, w, how, corners, scales[1])
    }

    /// One axis of [B, H, W, C].
    #[track_caller]
    fn stretch(self, axis: usize, to: usize, how: Interpolation, corners: Corners, scale: Option<f64>) -> Var<'g> {
        let Some(from) = self.dim(axis).known().filter(|from| *from != to || scale.is_some()) else { return self };
        let weights = match how.matrix(corners, from, to, scale) {
            Ok(tensor) => self.builder.constant(tensor),
            Err(error) => {
                self.builder.fail(error);
                return self;
            }
        };
        // The axis comes last, where a product reaches it.
        let axes = if axis == 1 { [0, 2, 3, 1] } else { [0, 1, 3, 2] };
        let back = if axis == 1 { [0, 3, 1, 2] } else { [0, 1, 3, 2] };
        let turned = self.permute(axes);
        let outer = [0, 1, 2].map(|axis| turned.dim(axis));
        let flat = turned.reshape([outer.iter().cloned().fold(Dim::from(1), |a, b| a * b), from.into()]);
        let product = flat.matmul_as(MatMul { a: Side::Plain, b: Side::Transposed }, weights);
        product.reshape([&outer[..], &[to.into()]].concat()).permute(back)
    }
}
