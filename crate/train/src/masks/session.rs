//! A training on scenes in an output folder: the loop with its records and checkpoints.

use std::fs::File;
use std::ops::ControlFlow;

use run::Device;
use web_time::Instant;

use super::atlas::Atlas;
use super::course::Course;
use super::recipe::Recipe;
use crate::course::Next;
use crate::metrics::{self, Log, Record};
use crate::prepare::Step;
use crate::session::{Ended, Event, Listen, METRICS, Options, PLOT, lock, stored};
use crate::{Error, checkpoint, plot};

/// A training whose records and checkpoints are in the recipe's output folder.
pub struct Session {
    /// The model in training.
    pub course: Course,
    log: Log,
    /// The step of the newest checkpoint.
    written: Option<u64>,
    /// Held while the output folder is this run's.
    _lock: File,
}

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
) -> Result<Session, Error> {
    let lock = lock(&recipe.output)?;
    if !options.resume && !checkpoint::steps(&recipe.output)?.is_empty() {
        let reason = "holds checkpoints; --resume goes on from them";
        return Err(Error::checkpoint(&recipe.output.display().to_string(), reason));
    }
    let atlas = Atlas::open(&recipe.data, &recipe.data_root)?;
    let model = Course::configure(recipe)?;
    let belongs = Course::belongs(recipe, &atlas);
    let opened = if options.resume { checkpoint::open_newest(&recipe.output, &belongs)? } else { None };
    for error in opened.iter().flat_map(|opened| &opened.refused) {
        let _ = listen(Event::Prepare(&Step::Note(format!("{error}; the one before is used"))));
    }
    let mut values = Course::drawn(recipe, &model)?;
    if let Some(opened) = &opened {
        let graph = model.build(&models::Call::train_on(1), graph::Taps::none())?;
        values = stored(&recipe.common(), &graph.weights, &opened.folder).await?;
    }
    let state = opened.map(|opened| opened.state);
    let written = state.as_ref().map(|state| state.step);
    let course = Course::begin(recipe, atlas, (device, threads), (&values, state))?;
    let log = Log::open(&recipe.output.join(METRICS), course.state.metrics)?;
    let mut session = Session { course, log, written, _lock: lock };
    let record = session.course.run_record();
    let _ = session.tell(&record, listen)?;
    Ok(session)
}

impl Session {
    /// Trains until the last step, the end of the slice, or until `listen` breaks off.
    ///
    /// # Errors
    /// The disk is full, the device fails, or the loss has left every bound.
    pub async fn run(&mut self, options: &Options, listen: &mut Listen<'_>) -> Result<Ended, Error> {
        let most = options.max_seconds.or(self.course.recipe.slice.max_seconds);
        let start = Instant::now();
        let mut pause = self.written != Some(self.course.state.step) && self.write_checkpoint(listen).await?.is_break();
        while !self.course.is_finished() && !pause {
            pause |= self.step(listen).await?.is_break();
            pause |= most.is_some_and(|most| start.elapsed().as_secs() >= most);
        }
        if self.written != Some(self.course.state.step) {
            let _ = self.write_checkpoint(listen).await?;
        }
        let step = self.course.state.step;
        let folder = checkpoint::folder(&self.course.recipe.output, step);
        Ok(if self.course.is_finished() { Ended::Finished(folder) } else { Ended::Paused(step) })
    }

    async fn step(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let (record, next) = self.course.step().await?;
        let mut stop = self.tell(&record, listen)?.is_break();
        match next {
            Next::GoOn => {}
            Next::RollBack => self.roll_back().await?,
            Next::Stop(error) => {
                self.log.sync()?;
                return Err(error);
            }
        }
        for record in self.course.reports().await? {
            stop |= self.tell(&record, listen)?.is_break();
        }
        // What the guard is in doubt about is no good state to go back to.
        let calm = self.course.state.guard.is_calm() && self.written != Some(self.course.state.step);
        if calm && self.course.is_due(self.course.recipe.checkpoints.every) {
            stop |= self.write_checkpoint(listen).await?.is_break();
        }
        Ok(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Writes a record down and tells it.
    fn tell(&mut self, record: &Record, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        self.log.push(record)?;
        Ok(listen(Event::Record(record)))
    }

    async fn write_checkpoint(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let parts = self.course.checkpoint_files().await?;
        self.course.state.metrics = self.log.sync()?;
        let (recipe, state) = (&self.course.recipe, &self.course.state);
        let folder = checkpoint::write(&recipe.output, state, &parts, recipe.checkpoints.keep)?;
        self.written = Some(state.step);
        let page = plot::html(&recipe.name, &metrics::read(&recipe.output.join(METRICS))?);
        crate::write_text(&recipe.output.join(PLOT), &page)?;
        Ok(listen(Event::Checkpoint(&folder)))
    }

    /// Takes up the newest checkpoint. A step has its own scenes, so those after it are others than before.
    async fn roll_back(&mut self) -> Result<(), Error> {
        let course = &mut self.course;
        let belongs = crate::state::Belongs {
            recipe: course.state.recipe.clone(),
            corpus: course.state.corpus.clone(),
            tokenizer: String::new(),
        };
        let Some(opened) = checkpoint::open_newest(&course.recipe.output, &belongs)? else {
            let reason = "there is no checkpoint to go back to".into();
            return Err(Error::Diverged { step: course.state.step, reason });
        };
        let values = stored(&course.common, course.trainer.specs(), &opened.folder).await?;
        course.roll_back(&values, opened.state)?;
        self.written = Some(course.state.step);
        Ok(())
    }
}
