//! Derivatives of the elementwise functions.

use graph::{Act, UnaryOp};

use crate::matrix::act::{erf, exp};
use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

/// `dy * f'(x)`
pub(crate) fn unary_grad(pool: &Pool, op: UnaryOp, x: &[f32], dy: &[f32], out: &mut [f32]) {
    pieces(pool, out, PART / 4, |at, out| piece(op, &x[at..][..out.len()], &dy[at..][..out.len()], out));
}

widest! {
    fn piece(op: UnaryOp, x: &[f32], dy: &[f32], out: &mut [f32]) {
        match op {
            UnaryOp::Act(act) => each_act!(act, |f| each(x, dy, out, |x| f(x).1)),
            UnaryOp::Neg => each(x, dy, out, |_| -1.0),
            UnaryOp::Exp => each(x, dy, out, f32::exp),
            UnaryOp::Log => each(x, dy, out, |x| 1.0 / x),
            UnaryOp::Square => each(x, dy, out, |x| 2.0 * x),
            UnaryOp::Sqrt => each(x, dy, out, |x| 0.5 / x.sqrt()),
            UnaryOp::Recip => each(x, dy, out, |x| -1.0 / (x * x)),
            UnaryOp::Cos => each(x, dy, out, |x| -x.sin()),
            UnaryOp::Sin => each(x, dy, out, f32::cos),
        }
    }
}

#[inline(always)]
fn each(x: &[f32], dy: &[f32], out: &mut [f32], slope: impl Fn(f32) -> f32) {
    for ((out, x), dy) in out.iter_mut().zip(x).zip(dy) {
        *out = dy * slope(*x);
    }
}

/// Runs an expression with `$f` as the function that gives an activation's value and derivative.
macro_rules! each_act {
    ($act:expr, |$f:ident| $body:expr) => {{
        use $crate::kernels::unary_grad::*;
        match $act {
            Act::Relu => {
                let $f = relu;
                $body
            }
            Act::Silu => {
                let $f = |x| swish(1.0, x);
                $body
            }
            Act::QuickGelu => {
                let $f = |x| swish(1.702, x);
                $body
            }
            Act::Gelu => {
                let $f = gelu;
                $body
            }
            Act::GeluTanh => {
                let $f = gelu_tanh;
                $body
            }
            Act::Sigmoid => {
                let $f = sigmoid;
                $body
            }
            Act::Tanh => {
                let $f = tanh;
                $body
            }
        }
    }};
}
pub(crate) use each_act;

#[inline(always)]
pub(crate) fn relu(x: f32) -> (f32, f32) {
    (if x > 0.0 || x.is_nan() { x } else { 0.0 }, if x > 0.0 { 1.0 } else { 0.0 })
}

/// `x s` with `s = 1 / (1 + exp(-a x))`; its derivative is `s + a x s (1 - s)`.
#[inline(always)]
pub(crate) fn swish(a: f32, x: f32) -> (f32, f32) {
    let s = 1.0 / (1.0 + exp(-a * x));
    (x * s, s + a * x * s * (1.0 - s))
}

#[inline(always)]
pub(crate) fn gelu(x: f32) -> (f32, f32) {
    let phi = 0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2);
    let density = 0.398_942_3 * exp(-0.5 * x * x);
    (x * phi, phi + x * density)
}

/// `x s(2u)` with `u = sqrt(2/pi) (x + 0.044715 x³)`; its derivative is `s + 2 x s (1 - s) u'`.
#[inline(always)]
pub(crate) fn gelu_tanh(x: f32) -> (f32, f32) {
    let square = x * x;
    let s = 1.0 / (1.0 + exp(-2.0 * 0.797_884_6 * (x + 0.044_715 * square * x)));
    let slope = 0.797_884_6 * (1.0 + 3.0 * 0.044_715 * square);
    (x * s, s + 2.0 * x * (s * (1.0 - s)) * slope)
}

/// `s = 1 / (1 + exp(-x))`; its derivative is `e / (1 + e)²` with `e = exp(-|x|)`, which stays exact far out.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let inverse = 1.0 / (1.0 + e);
    (if x < 0.0 { e * inverse } else { inverse }, e * inverse * inverse)
}

/// `t = 2 s(2x) - 1`; its derivative is `1 - t²`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> (f32, f32) {
    let t = 1.0 - 2.0 / (1.0 + exp(2.0 * x));
    (t, 1.0 - t * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_values() {
        for act in [Act::Silu, Act::Gelu, Act::GeluTanh, Act::QuickGelu, Act::Sigmoid, Act::Tanh, Act::Relu] {
            for x in [-3.0f32, -0.7, 0.4, 2.5] {
                let (step, value) = (1e-2, |x: f32| each_act!(act, |f| f(x).0));
                let mut out = [0.0];
                unary_grad(&Pool::new(1), UnaryOp::Act(act), &[x], &[2.0], &mut out);
                let expected = (value(x + step) - value(x - step)) / step;
                assert!((out[0] - expected).abs() < 1e-3, "{act:?} {x}: {} {expected}", out[0]);
            }
        }
    }
}
