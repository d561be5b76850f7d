//! Families of models: a configuration as published, and a function that writes the graph.
//!
//! One file a family serves float and quantized weights, every executor, inference and training.

pub mod bart;
mod call;
mod config;
pub mod encoder;
mod error;
mod family;
pub mod gemma;
pub mod gguf;
pub mod gpt2;
pub mod gpt_neox;
mod heads;
pub mod llama;
mod names;
mod positions;
pub mod rope;
mod rotary;
mod seq2seq;
mod shapes;
pub mod t5;
pub mod vision;

pub use call::{CacheUse, Call, Head, Mask, Part, Rows};
pub use config::Fields;
pub use error::Error;
pub use family::{Model, Parts, Task};
pub use heads::{LAST_TOKENS, Labels};
pub use names::{joined, resolve, spellings};
pub use seq2seq::{Side, memory_names};
pub use shapes::{SHAPES, shape_config};
pub use vision::{Look, Prompts, Reads, Vision};
