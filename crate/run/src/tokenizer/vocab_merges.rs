//! `vocab.json` and `merges.txt`: byte-level pairs as GPT-2 was first published.

use super::json::check_depth;
use super::pre_tokenizer::byte_level;
use super::{Tokenizer, TokenizerConfig};
use crate::Error;
use serde_json::{Value, json};

/// GPT-2's one special token, for checkpoints that name none.
const END_OF_TEXT: &str = "<|endoftext|>";

impl Tokenizer {
    /// Reads the texts of `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if a file is damaged, or a merge makes a token that the vocabulary does not have.
    pub fn from_vocab_merges(vocab: &str, merges: &str, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        const FILE: &str = "vocab.json";
        check_depth(vocab.as_bytes()).map_err(|reason| Error::tokenizer(FILE, reason))?;
        let vocab: Value = serde_json::from_str(vocab).map_err(|error| Error::tokenizer(FILE, error))?;
        let Some(ids) = vocab.as_object() else {
            return Err(Error::tokenizer(FILE, "not a JSON object of tokens and their ids"));
        };
        let mut config = config.clone();
        if config.special().next().is_none() && ids.contains_key(END_OF_TEXT) {
            let end = Some(END_OF_TEXT.to_string());
            (config.bos, config.eos, config.unk) = (end.clone(), end.clone(), end);
        }
        let lines =
            merges.lines().enumerate().filter(|(at, line)| !(line.is_empty() || *at == 0 && line.starts_with('#')));
        let pairs: Result<Vec<Value>, Error> =
            lines.map(|(at, line)| pair(line).ok_or_else(|| broken(at, line))).collect();
        let prefix = config.add_prefix_space.unwrap_or(false);
        let parts = json!({
            "version": "1.0",
            "pre_tokenizer": byte_level(prefix, true),
            "decoder": byte_level(true, true),
            "model": {"type": "BPE", "vocab": vocab, "merges": pairs?},
        });
        Tokenizer::from_parts("vocab.json, merges.txt", parts, &config)
    }
}

/// One merge: two tokens with a space between.
fn pair(line: &str) -> Option<Value> {
    let (left, right) = line.trim_end().split_once(' ')?;
    (!left.is_empty() && !right.is_empty() && !right.contains(' ')).then(|| json!([left, right]))
}

/// The error for a line that is no merge.
fn broken(at: usize, line: &str) -> Error {
    Error::tokenizer("merges.txt", format!("line {}: not two tokens: {line:?}", at + 1))
}
