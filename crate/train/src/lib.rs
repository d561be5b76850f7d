//! Training: recipes, texts, tokenizers, schedules, guards, checkpoints, and the loop over the graphs of `models`; word
//! vectors.
//!
//! Everything random is a function of the recipe's seed and of what it is for, so a run that was killed at any moment
//! goes on from its last checkpoint to the same weights.

pub mod batch;
#[cfg(not(target_arch = "wasm32"))]
pub mod bpe;
#[cfg(not(target_arch = "wasm32"))]
pub mod checkpoint;
#[cfg(not(target_arch = "wasm32"))]
pub mod corpus;
pub mod data;
mod digest;
pub mod encode;
mod error;
pub mod feed;
pub mod guard;
pub mod metrics;
pub mod pack;
pub mod plot;
#[cfg(not(target_arch = "wasm32"))]
pub mod prepare;
mod random;
pub mod recipe;
pub mod schedule;
#[cfg(not(target_arch = "wasm32"))]
pub mod stories;
pub mod tokens;
pub mod word2vec;

pub use error::Error;
pub use random::Random;
pub use recipe::Recipe;

/// An empty folder for one test.
#[cfg(test)]
pub(crate) fn test_folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("dynasty-train-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
