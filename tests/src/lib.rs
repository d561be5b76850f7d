//! What the suites share: executors behind one edge, random values that a seed reproduces, and where the files are.

mod paths;
mod player;
mod random;

pub use paths::{Scratch, built_program, fixtures, real_data};
pub use player::{Executor, Player, Stored};
pub use random::Numbers;
