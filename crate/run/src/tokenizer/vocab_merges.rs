//! `vocab.json` and `merges.txt`: byte-level pairs as GPT-2 was first published, and the kinds that came of it.

use super::class::Class;
use super::json::check_depth;
use super::parts::{Around, Parts, normalizers, replace_regex};
use super::pre_tokenizer::{PreTokenizer, byte_level};
use super::{Tokenizer, TokenizerConfig};
use crate::Error;
use serde_json::json;
use tokenizers::models::bpe::{BPE, Vocab};

/// CLIP's words: no spaces in them, digits one by one.
const CLIP: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

impl Tokenizer {
    /// Reads the texts of `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if a file is damaged, or a merge makes a token that the vocabulary does not have.
    pub fn from_vocab_merges(vocab: &str, merges: &str, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        const BOTH: &str = "vocab.json, merges.txt";
        let ids = read_vocab("vocab.json", vocab)?;
        let pairs = read_merges(merges)?;
        check_merges(&ids, &pairs).map_err(|reason| Error::tokenizer("merges.txt", reason))?;
        let class = class(config, &ids, &pairs);
        let config = config.clone().with_names(class);
        let mut model = BPE::builder().vocab_and_merges(ids, pairs);
        if class == Class::Clip {
            model = model.end_of_word_suffix("</w>".into()).unk_token(config.unk.clone().unwrap_or_default());
        }
        let model = model.build().map_err(|error| Error::tokenizer(BOTH, error))?;
        parts(BOTH, class, &config)?.build(BOTH, model, &config)
    }
}

/// The stages around the pairs of a class.
fn parts(file: &str, class: Class, config: &TokenizerConfig) -> Result<Parts, Error> {
    let nfc = json!({"type": "NFC"});
    let normal = match class {
        Class::Clip => json!([nfc, replace_regex(r"\s+", " "), {"type": "Lowercase"}]),
        Class::Qwen2 | Class::GptNeoX => json!([nfc]),
        _ => json!([]),
    };
    let pre_tokenizer = match class {
        Class::Clip => json!({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": CLIP}, "behavior": "Removed", "invert": true},
            byte_level(false, true),
        ]}),
        Class::Qwen2 => PreTokenizer::named("qwen2").map(|pre| pre.json()).unwrap_or_default(),
        _ => byte_level(config.add_prefix_space.unwrap_or(false), true),
    };
    let around = match class {
        Class::Clip => Around::Roberta { trim: false },
        Class::Roberta => Around::Roberta { trim: true },
        _ => Around::Flags,
    };
    Ok(Parts { normalizers: normalizers(file, normal)?, pre_tokenizer, around, decoder: byte_level(true, true) })
}

/// The class that is named, else the one that the files look like.
fn class(config: &TokenizerConfig, ids: &Vocab, pairs: &[(String, String)]) -> Class {
    match config.class {
        named @ (Class::Gpt2 | Class::GptNeoX | Class::Qwen2 | Class::Roberta | Class::Clip) => named,
        _ if pairs.iter().any(|(_, right)| right.ends_with("</w>")) => Class::Clip,
        _ if config.special().next().is_some() => Class::Gpt2,
        _ if ["<s>", "</s>", "<unk>", "<mask>"].iter().all(|name| ids.contains_key(*name)) => Class::Roberta,
        _ => Class::Gpt2,
    }
}

/// The tokens of a `vocab.json` and their ids.
pub(super) fn read_vocab(file: &str, text: &str) -> Result<Vocab, Error> {
    check_depth(text.as_bytes()).map_err(|reason| Error::tokenizer(file, reason))?;
    let ids: std::collections::HashMap<String, u32> = serde_json::from_str(text)
        .map_err(|error| Error::tokenizer(file, format!("not tokens and their ids: {error}")))?;
    Ok(ids.into_iter().collect())
}

/// The lines of `merges.txt`.
fn read_merges(text: &str) -> Result<Vec<(String, String)>, Error> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(at, line)| !(line.is_empty() || *at == 0 && line.starts_with('#')));
    lines.map(|(at, line)| pair(line).ok_or_else(|| broken(at, line))).collect()
}

/// One merge: two tokens with a space between.
fn pair(line: &str) -> Option<(String, String)> {
    let (left, right) = line.trim_end().split_once(' ')?;
    (!left.is_empty() && !right.is_empty() && !right.contains(' ')).then(|| (left.into(), right.into()))
}

/// The error for a line that is no merge.
fn broken(at: usize, line: &str) -> Error {
    Error::tokenizer("merges.txt", format!("line {}: not two tokens: {line:?}", at + 1))
}

/// Checks that every merge makes a token of two that exist, which the library takes for granted.
pub(super) fn check_merges(ids: &Vocab, pairs: &[(String, String)]) -> Result<(), String> {
    for (left, right) in pairs {
        if let Some(missing) = [left, right].into_iter().find(|token| !ids.contains_key(*token)) {
            return Err(format!("the vocabulary has no token {missing:?}"));
        }
        let both = format!("{left}{right}");
        if !ids.contains_key(&both) {
            return Err(format!("the vocabulary has no token {both:?}"));
        }
    }
    Ok(())
}
