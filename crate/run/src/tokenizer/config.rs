//! `tokenizer_config.json` and `special_tokens_map.json`: what a checkpoint says about its tokenizer.

use super::json::check_depth;
use crate::Error;
use serde_json::Value;
use tokenizers::AddedToken;

/// What a checkpoint's configuration files say about its tokenizer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenizerConfig {
    /// The token that begins a sequence.
    pub bos: Option<String>,
    /// The token that ends a sequence.
    pub eos: Option<String>,
    /// The token that fills up a row.
    pub pad: Option<String>,
    /// The token for what the vocabulary cannot write.
    pub unk: Option<String>,
    /// Whether `bos` is put first; `None` leaves it to `tokenizer.json`.
    pub add_bos: Option<bool>,
    /// Whether `eos` is put last; `None` leaves it to `tokenizer.json`.
    pub add_eos: Option<bool>,
    /// Whether a text is taken as if a space came before it.
    pub add_prefix_space: Option<bool>,
    /// Tokens beside the vocabulary, by their ids.
    pub(super) added: Vec<AddedToken>,
    /// Every other token that is special.
    pub(super) other_special: Vec<String>,
}

impl TokenizerConfig {
    /// Reads `tokenizer_config.json` and `special_tokens_map.json`, either of which may be missing.
    ///
    /// # Errors
    /// [`Error::Config`] if a file is not a JSON object or is nested too deeply.
    pub fn from_json(config: Option<&str>, special_tokens_map: Option<&str>) -> Result<TokenizerConfig, Error> {
        let map = object("special_tokens_map.json", special_tokens_map)?;
        let config = object("tokenizer_config.json", config)?;
        let named = |key: &str| token_text(&config[key]).or_else(|| token_text(&map[key]));
        let flag = |key: &str| config[key].as_bool();
        let mut other_special: Vec<String> =
            ["sep_token", "cls_token", "mask_token"].into_iter().filter_map(named).collect();
        for list in ["additional_special_tokens", "extra_special_tokens"] {
            let list = if config[list].is_null() { &map[list] } else { &config[list] };
            other_special.extend(list.as_array().into_iter().flatten().filter_map(token_text));
        }
        Ok(TokenizerConfig {
            bos: named("bos_token"),
            eos: named("eos_token"),
            pad: named("pad_token"),
            unk: named("unk_token"),
            add_bos: flag("add_bos_token"),
            add_eos: flag("add_eos_token"),
            add_prefix_space: flag("add_prefix_space"),
            added: added_tokens(&config["added_tokens_decoder"]),
            other_special,
        })
    }

    /// The texts of the tokens that this configuration calls special.
    pub(super) fn special(&self) -> impl Iterator<Item = &String> {
        [&self.bos, &self.eos, &self.unk, &self.pad].into_iter().flatten().chain(&self.other_special)
    }

    /// Gives the library the tokens that it does not know as added ones yet, as the reference library does.
    pub(super) fn add_tokens(&self, inner: &mut tokenizers::Tokenizer) -> tokenizers::Result<()> {
        let known = inner.get_added_vocabulary().get_vocab().clone();
        let mut fresh: Vec<AddedToken> = Vec::new();
        for token in &self.added {
            if !known.contains_key(&token.content) {
                let special = token.special || self.special().any(|name| *name == token.content);
                fresh.push(token.clone().special(special));
            }
        }
        for name in self.special() {
            if !known.contains_key(name) && fresh.iter().all(|token| token.content != *name) {
                fresh.push(AddedToken::from(name.clone(), true));
            }
        }
        inner.add_tokens(fresh).map(|_| ())
    }
}

/// A settings file as a JSON object; an empty one if it is missing.
fn object(file: &str, text: Option<&str>) -> Result<Value, Error> {
    let Some(text) = text else { return Ok(Value::Object(serde_json::Map::new())) };
    check_depth(text.as_bytes()).map_err(|reason| Error::config(file, reason))?;
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Error::config(file, "not a JSON object")),
        Err(error) => Err(Error::config(file, error)),
    }
}

/// A token is written as its text, or as an object with its text inside.
fn token_text(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["content"].as_str()).filter(|text| !text.is_empty()).map(str::to_string)
}

/// The tokens of `added_tokens_decoder`, in the order of their ids.
fn added_tokens(map: &Value) -> Vec<AddedToken> {
    let entries = map.as_object().into_iter().flatten();
    let mut tokens: Vec<(u64, AddedToken)> = entries
        .filter_map(|(id, token)| {
            let flag = |key: &str| token[key].as_bool().unwrap_or(false);
            let added = AddedToken::from(token_text(token)?, flag("special"))
                .lstrip(flag("lstrip"))
                .rstrip(flag("rstrip"))
                .single_word(flag("single_word"))
                .normalized(token["normalized"].as_bool().unwrap_or(!flag("special")));
            Some((id.parse().ok()?, added))
        })
        .collect();
    tokens.sort_by_key(|(id, _)| *id);
    tokens.into_iter().map(|(_, token)| token).collect()
}
