//! The inputs of models that look at pictures.

use graph::{DType, Tensor};
use models::vision::{Sizes, clip};
use models::{Call, Look, Mask, Reads, Vision};

use super::inputs::Bound;
use super::{ForwardInputs, prompts};
use crate::Error;

/// No tensor of a forward pass is larger.
pub(super) const LARGEST: usize = 1 << 30;

/// One picture of the usual size, of uneven brightness; a prompt in its middle, where prompts are taken.
pub(super) fn usual(model: &Vision) -> Result<ForwardInputs, Error> {
    let Some(patches) = model.patches() else {
        let tokens = model.text().map_or(1, |text| text.max_positions);
        return Ok(ForwardInputs::tokens(Tensor::i32([1, tokens], vec![0; tokens])?));
    };
    let (channels, [rows, columns]) = (patches.channels, patches.size);
    let n = channels * rows * columns;
    let values = (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect();
    let mut given = vec![("pixel_values".to_string(), Tensor::f32([1, channels, rows, columns], values)?)];
    if let Some(prompts) = model.prompts() {
        let middle = prompts.size.map(|n| n as f32 / 2.0);
        given.push(("input_points".to_string(), Tensor::f32([1, 1, 1, 2], vec![middle[1], middle[0]])?));
    }
    Ok(ForwardInputs::new(given))
}

/// Checks names and shapes, which needs no device.
///
/// # Errors
/// A tensor is missing, unknown to the model, or has a shape that does not fit.
pub(super) fn check(given: &ForwardInputs, model: &Vision) -> Result<(), Error> {
    bind(given, model).map(|_| ())
}

/// What the graph reads.
///
/// # Errors
/// As [`check`].
pub(super) fn bind(given: &ForwardInputs, model: &Vision) -> Result<Bound, Error> {
    match (model.prompts(), model.text(), model.patches()) {
        (Some(prompts), ..) => prompts::bind(given, model, prompts),
        (None, Some(text), patches) => bind_texts(given, model, text, patches.is_some()),
        (None, None, _) => {
            given.only(&["pixel_values", "interpolate_pos_encoding"])?;
            let (pixels, look) = pixels(given, model)?;
            Ok((Call::look(look), vec![("pixel_values".to_string(), pixels)]))
        }
    }
}

/// Texts, and pictures if there is a tower for them; where there is, one of the two is enough.
fn bind_texts(given: &ForwardInputs, model: &Vision, text: &clip::Text, both: bool) -> Result<Bound, Error> {
    let known = ["input_ids", "attention_mask", "position_ids", "pixel_values", "interpolate_pos_encoding"];
    given.only(if both { &known } else { &known[..3] })?;
    given.integers(&known[..3])?;
    let (mut look, mut bound) = (Look { reads: Reads::Rest, ..Look::default() }, Vec::new());
    if both && given.get("pixel_values").is_some() {
        let (pixels, seen) = pixels(given, model)?;
        bound.push(("pixel_values".to_string(), pixels));
        look = seen;
        if given.get("input_ids").is_none() {
            return Ok((Call::look(Look { reads: Reads::Pictures, ..look }), bound));
        }
    }
    let ids = given.ids("input_ids")?.clone();
    let (shape, tokens) = (ids.shape.clone(), ids.shape[1]);
    given.check_range("input_ids", &ids, text.n_vocab)?;
    if tokens > text.max_positions {
        let reason = format!("has {tokens} tokens, the model has {} positions", text.max_positions);
        return Err(given.fail("input_ids", reason));
    }
    let counted = || Tensor::i32(shape.clone(), (0..tokens as i32).cycle().take(ids.len()).collect());
    let positions = given.like("position_ids", &shape)?.map_or_else(counted, Ok)?;
    given.check_range("position_ids", &positions, text.max_positions)?;
    let rows = ids.as_i32()?.chunks(tokens).enumerate();
    let ends = rows.map(|(row, ids)| (row * tokens + text.place(ids)) as i32).collect();
    let mut call = Call::look(look);
    if let Some(bias) = given.mask_bias("attention_mask", &shape)? {
        call.mask = Mask::Padding;
        bound.push(("mask_bias".to_string(), bias));
    }
    bound.push(("input_ids".to_string(), ids));
    bound.push(("position_ids".to_string(), positions));
    bound.push(("ends".to_string(), Tensor::i32([shape[0]], ends)?));
    Ok((call, bound))
}

/// Pictures [B, C, H, W] and how they are looked at.
pub(super) fn pixels(given: &ForwardInputs, model: &Vision) -> Result<(Tensor, Look), Error> {
    let name = "pixel_values";
    let patches = model.patches().ok_or_else(|| given.fail(name, "is no input of this model".into()))?;
    let pixels = floats(given, name)?.ok_or_else(|| given.fail(name, "is missing".into()))?;
    let (channels, [rows, columns]) = (patches.channels, patches.size);
    let expected = |what: String| given.fail(name, format!("has shape {:?}, expected {what}", pixels.shape));
    let [batch, found, h, w] = pixels.shape[..] else {
        return Err(expected(format!("[pictures, {channels}, {rows}, {columns}]")));
    };
    let stretch = flag(given, "interpolate_pos_encoding", false)?;
    let usual = [h, w] == [rows, columns];
    let fits = match model.sizes() {
        Sizes::Usual => usual,
        Sizes::IfAsked => usual || stretch,
        Sizes::Any => true,
    };
    let [down, across] = patches.patch;
    if batch == 0 || found != channels || !fits || h < down || w < across || pixels.len() > LARGEST {
        return Err(expected(format!("[pictures, {channels}, {rows}, {columns}]")));
    }
    Ok((pixels, Look { size: Some([h, w]), stretch, ..Look::default() }))
}

/// A tensor of floats; integers are taken for floats.
pub(super) fn floats(given: &ForwardInputs, name: &str) -> Result<Option<Tensor>, Error> {
    let Some(tensor) = given.get(name) else { return Ok(None) };
    Ok(Some(match tensor.dtype() {
        DType::F32 => tensor.clone(),
        DType::I32 => Tensor::f32(tensor.shape.clone(), tensor.as_i32()?.iter().map(|v| *v as f32).collect())?,
    }))
}

/// An option: a tensor of one element.
pub(super) fn flag(given: &ForwardInputs, name: &str, default: bool) -> Result<bool, Error> {
    let Some(tensor) = floats(given, name)? else { return Ok(default) };
    match tensor.as_f32()? {
        [value] => Ok(*value != 0.0),
        values => Err(given.fail(name, format!("has {} elements, expected one", values.len()))),
    }
}
