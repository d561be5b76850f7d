//! What can be wrong with a graph or with the values given to it.

use crate::DType;

/// An error of this package.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A shape rule was broken, at the caller's line.
    #[error("{op}: {reason} (inputs {inputs}, at {place})")]
    Shape {
        /// The operation's name.
        op: &'static str,
        /// What is wrong.
        reason: String,
        /// The input shapes.
        inputs: String,
        /// File and line of the call.
        place: String,
    },
    /// A gradient was asked for that there is none of.
    #[error("{op}: {reason}")]
    NoGradient {
        /// The operation's name.
        op: &'static str,
        /// Why there is none.
        reason: String,
    },
    /// One name was declared with two shapes.
    #[error("weight {name} is declared as {first:?} and as {second:?}")]
    Weight {
        /// The weight's name.
        name: String,
        /// The earlier shape.
        first: Vec<usize>,
        /// The later shape.
        second: Vec<usize>,
    },
    /// A symbol has no value in this run.
    #[error("symbol '{symbol}' has no value")]
    Unbound {
        /// The symbol.
        symbol: char,
    },
    /// A dim is negative or too large in this run.
    #[error("dim {dim} is negative or too large")]
    Size {
        /// The dim.
        dim: String,
    },
    /// A host tensor's length is not the product of its sizes.
    #[error("a tensor of shape {shape:?} cannot hold {len} values")]
    HostSize {
        /// The sizes.
        shape: Vec<usize>,
        /// The number of values.
        len: usize,
    },
    /// A host tensor has another element type than asked for.
    #[error("expected a tensor of {wanted:?}, found {found:?}")]
    HostType {
        /// What was asked for.
        wanted: DType,
        /// What it is.
        found: DType,
    },
    /// An input was not given or does not fit.
    #[error("input {name}: {reason}")]
    Input {
        /// The input's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}
