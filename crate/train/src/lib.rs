//! Training: recipes, texts, tokenizers, schedules, guards, checkpoints, and the loop over the graphs of `models`; word
//! vectors.
//!
//! Everything random is a function of the recipe's seed and of what it is for, so a run that was killed at any moment
//! goes on from its last checkpoint to the same weights.

pub mod batch;
pub mod bpe;
#[cfg(not(target_arch = "wasm32"))]
pub mod checkpoint;
#[cfg(not(target_arch = "wasm32"))]
pub mod classes;
pub mod corpus;
pub mod course;
pub mod data;
#[cfg(not(target_arch = "wasm32"))]
mod dice;
mod digest;
pub mod documents;
pub mod encode;
mod error;
pub mod export;
pub mod feed;
pub mod guard;
pub mod initial;
mod lora;
mod loss_scale;
#[cfg(not(target_arch = "wasm32"))]
pub mod masks;
pub mod memory;
pub mod metrics;
pub mod pack;
pub mod plot;
pub mod prepare;
mod programs;
mod random;
pub mod recipe;
pub mod schedule;
#[cfg(not(target_arch = "wasm32"))]
pub mod session;
pub mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod stories;
#[cfg(test)]
mod testing;
pub mod texts;
pub mod tokens;
pub mod trainer;
pub mod word2vec;

pub use error::Error;
pub use random::Random;
pub use recipe::Recipe;

/// Writes a text file that is either whole or not there.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn write_text(path: &std::path::Path, text: &str) -> Result<(), Error> {
    let mut file = format::AtomicFile::create(path)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| Error::io(path, error))?;
    Ok(file.commit()?)
}

#[cfg(test)]
pub(crate) use testing::test_folder;
