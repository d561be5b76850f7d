//! `vocab.txt`: WordPiece as BERT was first published, one token a line.

use super::class::Class;
use super::parts::{Around, Parts, normalizers};
use super::{Tokenizer, TokenizerConfig};
use crate::Error;
use serde_json::json;
use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece;

impl Tokenizer {
    /// Reads the text of `vocab.txt`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if it is empty, or has none of the tokens that go around a text.
    pub fn from_wordpiece(vocab: &str, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        const FILE: &str = "vocab.txt";
        // As Python reads lines: `\n`, `\r\n` and `\r` all end one.
        let lines = vocab.strip_suffix('\n').unwrap_or(vocab).split('\n');
        let tokens = lines.map(|line| line.strip_suffix('\r').unwrap_or(line).to_string());
        if vocab.is_empty() {
            return Err(Error::tokenizer(FILE, "the vocabulary is empty"));
        }
        wordpiece(FILE, tokens.zip(0..), config)
    }
}

/// WordPiece over tokens and their ids.
pub(super) fn wordpiece(
    file: &str,
    tokens: impl Iterator<Item = (String, u32)>,
    config: &TokenizerConfig,
) -> Result<Tokenizer, Error> {
    let class = if config.class == Class::Mpnet { Class::Mpnet } else { Class::Bert };
    let config = config.clone().with_names(class);
    let unk = config.unk.clone().unwrap_or_default();
    let model = WordPiece::builder().vocab(tokens.collect::<Vocab>()).unk_token(unk).build();
    let model = model.map_err(|error| Error::tokenizer(file, error))?;
    let habits = &config.habits;
    let bert = json!([{
        "type": "BertNormalizer",
        "clean_text": true,
        "handle_chinese_chars": habits.tokenize_chinese_chars.unwrap_or(true),
        "strip_accents": habits.strip_accents,
        "lowercase": habits.do_lower_case.unwrap_or(true),
    }]);
    let around = if class == Class::Mpnet { Around::Roberta { trim: true } } else { Around::Bert };
    let parts = Parts {
        normalizers: normalizers(file, bert)?,
        pre_tokenizer: json!({"type": "BertPreTokenizer"}),
        around,
        decoder: json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
    };
    parts.build(file, model, &config)
}
