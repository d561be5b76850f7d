//! The browser skin: the engine as a worker's script sees it.
//!
//! The only package that knows JavaScript. The script chooses the module, reads bytes and passes messages
//! (`web/src/engine`); this turns its values into those of [`run`] and back.

mod bytes;
#[cfg(any(feature = "chat", feature = "tasks"))]
mod convert;
#[cfg(feature = "chat")]
mod engine;
mod error;
mod listener;
#[cfg(any(feature = "chat", feature = "tasks"))]
mod loading;
#[cfg(feature = "tasks")]
mod masks;
#[cfg(feature = "tasks")]
mod matcher;
#[cfg(test)]
mod messages;
pub mod protocol;
#[cfg(feature = "tasks")]
mod reader;
#[cfg(feature = "chat")]
mod sampling;
#[cfg(feature = "tasks")]
mod segmenter;
#[cfg(feature = "tasks")]
mod task;
#[cfg(feature = "chat")]
mod tensors;
#[cfg(feature = "train")]
mod trainer;
#[cfg(test)]
mod typescript;
mod values;
#[cfg(feature = "tasks")]
mod viewer;

#[cfg(feature = "chat")]
pub use engine::Engine;
#[cfg(feature = "tasks")]
pub use matcher::Matcher;
#[cfg(feature = "tasks")]
pub use reader::Reader;
#[cfg(feature = "tasks")]
pub use segmenter::Segmenter;
#[cfg(feature = "train")]
pub use trainer::Trainer;
#[cfg(feature = "tasks")]
pub use viewer::Viewer;

use wasm_bindgen::prelude::wasm_bindgen;

/// Panics are written to the console before the module stops.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// The life of a helper worker of the module with threads: takes part in every computation and never comes back.
#[wasm_bindgen]
pub fn pool_worker(_index: usize) {
    run::serve_pool();
}
