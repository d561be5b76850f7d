//! Tensors of a forward pass.

use js_sys::{Array, Float32Array, Object, Reflect};
use run::{DecoderInputs, Field, Tensor};
use wasm_bindgen::JsValue;

use crate::error::Failure;
use crate::protocol::{ErrorCode, NamedTensor};

/// The inputs of a decoder by name.
///
/// # Errors
/// `input_ids` is missing, a name is unknown, or values are no whole numbers of the given shape.
pub fn decoder_inputs(inputs: Vec<NamedTensor>) -> Result<DecoderInputs, Failure> {
    let [mut ids, mut mask, mut positions] = [None, None, None];
    for input in inputs {
        let slot = match input.name.as_str() {
            "input_ids" => &mut ids,
            "attention_mask" => &mut mask,
            "position_ids" => &mut positions,
            other => {
                return Err(Failure::new(ErrorCode::Argument, format!("tensor {other} is no input of this model")));
            }
        };
        *slot = Some(whole(input)?);
    }
    let missing = || Failure::new(ErrorCode::Argument, "tensor input_ids is missing");
    let input_ids = ids.ok_or_else(missing)?;
    for (name, tensor) in [("attention_mask", &mask), ("position_ids", &positions)] {
        if tensor.as_ref().is_some_and(|t| t.shape != input_ids.shape) {
            return Err(Failure::new(ErrorCode::Argument, format!("tensor {name} has another shape than input_ids")));
        }
    }
    if input_ids.shape.len() != 2 {
        return Err(Failure::new(ErrorCode::Argument, "tensor input_ids must have the shape [batch, tokens]"));
    }
    Ok(DecoderInputs { input_ids, attention_mask: mask, position_ids: positions })
}

fn whole(input: NamedTensor) -> Result<Tensor, Failure> {
    let NamedTensor { name, shape, values } = input;
    if let Some(value) = values.iter().find(|v| v.fract() != 0.0 || v.abs() > 16_777_216.0) {
        return Err(Failure::new(ErrorCode::Argument, format!("tensor {name} holds {value}, expected whole numbers")));
    }
    let values = values.iter().map(|v| *v as i32).collect();
    Tensor::i32(shape, values).map_err(|error| Failure::new(ErrorCode::Argument, format!("tensor {name}: {error}")))
}

/// Outputs with their values as typed arrays.
pub fn outputs(fields: &[Field]) -> Array {
    fields.iter().map(|(name, shape, values)| output(name, shape, values)).collect()
}

fn output(name: &str, shape: &[usize], values: &[f32]) -> Object {
    let shape: Array = shape.iter().map(|n| JsValue::from(*n as f64)).collect();
    let object = Object::new();
    let entries =
        [("name", JsValue::from(name)), ("shape", shape.into()), ("values", Float32Array::from(values).into())];
    for (key, value) in entries {
        // A new object refuses no property.
        let _ = Reflect::set(&object, &key.into(), &value);
    }
    object
}
