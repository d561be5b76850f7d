//! CPU executor.

pub mod matrix;
pub mod pool;
