//! Tokenised documents, in memory or in a file, read as ranges.

#[cfg(not(target_arch = "wasm32"))]
mod file;

use serde::{Deserialize, Serialize};

use crate::Error;

#[cfg(not(target_arch = "wasm32"))]
pub use file::{TokenWriter, open};

/// What tokens were made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The digest of the texts and of how they are read.
    pub corpus: String,
    /// The digest of the tokenizer.
    pub tokenizer: String,
}

/// One token of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its place in the vocabulary.
    pub id: u32,
    /// Whether the model learns to say it.
    pub learn: bool,
}

impl Token {
    /// As it is stored: the id above one bit.
    fn packed(self) -> u32 {
        self.id << 1 | u32::from(self.learn)
    }

    fn unpacked(packed: u32) -> Self {
        Self { id: packed >> 1, learn: packed & 1 == 1 }
    }
}

/// Where a document's tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which source of the recipe it is from.
    pub source: u16,
    /// Whether it is held out.
    pub validation: bool,
    /// Its first token, counted over all documents.
    pub start: u64,
    /// How many tokens it has.
    pub len: u32,
}

/// How much of a source there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCount {
    /// The source's name.
    pub name: String,
    /// Its licence.
    pub licence: String,
    /// Documents to learn from.
    pub documents: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Documents that are held out.
    pub held_out: u64,
    /// Documents left out because they came before.
    pub repeated: u64,
}

/// Where the tokens themselves are.
enum Store {
    Memory(Vec<u32>),
    #[cfg(not(target_arch = "wasm32"))]
    File(file::Reader),
}

/// The tokens of all documents of a recipe.
pub struct Tokens {
    entries: Vec<Entry>,
    sources: Vec<SourceCount>,
    store: Store,
}

impl Tokens {
    /// Documents in memory: source, whether held out, tokens.
    pub fn in_memory(documents: impl IntoIterator<Item = (u16, bool, Vec<Token>)>) -> Self {
        let (mut entries, mut packed) = (Vec::new(), Vec::new());
        for (source, validation, tokens) in documents {
            entries.push(Entry { source, validation, start: packed.len() as u64, len: tokens.len() as u32 });
            packed.extend(tokens.iter().map(|token| token.packed()));
        }
        Self { entries, sources: Vec::new(), store: Store::Memory(packed) }
    }

    /// Every document.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How much of each source there is.
    pub fn sources(&self) -> &[SourceCount] {
        &self.sources
    }

    /// Tokens to learn from, in all.
    pub fn trained(&self) -> u64 {
        self.entries.iter().filter(|entry| !entry.validation).map(|entry| u64::from(entry.len)).sum()
    }

    /// Appends `len` tokens from `start` on to `out`.
    ///
    /// # Errors
    /// They are not there, or cannot be read.
    pub fn read(&self, start: u64, len: usize, out: &mut Vec<Token>) -> Result<(), Error> {
        match &self.store {
            Store::Memory(packed) => {
                let range = usize::try_from(start).ok().and_then(|start| packed.get(start..start.checked_add(len)?));
                let range = range.ok_or_else(|| Error::cache("tokens", format!("has no tokens {start} + {len}")))?;
                out.extend(range.iter().map(|packed| Token::unpacked(*packed)));
                Ok(())
            }
            #[cfg(not(target_arch = "wasm32"))]
            Store::File(reader) => reader.read(start, len, out),
        }
    }
}
