//! Bytes to weights: GGUF, safetensors, PyTorch, CTranslate2 and llama2.c files, the codecs of the quant types, the store
//! that gives a model its tensors by name, and tables of word vectors.
//!
//! [`Checkpoint`] is the way in. It reads headers first and tensors as ranges, from anything that implements
//! [`Bytes`], and whatever the file it gives tensors the names and the row order of the published checkpoint.
//! Bytes from outside can at worst give an [`Error`]: every count and length is checked against the length of the file
//! before anything is allocated.

#[cfg(not(target_arch = "wasm32"))]
mod atomic;
mod bytes;
mod checkpoint;
pub mod ctranslate2;
mod dtype;
mod error;
mod folder;
pub mod gguf;
pub mod llama2c;
pub mod names;
mod open;
mod quant;
pub mod safetensors;
#[cfg_attr(not(feature = "pickle"), expect(dead_code, reason = "only the sizes of its header are asked for"))]
mod torch;
mod words;

#[cfg(not(target_arch = "wasm32"))]
pub use atomic::AtomicFile;
#[cfg(not(target_arch = "wasm32"))]
pub use bytes::FileBytes;
pub use bytes::{Bytes, LocalFuture, MemoryBytes, checked_len};
pub use checkpoint::{Checkpoint, TensorInfo};
pub use dtype::{Dtype, QuantType};
pub use error::Error;
#[cfg(not(target_arch = "wasm32"))]
pub use folder::DirFolder;
pub use folder::{Folder, MemoryFolder, read_text, stays_inside};
pub use quant::{bf16_to_f32, decode, encode, f16_to_f32, f32_to_bf16, f32_to_f16};
pub use safetensors::write_safetensors;
pub use words::{WordFormat, WordTable};
