//! `tokenizer.json`, the tokenizers library's own format.
//!
//! The library may overflow the stack on deep nesting and panics on a few settings; these are refused before it sees
//! them, because a panic ends a wasm module.

use super::{Framing, SpecialTokens, Tokenizer, TokenizerConfig};
use crate::Error;
use serde::Deserialize;
use serde_json::Value;

/// The deepest nesting that is read; published files have about eight levels.
const DEEPEST: usize = 24;

impl Tokenizer {
    /// Reads `tokenizer.json`, with what `tokenizer_config.json` adds to it.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the file is damaged or asks for something that is not supported.
    pub fn from_json(data: &[u8], config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        const FILE: &str = "tokenizer.json";
        check_depth(data).map_err(|reason| Error::tokenizer(FILE, reason))?;
        let outline = Outline::deserialize(&mut serde_json::Deserializer::from_slice(data));
        outline.map_err(|error| Error::tokenizer(FILE, error))?.check().map_err(|why| Error::tokenizer(FILE, why))?;
        let inner = serde_json::from_slice(data).map_err(|error| Error::tokenizer(FILE, error))?;
        finish(FILE, inner, config)
    }

    /// Builds a tokenizer from the parts of a `tokenizer.json` that came from another file.
    pub(super) fn from_parts(file: &str, parts: Value, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        let inner = serde_json::from_value(parts).map_err(|error| Error::tokenizer(file, error))?;
        finish(file, inner, config)
    }
}

/// Adds the configuration's tokens and takes truncation and padding away, which the reference leaves to the caller.
fn finish(file: &str, mut inner: tokenizers::Tokenizer, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
    inner.with_truncation(None).map_err(|error| Error::tokenizer(file, error))?;
    inner.with_padding(None);
    config.add_tokens(&mut inner).map_err(|error| Error::tokenizer(file, error))?;
    let id = |token: &Option<String>| token.as_deref().and_then(|token| inner.token_to_id(token));
    let special =
        SpecialTokens { bos: id(&config.bos), eos: id(&config.eos), pad: id(&config.pad), unk: id(&config.unk) };
    let framing = match (config.add_bos, config.add_eos) {
        (None, None) => Framing::PostProcessor,
        (bos, eos) => Framing::Ends {
            first: special.bos.filter(|_| bos == Some(true)),
            last: special.eos.filter(|_| eos == Some(true)),
        },
    };
    Ok(Tokenizer::library(inner, framing, special))
}

/// Refuses JSON that is nested too deeply, without reading it into anything.
pub(super) fn check_depth(data: &[u8]) -> Result<(), String> {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for (at, &byte) in data.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("at byte {at}: nested more than {DEEPEST} levels deep"));
        }
    }
    Ok(())
}

/// The parts of the file whose contents decide whether the library can be trusted with it.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
    model: ModelOutline,
}

/// The settings of the model that can make the library panic.
#[derive(Deserialize)]
struct ModelOutline {
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    merges: Option<serde::de::IgnoredAny>,
}

impl Outline {
    /// Refuses what the library would panic on.
    fn check(&self) -> Result<(), String> {
        if self.model.merges.is_some() && self.model.continuing_subword_prefix.as_deref().is_some_and(|p| !p.is_empty())
        {
            return Err("merges with a continuing_subword_prefix are not supported".into());
        }
        for part in [&self.normalizer, &self.pre_tokenizer, &self.decoder] {
            check_part(part)?;
        }
        Ok(())
    }
}

/// Refuses settings inside one stage of the pipeline, and inside the stages it holds.
fn check_part(part: &Value) -> Result<(), String> {
    let children: Vec<&Value> = match part {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => return Ok(()),
    };
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| part.get(key).and_then(Value::as_u64);
    match kind {
        "Strip" if number("stop").is_some_and(|stop| stop > 0) => {
            Err("a Strip decoder with stop is not supported".into())
        }
        "FixedLength" if number("length") == Some(0) => Err("a FixedLength pre-tokenizer needs a length".into()),
        _ => children.into_iter().try_for_each(check_part),
    }
}
