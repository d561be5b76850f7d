//! Losses and gradients by their textbook formulas.

use candle_core::{D, DType, Tensor as Value};
use graph::{Act, Attention, Dropout, UnaryOp, random_u32};

use crate::Error;
use crate::attention::{attention, heads};
use crate::ops::act;

pub(crate) fn dropout(x: &Value, rng: &Value, dropout: Dropout) -> Result<Value, Error> {
    let rng = rng.to_vec1::<i64>()?;
    let limit = (f64::from(dropout.rate) * 4_294_967_296.0) as u32;
    let factor = 1.0 / (1.0 - f64::from(dropout.rate));
    let kept = |i| random_u32(rng[0] as u32, rng[1] as u32, dropout.salt, i) >= limit;
    let mask: Vec<f64> = (0..x.elem_count() as u32).map(|i| if kept(i) { factor } else { 0.0 }).collect();
    Ok((x * Value::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?)?)
}

/// `ids` [..], `values` [.., C] → [rows, C], by a product with a matrix of ones.
pub(crate) fn scatter_add_rows(ids: &Value, values: &Value, rows: usize) -> Result<Value, Error> {
    let width = *values.dims().last().unwrap_or(&1);
    let ids = ids.flatten_all()?.to_vec1::<i64>()?;
    let mut chosen = vec![0.0f64; rows * ids.len()];
    for (i, id) in ids.iter().enumerate().filter(|(_, id)| (0..rows as i64).contains(*id)) {
        chosen[*id as usize * ids.len() + i] = 1.0;
    }
    let chosen = Value::from_vec(chosen, (rows, ids.len()), values.device())?.to_dtype(values.dtype())?;
    Ok(chosen.matmul(&values.contiguous()?.reshape((ids.len(), width))?)?)
}

/// Ones at the targets [.., V], with 0 rows where there is none, and which rows have one [.., 1].
fn targets(logits: &Value, targets: &Value) -> Result<(Value, Value), Error> {
    let classes = *logits.dims().last().unwrap_or(&1);
    let ids = targets.flatten_all()?.to_vec1::<i64>()?;
    let mut ones = vec![0.0f64; ids.len() * classes];
    let is_class = |id: &i64| (0..classes as i64).contains(id);
    for (row, id) in ids.iter().enumerate().filter(|(_, id)| is_class(id)) {
        ones[row * classes + *id as usize] = 1.0;
    }
    let counted: Vec<f64> = ids.iter().map(|id| f64::from(u8::from(is_class(id)))).collect();
    let mut shape = logits.dims().to_vec();
    let ones = Value::from_vec(ones, shape.as_slice(), logits.device())?.to_dtype(logits.dtype())?;
    if let Some(last) = shape.last_mut() {
        *last = 1;
    }
    Ok((ones, Value::from_vec(counted, shape, logits.device())?.to_dtype(logits.dtype())?))
}

/// The distribution that the loss asks for [.., V].
fn wanted(ones: &Value, counted: &Value, smoothing: f64) -> Result<Value, Error> {
    let even = counted.broadcast_as(ones.shape())?.affine(smoothing / *ones.dims().last().unwrap_or(&1) as f64, 0.0)?;
    Ok((ones.affine(1.0 - smoothing, 0.0)? + even)?)
}

pub(crate) fn cross_entropy(logits: &Value, ids: &Value, smoothing: f64) -> Result<Vec<Value>, Error> {
    let largest = logits.max_keepdim(D::Minus1)?;
    let lse = (logits.broadcast_sub(&largest)?.exp()?.sum_keepdim(D::Minus1)?.log()? + largest)?;
    let (ones, counted) = targets(logits, ids)?;
    let log_probs = logits.broadcast_sub(&lse)?;
    let loss = (log_probs * wanted(&ones, &counted, smoothing)?)?.sum_keepdim(D::Minus1)?.neg()?;
    Ok(vec![loss.squeeze(D::Minus1)?, lse.squeeze(D::Minus1)?])
}

/// Of `logits, targets, lse, dloss`.
pub(crate) fn cross_entropy_grad(x: &[Value], smoothing: f64) -> Result<Value, Error> {
    let (ones, counted) = targets(&x[0], &x[1])?;
    let probs = x[0].broadcast_sub(&x[2].unsqueeze(D::Minus1)?)?.exp()?.broadcast_mul(&counted)?;
    Ok((probs - wanted(&ones, &counted, smoothing)?)?.broadcast_mul(&x[3].unsqueeze(D::Minus1)?)?)
}

