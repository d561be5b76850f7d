//! From a recipe to a session: a new model, one to go on from, or a checkpoint.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use run::Device;

use super::{Event, Listen, METRICS, Options, Session, stored};
use crate::checkpoint;
use crate::course::{Course, configure, first_values};
use crate::metrics::Log;
use crate::prepare::{Step, disk::prepare};
use crate::trainer::Values;
use crate::{Error, Recipe, lora, programs};

/// Makes everything ready for the first, or the next, step. `threads` are those of sampling.
///
/// # Errors
/// Texts, tokenizer, model or checkpoints are missing, damaged or do not fit each other; there are checkpoints, but
/// they are not to be resumed; another run trains in this folder.
pub async fn begin(
    recipe: &Recipe,
    device: Device,
    threads: usize,
    options: &Options,
    listen: &mut Listen<'_>,
) -> Result<Session, Error> {
    let lock = lock(&recipe.output)?;
    if !options.resume && !checkpoint::steps(&recipe.output)?.is_empty() {
        let reason = "holds checkpoints; --resume goes on from them";
        return Err(Error::checkpoint(&recipe.output.display().to_string(), reason));
    }
    let prepared = prepare(recipe, &mut |step| _ = listen(Event::Prepare(&step))).await?;
    let (config, model) = configure(recipe, &prepared)?;
    let belongs = Course::belongs(recipe, &prepared);
    let opened = if options.resume { checkpoint::open_newest(&recipe.output, &belongs)? } else { None };
    for error in opened.iter().flat_map(|opened| &opened.refused) {
        let _ = listen(Event::Prepare(&Step::Note(format!("{error}; the one before is used"))));
    }
    let mut values = match (&opened, &recipe.lora) {
        (Some(_), None) => Values::new(),
        (None, _) | (Some(_), Some(_)) => first_values(recipe, &prepared, &config, &model).await?,
    };
    if let Some(opened) = &opened {
        let mut specs = programs::loss(&model, &models::Call::train(), &lora::adapters(recipe, &model)?)?.weights;
        specs.retain(|spec| lora::is_trained(recipe, &spec.name));
        values.extend(stored(recipe, &specs, &opened.folder).await?);
    }
    let state = opened.map(|opened| opened.state);
    let written = state.as_ref().map(|state| state.step);
    let course = Course::begin(recipe, prepared, (config, model), (device, threads), (&values, state))?;
    let log = Log::open(&recipe.output.join(METRICS), course.state.metrics)?;
    let mut session = Session { course, log, written, _lock: lock };
    let record = session.course.run_record();
    let _ = session.tell(&record, listen)?;
    Ok(session)
}

/// Keeps other runs out of an output folder.
pub(crate) fn lock(output: &Path) -> Result<File, Error> {
    fs::create_dir_all(output).map_err(|error| Error::io(output, error))?;
    let path = output.join(".lock");
    let file = File::create(&path).map_err(|error| Error::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::io(output, "another run trains in this folder")),
        Err(TryLockError::Error(error)) => Err(Error::io(&path, error)),
    }
}
