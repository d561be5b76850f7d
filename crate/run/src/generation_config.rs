//! Where a model says when to stop and how to sample.

use crate::{Constraints, Error, SamplerConfig, SearchOptions};
use format::gguf::Metadata;
use serde_json::Value;

/// What a model's files say about generation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationConfig {
    /// The token that begins a sequence.
    pub bos: Option<u32>,
    /// The tokens that end one.
    pub eos: Vec<u32>,
    /// The token that fills up a row.
    pub pad: Option<u32>,
    /// The token that a decoder begins with, for models with an encoder.
    pub decoder_start: Option<u32>,
    /// Whether to sample; without it the reference is greedy.
    pub do_sample: Option<bool>,
    /// The sampler's temperature.
    pub temperature: Option<f32>,
    /// The sampler's top-k.
    pub top_k: Option<u32>,
    /// The sampler's top-p.
    pub top_p: Option<f32>,
    /// The sampler's min-p.
    pub min_p: Option<f32>,
    /// The sampler's repetition penalty.
    pub repetition_penalty: Option<f32>,
    /// What must and must not come.
    pub constraints: Constraints,
    /// How texts are searched for, and how long they are.
    pub search: SearchOptions,
}

impl GenerationConfig {
    /// Reads `generation_config.json`, and from `config.json` (or its `text_config`) what that does not say.
    ///
    /// # Errors
    /// [`Error::Config`] if a file is not JSON, or an id is not a whole number.
    pub fn from_json(generation: Option<&str>, config: Option<&str>) -> Result<GenerationConfig, Error> {
        const FILES: [&str; 2] = ["generation_config.json", "config.json"];
        let generation = read(FILES[0], generation)?;
        let config = read(FILES[1], config)?;
        let places = [(FILES[0], &generation), (FILES[1], &config), (FILES[1], &config["text_config"])];
        let find = |key: &str| places.into_iter().map(|(file, v)| (file, &v[key])).find(|(_, value)| !value.is_null());
        let id = |key: &'static str| match find(key) {
            Some((file, value)) => ids(file, key, value).map(|list| list.first().copied()),
            None => Ok(None),
        };
        // Without a file of its own the library takes these from the configuration.
        let own = |key: &str| match generation {
            Value::Null => find(key),
            _ => Some((FILES[0], &generation[key])).filter(|(_, value)| !value.is_null()),
        };
        let number = |key: &str| generation[key].as_f64().map(|value| value as f32);
        Ok(GenerationConfig {
            bos: id("bos_token_id")?,
            eos: find("eos_token_id").map_or(Ok(Vec::new()), |(file, value)| ids(file, "eos_token_id", value))?,
            pad: id("pad_token_id")?,
            decoder_start: id("decoder_start_token_id")?,
            do_sample: generation["do_sample"].as_bool(),
            temperature: number("temperature"),
            top_k: generation["top_k"].as_u64().and_then(|k| k.try_into().ok()),
            top_p: number("top_p"),
            min_p: number("min_p"),
            repetition_penalty: number("repetition_penalty"),
            constraints: Constraints::read(|key| own(key).map(|(_, value)| value)),
            search: SearchOptions::read(own)?,
        })
    }

    /// How the model's own settings sample: greedy unless they say `do_sample`.
    pub fn sampler(&self) -> SamplerConfig {
        let plain =
            SamplerConfig { repetition_penalty: self.repetition_penalty.unwrap_or(1.0), ..SamplerConfig::greedy() };
        if self.do_sample != Some(true) {
            return plain;
        }
        SamplerConfig {
            temperature: self.temperature.unwrap_or(1.0),
            top_k: self.top_k.unwrap_or(50),
            top_p: self.top_p.unwrap_or(1.0),
            min_p: self.min_p.unwrap_or(0.0),
            ..plain
        }
    }

    /// Reads the keys `tokenizer.ggml.*_token_id`; the ends of a turn and of a message end generation, too.
    pub fn from_gguf(metadata: &Metadata) -> GenerationConfig {
        let id =
            |name: &str| metadata.u64(&format!("tokenizer.ggml.{name}_token_id")).and_then(|id| id.try_into().ok());
        let mut eos: Vec<u32> = Vec::new();
        for found in ["eos", "eot", "eom"].into_iter().filter_map(id) {
            if !eos.contains(&found) {
                eos.push(found);
            }
        }
        GenerationConfig { bos: id("bos"), eos, pad: id("padding"), ..GenerationConfig::default() }
    }
}

/// A settings file as JSON; nothing if it is missing.
fn read(file: &str, text: Option<&str>) -> Result<Value, Error> {
    let Some(text) = text else { return Ok(Value::Null) };
    serde_json::from_str(text).map_err(|error| Error::config(file, error))
}

/// One id or a list of them; negative ones mean none.
fn ids(file: &str, key: &str, value: &Value) -> Result<Vec<u32>, Error> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let wrong = |value: &Value| Error::config(file, format!("{key} {value} is not a token id"));
    let numbers = list.iter().map(|value| value.as_i64().ok_or_else(|| wrong(value)));
    let numbers = numbers.filter(|id| !matches!(id, Ok(..0)));
    numbers.map(|id| id.and_then(|id| u32::try_from(id).map_err(|_| wrong(value)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_come_from_the_first_file_that_has_them() {
        let eos = |generation, config| GenerationConfig::from_json(generation, config).map(|found| found.eos);
        assert_eq!(eos(Some(r#"{"eos_token_id": [2, 5]}"#), Some(r#"{"eos_token_id": 7}"#)).unwrap(), vec![2, 5]);
        assert_eq!(eos(Some("{}"), Some(r#"{"eos_token_id": 7}"#)).unwrap(), vec![7]);
        assert_eq!(eos(None, Some(r#"{"text_config": {"eos_token_id": 9}}"#)).unwrap(), vec![9]);
        assert_eq!(eos(None, Some(r#"{"eos_token_id": -1}"#)).unwrap(), [0; 0]);
        assert_eq!(eos(None, None).unwrap(), [0; 0]);
        assert!(eos(None, Some(r#"{"eos_token_id": "x"}"#)).is_err());
        assert!(eos(None, Some(r#"{"eos_token_id": 5000000000}"#)).is_err());
        assert!(eos(Some("{"), None).is_err());
    }
}
