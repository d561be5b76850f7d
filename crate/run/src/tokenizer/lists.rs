//! Two plain lists of tokens, one for what is read and one for what is written: the vocabularies of CTranslate2.
//!
//! Such a model reads tokens that another program has cut. Here a text is cut at spaces, and what is no token into the
//! longest tokens that it begins with, or into characters where all tokens are such.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece;

use super::marian::{Joint, Renumbered};
use super::parts::{Around, Parts};
use super::{Engine, Framing, SpecialTokens, Spelling, Tokenizer, TokenizerConfig};
use crate::Error;

/// No published token is longer.
const LONGEST_WORD: usize = 1 << 16;

impl Tokenizer {
    /// From the tokens that are read and those that are written, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the lists have no unknown or last token.
    pub fn from_lists(source: &[String], target: &[String], config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        const FILE: &str = "vocabulary";
        let ids: HashMap<String, u32> = source.iter().cloned().zip(0..).collect();
        let id = |name: &Option<String>| name.as_deref().and_then(|name| ids.get(name).copied());
        let special = SpecialTokens { bos: id(&config.bos), eos: id(&config.eos), pad: None, unk: id(&config.unk) };
        let unk = special.unk.ok_or_else(|| Error::tokenizer(FILE, "there is no token for what is unknown"))?;
        let plain: Vec<&String> = target.iter().chain(source).filter(|token| !is_sign(token, config)).collect();
        let joint = joint(&plain);
        let cutter = Box::new(cutter(FILE, &ids, joint, config)?);
        let tokens: HashMap<u32, String> = (0..).zip(target.iter().cloned()).collect();
        let special_ids = (0..).zip(target).filter(|(_, token)| is_sign(token, config)).map(|(id, _)| id).collect();
        let first = special.bos.filter(|_| config.add_bos == Some(true));
        let last = special.eos.filter(|_| config.add_eos == Some(true));
        Ok(Tokenizer {
            engine: Engine::Renumbered(Renumbered { cutter, ids, tokens, unk, joint }),
            framing: Framing::Ends { first, last },
            spelling: Spelling::Plain,
            special,
            special_ids,
            vocab_len: target.len().max(source.len()),
        })
    }
}

/// Whether a token is no text.
fn is_sign(token: &str, config: &TokenizerConfig) -> bool {
    let named = [&config.bos, &config.eos, &config.pad, &config.unk];
    named.into_iter().flatten().any(|name| name == token) || token == "<blank>"
}

/// How tokens become a text, by what they look like.
fn joint(tokens: &[&String]) -> Joint {
    let some = |sign: &str| tokens.iter().any(|token| token.contains(sign));
    match () {
        () if some("▁") => Joint::Signs,
        () if tokens.iter().any(|token| token.ends_with("@@")) => Joint::Ats,
        () if some("￭") => Joint::Joiners,
        () if tokens.iter().all(|token| token.chars().count() == 1) => Joint::Characters,
        () => Joint::Spaces,
    }
}

fn cutter(file: &str, ids: &HashMap<String, u32>, joint: Joint, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
    let unk = config.unk.clone().unwrap_or_default();
    let words = WordPiece::builder()
        .vocab(ids.iter().map(|(token, id)| (token.clone(), *id)).collect::<Vocab>())
        .unk_token(unk)
        .continuing_subword_prefix(String::new())
        .max_input_chars_per_word(LONGEST_WORD)
        .build()
        .map_err(|error| Error::tokenizer(file, error))?;
    let spaces = json!({"type": "WhitespaceSplit"});
    let pre_tokenizer = match joint {
        Joint::Characters => {
            let each = json!({"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": false});
            json!({"type": "Sequence", "pretokenizers": [spaces, each]})
        }
        Joint::Signs => {
            let signs = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true});
            json!({"type": "Sequence", "pretokenizers": [signs]})
        }
        Joint::Ats | Joint::Joiners | Joint::Spaces => spaces,
    };
    let parts = Parts { normalizers: Vec::new(), pre_tokenizer, around: Around::Flags, decoder: Value::Null };
    parts.build(file, words, &TokenizerConfig::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Add, Special};

    fn made(tokens: &str) -> Tokenizer {
        let list: Vec<String> = format!("<unk> <s> </s> {tokens}").split(' ').map(str::to_string).collect();
        let config = TokenizerConfig {
            unk: Some("<unk>".into()),
            bos: Some("<s>".into()),
            eos: Some("</s>".into()),
            ..TokenizerConfig::default()
        };
        Tokenizer::from_lists(&list, &list, &config).unwrap()
    }

    #[test]
    fn texts_are_cut_and_joined_by_what_tokens_look_like() {
        for (tokens, text, ids, back) in [
            ("a b c", "ab xc", vec![3, 4, 0, 5], "abc"),
            ("the ca t", "the cat t", vec![3, 4, 5, 5], "the ca t t"),
            ("▁the ▁ca t", "the cat", vec![3, 4, 5], "the cat"),
            ("the ca@@ t", "the ca@@ t", vec![3, 4, 5], "the cat"),
            ("the ca ￭t", "the ca ￭t", vec![3, 4, 5], "the cat"),
        ] {
            let tokenizer = made(tokens);
            assert_eq!(tokenizer.encode(text, Add::Special).unwrap(), ids, "{tokens}");
            let ids: Vec<u32> = [&ids[..], &[2]].concat();
            assert_eq!(tokenizer.decode(&ids, Special::Skip).unwrap(), back, "{tokens}");
        }
    }
}
