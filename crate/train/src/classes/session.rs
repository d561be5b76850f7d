//! A training on pictures in an output folder.

use run::Device;

use super::course::Labelled;
use super::idx::Pictures;
use super::recipe::Recipe;
use crate::Error;
use crate::session::{Listen, Options, Session, lock};

/// Makes everything ready for the first, or the next, step.
///
/// # Errors
/// Data, model or checkpoints are missing, damaged or do not fit each other; there are checkpoints, but they are not to
/// be resumed; another run trains in this folder.
pub async fn begin(
    recipe: &Recipe,
    device: Device,
    options: &Options,
    listen: &mut Listen<'_>,
) -> Result<Session<Labelled>, Error> {
    let lock = lock(&recipe.output, options)?;
    let pictures = Pictures::open(&recipe.data, &recipe.data_root)?;
    Session::open(Labelled::new(recipe, pictures)?, device, lock, options, listen).await
}
