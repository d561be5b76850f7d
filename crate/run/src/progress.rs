//! What a long call is doing.

/// A step of a long call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Progress {
    /// Weights go to the device.
    Load {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Kernels are compiled for the device.
    Compile {
        /// Programs so far.
        done: usize,
        /// Programs in all.
        total: usize,
    },
    /// The prompt is read.
    Prefill {
        /// Tokens so far.
        done: usize,
        /// Tokens in all.
        total: usize,
    },
    /// The answer is written.
    Tokens {
        /// Tokens so far.
        done: usize,
    },
}
