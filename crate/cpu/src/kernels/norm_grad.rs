//! The gradients of both norms.

use super::rms_norm::sum;
use crate::parts::{together, widest};
use crate::pool::Pool;

/// Parts at most, each of which sums the weight's gradient over its own rows.
const PARTS: usize = 64;

/// Rows of a part at least.
const ROWS: usize = 16;

/// The sums of the parts; kept from call to call.
#[derive(Default)]
pub(crate) struct Partial(Vec<f32>);

/// What a norm's gradient reads.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    /// Added under the root.
    pub eps: f32,
    /// `[rows, C]`
    pub x: &'a [f32],
    /// `[C]`
    pub weight: &'a [f32],
    /// `[rows, C]`
    pub dy: &'a [f32],
}

/// `dx` [rows, C], `dweight` [C].
pub(crate) fn rms_norm_grad(pool: &Pool, of: &Operands<'_>, partial: &mut Partial, [dx, dweight]: [&mut [f32]; 2]) {
    run(pool, of, partial, dx, [dweight, &mut []], rms);
}

/// `dx` [rows, C], `dweight` [C], `dbias` [C].
pub(crate) fn layer_norm_grad(
    pool: &Pool,
    of: &Operands<'_>,
    partial: &mut Partial,
    [dx, dweight, dbias]: [&mut [f32]; 3],
) {
    run(pool, of, partial, dx, [dweight, dbias], layer);
}

type Piece = fn(Operands<'_>, &mut [f32], &mut [f32]);

fn run(pool: &Pool, of: &Operands<'_>, partial: &mut Partial, dx: &mut [f32], sums: [&mut [f32]; 2], piece: Piece) {
    let width = of.weight.len();
    let rows = dx.len() / width.max(1);
    let step = rows.div_ceil(PARTS).max(ROWS);
    // Each part has its sums for the weight, then for the bias.
    let record = sums[0].len() + sums[1].len();
    partial.0.clear();
    partial.0.resize(rows.div_ceil(step) * record, 0.0);
    together(pool, [dx, &mut partial.0], [step * width, record], |part, [dx, sums]| {
        let at = part * step * width;
        let own = Operands { x: &of.x[at..][..dx.len()], dy: &of.dy[at..][..dx.len()], ..*of };
        piece(own, dx, sums);
    });
    let mut at = 0;
    for out in sums {
        out.fill(0.0);
        for part in partial.0.chunks_exact(record.max(1)) {
            add(&part[at..][..out.len()], out);
        }
        at += out.len();
    }
}

widest! {
    fn add(x: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(x).for_each(|(out, x)| *out += x);
    }
}

widest! {
    /// With `u = x r`, `r` one over the root, and `g = dy weight`: `dx = (g - u mean(u g)) r`, `dweight = Σ dy u`.
    fn rms(of: Operands<'_>, dx: &mut [f32], sums: &mut [f32]) {
        let width = of.weight.len();
        let rows = of.x.chunks_exact(width).zip(of.dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((x, dy), dx) in rows {
            let r = 1.0 / (sum(x, |x| x * x) / width as f32 + of.eps).sqrt();
            for (((dx, x), dy), (weight, dweight)) in dx.iter_mut().zip(x).zip(dy).zip(of.weight.iter().zip(&mut *sums)) {
                *dweight += dy * (x * r);
                *dx = dy * weight;
            }
            let along = dot(x, dx, |x| x) * r * r / width as f32;
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = (*dx - x * along) * r;
            }
        }
    }
}

widest! {
    /// As [`rms`] with `u = (x - mean) r` and without the mean of `g`; `dbias = Σ dy`.
    fn layer(of: Operands<'_>, dx: &mut [f32], sums: &mut [f32]) {
        let width = of.weight.len();
        let (dweight, dbias) = sums.split_at_mut(width);
        let rows = of.x.chunks_exact(width).zip(of.dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((x, dy), dx) in rows {
            let mean = sum(x, |x| x) / width as f32;
            let r = 1.0 / (sum(x, |x| (x - mean) * (x - mean)) / width as f32 + of.eps).sqrt();
            for (((dx, x), dy), (weight, dweight)) in dx.iter_mut().zip(x).zip(dy).zip(of.weight.iter().zip(&mut *dweight)) {
                *dweight += dy * ((x - mean) * r);
                *dx = dy * weight;
            }
            dbias.iter_mut().zip(dy).for_each(|(dbias, dy)| *dbias += dy);
            let even = sum(dx, |g| g) / width as f32;
            let along = dot(x, dx, |x| x - mean) * r * r / width as f32;
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = (*dx - even - (x - mean) * along) * r;
            }
        }
    }
}

/// The sum of `f(a) b`, in sixteen partial sums.
#[inline(always)]
fn dot(a: &[f32], b: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            lanes[i] += f(a[i]) * b[i];
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| f(*a) * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_two() {
        // With x = (1, 3) the normalised row is (-1, 1): a shift of both and a stretch change nothing.
        let of = Operands { eps: 0.0, x: &[1.0, 3.0], weight: &[1.0, 1.0], dy: &[2.0, 5.0] };
        let [mut dx, mut dweight, mut dbias] = [[9.0; 2]; 3];
        let out = [&mut dx[..], &mut dweight[..], &mut dbias[..]];
        layer_norm_grad(&Pool::new(1), &of, &mut Partial::default(), out);
        assert_eq!((dx, dweight, dbias), ([0.0; 2], [-2.0, 5.0], [2.0, 5.0]));
    }
}
