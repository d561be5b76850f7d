//! Texts from files, one document at a time, whatever their size.
//!
//! [`read`] gives the documents of one file of one source; [`crate::corpus`] walks all files of a recipe.

mod conversations;
mod dialogue;
mod json;
mod lines;
mod pairs;
mod text;

use std::io::BufRead;

use crate::digest::Digest;
use crate::recipe::{DataSpec, Layout, Role};
use crate::{Error, random};

pub use lines::{Lines, unpacked};

/// What one speaker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The words.
    pub content: String,
}

/// A text that stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A text.
    Text(String),
    /// A conversation.
    Dialogue(Vec<Message>),
}

impl Document {
    /// Its characters.
    pub fn chars(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Dialogue(messages) => messages.iter().map(|message| message.content.chars().count()).sum(),
        }
    }

    /// 64 bits that two different documents do not share but by an accident that nobody has to fear.
    pub fn key(&self) -> u64 {
        let mut digest = Digest::default();
        match self {
            Self::Text(text) => digest.text(text),
            Self::Dialogue(messages) => messages.iter().for_each(|message| {
                digest.text(message.role.name());
                digest.text(&message.content);
            }),
        }
        digest.short()
    }
}

/// Which documents are kept back: a function of the document alone, so that it never changes sides.
pub fn is_validation(key: u64, share: f64) -> bool {
    random::to_unit(random::Random::new(key).at(0)) < share
}

/// What is given each document and the line that it ends in.
pub type Sink<'a> = dyn FnMut(u64, Document) -> Result<(), Error> + 'a;

/// Gives `sink` each document of a file; `file` names it in errors.
///
/// # Errors
/// [`Error::Data`] with the line: broken UTF-8, no JSON, a missing field, an unknown speaker, or no document at all.
/// What `sink` returns.
pub fn read(spec: &DataSpec, file: &str, bytes: impl BufRead, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut lines = Lines::new(file, bytes);
    let mut found = 0;
    let mut counted = |line: u64, document: Document| {
        found += 1;
        sink(line, document)
    };
    match spec.layout {
        Layout::Text => text::read(&mut lines, spec.separator.as_deref(), &mut counted)?,
        Layout::Conversations => conversations::read(&mut lines, &mut counted)?,
        Layout::Answers => conversations::read_answers(&mut lines, &mut counted)?,
        Layout::Jsonl => text::read_jsonl(&mut lines, spec.field.as_deref().unwrap_or("text"), &mut counted)?,
        Layout::Dialogue => dialogue::read(&mut lines, spec, &mut counted)?,
        Layout::Pairs => pairs::read(&mut lines, spec, &mut counted)?,
        Layout::Questions => pairs::read_questions(&mut lines, spec, &mut counted)?,
    }
    match (lines.number(), found) {
        (0, _) => Err(Error::data(file, 0, "is empty")),
        (_, 0) => Err(Error::data(file, 0, "holds no document")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
