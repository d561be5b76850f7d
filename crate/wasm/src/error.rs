//! Errors as a page hears of them.

use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::protocol::ErrorCode;

/// A failed call: what a script catches is an object with these fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind of error.
    pub code: ErrorCode,
    /// One readable line.
    pub message: String,
}

impl Failure {
    /// An error of this package's own.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<run::Error> for Failure {
    fn from(error: run::Error) -> Self {
        Self { code: code_of(error.code()), message: error.to_string() }
    }
}

/// The page's kind for one of the engine's.
fn code_of(code: &str) -> ErrorCode {
    match code {
        "io" => ErrorCode::Network,
        "missing" | "not_found" => ErrorCode::NotFound,
        "codec" | "config" | "damaged" | "tensor" | "tokenizer" => ErrorCode::Damaged,
        "unsupported" => ErrorCode::Unsupported,
        "raised" | "template" => ErrorCode::Template,
        "prompt" => ErrorCode::Prompt,
        "sampler" | "value" => ErrorCode::Argument,
        "memory" => ErrorCode::Memory,
        "no_adapter" => ErrorCode::NoDevice,
        "device_lost" => ErrorCode::DeviceLost,
        _ => ErrorCode::Internal,
    }
}

impl From<format::Error> for Failure {
    fn from(error: format::Error) -> Self {
        run::Error::from(error).into()
    }
}

#[cfg(feature = "train")]
impl From<train::Error> for Failure {
    fn from(error: train::Error) -> Self {
        let code = match error.code() {
            "recipe" => ErrorCode::Argument,
            "data" => ErrorCode::Damaged,
            "diverged" => ErrorCode::Diverged,
            code => code_of(code),
        };
        Self { code, message: error.to_string() }
    }
}

impl From<serde_wasm_bindgen::Error> for Failure {
    fn from(error: serde_wasm_bindgen::Error) -> Self {
        Self::new(ErrorCode::Argument, error.to_string())
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        serde_wasm_bindgen::to_value(&failure).unwrap_or_else(|_| JsValue::from_str(&failure.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let missing = Failure::from(format::Error::not_found("config.json"));
        assert_eq!(missing.code, ErrorCode::NotFound);
        assert!(missing.message.contains("config.json"), "{}", missing.message);
        assert_eq!(code_of("memory"), ErrorCode::Memory);
        assert_eq!(code_of("what is not known"), ErrorCode::Internal);
    }
}
