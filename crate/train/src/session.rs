//! The loop: steps, evaluation, samples, checkpoints, until the last step or until somebody wants it to pause.

mod begin;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use format::{Checkpoint, FileBytes};
use graph::WeightSpec;
use web_time::Instant;

use crate::course::{Course, Next, Subject};
use crate::metrics::{self, Log, Record};
use crate::prepare::Step;
use crate::trainer::Values;
use crate::{Error, Recipe, checkpoint, export, plot};

pub use begin::begin;
pub(crate) use begin::lock;

/// The file of records in an output folder.
pub const METRICS: &str = "metrics.jsonl";
/// The page of drawings in an output folder.
pub const PLOT: &str = "training.html";

/// How a run begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Go on from the newest checkpoint.
    pub resume: bool,
    /// Seconds after which the run pauses; without it, what the recipe says.
    pub max_seconds: Option<u64>,
}

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The texts are made ready.
    Prepare(&'a Step),
    /// Something happened that is in the file of records.
    Record(&'a Record),
    /// A checkpoint is on the disk.
    Checkpoint(&'a Path),
}

/// Hears of events; `Break` finishes the step, writes a checkpoint and pauses.
pub type Listen<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'a;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With the last step; the folder of the model.
    Finished(PathBuf),
    /// Before it; it can be resumed.
    Paused(u64),
}

/// A training whose records and checkpoints are in the recipe's output folder.
pub struct Session<S> {
    /// The model in training.
    pub course: Course<S>,
    log: Log,
    /// The step of the newest checkpoint.
    written: Option<u64>,
    /// Held while the output folder is this run's.
    _lock: File,
}

impl<S: Subject> Session<S> {
    /// Trains until the last step, the end of the slice, or until `listen` breaks off.
    ///
    /// # Errors
    /// The disk is full, the device fails, or the loss has left every bound.
    pub async fn run(&mut self, options: &Options, listen: &mut Listen<'_>) -> Result<Ended, Error> {
        let most = options.max_seconds.or(self.course.recipe().slice.max_seconds);
        let start = Instant::now();
        let mut pause = self.written != Some(self.course.state.step) && self.write_checkpoint(listen).await?.is_break();
        while !self.course.is_finished() && !pause {
            pause |= self.step(listen).await?.is_break();
            pause |= self.after_step(listen).await?.is_break();
            pause |= most.is_some_and(|most| start.elapsed().as_secs() >= most);
        }
        if self.written != Some(self.course.state.step) {
            let _ = self.write_checkpoint(listen).await?;
        }
        let step = self.course.state.step;
        let folder = checkpoint::folder(&self.course.recipe().output, step);
        Ok(if self.course.is_finished() { Ended::Finished(folder) } else { Ended::Paused(step) })
    }

    async fn step(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let (record, next) = self.course.step().await?;
        let told = self.tell(&record, listen)?;
        match next {
            Next::GoOn => {}
            Next::RollBack => self.roll_back().await?,
            Next::Stop(error) => {
                self.log.sync()?;
                return Err(error);
            }
        }
        Ok(told)
    }

    /// Writes a record down and tells it.
    fn tell(&mut self, record: &Record, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        self.log.push(record)?;
        Ok(listen(Event::Record(record)))
    }

    /// What is due after a step.
    async fn after_step(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let mut flow = ControlFlow::Continue(());
        let mut also = |other: ControlFlow<()>| {
            if other.is_break() {
                flow = other;
            }
        };
        for record in self.course.reports().await? {
            also(self.tell(&record, listen)?);
        }
        // What the guard is in doubt about is no good state to go back to.
        let state = &self.course.state;
        let calm = state.guard.is_calm() && self.written != Some(state.step);
        if calm && self.course.is_due(self.course.recipe().checkpoints.every) {
            also(self.write_checkpoint(listen).await?);
        }
        Ok(flow)
    }

    async fn write_checkpoint(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let parts = self.course.checkpoint_files().await?;
        self.course.state.metrics = self.log.sync()?;
        let (recipe, state) = (self.course.recipe(), &self.course.state);
        let folder = checkpoint::write(&recipe.output, state, &parts, recipe.checkpoints.keep)?;
        self.written = Some(state.step);
        self.draw()?;
        Ok(listen(Event::Checkpoint(&folder)))
    }

    fn draw(&self) -> Result<(), Error> {
        let recipe = self.course.recipe();
        let records = metrics::read(&recipe.output.join(METRICS))?;
        let page = plot::html(&recipe.name, &records);
        crate::write_text(&recipe.output.join(PLOT), &page)
    }

    /// Takes up the newest checkpoint.
    async fn roll_back(&mut self) -> Result<(), Error> {
        let course = &mut self.course;
        let opened = checkpoint::open_newest(&course.recipe().output, &course.subject.belongs())?;
        let Some(opened) = opened else {
            let reason = "there is no checkpoint to go back to".into();
            return Err(Error::Diverged { step: course.state.step, reason });
        };
        let values = stored(course.recipe(), course.trainer.specs(), &opened.folder).await?;
        course.roll_back(values, opened.state).await?;
        self.written = Some(course.state.step);
        Ok(())
    }
}

/// A checkpoint's weights and state.
pub(crate) async fn stored(recipe: &Recipe, specs: &[WeightSpec], folder: &Path) -> Result<Values, Error> {
    let open = |name: &str| FileBytes::open(folder.join(name));
    let model = Checkpoint::open_file(Rc::new(open(export::weights_file(recipe))?)).await?;
    let optimizer = Checkpoint::open_file(Rc::new(open(export::OPTIMIZER)?)).await?;
    export::values(recipe, specs, &model, &optimizer).await
}
