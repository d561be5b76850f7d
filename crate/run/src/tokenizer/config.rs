//! `tokenizer_config.json` and `special_tokens_map.json`: what a checkpoint says about its tokenizer.

use super::class::Class;
use super::json::check_depth;
use crate::Error;
use serde_json::Value;
use tokenizers::AddedToken;

/// What a checkpoint's configuration files say about its tokenizer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenizerConfig {
    /// The tokenizer that is meant.
    pub class: Class,
    /// The token that begins a sequence.
    pub bos: Option<String>,
    /// The token that ends a sequence.
    pub eos: Option<String>,
    /// The token that fills up a row.
    pub pad: Option<String>,
    /// The token for what the vocabulary cannot write.
    pub unk: Option<String>,
    /// The token between two texts.
    pub sep: Option<String>,
    /// The token whose state stands for the whole text.
    pub cls: Option<String>,
    /// The token for a word to be found.
    pub mask: Option<String>,
    /// Whether `bos` is put first; `None` leaves it to `tokenizer.json`.
    pub add_bos: Option<bool>,
    /// Whether `eos` is put last; `None` leaves it to `tokenizer.json`.
    pub add_eos: Option<bool>,
    /// Whether a text is taken as if a space came before it.
    pub add_prefix_space: Option<bool>,
    /// Settings of single classes.
    pub(super) habits: Habits,
    /// Tokens beside the vocabulary, by their ids.
    pub(super) added: Vec<(u64, AddedToken)>,
    /// Named tokens that are written with all their properties.
    pub(super) objects: Vec<AddedToken>,
    /// Every other token that is special.
    pub(super) other_special: Vec<String>,
}

/// Settings that only some classes have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Habits {
    /// BERT, ALBERT: small letters only.
    pub do_lower_case: Option<bool>,
    /// BERT: without accents; by default as `do_lower_case`.
    pub strip_accents: Option<bool>,
    /// BERT: each Chinese character is a word.
    pub tokenize_chinese_chars: Option<bool>,
    /// ALBERT: accents stay.
    pub keep_accents: Option<bool>,
    /// Llama: a space before each stretch between special tokens, not only before the first.
    pub legacy: Option<bool>,
    /// T5: how many sentinels.
    pub extra_ids: Option<u64>,
    /// mBART: the language of texts.
    pub src_lang: Option<String>,
}

/// The keys of the named tokens, in the order of [`super::class::Names`].
const NAMED: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

impl TokenizerConfig {
    /// Reads `tokenizer_config.json` and `special_tokens_map.json`, either of which may be missing.
    ///
    /// # Errors
    /// [`Error::Config`] if a file is not a JSON object or is nested too deeply.
    pub fn from_json(config: Option<&str>, special_tokens_map: Option<&str>) -> Result<TokenizerConfig, Error> {
        let map = object("special_tokens_map.json", special_tokens_map)?;
        let config = object("tokenizer_config.json", config)?;
        let value = |key: &str| if config[key].is_null() { map[key].clone() } else { config[key].clone() };
        let named = |key: &str| token_text(&value(key));
        let flag = |key: &str| config[key].as_bool();
        let mut other_special = Vec::new();
        for list in ["additional_special_tokens", "extra_special_tokens"] {
            let list = value(list);
            other_special.extend(list.as_array().into_iter().flatten().filter_map(token_text));
            other_special.extend(list.as_object().into_iter().flat_map(|map| map.values()).filter_map(token_text));
        }
        Ok(TokenizerConfig {
            class: config["tokenizer_class"].as_str().map_or(Class::Any, Class::named),
            bos: named("bos_token"),
            eos: named("eos_token"),
            pad: named("pad_token"),
            unk: named("unk_token"),
            sep: named("sep_token"),
            cls: named("cls_token"),
            mask: named("mask_token"),
            add_bos: flag("add_bos_token"),
            add_eos: flag("add_eos_token"),
            add_prefix_space: flag("add_prefix_space"),
            habits: Habits {
                do_lower_case: flag("do_lower_case"),
                strip_accents: flag("strip_accents"),
                tokenize_chinese_chars: flag("tokenize_chinese_chars"),
                keep_accents: flag("keep_accents"),
                legacy: flag("legacy"),
                extra_ids: config["extra_ids"].as_u64(),
                src_lang: config["src_lang"].as_str().map(str::to_string),
            },
            added: added_tokens(&config["added_tokens_decoder"]),
            objects: NAMED.iter().filter_map(|key| added_token(&value(key), true)).collect(),
            other_special,
        })
    }

