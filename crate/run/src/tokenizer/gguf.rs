//! The vocabulary inside a GGUF file: of kind `gpt2` (pairs over bytes), `llama` (merges by score), `bert` (WordPiece) or
//! `t5` (unigrams).

use super::class::Class;
use super::pre_tokenizer::{PreTokenizer, byte_level};
use super::proto::{Model, UNIGRAM};
use super::sentencepiece::from_model;
use super::wordpiece::wordpiece;
use super::{Piece, PieceKind, ScoreVocabulary, Tokenizer, TokenizerConfig};
use crate::Error;
use format::gguf::{self, Metadata};
use serde_json::{Map, Value, json};

/// The name that errors use, since metadata does not know its file.
const FILE: &str = "GGUF vocabulary";

impl Tokenizer {
    /// Reads the keys `tokenizer.ggml.*`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if keys are missing or contradict each other, or the kind is not supported.
    pub fn from_gguf(metadata: &Metadata) -> Result<Tokenizer, Error> {
        let vocab = GgufVocab::read(metadata)?;
        match metadata.str("tokenizer.ggml.model") {
            Some("gpt2") => vocab.pairs(metadata),
            Some("llama") => vocab.scores(metadata),
            Some("bert") => vocab.words(metadata),
            Some("t5") => vocab.unigrams(metadata),
            Some(other) => Err(Error::tokenizer(FILE, format!("vocabularies of kind {other:?} are not supported"))),
            None => Err(missing("tokenizer.ggml.model")),
        }
    }
}

/// What both kinds have.
struct GgufVocab<'m> {
    tokens: &'m [String],
    kinds: Vec<PieceKind>,
    add_bos: Option<bool>,
    add_eos: Option<bool>,
    bos: Option<u32>,
    eos: Option<u32>,
    pad: Option<u32>,
    unk: Option<u32>,
}

