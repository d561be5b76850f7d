//! Plain values of a script, as ours and back.

use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::error::Failure;
use crate::protocol::ErrorCode;

/// A script's value as one of ours.
pub fn given<T: for<'de> Deserialize<'de>>(value: JsValue) -> Result<T, Failure> {
    Ok(serde_wasm_bindgen::from_value(value)?)
}

/// One of our values as a script's plain one.
pub fn told<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let value = value.serialize(&serde_wasm_bindgen::Serializer::json_compatible());
    value.map_err(|error| Failure::new(ErrorCode::Internal, error.to_string()).into())
}