    /// What `config.json` adds: the class, where the tokenizer's own files do not name it.
    pub fn for_model(mut self, config: &Value) -> TokenizerConfig {
        let model_type = config["model_type"].as_str().unwrap_or_default();
        if self.class == Class::Any {
            self.class = config["tokenizer_class"].as_str().map_or(Class::Any, Class::named);
        }
        if self.class == Class::Any {
            self.class = Class::of_model(model_type);
        }
        if self.class.disbelieved(model_type) {
            self.class = Class::Any;
        }
        self
    }

    /// What `added_tokens.json` adds: tokens by their ids.
    ///
    /// # Errors
    /// [`Error::Config`] if it is not a JSON object or is nested too deeply.
    pub fn with_added_tokens(mut self, text: &str) -> Result<TokenizerConfig, Error> {
        let map = object("added_tokens.json", Some(text))?;
        for (token, id) in map.as_object().into_iter().flatten() {
            if let Some(id) = id.as_u64().filter(|_| self.added.iter().all(|(_, known)| known.content != *token)) {
                self.added.push((id, AddedToken::from(token.clone(), false)));
            }
        }
        self.added.sort_by_key(|(id, _)| *id);
        Ok(self)
    }

    /// With the names that the class has for its special tokens where none are given.
    pub(super) fn with_names(mut self, class: Class) -> TokenizerConfig {
        self.class = class;
        let [bos, eos, unk, sep, pad, cls, mask] = class.names();
        let slots = [
            (&mut self.bos, bos),
            (&mut self.eos, eos),
            (&mut self.unk, unk),
            (&mut self.sep, sep),
            (&mut self.pad, pad),
            (&mut self.cls, cls),
            (&mut self.mask, mask),
        ];
        for (slot, name) in slots {
            if slot.is_none() {
                *slot = name.map(str::to_string);
            }
        }
        self
    }

    /// With the special tokens that a named class has of its own.
    pub(crate) fn with_class_names(self) -> TokenizerConfig {
        match self.class {
            Class::Any => self,
            class => self.with_names(class),
        }
    }

    /// The texts of the tokens that this configuration calls special.
    pub(super) fn special(&self) -> impl Iterator<Item = &String> {
        let named = [&self.bos, &self.eos, &self.unk, &self.sep, &self.pad, &self.cls, &self.mask];
        named.into_iter().flatten().chain(&self.other_special)
    }

    /// Gives the library the tokens that it does not know as added ones yet, as the reference library does.
    pub(super) fn add_tokens(&self, inner: &mut tokenizers::Tokenizer) -> tokenizers::Result<()> {
        let known = inner.get_added_vocabulary().get_vocab().clone();
        let mut fresh: Vec<AddedToken> = Vec::new();
        for (_, token) in &self.added {
            if !known.contains_key(&token.content) {
                let special = token.special || self.special().any(|name| *name == token.content);
                fresh.push(token.clone().special(special));
            }
        }
        for name in self.special() {
            if !known.contains_key(name) && fresh.iter().all(|token| token.content != *name) {
                let object = self.objects.iter().find(|token| token.content == *name).cloned();
                fresh.push(object.unwrap_or_else(|| AddedToken::from(name.clone(), true)));
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

/// A token that is written with its properties.
fn added_token(value: &Value, special: bool) -> Option<AddedToken> {
    let content = token_text(value).filter(|_| value.is_object())?;
    let flag = |key: &str| value[key].as_bool().unwrap_or(false);
    let special = value["special"].as_bool().unwrap_or(special);
    let token = AddedToken::from(content, special);
    let token = token.lstrip(flag("lstrip")).rstrip(flag("rstrip")).single_word(flag("single_word"));
    Some(token.normalized(value["normalized"].as_bool().unwrap_or(!special)))
}

/// The tokens of `added_tokens_decoder`, in the order of their ids.
fn added_tokens(map: &Value) -> Vec<(u64, AddedToken)> {
    let entries = map.as_object().into_iter().flatten();
    let mut tokens: Vec<(u64, AddedToken)> =
        entries.filter_map(|(id, token)| Some((id.parse().ok()?, added_token(token, false)?))).collect();
    tokens.sort_by_key(|(id, _)| *id);
    tokens
}
