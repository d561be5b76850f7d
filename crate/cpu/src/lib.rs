//! The processor's executor: prepares graphs and runs them with kernels of its own.
//!
//! Kernels are functions over slices, one file an operation. Work is cut by size alone, so results
//! do not depend on how many threads there are.

mod cache;
mod engine;
mod error;
mod gemm;
mod kernels;
mod layout;
pub mod matrix;
mod parts;
mod plan;
pub mod pool;
mod program;
mod reader;
mod session;
mod simd;
mod step;
#[cfg(test)]
mod tests;
mod weights;

pub use engine::{Begun, Engine};
pub use error::Error;
pub use program::Program;
pub use session::Session;
pub use weights::Weights;
