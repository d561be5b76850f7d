//! What can go wrong on the processor.

use crate::matrix;

/// An error of this package.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A dim or an input does not fit the graph.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// A weight's bytes do not fit its shape and type.
    #[error("weight {name}: {source}")]
    Matrix {
        /// The weight's name.
        name: String,
        /// What is wrong.
        source: matrix::Error,
    },
    /// A weight does not fit.
    #[error("weight {name}: {reason}")]
    Weight {
        /// The weight's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A node cannot be computed.
    #[error("node %{node} {op}: {reason} (inputs {inputs})")]
    Node {
        /// The node's place in the graph.
        node: u32,
        /// The operation.
        op: &'static str,
        /// What is wrong.
        reason: String,
        /// The input shapes.
        inputs: String,
    },
    /// A session does not fit the graph or the call.
    #[error("session: {0}")]
    Session(String),
    /// The key-value cache has no page left.
    #[error(transparent)]
    Pages(#[from] graph::PageError),
    /// There is not enough memory.
    #[error("{what} needs {count} values, for which there is no memory")]
    Memory {
        /// What needs it.
        what: &'static str,
        /// Values of four bytes.
        count: usize,
    },
}
