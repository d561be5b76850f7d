//! What the suites share: executors behind one edge, checkpoints of the reference library, random values that a seed
//! reproduces, and where the files are.

#[cfg(not(target_arch = "wasm32"))]
pub mod fixture;
mod paths;
mod player;
mod random;

pub use paths::{Scratch, built_program, fixtures, real_data};
pub use player::{Executor, Player, Stored};
pub use random::Numbers;
