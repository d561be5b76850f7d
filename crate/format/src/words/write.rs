//! Writing word vectors.

use super::WordTable;
use crate::Error;
use std::io::Write;

/// A way to write word vectors for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordFormat {
    /// word2vec's text: a line with the two counts, then a word and its values a line.
    Text,
    /// The same without the counts, as GloVe writes it.
    Headerless,
    /// word2vec's binary without newlines, as gensim writes it.
    Binary,
    /// word2vec's binary with a newline after each vector, as `word2vec.c` writes it.
    BinaryLines,
}

impl WordFormat {
    fn is_binary(self) -> bool {
        matches!(self, WordFormat::Binary | WordFormat::BinaryLines)
    }
}

impl WordTable {
    /// Writes all words into `sink`; in text the digits give back exactly the same values. `name` is for error
    /// messages.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if a word cannot be written so that it is read again: one with a newline, or in
    /// word2vec's formats with a blank; [`Error::Io`] from the sink.
    pub fn write<W: Write>(&self, mut sink: W, name: &str, format: WordFormat) -> Result<W, Error> {
        if let Some(word) = self.words.iter().find(|word| word.contains([' ', '\t', '\r', '\n'])) {
            return Err(Error::unsupported(name, format!("the word {word:?} holds a blank, which ends a word there")));
        }
        let mut line = Vec::new();
        if format != WordFormat::Headerless {
            line.extend(format!("{} {}\n", self.words.len(), self.dim).bytes());
        }
        for (word, vector) in self.words.iter().zip(self.values.chunks(self.dim.max(1))) {
            put_row(&mut line, word, vector, format);
            sink.write_all(&line).map_err(|error| Error::io(name, error))?;
            line.clear();
        }
        Ok(sink)
    }

    /// Writes all words into a file, which appears when it is whole.
    ///
    /// # Errors
    /// As [`WordTable::write`], and [`Error::Io`] if the file cannot be made; none is left then.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&self, path: impl AsRef<std::path::Path>, format: WordFormat) -> Result<(), Error> {
        let name = path.as_ref().display().to_string();
        self.write(crate::AtomicFile::create(path)?, &name, format)?.commit()
    }
}

fn put_row(line: &mut Vec<u8>, word: &str, vector: &[f32], format: WordFormat) {
    line.extend(word.bytes());
    if format.is_binary() {
        line.push(b' ');
        line.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    } else {
        for value in vector {
            line.extend(format!(" {value:?}").bytes());
        }
    }
    if format != WordFormat::Binary {
        line.push(b'\n');
    }
}
