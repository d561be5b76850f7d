//! Changes of weights.

use std::collections::BTreeMap;

use candle_core::Tensor as Value;
use graph::Update;

use crate::Error;

/// Applies a rule to the named weights; `x` holds the node's inputs.
pub(crate) fn update(
    rule: Update,
    names: &[&str],
    weights: &mut BTreeMap<String, Value>,
    x: &[Value],
) -> Result<(), Error> {
    let held = names.iter().map(|name| weights.get(*name).cloned().ok_or_else(|| Error::Weight((*name).to_string())));
    let held = held.collect::<Result<Vec<_>, _>>()?;
    let number = |i: usize, at: usize| -> Result<f64, Error> {
        Ok(x[i].to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?[at])
    };
    let (w, value) = (&held[0], &x[0]);
    let new = match rule {
        Update::Assign => vec![value.clone()],
        Update::Add => vec![(w + value)?],
        Update::Ema => {
            let decay = number(1, 0)?;
            vec![((w * decay)? + (value * (1.0 - decay))?)?]
        }
        Update::Sgd { momentum } => {
            let (rate, decay, scale) = (number(1, 0)?, number(1, 1)?, number(2, 0)?);
            if !scale.is_finite() {
                return Ok(());
            }
            let mut step = ((value * scale)? + (w * decay)?)?;
            if let Some(before) = held.get(1) {
                step = (step + (before * f64::from(momentum))?)?;
            }
            let w = (w - (&step * rate)?)?;
            if held.len() > 1 { vec![w, step] } else { vec![w] }
        }
        Update::AdamW { beta1, beta2, eps } => {
            let (rate, decay, scale) = (number(1, 0)?, number(1, 1)?, number(2, 0)?);
            let (correct1, correct2) = (number(1, 2)?, number(1, 3)?);
            if !scale.is_finite() {
                return Ok(());
            }
            let (beta1, beta2, g) = (f64::from(beta1), f64::from(beta2), (value * scale)?);
            let m = ((&held[1] * beta1)? + (&g * (1.0 - beta1))?)?;
            let v = ((&held[2] * beta2)? + (g.sqr()? * (1.0 - beta2))?)?;
            let root = ((&v / correct2)?.sqrt()? + f64::from(eps))?;
            let step = (((&m / correct1)? / root)? + (w * decay)?)?;
            vec![(w - (step * rate)?)?, m, v]
        }
    };
    for (name, value) in names.iter().zip(new) {
        weights.insert((*name).to_string(), value);
    }
    Ok(())
}
