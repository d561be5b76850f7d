//! Shape rules of operations on pictures.

use super::{Rule, ensure, exactly, floats, one, same};
use crate::graph::ValueType;
use crate::{Bias, DType, Dim, Shape, Window};

/// Height and width of [B, H, W, C].
fn size(shape: &Shape) -> Result<[usize; 2], String> {
    exactly(shape, 4, "x")?;
    let known = shape[1].known().zip(shape[2].known());
    known.map(|(rows, columns)| [rows, columns]).ok_or_else(|| format!("height and width of {shape} are not known"))
}

fn places(window: &Window, size: [usize; 2]) -> Result<[usize; 2], String> {
    window.places(size).ok_or_else(|| format!("{window:?} has no place on a picture of {size:?}"))
}

pub(super) fn unfold(inputs: &[ValueType], window: &Window) -> Rule {
    let x = &floats(inputs, 1)?[0].shape;
    let [rows, columns] = places(window, size(x)?)?;
    let width = x[3].clone() * Dim::from(window.taps());
    one(Shape::from(vec![x[0].clone(), rows.into(), columns.into(), width]), DType::F32)
}

pub(super) fn fold(inputs: &[ValueType], window: &Window, folded: [usize; 2]) -> Rule {
    let x = &floats(inputs, 1)?[0].shape;
    let wanted = places(window, folded)?;
    ensure(size(x)? == wanted, || format!("{x} has not {wanted:?} places"))?;
    let width = x[3].known().filter(|width| window.taps() > 0 && width.is_multiple_of(window.taps()));
    let width = width.ok_or_else(|| format!("{x} does not hold whole windows of {}", window.taps()))? / window.taps();
    one(Shape::from(vec![x[0].clone(), folded[0].into(), folded[1].into(), width.into()]), DType::F32)
}

pub(super) fn depthwise(inputs: &[ValueType], window: &Window, bias: Bias) -> Rule {
    floats(inputs, if bias == Bias::Add { 3 } else { 2 })?;
    let (x, weight) = (&inputs[0].shape, &inputs[1].shape);
    let [rows, columns] = places(window, size(x)?)?;
    exactly(weight, 2, "weight")?;
    same(&weight[0], &window.taps().into(), "elements of the window")?;
    same(&weight[1], &x[3], "channels of weight and x")?;
    if let Some(bias) = inputs.get(2) {
        exactly(&bias.shape, 1, "bias")?;
        same(&bias.shape[0], &x[3], "channels of bias and x")?;
    }
    one(Shape::from(vec![x[0].clone(), rows.into(), columns.into(), x[3].clone()]), DType::F32)
}

/// Whether a bias is [B, T, H, R + C] for scores [B, H, T, R·C].
pub(super) fn is_axial(bias: &ValueType, scores: &Shape, columns: usize) -> bool {
    let rows = scores[3].known().filter(|keys| columns > 0 && keys.is_multiple_of(columns)).map(|keys| keys / columns);
    rows.is_some_and(|rows| {
        let wanted = vec![scores[0].clone(), scores[2].clone(), scores[1].clone(), (rows + columns).into()];
        bias.shape == Shape::from(wanted)
    })
}
