//! Word vectors in use: what is near a word, and A is to B as C is to what.
//!
//! Vectors are taken at unit length, so a product is a cosine. An analogy is b − a + c over unit vectors (Mikolov,
//! Yih, Zweig 2013, "Linguistic Regularities in Continuous Space Word Representations").

mod analogies;
mod top;

use std::rc::Rc;

use cpu::matrix::{Activations, Matrix, matmul};
use cpu::pool::Pool;
use format::{Bytes, QuantType, WordTable};
use indexmap::IndexSet;

use crate::Error;
use top::top;

pub use analogies::{AnalogyReport, AnalogySet, SectionReport};

/// A word and how near it is.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Neighbour {
    /// The word.
    pub word: String,
    /// The cosine, from −1 to 1.
    pub score: f32,
}

/// Word vectors of unit length, ready to be searched. A vector of zeros stays one: its cosine with all others is 0.
pub struct WordVectors {
    file: String,
    words: IndexSet<String>,
    /// [words, dim]
    unit: Matrix,
    pool: Pool,
}

impl WordVectors {
    /// Reads a file of any kind that [`WordTable::open`] reads. Results do not depend on the number of threads.
    ///
    /// # Errors
    /// As [`WordTable::open`].
    pub async fn open(file: Rc<dyn Bytes>, threads: usize) -> Result<WordVectors, Error> {
        let name = file.name().to_string();
        WordVectors::new(&name, WordTable::open(file).await?, threads)
    }

    /// Takes the words of a table; `file` is for error messages.
    ///
    /// # Errors
    /// None where the table's rows are as wide as it says.
    pub fn new(file: &str, table: WordTable, threads: usize) -> Result<WordVectors, Error> {
        let (words, dim, values) = table.into_parts();
        let mut bytes = Vec::with_capacity(values.len() * 4);
        for vector in values.chunks(dim.max(1)) {
            let scale = 1.0 / norm(vector);
            bytes.extend(vector.iter().flat_map(|&value| scaled(value, scale).to_le_bytes()));
        }
        drop(values);
        let packed = Matrix::pack(QuantType::F32, words.len(), dim, bytes);
        let unit = packed.map_err(|source| cpu::Error::Matrix { name: file.to_string(), source })?;
        Ok(WordVectors { file: file.to_string(), words, unit, pool: Pool::new(threads) })
    }

    /// The words in the order of the file.
    pub fn words(&self) -> &IndexSet<String> {
        &self.words
    }

    /// Values of a vector.
    pub fn dim(&self) -> usize {
        self.unit.k()
    }

    /// The vector of a word, at unit length.
    ///
    /// # Errors
    /// [`Error::Word`] if the word is not in the vocabulary.
    pub fn vector(&self, word: &str) -> Result<Vec<f32>, Error> {
        Ok(self.row(self.index(word)?))
    }

    /// The `count` words whose vectors have the largest cosine with that of `word`, itself left out. Of equal ones the
    /// earlier in the file comes first.
    ///
    /// # Errors
    /// [`Error::Word`] if the word is not in the vocabulary.
    pub fn nearest(&self, word: &str, count: usize) -> Result<Vec<Neighbour>, Error> {
        let index = self.index(word)?;
        Ok(self.search(&self.row(index), &[index], count))
    }

    /// A is to B as C is to the answer: the `count` words whose vectors have the largest cosine with b − a + c, the
    /// three words left out. Of equal ones the earlier in the file comes first.
    ///
    /// # Errors
    /// [`Error::Word`] names the first word that is not in the vocabulary.
    pub fn analogy(&self, [a, b, c]: [&str; 3], count: usize) -> Result<Vec<Neighbour>, Error> {
        let [a, b, c] = [self.index(a)?, self.index(b)?, self.index(c)?];
        Ok(self.search(&self.offset([a, b, c]), &[a, b, c], count))
    }

    fn index(&self, word: &str) -> Result<usize, Error> {
        let lower = word.to_lowercase();
        self.words.get_index_of(word).ok_or_else(|| {
            let hint = if self.words.contains(&lower) { format!(", but {lower:?} is") } else { String::new() };
            Error::word(&self.file, word, hint)
        })
    }

    fn row(&self, index: usize) -> Vec<f32> {
        let mut row = vec![0.0; self.dim()];
        self.unit.row(index, &mut row);
        row
    }

    /// b − a + c at unit length.
    fn offset(&self, [a, b, c]: [usize; 3]) -> Vec<f32> {
        let [a, b, c] = [a, b, c].map(|index| self.row(index));
        let mut sum: Vec<f32> = a.iter().zip(&b).zip(&c).map(|((a, b), c)| b - a + c).collect();
        let scale = 1.0 / norm(&sum);
        sum.iter_mut().for_each(|value| *value = scaled(*value, scale));
        sum
    }

    fn search(&self, query: &[f32], leave_out: &[usize], count: usize) -> Vec<Neighbour> {
        let scores = self.scores(query);
        let found = top(&scores, leave_out, count);
        found.iter().map(|&index| Neighbour { word: self.words[index].clone(), score: scores[index] }).collect()
    }

    /// Cosines of queries of unit length, [queries, dim], with all words, [queries, words].
    fn scores(&self, queries: &[f32]) -> Vec<f32> {
        let count = queries.len() / self.dim();
        let mut scores = vec![0.0; count * self.words.len()];
        matmul(&self.pool, &self.unit, queries, count, &mut Activations::new(), &mut scores, None, None);
        scores
    }
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// A value times the inverse of the length; zero where the length is zero.
fn scaled(value: f32, scale: f64) -> f32 {
    if scale.is_finite() { (f64::from(value) * scale) as f32 } else { 0.0 }
}
