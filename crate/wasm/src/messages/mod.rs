//! The messages themselves. The script of the worker takes them apart and calls the engine, so that here they are only
//! written down; their TypeScript is made from them.

#![expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "TypeScript is made from these types; the script of the worker makes the values"
)]

mod parts;
mod reply;
mod request;

pub use parts::{Pixels, RandomModel, Source, Task};
pub use reply::{NamedFile, Opened, Outcome, OutputTensor, Reply};
pub use request::Request;
