//! Texts as encoders read them: alone or in pairs, cut to a length, with the place of every token.

use std::ops::Range;

use tokenizers::{Encoding, PostProcessor, TruncationDirection};

use super::{Add, Engine, Tokenizer};
use crate::Error;

/// Where a token stands in what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 for the first text, 1 for the second.
    pub text: usize,
    /// Its bytes in that text.
    pub bytes: Range<usize>,
    /// The word that it belongs to, counted in that text.
    pub word: Option<u32>,
}

/// The tokens of a text or of a pair, with the tokenizer's own tokens around them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spans {
    /// The ids.
    pub ids: Vec<u32>,
    /// Which segment each belongs to.
    pub types: Vec<u32>,
    /// Where each stands; nothing for the tokenizer's own.
    pub places: Vec<Option<Place>>,
}

impl Spans {
    /// Of an encoding whose first `first` tokens, the tokenizer's own left out, are the first text's.
    fn new(encoding: &Encoding, first: usize) -> Self {
        let mut seen = 0;
        let place = |i: usize| {
            if encoding.get_special_tokens_mask()[i] != 0 {
                return None;
            }
            seen += 1;
            let (start, end) = encoding.get_offsets()[i];
            let word = encoding.get_word_ids()[i];
            Some(Place { text: usize::from(seen > first), bytes: start..end, word })
        };
        let places = (0..encoding.len()).map(place).collect();
        Self { ids: encoding.get_ids().to_vec(), types: encoding.get_type_ids().to_vec(), places }
    }
}

impl Tokenizer {
    /// A text in at most `longest` tokens; what is beyond is cut off.
    ///
    /// # Errors
    /// The vocabulary cannot write the text.
    pub fn spans(&self, text: &str, longest: usize) -> Result<Spans, Error> {
        let Engine::Library(inner) = &self.engine else { return self.plain_spans(text, longest) };
        let mut encoding = self.unframed(text)?;
        encoding.truncate(longest.saturating_sub(self.framing_tokens(false)), 0, TruncationDirection::Right);
        let framed = inner.post_process(encoding, None, true).map_err(failed)?;
        Ok(Spans::new(&framed, usize::MAX))
    }

    /// A pair in rows of at most `longest` tokens. Of the second text each row has a stretch; neighbours share `overlap`
    /// tokens.
    ///
    /// # Errors
    /// The vocabulary cannot write a text, or the first leaves no room for the second.
    pub fn pair_spans(&self, first: &str, second: &str, longest: usize, overlap: usize) -> Result<Vec<Spans>, Error> {
        let Engine::Library(inner) = &self.engine else { return Err(failed("does not read pairs")) };
        let (first, mut second) = (self.unframed(first)?, self.unframed(second)?);
        let room = longest.saturating_sub(first.len() + self.framing_tokens(true));
        if room == 0 {
            return Err(failed(format!("the first text takes {} of {longest} tokens", first.len())));
        }
        second.truncate(room, overlap.min(room.saturating_sub(1)), TruncationDirection::Right);
        let more = second.take_overflowing();
        let framed = |second| {
            let framed = inner.post_process(first.clone(), Some(second), true).map_err(failed)?;
            Ok(Spans::new(&framed, first.len()))
        };
        std::iter::once(second).chain(more).map(framed).collect()
    }

    /// The tokenizer's own tokens around a text or a pair.
    fn framing_tokens(&self, pair: bool) -> usize {
        match &self.engine {
            Engine::Library(inner) => inner.get_post_processor().map_or(0, |post| post.added_tokens(pair)),
            Engine::Scores(_) | Engine::Renumbered(_) => 0,
        }
    }

    fn unframed(&self, text: &str) -> Result<Encoding, Error> {
        match &self.engine {
            Engine::Library(inner) => inner.encode(text, false).map_err(failed),
            Engine::Scores(_) | Engine::Renumbered(_) => Err(failed("does not tell where its tokens stand")),
        }
    }

    /// Without places, from a vocabulary of our own.
    fn plain_spans(&self, text: &str, longest: usize) -> Result<Spans, Error> {
        let mut ids = self.encode(text, Add::Special)?;
        ids.truncate(longest);
        Ok(Spans { types: vec![0; ids.len()], places: vec![None; ids.len()], ids })
    }
}

fn failed(reason: impl std::fmt::Display) -> Error {
    Error::tokenizer("tokenizer", reason)
}
