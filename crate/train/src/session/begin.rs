//! From a subject to a session: a new model, one to go on from, or a checkpoint.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use run::Device;

use super::{Event, Listen, METRICS, Options, Session, stored};
use crate::checkpoint;
use crate::course::{Course, Subject};
use crate::documents::Documents;
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
) -> Result<Session<Documents>, Error> {
    let lock = lock(&recipe.output, options)?;
    let prepared = prepare(recipe, &mut |step| _ = listen(Event::Prepare(&step))).await?;
    Session::open(Documents::new(recipe, prepared, threads)?, device, lock, options, listen).await
}

impl<S: Subject> Session<S> {
    /// Begins with the first values, or with the newest checkpoint where it is to be resumed.
    pub(crate) async fn open(
        mut subject: S,
        device: Device,
        lock: File,
        options: &Options,
        listen: &mut Listen<'_>,
    ) -> Result<Self, Error> {
        let recipe = subject.recipe().clone();
        let opened = if options.resume { checkpoint::open_newest(&recipe.output, &subject.belongs())? } else { None };
        for error in opened.iter().flat_map(|opened| &opened.refused) {
            let _ = listen(Event::Prepare(&Step::Note(format!("{error}; the one before is used"))));
        }
        // Adapters need their base beside what a checkpoint holds.
        let first = opened.is_none() || recipe.lora.is_some();
        let mut values = if first { subject.first_values().await? } else { Values::new() };
        if let Some(opened) = &opened {
            let adapters = lora::adapters(&recipe, subject.model())?;
            let mut specs = programs::loss(subject.model(), &subject.call(), &adapters)?.weights;
            specs.retain(|spec| lora::is_trained(&recipe, &spec.name));
            values.extend(stored(&recipe, &specs, &opened.folder).await?);
        }
        let state = opened.map(|opened| opened.state);
        let written = state.as_ref().map(|state| state.step);
        let course = Course::begin(subject, device, (&values, state))?;
        let log = Log::open(&recipe.output.join(METRICS), course.state.metrics)?;
        let mut session = Self { course, log, written, _lock: lock };
        let record = session.course.run_record();
        let _ = session.tell(&record, listen)?;
        Ok(session)
    }
}

/// Keeps other runs out of an output folder, and new ones if it holds checkpoints.
pub(crate) fn lock(output: &Path, options: &Options) -> Result<File, Error> {
    fs::create_dir_all(output).map_err(|error| Error::io(output, error))?;
    let path = output.join(".lock");
    let file = File::create(&path).map_err(|error| Error::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::io(output, "another run trains in this folder")),
        Err(TryLockError::Error(error)) => return Err(Error::io(&path, error)),
    }
    if !options.resume && !checkpoint::steps(output)?.is_empty() {
        let reason = "holds checkpoints; --resume goes on from them";
        return Err(Error::checkpoint(&output.display().to_string(), reason));
    }
    Ok(file)
}
