//! `tokenizer.json`, the tokenizers library's own format.
//!
//! The library may overflow the stack on deep nesting and panics on a few settings; these are refused before it sees
//! them, because a panic ends a wasm module.

use super::charsmap;
use super::{Framing, SpecialTokens, Tokenizer, TokenizerConfig};
use crate::Error;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;

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
pub(super) fn finish(
    file: &str,
    mut inner: tokenizers::Tokenizer,
    config: &TokenizerConfig,
) -> Result<Tokenizer, Error> {
    // As it was read, because the library does not look at the name of a post-processor's kind.
    let post = serde_json::to_value(inner.get_post_processor()).map_err(|error| Error::tokenizer(file, error))?;
    check_templates(&post).map_err(|reason| Error::tokenizer(file, reason))?;
    inner.with_truncation(None).map_err(|error| Error::tokenizer(file, error))?;
    inner.with_padding(None);
    config.add_tokens(&mut inner).map_err(|error| Error::tokenizer(file, error))?;
    let id = |token: &Option<String>| token.as_deref().and_then(|token| inner.token_to_id(token));
    let special =
        SpecialTokens { bos: id(&config.bos), eos: id(&config.eos), pad: id(&config.pad), unk: id(&config.unk) };
    let framing = match (config.add_bos, config.add_eos) {
        _ if config.class.frames() => Framing::PostProcessor,
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
#[derive(serde::Deserialize)]
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
#[derive(serde::Deserialize)]
struct ModelOutline {
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    merges: Option<LongestMerge>,
    #[serde(default)]
    vocab: LongestToken,
}

/// The most bytes in a token of a vocabulary that is a map.
#[derive(Default)]
struct LongestToken(usize);

/// The most bytes that the two tokens of a merge have.
struct LongestMerge(usize);

impl<'de> Deserialize<'de> for LongestToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = LongestToken;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("tokens and their ids, or a list of tokens and their scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LongestToken, A::Error> {
                let mut longest = 0;
                while let Some((key, _)) = map.next_entry::<Cow<'_, str>, IgnoredAny>()? {
                    longest = longest.max(key.len());
                }
                Ok(LongestToken(longest))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LongestToken, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(LongestToken(0))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

impl<'de> Deserialize<'de> for LongestMerge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Merge {
            Text(String),
            Pair(String, String),
        }
        struct Merges;
        impl<'de> Visitor<'de> for Merges {
            type Value = LongestMerge;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of merges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LongestMerge, A::Error> {
                let mut longest = 0;
                while let Some(merge) = seq.next_element::<Merge>()? {
                    longest = longest.max(match merge {
                        Merge::Text(both) => both.len().saturating_sub(1),
                        Merge::Pair(left, right) => left.len() + right.len(),
                    });
                }
                Ok(LongestMerge(longest))
            }
        }
        deserializer.deserialize_seq(Merges)
    }
}

impl Outline {
    /// Refuses what the library would panic on.
    fn check(&self) -> Result<(), String> {
        if self.model.merges.is_some() && self.model.continuing_subword_prefix.as_deref().is_some_and(|p| !p.is_empty())
        {
            return Err("merges with a continuing_subword_prefix are not supported".into());
        }
        if self.model.merges.as_ref().is_some_and(|merge| merge.0 > self.model.vocab.0) {
            return Err("a merge makes a token that the vocabulary does not have".into());
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
        "Precompiled" => charsmap::check_base64(part["precompiled_charsmap"].as_str().unwrap_or_default()),
        "FixedLength" if number("length") == Some(0) => Err("a FixedLength pre-tokenizer needs a length".into()),
        _ => children.into_iter().try_for_each(check_part),
    }
}

/// Refuses templates, alone or in sequences, that name a token they do not define or ask for a second text where there is
/// one.
fn check_templates(post: &Value) -> Result<(), String> {
    post["processors"].as_array().into_iter().flatten().try_for_each(check_templates)?;
    check_template(post)
}

fn check_template(template: &Value) -> Result<(), String> {
    for (name, texts) in [("single", &["A"][..]), ("pair", &["A", "B"][..])] {
        for piece in template[name].as_array().into_iter().flatten() {
            let text = piece["Sequence"]["id"].as_str();
            if let Some(text) = text.filter(|text| !texts.contains(text)) {
                return Err(format!("the template {name} asks for text {text}"));
            }
            let token = piece["SpecialToken"]["id"].as_str();
            if let Some(token) = token.filter(|token| template["special_tokens"].get(token).is_none()) {
                return Err(format!("the template {name} names {token:?}, which it does not define"));
            }
        }
    }
    Ok(())
}
