//! All texts of a recipe, one document after another.

use std::collections::HashSet;

use crate::data::{self, Document};
use crate::digest::{self, Digest};
use crate::recipe::DataSpec;
use crate::texts::Texts;
use crate::{Error, Recipe};

/// A document and where it is from.
pub struct Found<'a> {
    /// Which source of the recipe.
    pub source: usize,
    /// The source.
    pub spec: &'a DataSpec,
    /// The file.
    pub file: &'a str,
    /// The line that it ends in.
    pub line: u64,
    /// What tells it from all others.
    pub key: u64,
    /// Whether it came before, in whatever source.
    pub repeated: bool,
    /// The document.
    pub document: Document,
}

/// Gives `sink` each document of a recipe, in the recipe's order.
///
/// # Errors
/// A file cannot be read or is damaged; what `sink` returns.
pub fn walk(
    recipe: &Recipe,
    texts: &dyn Texts,
    sink: &mut dyn FnMut(Found<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for (source, spec) in recipe.data.iter().enumerate() {
        let mut left = spec.limit.unwrap_or(usize::MAX);
        for path in &spec.files {
            let (path, bytes) = texts.open(recipe, spec, path)?;
            let file = path.display().to_string();
            let bytes = data::unpacked(bytes).map_err(|error| Error::io(&path, error))?;
            data::read(spec, &file, bytes, &mut |line, document| {
                if left == 0 || document.chars() < spec.min_chars {
                    return Ok(());
                }
                let key = document.key();
                let repeated = !seen.insert(key);
                left -= usize::from(!repeated);
                sink(Found { source, spec, file: &file, line, key, repeated, document })
            })?;
        }
    }
    Ok(())
}

/// The digest of all texts and of how they are read. How often they are taken is no part of it.
///
/// # Errors
/// A file cannot be read.
pub fn digest(recipe: &Recipe, texts: &dyn Texts) -> Result<String, Error> {
    let mut all = Digest::default();
    all.text(&format!("{:?}", recipe.validation));
    for spec in &recipe.data {
        let read = DataSpec { weight: 1.0, licence: String::new(), credit: String::new(), ..spec.clone() };
        all.text(&format!("{read:?}"));
        for path in &spec.files {
            let (path, mut bytes) = texts.open(recipe, spec, path)?;
            all.text(&digest::of_reader(&mut bytes).map_err(|error| Error::io(&path, error))?);
        }
    }
    Ok(all.hex())
}

/// The plain texts of a document, from which a tokenizer is made.
pub fn texts(document: Document) -> Vec<String> {
    match document {
        Document::Text(text) => vec![text],
        Document::Dialogue(messages) => messages.into_iter().map(|message| message.content).collect(),
    }
}