/// `f'(x)`
pub(crate) fn derivative(x: &Value, op: UnaryOp) -> Result<Value, Error> {
    let positive = |x: &Value| -> Result<Value, Error> { Ok(x.gt(0.0)?.to_dtype(x.dtype())?) };
    // Of x sigmoid(a x): s + a x s (1 - s).
    let swish = |a: f64| -> Result<Value, Error> {
        let s = act(&(x * a)?, Act::Sigmoid)?;
        let inner = ((x * a)? * s.affine(-1.0, 1.0)?)?;
        Ok((&s * inner.affine(1.0, 1.0)?)?)
    };
    Ok(match op {
        UnaryOp::Act(Act::Relu) => positive(x)?,
        UnaryOp::Act(Act::Silu) => swish(1.0)?,
        UnaryOp::Act(Act::QuickGelu) => swish(1.702)?,
        UnaryOp::Act(Act::Gelu) => {
            let phi = (x * std::f64::consts::FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?;
            let density = ((x.sqr()? * -0.5)?.exp()? * (1.0 / (2.0 * std::f64::consts::PI).sqrt()))?;
            (phi + (x * density)?)?
        }
        UnaryOp::Act(Act::GeluTanh) => {
            let c = (2.0 / std::f64::consts::PI).sqrt();
            let t = ((x + (x.sqr()?.mul(x)? * 0.044715)?)? * c)?.tanh()?;
            let slope = (x.sqr()? * (3.0 * 0.044715))?.affine(c, c)?;
            let second = ((x * t.sqr()?.affine(-1.0, 1.0)?)? * slope)?;
            ((t.affine(1.0, 1.0)? + second)? * 0.5)?
        }
        UnaryOp::Act(Act::Sigmoid) => {
            let s = act(x, Act::Sigmoid)?;
            (&s * s.affine(-1.0, 1.0)?)?
        }
        UnaryOp::Act(Act::Tanh) => x.tanh()?.sqr()?.affine(-1.0, 1.0)?,
        UnaryOp::Neg => x.ones_like()?.neg()?,
        UnaryOp::Exp => x.exp()?,
        UnaryOp::Log => x.recip()?,
        UnaryOp::Square => (x * 2.0)?,
        UnaryOp::Sqrt => (x.sqrt()? * 2.0)?.recip()?,
        UnaryOp::Recip => x.sqr()?.recip()?.neg()?,
        UnaryOp::Cos => x.sin()?.neg()?,
        UnaryOp::Sin => x.cos()?,
    })
}

/// The sum over all axes but the last.
fn over_rows(x: &Value) -> Result<Value, Error> {
    let width = *x.dims().last().unwrap_or(&1);
    Ok(x.contiguous()?.reshape(((), width))?.sum(0)?)
}

pub(crate) fn rms_norm_grad(x: &Value, weight: &Value, dy: &Value, eps: f64) -> Result<Vec<Value>, Error> {
    let inverse = (x.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?.recip()?;
    let unit = x.broadcast_mul(&inverse)?;
    let dunit = dy.broadcast_mul(weight)?;
    let along = unit.broadcast_mul(&(&unit * &dunit)?.mean_keepdim(D::Minus1)?)?;
    Ok(vec![(dunit - along)?.broadcast_mul(&inverse)?, over_rows(&(dy * unit)?)?])
}

pub(crate) fn layer_norm_grad(x: &Value, weight: &Value, dy: &Value, eps: f64) -> Result<Vec<Value>, Error> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let mut gradients = rms_norm_grad(&centred, weight, dy, eps)?;
    let dx = &gradients[0];
    gradients[0] = dx.broadcast_sub(&dx.mean_keepdim(D::Minus1)?)?;
    gradients.push(over_rows(dy)?);
    Ok(gradients)
}

/// Of `q, k, v, out, lse, dout, past?, bias?`: dq, dk, dv, and that of the scores, from the whole score matrix.
pub(crate) fn attention_grad(spec: &Attention, x: &[Value]) -> Result<[Value; 4], Error> {
    let (q, k, v, dout) = (&x[0], &x[1], &x[2], &x[5]);
    let past = if spec.past { x[6].to_vec1::<i64>()? } else { Vec::new() };
    let bias = spec.bias.then(|| &x[6 + usize::from(spec.past)]);
    let [_, probs, _] = attention(spec, (q, k, v), &past, bias)?;
    let (b, _, h, _) = q.dims4()?;
    let (queries, douts) = (q.transpose(1, 2)?.contiguous()?, dout.transpose(1, 2)?.contiguous()?); // [B, H, T, D]
    let (keys, values) = (heads(k, b, h)?, heads(v, b, h)?); // [B, H, S, D]
    let dprobs = douts.matmul(&values.t()?.contiguous()?)?; // [B, H, T, S]
    let mean = (&probs * &dprobs)?.sum_keepdim(D::Minus1)?;
    let dscores = (&probs * dprobs.broadcast_sub(&mean)?)?;
    let mut inner = (&dscores * f64::from(spec.scale))?;
    if let Some(cap) = spec.soft_cap {
        let raw = (queries.matmul(&keys.t()?.contiguous()?)? * (f64::from(spec.scale) / f64::from(cap)))?;
        inner = (inner * raw.tanh()?.sqr()?.affine(-1.0, 1.0)?)?;
    }
    let dq = inner.matmul(&keys)?.transpose(1, 2)?.contiguous()?;
    let dk = inner.t()?.contiguous()?.matmul(&queries)?;
    let dv = probs.t()?.contiguous()?.matmul(&douts)?;
    Ok([dq, shared(&dk, k)?, shared(&dv, v)?, dscores])
}

/// The reverse of [`heads`]: [B, H, S, D] summed to the shape of `x` [B or 1, S, G, D].
fn shared(dx: &Value, x: &Value) -> Result<Value, Error> {
    let (b, h, s, d) = dx.dims4()?;
    let (own, _, g, _) = x.dims4()?;
    let sum = dx.reshape((b, g, h / g, s, d))?.sum(2)?; // [B, G, S, D]
    let sum = if own == b { sum } else { sum.sum_keepdim(0)? };
    Ok(sum.transpose(1, 2)?.contiguous()?.to_dtype(DType::F64)?.to_dtype(x.dtype())?)
}
