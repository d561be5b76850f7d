//! Bias and activation of finished results, in loops that the compiler makes vectors of.

use graph::Act;

/// Adds the bias and applies the activation.
#[inline(always)]
pub(crate) fn finish(out: &mut [f32], bias: Option<&[f32]>, act: Option<Act>) {
    if let Some(bias) = bias {
        for (out, bias) in out.iter_mut().zip(bias) {
            *out += bias;
        }
    }
    match act {
        None => {}
        Some(Act::Relu) => each(out, |x| if x > 0.0 || x.is_nan() { x } else { 0.0 }),
        Some(Act::Silu) => each(out, |x| x / (1.0 + exp(-x))),
        Some(Act::Gelu) => each(out, |x| 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))),
        Some(Act::GeluTanh) => each(out, |x| {
            // (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u))
            let u = 0.797_884_6 * (x + 0.044_715 * x * x * x);
            x / (1.0 + exp(-2.0 * u))
        }),
        Some(Act::QuickGelu) => each(out, |x| x / (1.0 + exp(-1.702 * x))),
        Some(Act::Sigmoid) => each(out, |x| 1.0 / (1.0 + exp(-x))),
        Some(Act::Tanh) => each(out, |x| 1.0 - 2.0 / (1.0 + exp(2.0 * x))),
    }
}

#[inline(always)]
fn each(out: &mut [f32], f: impl Fn(f32) -> f32) {
    for out in out {
        *out = f(*out);
    }
}

/// `e^x` to two units in the last place, for −87 to 88; beyond, the values at these ends.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    // x = n ln 2 + r, ln 2 in two parts so that r is exact.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = (p * r) * r + r + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    p * scale
}

/// The error function, by Abramowitz and Stegun 7.1.26; the error is below 2e-7 and a few roundings.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    (1.0 - p * t * exp(-z * z)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Error function in double precision by its series, for |x| below 4.
    fn erf64(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn activations_are_near_double_precision() {
        for i in -400..=400 {
            let x = f64::from(i) * 0.01;
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            let cases = [
                (Act::Relu, x.max(0.0)),
                (Act::Silu, x / (1.0 + (-x).exp())),
                (Act::Gelu, 0.5 * x * (1.0 + erf64(x / 2f64.sqrt()))),
                (Act::GeluTanh, 0.5 * x * (1.0 + u.tanh())),
                (Act::QuickGelu, x / (1.0 + (-1.702 * x).exp())),
                (Act::Sigmoid, 1.0 / (1.0 + (-x).exp())),
                (Act::Tanh, x.tanh()),
            ];
            for (act, expected) in cases {
                let mut out = [x as f32];
                finish(&mut out, None, Some(act));
                assert!((f64::from(out[0]) - expected).abs() < 1e-6, "{act:?}({x}) = {} not {expected}", out[0]);
            }
        }
    }

    #[test]
    fn the_ends_are_finite_and_nothing_is_hidden() {
        for act in [Act::Silu, Act::Gelu, Act::GeluTanh, Act::QuickGelu, Act::Sigmoid, Act::Tanh, Act::Relu] {
            let mut out = [-1e4, 1e4, f32::NAN];
            finish(&mut out, None, Some(act));
            assert!(out[0].is_finite() && out[1].is_finite() && out[2].is_nan(), "{act:?} {out:?}");
        }
    }
}
