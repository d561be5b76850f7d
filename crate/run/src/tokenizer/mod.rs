//! Text to token ids and back.
//!
//! [`Tokenizer`] has one way in for each kind of source, one file each: [`Tokenizer::from_json`] for `tokenizer.json`,
//! [`Tokenizer::from_vocab_merges`] for GPT-2's pair of files, [`Tokenizer::from_wordpiece`] for `vocab.txt`, [`Tokenizer::from_gguf`] for a GGUF file's vocabulary,
//! [`Tokenizer::from_sentencepiece`] for `tokenizer.model`, [`Tokenizer::from_scores`] for SentencePiece's kind, where the score of a token decides what is merged first.

mod byte_level;
mod charsmap;
mod class;
mod config;
mod gguf;
mod json;
mod languages;
mod lists;
mod marian;
mod merger;
mod parts;
mod pre_tokenizer;
mod proto;
mod scores;
mod sentencepiece;
mod spans;
mod vocab_merges;
mod wordpiece;

pub use class::Class;
pub use config::TokenizerConfig;
pub use scores::{Piece, PieceKind, ScoreVocabulary};
pub use spans::{Place, Spans};

use crate::Error;
use std::collections::HashSet;
use tokenizers::{DecoderWrapper, ModelWrapper};

/// The ids of the tokens that have a name of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Begins a sequence.
    pub bos: Option<u32>,
    /// Ends a sequence.
    pub eos: Option<u32>,
    /// Fills up a shorter row of a batch.
    pub pad: Option<u32>,
    /// Stands for what the vocabulary cannot write.
    pub unk: Option<u32>,
}

/// What puts tokens around a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// The post-processor inside `tokenizer.json`.
    PostProcessor,
    /// One token before, one after, as a configuration says.
    Ends {
        /// Put first.
        first: Option<u32>,
        /// Put last.
        last: Option<u32>,
    },
}

/// How a token's text stands for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// GPT-2's alphabet: one printable character a byte.
    ByteLevel,
    /// The same, and `</w>` ends a word.
    ByteLevelWords,
    /// SentencePiece's: `▁` is a space, `<0xE4>` a byte.
    Pieces,
    /// As it is written.
    Plain,
}

/// What CLIP's pairs write at the end of a word.
const END_OF_WORD: &str = "</w>";

/// What does the work.
enum Engine {
    /// The tokenizers library.
    Library(Box<tokenizers::Tokenizer>),
    /// Our own merges by score.
    Scores(Box<ScoreVocabulary>),
    /// A cutter and a vocabulary of two files.
    Renumbered(marian::Renumbered),
}

/// Text to token ids and back.
pub struct Tokenizer {
    engine: Engine,
    framing: Framing,
    spelling: Spelling,
    special: SpecialTokens,
    special_ids: HashSet<u32>,
    vocab_len: usize,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("vocab_len", &self.vocab_len).field("special", &self.special).finish()
    }
}

