//! Attention with the whole score matrix.

use candle_core::{D, Tensor};
use graph::Attention;

use crate::Error;

/// Below this a bias hides its key.
const HIDDEN: f64 = -1e30;

/// Outputs [B, T, H, D], probabilities [B, H, T, S], and the logarithm of each query's sum of exponentials [B, H, T].
///
/// # Shapes
/// `q` [B, T, H, D], `k`, `v` [B or 1, S, G, D], `past` one number a row, `bias` broadcast to [B, H, T, S].
pub(crate) fn attention(
    spec: &Attention,
    (q, k, v): (&Tensor, &Tensor, &Tensor),
    past: &[i64],
    bias: Option<&Tensor>,
) -> Result<[Tensor; 3], Error> {
    let (b, t, h, _) = q.dims4()?;
    let s = k.dims()[1];
    let q = q.transpose(1, 2)?.contiguous()?; // [B, H, T, D]
    let (k, v) = (heads(k, b, h)?, heads(v, b, h)?); // [B, H, S, D]
    let mut scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? * f64::from(spec.scale))?;
    if let Some(cap) = spec.soft_cap {
        scores = ((scores / f64::from(cap))?.tanh()? * f64::from(cap))?;
    }
    let mut visible = visible(spec, past, (b, t, s), q.device())?.to_dtype(q.dtype())?; // [B, 1, T, S]
    if let Some(bias) = bias {
        visible = visible.broadcast_mul(&bias.gt(HIDDEN)?.to_dtype(q.dtype())?)?;
        // A hiding bias is far beyond the range of scores; zero keeps the sums finite where it is masked anyway.
        scores = scores.broadcast_add(&bias.maximum(HIDDEN)?)?;
    }
    let visible = visible.broadcast_as(scores.shape())?;
    let masked = ((&scores * &visible)? + ((&visible - 1.0)? * 1e35)?)?;
    let largest = masked.max_keepdim(D::Minus1)?;
    let exp = (masked.broadcast_sub(&largest)?.exp()? * &visible)?;
    let sum = exp.sum_keepdim(D::Minus1)?;
    let lse = (sum.maximum(1e-300)?.log()? + &largest)?.squeeze(D::Minus1)?;
    let sum = (&sum + sum.eq(0.0)?.to_dtype(sum.dtype())?)?;
    let probs = exp.broadcast_div(&sum)?;
    let out = probs.matmul(&v)?.transpose(1, 2)?.contiguous()?;
    Ok([out, probs, lse])
}

/// [B or 1, S, G, D] → [B, H, S, D], each head repeated for its group of queries.
pub(crate) fn heads(x: &Tensor, b: usize, h: usize) -> Result<Tensor, Error> {
    let (own, s, g, d) = x.dims4()?;
    let x = x.transpose(1, 2)?.unsqueeze(2)?; // [B, G, 1, S, D]
    let x = x.broadcast_as((own, g, h / g, s, d))?.reshape((own, h, s, d))?;
    Ok(x.broadcast_as((b, h, s, d))?.contiguous()?)
}

/// 1 where query t of row b sees key s: [B, 1, T, S].
fn visible(
    spec: &Attention,
    past: &[i64],
    (b, t, s): (usize, usize, usize),
    device: &candle_core::Device,
) -> Result<Tensor, Error> {
    let mut mask = Vec::with_capacity(b * t * s);
    for row in 0..b {
        for query in 0..t {
            let place = past.get(row).copied().unwrap_or(0) + query as i64;
            mask.extend((0..s as i64).map(|key| {
                let causal = !spec.causal || key <= place;
                let near = spec.window.is_none_or(|w| place - key < w as i64);
                u8::from(causal && near)
            }));
        }
    }
    Ok(Tensor::from_vec(mask, (b, 1, t, s), device)?)
}
