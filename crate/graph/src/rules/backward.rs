//! Shape rules of losses, of gradients and of what changes weights.

use super::{Rule, count, ensure, exactly, floats, integers, one, ranked, same, without_last};
use crate::graph::{ValueType, WeightId, WeightSpec};
use crate::{Attention, DType, Dim, Shape, Update};

pub(super) fn scatter_add_rows(inputs: &[ValueType], rows: &Dim) -> Rule {
    count(inputs, 2)?;
    let (ids, values) = (&inputs[0], floats(&inputs[1..], 1)?);
    integers(ids, "ids")?;
    let values = ranked(&values[0].shape, 1)?;
    ensure(without_last(values)? == ids.shape, || format!("ids {} do not fit values {values}", ids.shape))?;
    one([rows.clone(), values[values.len() - 1].clone()].into(), DType::F32)
}

/// `inputs` of one shape give `outputs` of it.
pub(super) fn alike(inputs: &[ValueType], wanted: usize, outputs: usize) -> Rule {
    let inputs = floats(inputs, wanted)?;
    let first = &inputs[0].shape;
    for other in &inputs[1..] {
        ensure(other.shape == *first, || format!("{} is not {first}", other.shape))?;
    }
    Ok(vec![inputs[0].clone(); outputs])
}

pub(super) fn norm_grad(inputs: &[ValueType], outputs: usize) -> Rule {
    let inputs = floats(inputs, 3)?;
    let (x, weight) = (ranked(&inputs[0].shape, 1)?, &inputs[1].shape);
    exactly(weight, 1, "weight")?;
    same(&weight[0], &x[x.len() - 1], "features of weight and x")?;
    ensure(inputs[2].shape == *x, || format!("dy {} is not {x}", inputs[2].shape))?;
    let mut types = vec![inputs[0].clone()];
    types.resize(outputs, inputs[1].clone());
    Ok(types)
}

pub(super) fn softmax_cross_entropy(inputs: &[ValueType]) -> Rule {
    count(inputs, 2)?;
    let rows = classes(&inputs[..2])?;
    let row = ValueType { shape: rows, dtype: DType::F32 };
    Ok(vec![row.clone(), row])
}

pub(super) fn softmax_cross_entropy_grad(inputs: &[ValueType]) -> Rule {
    count(inputs, 4)?;
    let rows = classes(&inputs[..2])?;
    for row in floats(&inputs[2..], 2)? {
        ensure(row.shape == rows, || format!("{} is not one value a row of {rows}", row.shape))?;
    }
    Ok(vec![inputs[0].clone()])
}

/// The rows of `logits [.., V], targets [..] i32`.
fn classes(inputs: &[ValueType]) -> Result<Shape, String> {
    let rows = without_last(&floats(&inputs[..1], 1)?[0].shape)?;
    integers(&inputs[1], "targets")?;
    ensure(inputs[1].shape == rows, || format!("targets {} are not one a row of {rows}", inputs[1].shape))?;
    Ok(rows)
}

pub(super) fn attention_grad(inputs: &[ValueType], spec: &Attention, scores: bool) -> Rule {
    count(inputs, 6 + usize::from(spec.past) + usize::from(spec.bias))?;
    // The forward rule checks what both share.
    let forward = [&inputs[..3], &inputs[6..]].concat();
    let types = super::attention(&forward, &Attention { probs: true, lse: true, ..spec.clone() })?;
    for (given, wanted, what) in [(3, 0, "out"), (4, 2, "lse"), (5, 0, "dout")] {
        let (given, wanted) = (&inputs[given], &types[wanted]);
        ensure(given == wanted, || format!("{what} {} is not {}", given.shape, wanted.shape))?;
    }
    let mut outputs = inputs[..3].to_vec();
    if scores {
        outputs.push(types[1].clone());
    }
    Ok(outputs)
}

pub(super) fn update(inputs: &[ValueType], rule: Update, weights: &[WeightId], table: &[WeightSpec]) -> Rule {
    let (held, numbers, scaled) = match rule {
        Update::Assign | Update::Add => (1, None, false),
        Update::Ema => (1, Some(1), false),
        Update::Sgd { momentum } => (if momentum == 0.0 { 1 } else { 2 }, Some(2), true),
        Update::AdamW { .. } => (3, Some(4), true),
    };
    floats(inputs, 1 + usize::from(numbers.is_some()) + usize::from(scaled))?;
    ensure(weights.len() == held, || format!("changes {held} weights, given {}", weights.len()))?;
    for id in weights {
        let shape = Shape::new(table[id.0 as usize].shape.iter().copied());
        ensure(shape == inputs[0].shape, || format!("value {} is not the weight's {shape}", inputs[0].shape))?;
    }
    if let Some(numbers) = numbers {
        let hyper = &inputs[1].shape;
        ensure(*hyper == Shape::from([numbers]), || format!("hyper {hyper} needs {numbers} numbers"))?;
    }
    if scaled {
        ensure(inputs[2].shape == Shape::from([1]), || format!("scale {} needs one number", inputs[2].shape))?;
    }
    Ok(Vec::new())
}
