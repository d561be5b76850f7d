//! GGUF: metadata, tensor descriptions and tensor data in one file. Versions 2 and 3, little-endian.
//!
//! Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod read;
mod value;
mod write;

pub use read::{Header, RawTensor, read_header};
pub use value::{Array, Metadata, Value};
pub(crate) use write::dtype_of;
pub use write::{TensorSpec, Writer};

/// The first four bytes.
pub const MAGIC: &[u8; 4] = b"GGUF";

/// The metadata key that sets the alignment of tensor data.
const ALIGNMENT_KEY: &str = "general.alignment";

/// The alignment where the metadata sets none.
const ALIGNMENT: u64 = 32;
