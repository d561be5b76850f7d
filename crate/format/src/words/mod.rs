//! Word vectors in files: word2vec text and binary, headerless text (GloVe), and a GGUF file of our own.
//!
//! Sources: <https://code.google.com/archive/p/word2vec> (`word2vec.c` writes binary with a newline after each vector,
//! others without), <https://nlp.stanford.edu/projects/glove> (text without the first line).

mod binary;
mod gguf;
mod open;
mod stream;
mod text;
mod write;

use indexmap::IndexSet;

pub use write::WordFormat;

/// The longest word in bytes.
const LONGEST_WORD: usize = 1 << 12;
/// The widest vector; published ones have up to 1024 values.
const WIDEST: usize = 1 << 16;

/// Words and their vectors, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct WordTable {
    words: IndexSet<String>,
    dim: usize,
    values: Vec<f32>,
}

impl WordTable {
    /// A table without words, for vectors of `dim` values.
    pub fn new(dim: usize) -> WordTable {
        WordTable { words: IndexSet::new(), dim, values: Vec::new() }
    }

    /// Adds a word.
    ///
    /// # Errors
    /// The reason, if the word is empty, too long or there already, or the vector is not `dim` finite values.
    pub fn push(&mut self, word: &str, vector: &[f32]) -> Result<(), String> {
        if vector.len() != self.dim {
            return Err(format!("{word:?} has {} values, expected {}", vector.len(), self.dim));
        }
        if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
            return Err(format!("value {} of {word:?} is {}, which is no finite number", at + 1, vector[at]));
        }
        if word.is_empty() || word.len() > LONGEST_WORD {
            return Err(format!("a word of {} bytes", word.len()));
        }
        if !self.words.insert(word.to_string()) {
            let first = self.words.get_index_of(word).map_or(0, |index| index + 1);
            return Err(format!("the word {word:?} comes twice, first as word {first}"));
        }
        self.values.extend_from_slice(vector);
        Ok(())
    }

    /// The words in the order of the file.
    pub fn words(&self) -> &IndexSet<String> {
        &self.words
    }

    /// Values of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All vectors, [words, dim].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Words and vectors, taken apart.
    pub fn into_parts(self) -> (IndexSet<String>, usize, Vec<f32>) {
        (self.words, self.dim, self.values)
    }
}
