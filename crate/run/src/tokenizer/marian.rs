//! `source.spm` and `vocab.json`: a SentencePiece model cuts, and a vocabulary of its own numbers the pieces.

use super::class::Class;
use super::proto::{Model, UNIGRAM};
use super::sentencepiece::{as_the_file_says, unigrams};
use super::vocab_merges::read_vocab;
use super::{Engine, Framing, PieceKind, SpecialTokens, Spelling, Tokenizer, TokenizerConfig};
use crate::Error;
use std::collections::HashMap;

/// A cutter whose pieces are numbered elsewhere.
pub(super) struct Renumbered {
    /// Cuts a text into pieces; its own ids mean nothing.
    pub cutter: Box<Tokenizer>,
    /// The numbers of what is read.
    pub ids: HashMap<String, u32>,
    /// What is written, by its numbers.
    pub tokens: HashMap<u32, String>,
    pub unk: u32,
    pub joint: Joint,
}

/// How pieces become a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// `▁` is a space (SentencePiece).
    Signs,
    /// `@@` ends a piece whose word goes on (subword-nmt).
    Ats,
    /// `￭` stands where there is no space (OpenNMT).
    Joiners,
    /// Pieces are characters.
    Characters,
    /// Pieces are words.
    Spaces,
}

impl Tokenizer {
    /// Reads the bytes of `source.spm` and the text of `vocab.json`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if a file is damaged, or the vocabulary has no unknown or last token.
    pub fn from_marian(source: &[u8], vocab: &str, config: &TokenizerConfig) -> Result<Tokenizer, Error> {
        const SOURCE: &str = "source.spm";
        const VOCAB: &str = "vocab.json";
        let config = config.clone().with_names(Class::Marian);
        let mut model = Model::read(source).map_err(|reason| Error::tokenizer(SOURCE, reason))?;
        if model.kind != UNIGRAM {
            return Err(Error::tokenizer(SOURCE, "is not of unigrams, the only kind that is read"));
        }
        hide_control_pieces(&mut model);
        let parts = as_the_file_says(SOURCE, &model, true)?;
        let cutter = Box::new(parts.build(SOURCE, unigrams(SOURCE, &model, Class::Any)?, &config)?);
        let ids: HashMap<String, u32> = read_vocab(VOCAB, vocab)?.into_iter().collect();
        let id = |name: &Option<String>| name.as_deref().and_then(|name| ids.get(name).copied());
        let special = SpecialTokens { bos: None, eos: id(&config.eos), pad: id(&config.pad), unk: id(&config.unk) };
        let unk = special.unk.ok_or_else(|| Error::tokenizer(VOCAB, "the vocabulary has no unk_token"))?;
        let last = special.eos.ok_or_else(|| Error::tokenizer(VOCAB, "the vocabulary has no eos_token"))?;
        let special_ids = config.special().filter_map(|name| ids.get(name).copied()).collect();
        let tokens = ids.iter().map(|(token, id)| (*id, token.clone())).collect();
        let vocab_len = ids.values().max().map_or(0, |id| *id as usize + 1);
        Ok(Tokenizer {
            engine: Engine::Renumbered(Renumbered { cutter, ids, tokens, unk, joint: Joint::Signs }),
            framing: Framing::Ends { first: None, last: Some(last) },
            spelling: Spelling::Pieces,
            special,
            special_ids,
            vocab_len,
        })
    }
}

/// Control pieces are no text here: they get names that no text has.
fn hide_control_pieces(model: &mut Model) {
    let made = [PieceKind::Normal, PieceKind::UserDefined, PieceKind::Byte];
    for piece in model.pieces.iter_mut().filter(|piece| !made.contains(&piece.kind)) {
        piece.text.insert(0, char::MAX);
    }
}

impl Renumbered {
    /// The ids of a text; a language such as `>>fra<<` may come first.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let code = text.strip_prefix(">>").and_then(|rest| rest.find("<<")).map_or(0, |end| end + 4);
        let (code, rest) = text.split_at(code);
        let pieces = self.cutter.tokens(rest)?;
        let first = Some(code).filter(|code| !code.is_empty());
        Ok(first.into_iter().chain(pieces.iter().map(String::as_str)).map(|piece| self.number(piece)).collect())
    }

    fn number(&self, piece: &str) -> u32 {
        self.ids.get(piece).copied().unwrap_or(self.unk)
    }

    /// The text of ids that are no special tokens: the pieces without their signs for spaces.
    pub(super) fn decode(&self, ids: impl Iterator<Item = u32>) -> String {
        let pieces: Vec<&str> = ids.filter_map(|id| self.token(id)).collect();
        match self.joint {
            Joint::Signs => pieces.concat().replace('▁', " ").trim().to_string(),
            Joint::Ats => format!("{} ", pieces.join(" ")).replace("@@ ", "").trim().to_string(),
            Joint::Joiners => pieces.join(" ").replace("￭ ", "").replace(" ￭", "").replace('￭', ""),
            Joint::Characters => pieces.concat(),
            Joint::Spaces => pieces.join(" "),
        }
    }

    /// The id of a piece.
    pub(super) fn id(&self, piece: &str) -> Option<u32> {
        self.ids.get(piece).copied()
    }

    /// The piece of an id of what is read.
    pub(super) fn read_token(&self, id: u32) -> Option<&str> {
        self.ids.iter().find(|(_, found)| **found == id).map(|(piece, _)| piece.as_str())
    }

    /// The piece of an id of what is written.
    pub(super) fn token(&self, id: u32) -> Option<&str> {
        self.tokens.get(&id).map(String::as_str)
    }
}
