//! The search for scales: a grid of candidates, each refined by weighted least squares, the best kept.

/// Rounds to the nearest integer, ties to even, for magnitudes below 2^22. Unlike `f32::round` it is two additions on
/// every target.
#[inline]
pub(super) fn nearest(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    (x + MAGIC) - MAGIC
}

/// How much an error in each value counts: large values more, but none nothing.
pub(super) fn importance<const N: usize>(x: &[f32; N]) -> [f32; N] {
    let mean_square = x.iter().map(|v| v * v).sum::<f32>() / N as f32;
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
    let (mut best, mut scale) = (0.0, -extreme / levels);
    for step in -9..=9 {
        let inverse = -(levels + 0.1 * step as f32) / extreme;
        let (mut xq, mut qq) = (0.0, 0.0);
        for (&x, &w) in x.iter().zip(&weight) {
            let q = nearest((x * inverse).clamp(-levels, levels - 1.0));
            xq += w * x * q;
            qq += w * q * q;
        }
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
    let mut low = x.iter().copied().fold(f32::INFINITY, f32::min);
    let high = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if allowed == Offset::NotPositive {
        low = low.min(0.0);
    }
    if high - low < 1e-30 {
        return (0.0, low);
    }
    let weight = importance(x);
    let mut best = ((high - low) / levels, low);
    let mut least = affine_error(x, &weight, best, levels);
    for step in -10..=10 {
        let start = ((high - low) / (levels + 0.1 * step as f32), low);
        let refined = refine(x, &weight, start, levels, allowed);
        let error = affine_error(x, &weight, refined, levels);
        if error < least {
            (least, best) = (error, refined);
        }
    }
    best
}

/// The weighted error of a scale and an offset, each value at its nearest number.
fn affine_error<const N: usize>(x: &[f32; N], weight: &[f32; N], (scale, offset): (f32, f32), levels: f32) -> f32 {
    let inverse = 1.0 / scale;
    let mut error = 0.0;
    for (&x, &w) in x.iter().zip(weight) {
        let q = nearest(((x - offset) * inverse).clamp(0.0, levels));
        let miss = scale * q + offset - x;
        error += w * miss * miss;
    }
    error
}

/// Least squares for the numbers that a scale and an offset choose.
fn refine<const N: usize>(
    x: &[f32; N],
    weight: &[f32; N],
    (scale, offset): (f32, f32),
    levels: f32,
    allowed: Offset,
) -> (f32, f32) {
    let inverse = 1.0 / scale;
    let (mut sw, mut sx, mut sq, mut sqq, mut sxq) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (&x, &w) in x.iter().zip(weight) {
        let q = nearest(((x - offset) * inverse).clamp(0.0, levels));
        sw += w;
        sx += w * x;
        sq += w * q;
        sqq += w * q * q;
        sxq += w * x * q;
    }
    let determinant = sw * sqq - sq * sq;
    if determinant <= 0.0 {
        return (scale, offset);
    }
    let mut refined = ((sw * sxq - sx * sq) / determinant, (sqq * sx - sq * sxq) / determinant);
    if allowed == Offset::NotPositive && refined.1 > 0.0 {
        refined = (sxq / sqq, 0.0);
    }
    if refined.0 > 0.0 && refined.0.is_finite() && refined.1.is_finite() { refined } else { (scale, offset) }
}
