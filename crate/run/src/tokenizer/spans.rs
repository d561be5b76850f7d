//! Texts as encoders read them: alone or in pairs, cut to a length, with the place of every token.

use std::ops::Range;

use tokenizers::{EncodeInput, Encoding};

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

    /// The tokens of a text.
    fn tokens_of(&self, text: usize) -> usize {
        self.places.iter().flatten().filter(|place| place.text == text).count()
    }

    /// With a stretch of the tokens of one text, and all others.
    fn cut(&self, text: usize, stretch: &Range<usize>) -> Self {
        let mut at = 0;
        let mut cut = Self::default();
        for (i, place) in self.places.iter().enumerate() {
            if place.as_ref().is_some_and(|place| place.text == text) {
                at += 1;
                if !stretch.contains(&(at - 1)) {
                    continue;
                }
            }
            cut.ids.push(self.ids[i]);
            cut.types.push(self.types[i]);
            cut.places.push(place.clone());
        }
        cut
    }
}

impl Tokenizer {
    /// A text in at most `longest` tokens; what is beyond is cut off.
    ///
    /// # Errors
    /// The vocabulary cannot write the text.
    pub fn spans(&self, text: &str, longest: usize) -> Result<Spans, Error> {
        let Engine::Library(inner) = &self.engine else { return self.plain_spans(text, longest) };
        let spans = Spans::new(&inner.encode(text, true).map_err(failed)?, usize::MAX);
        let own = spans.ids.len() - spans.tokens_of(0);
        Ok(spans.cut(0, &(0..longest.saturating_sub(own))))
    }

    /// A pair in rows of at most `longest` tokens. Of the second text each row has a stretch; neighbours share `overlap`
    /// tokens.
    ///
    /// # Errors
    /// The vocabulary cannot write a text, or the first leaves no room for the second.
    pub fn pair_spans(&self, first: &str, second: &str, longest: usize, overlap: usize) -> Result<Vec<Spans>, Error> {
        let Engine::Library(inner) = &self.engine else { return Err(failed("does not read pairs")) };
        let n_first = inner.encode_fast(first, false).map_err(failed)?.len();
        let pair = EncodeInput::Dual(first.into(), second.into());
        let whole = Spans::new(&inner.encode(pair, true).map_err(failed)?, n_first);
        let n_second = whole.tokens_of(1);
        let room = longest.saturating_sub(whole.ids.len() - n_second);
        if room == 0 {
            return Err(failed(format!("the first text takes {n_first} of {longest} tokens")));
        }
        let step = room - overlap.min(room - 1);
        let last = n_second.saturating_sub(room).div_ceil(step);
        Ok((0..=last).map(|row| whole.cut(1, &(row * step..row * step + room))).collect())
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
