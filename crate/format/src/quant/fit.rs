//! The search for scales: a grid of candidates, each refined by weighted least squares, the best kept.

/// Rounds to the nearest integer, ties to even, for magnitudes below 2^22. Unlike `f32::round` it is two additions on
/// every target.
#[inline]
pub(super) fn nearest(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    (x + MAGIC) - MAGIC
}

/// Sums of eight interleaved lanes, which is an order that vector units can keep. (Loops over copies, here and below:
/// `array::map` of 32 values is not vectorised, which made all of this two to three times slower.)
#[inline]
fn sum<const N: usize>(terms: &[f32; N]) -> f32 {
    let mut lanes = [0.0; 8];
    for terms in terms.as_chunks::<8>().0 {
        for (lane, term) in lanes.iter_mut().zip(terms) {
            *lane += term;
        }
    }
    lanes.iter().sum()
}

#[inline]
fn product<const N: usize>(a: &[f32; N], b: &[f32; N]) -> [f32; N] {
    let mut out = *a;
    for (out, b) in out.iter_mut().zip(b) {
        *out *= b;
    }
    out
}

/// The numbers that a scale and an offset choose.
#[inline]
fn numbers<const N: usize>(x: &[f32; N], inverse: f32, offset: f32, least: f32, most: f32) -> [f32; N] {
    let mut q = *x;
    for q in &mut q {
        *q = nearest(((*q - offset) * inverse).max(least).min(most));
    }
    q
}

/// How much an error in each value counts: large values more, but none nothing.
fn importance<const N: usize>(x: &[f32; N]) -> [f32; N] {
    let mean_square = sum(&product(x, x)) / N as f32;
    x.map(|v| (mean_square + v * v).sqrt())
}

/// The scale `s` for which `x ≈ s · q` with integers `−levels ≤ q < levels` has the least weighted error.
/// It may be negative, because the negative side has one number more.
pub(super) fn symmetric<const N: usize>(x: &[f32; N], levels: f32) -> f32 {
    let extreme = x.iter().fold(0.0f32, |m, &v| if v.abs() > m.abs() { v } else { m });
    if extreme.abs() < 1e-30 {
        return 0.0;
    }
    let weight = importance(x);
    let weighted = product(&weight, x);
    let (mut best, mut scale) = (0.0, -extreme / levels);
    for step in -9..=9 {
        let inverse = -(levels + 0.1 * step as f32) / extreme;
        let q = numbers(x, inverse, 0.0, -levels, levels - 1.0);
        let xq = sum(&product(&weighted, &q));
        let qq = sum(&product(&weight, &product(&q, &q)));
        // With the best scale xq / qq, the error is the constant Σ w x² less xq² / qq.
        if qq > 0.0 && xq * xq > best * qq {
            (best, scale) = (xq * xq / qq, xq / qq);
        }
    }
    scale
}

/// Where the line `s · q + offset` may cross zero.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Offset {
    /// Anywhere.
    Free,
    /// At or below zero: what is stored is the magnitude of a minimum that is subtracted.
    NotPositive,
}

/// The scale and offset for which `x ≈ s · q + offset` with integers `0 ≤ q ≤ levels` has the least weighted error.
pub(super) fn affine<const N: usize>(x: &[f32; N], levels: f32, allowed: Offset) -> (f32, f32) {
    let low = x.iter().copied().fold(f32::INFINITY, f32::min);
    if allowed == Offset::Free {
        // Counted from the least value, so that sums of large values do not hide small differences.
        let (scale, offset) = Line::new(&x.map(|v| v - low), &importance(x)).fit(levels, allowed);
        return (scale, offset + low);
    }
    Line::new(x, &importance(x)).fit(levels, allowed)
}

/// What does not change between the candidates of one fit.
struct Line<'a, const N: usize> {
    x: &'a [f32; N],
    weight: &'a [f32; N],
    /// Each value times its weight.
    weighted: [f32; N],
    /// Σ w
    w: f32,
    /// Σ w x
    wx: f32,
}

impl<'a, const N: usize> Line<'a, N> {
    fn new(x: &'a [f32; N], weight: &'a [f32; N]) -> Line<'a, N> {
        let weighted = product(weight, x);
        Line { x, weight, weighted, w: sum(weight), wx: sum(&weighted) }
    }

    fn fit(&self, levels: f32, allowed: Offset) -> (f32, f32) {
        let low = self.x.iter().copied().fold(0.0, f32::min);
        let high = self.x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let range = high - low;
        if range < 1e-30 {
            return (0.0, low);
        }
        let mut best = (range / levels, low);
        let mut least = f32::INFINITY;
        for step in -10..=10 {
            let q = numbers(self.x, (levels + 0.1 * step as f32) / range, low, 0.0, levels);
            let (scale, offset, error) = self.least_squares(&q, allowed);
            if error < least && scale > 0.0 {
                (least, best) = (error, (scale, offset));
            }
        }
        best
    }

    /// The best scale and offset for given numbers, and their error less the constant Σ w x².
    fn least_squares(&self, q: &[f32; N], allowed: Offset) -> (f32, f32, f32) {
        let weighted = product(self.weight, q);
        let (wq, wqq) = (sum(&weighted), sum(&product(&weighted, q)));
        let wxq = sum(&product(&self.weighted, q));
        let determinant = self.w * wqq - wq * wq;
        let mut scale = (self.w * wxq - self.wx * wq) / determinant;
        let mut offset = (wqq * self.wx - wq * wxq) / determinant;
        // Where all numbers are equal, any line through their one point would do, and rounding would choose it.
        let one_point = determinant <= 1e-5 * self.w * wqq;
        if one_point || (allowed == Offset::NotPositive && offset > 0.0) {
            (scale, offset) = (wxq / wqq, 0.0);
        }
        let error = scale * scale * wqq + 2.0 * scale * offset * wq + offset * offset * self.w
            - 2.0 * scale * wxq
            - 2.0 * offset * self.wx;
        (scale, offset, error)
    }
}
