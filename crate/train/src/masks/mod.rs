//! Training of models that answer prompts with masks, on scenes that are composed while they are learned from: pictures
//! whose alpha channels are true masks, at random scale, place, turn and colours on made-up backgrounds.
//!
//! Everything random is a function of the recipe's seed and of the step, so that a run that was killed goes on to the
//! same weights, and scenes need no file.

mod atlas;
mod batch;
mod course;
mod prompt;
mod recipe;
mod scene;
mod session;
mod showcase;

pub use atlas::{Atlas, Pool};
pub use batch::{Batch, Overlap};
pub use course::Scenes;
pub use prompt::{Asked, Prompt};
pub use recipe::{AtlasSpec, Kind, Recipe, SceneSpec, Train};
pub use scene::Scene;
pub use session::begin;
pub use showcase::{Answered, Means, ask, means, sheet};
