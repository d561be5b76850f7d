//! What can go wrong on the GPU.

/// An error of this package.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// There is no adapter.
    #[error("no GPU adapter: {reason}")]
    Adapter {
        /// What the system said.
        reason: String,
    },
    /// The adapter gave no device.
    #[error("adapter {adapter} gave no device: {reason}")]
    Device {
        /// The adapter's name.
        adapter: String,
        /// What the system said.
        reason: String,
    },
    /// The device is gone: build a new engine and load the weights again.
    #[error("the GPU device is lost: {reason}")]
    Lost {
        /// What the system said.
        reason: String,
    },
    /// Memory ran out.
    #[error("out of GPU memory: {reason}")]
    Memory {
        /// What the system said.
        reason: String,
    },
    /// The device refused a command: a fault of this package.
    #[error("the GPU refused a command: {reason}")]
    Refused {
        /// What the system said.
        reason: String,
    },
    /// Something is larger than the device allows.
    #[error("{what} needs {bytes} bytes, the device allows {limit} ({name})")]
    Limit {
        /// What is too large.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit's value.
        limit: u64,
        /// The limit's name in WebGPU.
        name: &'static str,
    },
    /// A weight cannot be stored.
    #[error("weight {name}: {reason}")]
    Weight {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A node cannot run here.
    #[error("{op} at node {node}: {reason}")]
    Unsupported {
        /// The operation's name.
        op: &'static str,
        /// The node's place.
        node: u32,
        /// Why.
        reason: String,
    },
    /// The session does not fit the program or the inputs.
    #[error("session: {reason}")]
    Session {
        /// What is wrong.
        reason: String,
    },
    /// Inputs or shapes are wrong.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// The key-value cache is full.
    #[error(transparent)]
    Pages(#[from] graph::PageError),
}