impl<'m> GgufVocab<'m> {
    fn read(metadata: &'m Metadata) -> Result<GgufVocab<'m>, Error> {
        let tokens = metadata.strings("tokenizer.ggml.tokens").ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let named = |name: &str| match metadata.u64(&format!("tokenizer.ggml.{name}_token_id")) {
            Some(id) if id < tokens.len() as u64 => Ok(Some(id as u32)),
            Some(id) => {
                Err(Error::tokenizer(FILE, format!("{name}_token_id {id} is not below the {} tokens", tokens.len())))
            }
            None => Ok(None),
        };
        let (bos, eos, pad, unk) = (named("bos")?, named("eos")?, named("padding")?, named("unknown")?);
        let kinds = match metadata.i32s("tokenizer.ggml.token_type") {
            Some(numbers) if numbers.len() == tokens.len() => numbers.into_iter().map(PieceKind::from_number).collect(),
            Some(numbers) => return Err(unequal("token_type", numbers.len(), tokens.len())),
            None => (0..tokens.len() as u32)
                .map(|id| if [bos, eos].contains(&Some(id)) { PieceKind::Control } else { PieceKind::Normal })
                .collect(),
        };
        let flag = |key: &str| metadata.bool(&format!("tokenizer.ggml.{key}"));
        let (add_bos, add_eos) = (flag("add_bos_token"), flag("add_eos_token"));
        Ok(GgufVocab { tokens, kinds, add_bos, add_eos, bos, eos, pad, unk })
    }

    /// Kind `gpt2`.
    fn pairs(self, metadata: &Metadata) -> Result<Tokenizer, Error> {
        let name = metadata.str("tokenizer.ggml.pre").unwrap_or("default");
        let Some(pre) = PreTokenizer::named(name) else {
            return Err(Error::tokenizer(FILE, format!("the pre-tokenizer {name:?} is not supported")));
        };
        let merges = metadata.strings("tokenizer.ggml.merges").ok_or_else(|| missing("tokenizer.ggml.merges"))?;
        let pair = |merge: &String| match merge.split_once(' ') {
            Some((left, right)) => Ok(json!([left, right])),
            None => Err(Error::tokenizer(FILE, format!("not two tokens: {merge:?}"))),
        };
        let merges: Vec<Value> = merges.iter().map(pair).collect::<Result<_, _>>()?;
        let mut vocab = Map::new();
        for (id, token) in self.tokens.iter().enumerate() {
            vocab.entry(token.as_str()).or_insert_with(|| json!(id));
        }
        let parts = json!({
            "version": "1.0",
            "added_tokens": self.added(),
            "pre_tokenizer": pre.json(),
            "decoder": byte_level(true, true),
            "model": {"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": pre.ignore_merges},
        });
        let token = |id: Option<u32>| id.map(|id| self.tokens[id as usize].clone());
        let config = TokenizerConfig {
            bos: token(self.bos),
            eos: token(self.eos),
            pad: token(self.pad),
            unk: token(self.unk),
            add_bos: Some(self.add_bos.unwrap_or(pre.add_bos)),
            add_eos: self.add_eos,
            ..TokenizerConfig::default()
        };
        Tokenizer::from_parts(FILE, parts, &config)
    }

    /// The tokens that are found in a text before anything else.
    fn added(&self) -> Vec<Value> {
        let fixed = [PieceKind::Control, PieceKind::UserDefined, PieceKind::Unknown];
        let entries = self.tokens.iter().zip(&self.kinds).enumerate();
        let added = entries.filter(|(_, (_, kind))| fixed.contains(kind));
        added
            .map(|(id, (token, kind))| {
                json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": *kind != PieceKind::UserDefined})
            })
            .collect()
    }

    /// Kind `llama`.
    fn scores(self, metadata: &Metadata) -> Result<Tokenizer, Error> {
        let special = super::SpecialTokens { bos: self.bos, eos: self.eos, pad: self.pad, unk: self.unk };
        let mut vocabulary = ScoreVocabulary::new(FILE, self.pieces(metadata)?, special)?;
        vocabulary.add_space_prefix = metadata.bool("tokenizer.ggml.add_space_prefix").unwrap_or(true);
        vocabulary.add_bos = self.add_bos.unwrap_or(true);
        vocabulary.add_eos = self.add_eos.unwrap_or(false);
        Ok(Tokenizer::from_scores(vocabulary))
    }

    /// The tokens with their scores and kinds.
    fn pieces(&self, metadata: &Metadata) -> Result<Vec<Piece>, Error> {
        let scores = metadata.f32s("tokenizer.ggml.scores").ok_or_else(|| missing("tokenizer.ggml.scores"))?;
        if scores.len() != self.tokens.len() {
            return Err(unequal("scores", scores.len(), self.tokens.len()));
        }
        let pieces = self.tokens.iter().zip(scores).zip(&self.kinds);
        Ok(pieces.map(|((text, &score), &kind)| Piece { text: text.clone(), score, kind }).collect())
    }

    /// Kind `bert`: `▁` begins a word and nothing what goes on, where `vocab.txt` has nothing and `##`.
    fn words(self, metadata: &Metadata) -> Result<Tokenizer, Error> {
        let spelled = |(token, kind): (&String, &PieceKind)| match token.strip_prefix('▁') {
            Some(word) => word.to_string(),
            None if *kind != PieceKind::Normal || token.starts_with('[') && token.ends_with(']') => token.clone(),
            None => format!("##{token}"),
        };
        let name = |key: &str| {
            let id = metadata.u64(&format!("tokenizer.ggml.{key}_token_id"))?;
            self.tokens.get(usize::try_from(id).ok()?).cloned()
        };
        let config = TokenizerConfig {
            class: Class::Bert,
            cls: name("cls").or_else(|| name("bos")),
            sep: name("seperator").or_else(|| name("separator")).or_else(|| name("eos")),
            mask: name("mask"),
            pad: name("padding"),
            unk: name("unknown"),
            ..TokenizerConfig::default()
        };
        wordpiece(FILE, self.tokens.iter().zip(&self.kinds).map(spelled).zip(0..), &config)
    }

    /// Kind `t5`.
    fn unigrams(self, metadata: &Metadata) -> Result<Tokenizer, Error> {
        let pieces = self.pieces(metadata)?;
        if let Some(id) = pieces.iter().position(|piece| !piece.score.is_finite()) {
            return Err(Error::tokenizer(FILE, format!("the score of token {id} is not a number")));
        }
        let charsmap = match metadata.get("tokenizer.ggml.precompiled_charsmap") {
            Some(gguf::Value::Array(gguf::Array::U8(bytes))) => bytes.clone(),
            Some(gguf::Value::Array(gguf::Array::I8(bytes))) => bytes.iter().map(|byte| byte.cast_unsigned()).collect(),
            Some(_) | None => Vec::new(),
        };
        let flag = |key: &str| metadata.bool(&format!("tokenizer.ggml.{key}"));
        let place = |id: Option<u32>| id.map_or(-1, i64::from);
        let model = Model {
            kind: UNIGRAM,
            unk: self.unk.map_or(2, i64::from),
            bos: place(self.bos),
            eos: place(self.eos),
            byte_fallback: pieces.iter().any(|piece| piece.kind == PieceKind::Byte),
            charsmap: &charsmap,
            add_dummy_prefix: flag("add_space_prefix").unwrap_or(true),
            remove_extra_whitespaces: flag("remove_extra_whitespaces").unwrap_or(true),
            escape_whitespaces: true,
            pieces,
        };
        let config = TokenizerConfig {
            pad: self.pad.map(|id| self.tokens[id as usize].clone()),
            add_bos: Some(self.add_bos.unwrap_or(false)),
            add_eos: Some(self.add_eos.unwrap_or(true)),
            ..TokenizerConfig::default()
        };
        from_model(FILE, model, config)
    }
}

/// The error for a key that has to be there.
fn missing(key: &str) -> Error {
    Error::tokenizer(FILE, format!("the key {key} is missing"))
}

/// The error for a list of the wrong length.
fn unequal(key: &str, found: usize, tokens: usize) -> Error {
    Error::tokenizer(FILE, format!("{found} entries of {key} for {tokens} tokens"))
}
