//! Word vectors: skip-gram and CBOW with negative sampling and subsampling of frequent words.
//!
//! Source: Mikolov, Sutskever, Chen, Corrado, Dean 2013, "Distributed Representations of Words and Phrases and their
//! Compositionality" (arXiv:1310.4546), and its program `word2vec.c`.
//!
//! This trainer is written for the processor and not as a graph: of two matrices with as many rows as words, a window
//! reads and changes about a dozen rows, so its work is as small as those rows, whatever the vocabulary. As a graph
//! each step would gather and scatter them through the memory of whole matrices.

mod batch;
#[cfg(not(target_arch = "wasm32"))]
mod learn;
mod parameters;
#[cfg(not(target_arch = "wasm32"))]
mod recipe;
mod sample;
mod trainer;
mod vocabulary;
mod window;

pub use batch::Architecture;
#[cfg(not(target_arch = "wasm32"))]
pub use learn::Report;
#[cfg(not(target_arch = "wasm32"))]
pub use recipe::{Kind, Recipe, Vocabulary};
pub use trainer::{Options, Progress, Vectors, train};
pub use vocabulary::{Corpus, CorpusBuilder, words};

#[cfg(test)]
mod tests;
