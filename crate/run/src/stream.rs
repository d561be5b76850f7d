//! Text while it is generated: no broken character, no half of a stop string.

use crate::Error;
use crate::tokenizer::{Special, Tokenizer};
use std::sync::Arc;

/// Turns token ids into text piece by piece. Special tokens are left out. Whatever the tokens, the pieces put together
/// are exactly what [`Tokenizer::decode`] makes of all ids, up to the first stop string.
///
/// A piece is held back while a later token could still change it: while a character is incomplete, or while its end may
/// be the beginning of a stop string.
#[derive(Debug)]
pub struct TextStream {
    tokenizer: Arc<Tokenizer>,
    stop: Vec<String>,
    /// Ids that are decoded together, because how a token reads may depend on the one before: first some whose text is
    /// out already, then those whose text is not.
    window: Vec<u32>,
    /// How many ids of the window are out.
    out: usize,
    /// Text that is whole, and held back for a stop string.
    held: String,
    stopped: Option<usize>,
}

impl TextStream {
    /// A stream that ends at the first of some stop strings; empty ones are ignored.
    pub fn new(tokenizer: Arc<Tokenizer>, stop: &[String]) -> TextStream {
        let stop = stop.iter().filter(|text| !text.is_empty()).cloned().collect();
        TextStream { tokenizer, stop, window: Vec::new(), out: 0, held: String::new(), stopped: None }
    }

    /// Takes one more token, and gives the text that is certain now, if any.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the decoder gives up.
    pub fn push(&mut self, id: u32) -> Result<Option<String>, Error> {
        if self.stopped.is_some() || self.tokenizer.is_special(id) || self.tokenizer.id_to_token(id).is_none() {
            return Ok(None);
        }
        self.window.push(id);
        if self.tokenizer.is_open(id) {
            return Ok(None);
        }
        let whole = self.tokenizer.decode(&self.window, Special::Show)?;
        if whole.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(None);
        }
        let fresh = self.advance(&whole)?;
        Ok(self.release(&fresh, false))
    }

    /// Ends the stream, and gives the text that was held back, if any.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the decoder gives up.
    pub fn finish(&mut self) -> Result<Option<String>, Error> {
        if self.stopped.is_some() {
            return Ok(None);
        }
        let whole = self.tokenizer.decode(&self.window, Special::Show)?;
        let fresh = self.advance(&whole)?;
        Ok(self.release(&fresh, true))
    }

    /// The stop string that ended the stream.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.map(|at| self.stop[at].as_str())
    }

    /// The part of the window's text that is not out yet. The window then begins with what has just come out, unless
    /// that has no text of its own: then it could not show how the next token reads.
    fn advance(&mut self, whole: &str) -> Result<String, Error> {
        let before = self.tokenizer.decode(&self.window[..self.out], Special::Show)?;
        let fresh = whole.get(before.len()..).unwrap_or_default().to_string();
        let shown = self.tokenizer.decode(&self.window[self.out..], Special::Show)?;
        if !shown.is_empty() {
            self.window.drain(..self.out);
        }
        self.out = self.window.len();
        Ok(fresh)
    }

    /// Adds text to what is held back, and lets out what cannot be part of a stop string.
    fn release(&mut self, fresh: &str, last: bool) -> Option<String> {
        self.held.push_str(fresh);
        let found = (0..self.stop.len()).filter_map(|at| Some((self.held.find(&self.stop[at])?, at))).min();
        let keep = match found {
            Some((start, at)) => {
                self.stopped = Some(at);
                start
            }
            None if last => self.held.len(),
            None => self.held.len() - self.partial(),
        };
        let rest = self.held.split_off(keep);
        let text = std::mem::replace(&mut self.held, rest);
        (!text.is_empty()).then_some(text)
    }

    /// The bytes at the end of the held text that begin a stop string.
    fn partial(&self) -> usize {
        let held = self.held.as_str();
        let begins = |start: &usize| self.stop.iter().any(|stop| stop.starts_with(&held[*start..]));
        let longest = self.stop.iter().map(String::len).max().unwrap_or(0);
        let first = held.len().saturating_sub(longest);
        let starts = (first..held.len()).filter(|&start| held.is_char_boundary(start));
        starts.into_iter().find(begins).map_or(0, |start| held.len() - start)
    }
}
