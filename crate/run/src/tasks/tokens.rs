//! Where the tokens of a text begin and end.

use serde::Serialize;

use super::{Reader, characters};
use crate::Error;

/// A token of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// As the vocabulary writes it.
    pub token: String,
    /// The first character that it stands for, and behind the last; nothing for the tokenizer's own.
    pub place: Option<(usize, usize)>,
}

impl Reader {
    /// The tokens of a text as the model reads it: with the tokenizer's own, and cut where it is too long.
    ///
    /// # Errors
    /// The vocabulary cannot write the text.
    pub fn tokens(&self, text: &str) -> Result<Vec<Token>, Error> {
        let spans = self.spans(text)?;
        let token = |(id, place): (&u32, &Option<crate::tokenizer::Place>)| Token {
            id: *id,
            token: self.tokenizer.id_to_read_token(*id).unwrap_or_default(),
            place: place.as_ref().map(|p| (characters(text, p.bytes.start), characters(text, p.bytes.end))),
        };
        Ok(spans.ids.iter().zip(&spans.places).map(token).collect())
    }
}
