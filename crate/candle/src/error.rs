//! Errors of the reference executor.

use graph::NodeId;

/// An error of this package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// candle refused.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// The graph or its inputs are wrong.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// A weight is missing.
    #[error("weight {0} is not loaded")]
    Weight(String),
    /// The session does not hold what the call builds on.
    #[error("{0}")]
    Session(String),
    /// Where it happened.
    #[error("node %{node} {op}: {source}")]
    Node {
        /// The node's place.
        node: u32,
        /// The operation.
        op: &'static str,
        /// What happened.
        source: Box<Error>,
    },
}

impl Error {
    pub(crate) fn at(self, node: NodeId, op: &'static str) -> Self {
        Self::Node { node: node.0, op, source: Box::new(self) }
    }
}
