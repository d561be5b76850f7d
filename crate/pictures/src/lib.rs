//! Pictures in, tensors for models; masks from models, files out.
//!
//! [`Picture`] holds what every picture becomes: eight bits of red, green and blue, and alpha where there is some.
//! [`Processor`] makes of it what a vision model reads, as the reference library does. [`Mask`] and [`Rle`] are what
//! a segmentation model says, [`masks`] writes them down, and [`everything`] holds the pure parts of finding all
//! objects in a picture. Decoding and encoding of files is left out in a page, which does both itself.

#[cfg(not(target_arch = "wasm32"))]
mod decode;
#[cfg(not(target_arch = "wasm32"))]
mod encode;
mod error;
pub mod everything;
pub mod masks;
mod picture;
mod processor;
mod resample;

#[cfg(not(target_arch = "wasm32"))]
pub use decode::decode;
#[cfg(not(target_arch = "wasm32"))]
pub use encode::{png_grey, png_rgba};
pub use error::Error;
pub use masks::{Bounds, Mask, Rle};
pub use picture::{MAX_PIXELS, MAX_SIDE, Picture};
pub use processor::{Processed, Processor};
pub use resample::{Filter, Window, resize};