impl Tokenizer {
    /// Around a tokenizer of the library.
    fn library(inner: tokenizers::Tokenizer, framing: Framing, special: SpecialTokens) -> Tokenizer {
        let added = inner.get_added_tokens_decoder();
        let special_ids = added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id).collect();
        let spelling = match (inner.get_decoder().map_or(Spelling::Plain, spelling), inner.get_model()) {
            (Spelling::ByteLevel, ModelWrapper::BPE(bpe)) if bpe.end_of_word_suffix.as_deref() == Some(END_OF_WORD) => {
                Spelling::ByteLevelWords
            }
            (spelling, _) => spelling,
        };
        let vocab_len = inner.get_vocab_size(true);
        Tokenizer { engine: Engine::Library(Box::new(inner)), framing, spelling, special, special_ids, vocab_len }
    }

    /// The ids of a text. Special tokens written in the text are recognised; those that the tokenizer puts around a
    /// text come with `Add::Special`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the vocabulary cannot write the text.
    pub fn encode(&self, text: &str, add: Add) -> Result<Vec<u32>, Error> {
        let library_adds = add == Add::Special && self.framing == Framing::PostProcessor;
        let mut ids = match &self.engine {
            Engine::Library(inner) => {
                let encoding = inner.encode_fast(text, library_adds);
                encoding.map_err(|error| Error::tokenizer("tokenizer", error))?.get_ids().to_vec()
            }
            Engine::Scores(vocabulary) => vocabulary.encode(text)?,
            Engine::Renumbered(pieces) => pieces.encode(text)?,
        };
        if let (Add::Special, Framing::Ends { first, last }) = (add, self.framing) {
            ids.splice(0..0, first);
            ids.extend(last);
        }
        Ok(ids)
    }

    /// The pieces that the library cuts a text into, as they are written there.
    fn tokens(&self, text: &str) -> Result<Vec<String>, Error> {
        let Engine::Library(inner) = &self.engine else { return Ok(Vec::new()) };
        let encoding = inner.encode(text, false).map_err(|error| Error::tokenizer("tokenizer", error))?;
        Ok(encoding.get_tokens().to_vec())
    }

    /// The text of some ids; ids that the vocabulary does not have are left out.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the decoder gives up.
    pub fn decode(&self, ids: &[u32], special: Special) -> Result<String, Error> {
        let shown = |&id: &u32| special == Special::Show || !self.is_special(id);
        match &self.engine {
            Engine::Library(inner) => {
                let known = |id: &u32| shown(id) && inner.id_to_token(*id).is_some();
                let ids: Vec<u32> = ids.iter().copied().filter(known).collect();
                if ids.is_empty() {
                    return Ok(String::new());
                }
                let text = inner.decode(&ids, false).map_err(|error| Error::tokenizer("tokenizer", error))?;
                Ok(match self.spelling {
                    Spelling::ByteLevelWords => text.replace(END_OF_WORD, " ").trim().to_string(),
                    _ => text,
                })
            }
            Engine::Scores(vocabulary) => Ok(vocabulary.decode(ids.iter().copied().filter(shown))),
            Engine::Renumbered(pieces) => Ok(pieces.decode(ids.iter().copied().filter(shown))),
        }
    }

    /// The bytes that one token stands for in the middle of a text, or `None` if there is no such token.
    pub fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        let token = self.id_to_token(id)?;
        if self.is_special(id) {
            return Some(token.into_bytes());
        }
        Some(match self.spelling {
            Spelling::ByteLevel => byte_level::bytes_of(&token),
            Spelling::ByteLevelWords => match token.strip_suffix(END_OF_WORD) {
                Some(word) => [&byte_level::bytes_of(word)[..], b" "].concat(),
                None => byte_level::bytes_of(&token),
            },
            Spelling::Pieces => match scores::byte_of(&token) {
                Some(byte) => vec![byte],
                None => token.replace('▁', " ").into_bytes(),
            },
            Spelling::Plain => token.into_bytes(),
        })
    }

    /// Whether the text of ids that end in this one may still change with the next token, however whole it looks.
    pub(crate) fn is_open(&self, id: u32) -> bool {
        let run = matches!(self.engine, Engine::Library(_)) && self.spelling == Spelling::Pieces;
        run && self.id_to_token(id).is_some_and(|token| scores::byte_of(&token).is_some())
    }

    /// How many tokens there are, added ones included.
    pub fn vocab_len(&self) -> usize {
        self.vocab_len
    }

    /// The id of a token as the vocabulary spells it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        match &self.engine {
            Engine::Library(inner) => inner.token_to_id(token),
            Engine::Scores(vocabulary) => vocabulary.id(token),
            Engine::Renumbered(pieces) => pieces.id(token),
        }
    }

    /// A token as the vocabulary spells it.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        match &self.engine {
            Engine::Library(inner) => inner.id_to_token(id),
            Engine::Scores(vocabulary) => vocabulary.piece(id).map(|piece| piece.text.clone()),
            Engine::Renumbered(pieces) => pieces.token(id).map(str::to_string),
        }
    }

    /// A token of a text that is read, where what is written has a vocabulary of its own.
    pub fn id_to_read_token(&self, id: u32) -> Option<String> {
        match &self.engine {
            Engine::Renumbered(pieces) => pieces.read_token(id).map(str::to_string),
            Engine::Library(_) | Engine::Scores(_) => self.id_to_token(id),
        }
    }

    /// Whether a token is special: recognised in texts and left out of what a reader sees.
    pub fn is_special(&self, id: u32) -> bool {
        self.special_ids.contains(&id)
    }

    /// The ids of the tokens that have a name of their own.
    pub fn special(&self) -> SpecialTokens {
        self.special
    }
}

/// Whether [`Tokenizer::encode`] puts the tokenizer's own tokens around the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Add {
    /// As the tokenizer says: often a first token.
    Special,
    /// The text's ids alone.
    Nothing,
}

/// Whether [`Tokenizer::decode`] writes special tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// As their text.
    Show,
    /// Not at all.
    Skip,
}

/// How the tokens of a decoder spell bytes.
fn spelling(decoder: &DecoderWrapper) -> Spelling {
    match decoder {
        DecoderWrapper::ByteLevel(_) => Spelling::ByteLevel,
        DecoderWrapper::ByteFallback(_) | DecoderWrapper::Metaspace(_) => Spelling::Pieces,
        DecoderWrapper::Sequence(sequence) => {
            let found = sequence.get_decoders().iter().map(spelling);
            found.into_iter().find(|&kind| kind != Spelling::Plain).unwrap_or(Spelling::Plain)
        }
        _ => Spelling::Plain,
    }
}
