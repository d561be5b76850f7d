//! Tensors of a forward pass.

use js_sys::{Array, Float32Array, Object, Reflect};
use run::{Field, ForwardInputs, Tensor};
use wasm_bindgen::JsValue;

use crate::error::Failure;
use crate::protocol::{ErrorCode, NamedTensor};

/// The inputs of a model by name.
///
/// # Errors
/// Values are no whole numbers of the given shape.
pub fn inputs(inputs: Vec<NamedTensor>) -> Result<ForwardInputs, Failure> {
    let named = |input: NamedTensor| Ok((input.name.clone(), whole(input)?));
    Ok(ForwardInputs::new(inputs.into_iter().map(named).collect::<Result<Vec<_>, Failure>>()?))
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
