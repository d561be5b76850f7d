//! A training on scenes in an output folder.

use run::Device;

use super::atlas::Atlas;
use super::course::Scenes;
use super::recipe::Recipe;
use crate::Error;
use crate::session::{Listen, Options, Session, lock};

/// Makes everything ready for the first, or the next, step. `threads` are those that compose scenes.
///
/// # Errors
/// Data, model or checkpoints are missing, damaged or do not fit each other; there are checkpoints, but they are not to
/// be resumed; another run trains in this folder.
pub async fn begin(
    recipe: &Recipe,
    device: Device,
    threads: usize,
    options: &Options,
    listen: &mut Listen<'_>,
) -> Result<Session<Scenes>, Error> {
    let lock = lock(&recipe.output, options)?;
    let atlas = Atlas::open(&recipe.data, &recipe.data_root)?;
    Session::open(Scenes::new(recipe, atlas, threads)?, device, lock, options, listen).await
}
