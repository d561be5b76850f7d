//! Training of models that say what a picture shows, on files of small grey pictures with labels.
//!
//! Everything random is a function of the recipe's seed, the epoch and the picture, so that a run that was killed goes on
//! to the same weights.

mod augment;
mod batch;
mod course;
mod idx;
mod recipe;
mod session;
mod showcase;

pub use augment::Augment;
pub use batch::Batch;
pub use course::{Labelled, Seen};
pub use idx::Pictures;
pub use recipe::{Kind, PicturesSpec, Recipe, Train};
pub use session::begin;
pub use showcase::{Ink, Told, accuracy, ask, confusions};
