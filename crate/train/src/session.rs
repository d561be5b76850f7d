//! The loop: steps, evaluation, samples, checkpoints, until the last step or until somebody wants it to pause.

mod begin;
mod sample;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use format::{Checkpoint, FileBytes};
use graph::WeightSpec;
use models::Model;
use serde_json::Value;
use web_time::Instant;

use crate::batch::Batch;
use crate::checkpoint::{self, Belongs, State};
use crate::feed::Feed;
use crate::guard::Verdict;
use crate::metrics::{self, Log, Record};
use crate::prepare::{Prepared, Step};
use crate::trainer::{Change, Measured, Trainer, Values};
use crate::{Error, Recipe, export, plot, schedule};

pub use begin::begin;

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

/// A model in training.
pub struct Session<'r> {
    recipe: &'r Recipe,
    prepared: Prepared,
    config: Value,
    model: Model,
    belongs: Belongs,
    trainer: Trainer,
    feed: Feed,
    held_out: Vec<Batch>,
    state: State,
    log: Log,
    /// The step of the newest checkpoint.
    written: Option<u64>,
    threads: usize,
    /// Held while the output folder is this run's.
    _lock: File,
}

impl Session<'_> {
    /// Trains until the last step, the end of the slice, or until `listen` breaks off.
    ///
    /// # Errors
    /// The disk is full, the device fails, or the loss has left every bound.
    pub async fn run(&mut self, options: &Options, listen: &mut Listen<'_>) -> Result<Ended, Error> {
        let most = options.max_seconds.or(self.recipe.slice.max_seconds);
        let start = Instant::now();
        let mut pause = self.written != Some(self.state.step) && self.write_checkpoint(listen).await?.is_break();
        while self.state.step < self.recipe.train.steps && !pause {
            pause |= self.step(listen).await?.is_break();
            pause |= self.after_step(listen).await?.is_break();
            pause |= most.is_some_and(|most| start.elapsed().as_secs() >= most);
        }
        if self.written != Some(self.state.step) {
            let _ = self.write_checkpoint(listen).await?;
        }
        let finished = self.state.step >= self.recipe.train.steps;
        let folder = checkpoint::folder(&self.recipe.output, self.state.step);
        Ok(if finished { Ended::Finished(folder) } else { Ended::Paused(self.state.step) })
    }

    async fn step(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let start = Instant::now();
        let batches = self.feed.next_step()?;
        let measured = self.trainer.gradients(&batches, self.state.step).await?;
        let spec = &self.recipe.guard;
        let verdict = self.state.guard.judge(spec, measured.loss, measured.norm);
        let rate = schedule::learning_rate(self.recipe, self.state.step) * self.state.guard.slower(spec);
        self.state.position = self.feed.position();
        let learned: u64 = batches.iter().map(|batch| batch.learned as u64).sum();
        match verdict {
            Verdict::Apply => {
                self.state.updates += 1;
                let scale = schedule::clip_factor(self.recipe.optimizer.clip, measured.norm);
                self.trainer.apply(Change { rate, updates: self.state.updates, scale }).await?;
            }
            Verdict::Skip(reason) => self.tell(self.guard_record("skip", reason), listen).map(drop)?,
            Verdict::RollBack(reason) => {
                let told = self.tell(self.guard_record("roll_back", reason), listen)?;
                self.roll_back().await?;
                return Ok(told);
            }
            Verdict::Stop(reason) => {
                let _ = self.tell(self.guard_record("stop", reason.clone()), listen)?;
                self.log.sync()?;
                return Err(Error::Diverged { step: self.state.step, reason });
            }
        }
        self.state.step += 1;
        self.state.tokens += learned;
        let took = start.elapsed();
        self.state.milliseconds += took.as_millis() as u64;
        let speed = self.recipe.step_tokens() as f64 / took.as_secs_f64().max(1e-9);
        let record = self.step_record(measured, rate, speed);
        self.tell(record, listen)
    }

    fn step_record(&self, measured: Measured, learning_rate: f64, tokens_per_s: f64) -> Record {
        Record::Step {
            step: self.state.step,
            loss: metrics::finite(measured.loss),
            learning_rate,
            grad_norm: metrics::finite(measured.norm),
            tokens: self.state.tokens,
            tokens_per_s,
            seconds: self.state.milliseconds as f64 / 1e3,
        }
    }

    fn guard_record(&self, action: &str, reason: String) -> Record {
        Record::Guard { step: self.state.step, action: action.into(), reason }
    }

    /// Writes a record down and tells it.
    fn tell(&mut self, record: Record, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        self.log.push(&record)?;
        Ok(listen(Event::Record(&record)))
    }

    /// What is due after a step.
    async fn after_step(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let (step, last) = (self.state.step, self.state.step == self.recipe.train.steps);
        let due = |every: u64| every > 0 && (step.is_multiple_of(every) || last);
        let mut flow = ControlFlow::Continue(());
        let mut also = |other: ControlFlow<()>| {
            if other.is_break() {
                flow = other;
            }
        };
        if due(self.recipe.evaluation.every) {
            let loss = self.evaluate().await?;
            also(self.tell(Record::Validation { step, loss }, listen)?);
        }
        if due(self.recipe.sampling.every) {
            for record in self.samples().await? {
                also(self.tell(record, listen)?);
            }
        }
        // What the guard is in doubt about is no good state to go back to.
        if due(self.recipe.checkpoints.every) && self.state.guard.is_calm() && self.written != Some(step) {
            also(self.write_checkpoint(listen).await?);
        }
        Ok(flow)
    }

    /// The mean loss of the held-out tokens, in nats.
    async fn evaluate(&mut self) -> Result<f64, Error> {
        let (mut sum, mut learned) = (0.0, 0.0);
        for batch in &self.held_out {
            sum += self.trainer.loss(batch).await? * batch.learned as f64;
            learned += batch.learned as f64;
        }
        Ok(sum / learned)
    }

    async fn write_checkpoint(&mut self, listen: &mut Listen<'_>) -> Result<ControlFlow<()>, Error> {
        let mut parts = self.model_files().await?;
        parts.push(export::optimizer(&self.trainer).await?);
        self.state.metrics = self.log.sync()?;
        let folder = checkpoint::write(&self.recipe.output, &self.state, &parts, self.recipe.checkpoints.keep)?;
        self.written = Some(self.state.step);
        self.draw()?;
        Ok(listen(Event::Checkpoint(&folder)))
    }

    /// The files of a loadable model.
    async fn model_files(&self) -> Result<Vec<export::Part>, Error> {
        let texts = self.prepared.files.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes()));
        let config = format!("{:#}\n", self.config).into_bytes();
        let mut parts = vec![export::model(&self.trainer).await?, ("config.json".into(), config)];
        parts.extend(texts);
        Ok(parts)
    }

    fn draw(&self) -> Result<(), Error> {
        let records = metrics::read(&self.recipe.output.join(METRICS))?;
        let page = plot::html(&self.recipe.name, &records);
        crate::write_text(&self.recipe.output.join(PLOT), &page)
    }

    /// Takes up the newest checkpoint, but goes on with the texts that follow.
    async fn roll_back(&mut self) -> Result<(), Error> {
        let opened = checkpoint::open_newest(&self.recipe.output, &self.belongs)?;
        let Some(opened) = opened else {
            return Err(Error::Diverged {
                step: self.state.step,
                reason: "there is no checkpoint to go back to".into(),
            });
        };
        let values = stored(self.recipe, self.trainer.specs(), &opened.folder).await?;
        self.trainer = Trainer::new(self.recipe, &self.model, self.trainer.device().clone(), &values)?;
        let guard = self.state.guard.rolled_back(&opened.state.guard);
        let (position, milliseconds) = (self.state.position, self.state.milliseconds);
        self.state = State { guard, position, milliseconds, ..opened.state };
        self.written = Some(self.state.step);
        Ok(())
    }
}

/// A checkpoint's weights and state.
async fn stored(recipe: &Recipe, specs: &[WeightSpec], folder: &Path) -> Result<Values, Error> {
    let open = |name: &str| FileBytes::open(folder.join(name));
    let model = Checkpoint::open_file(Rc::new(open(export::MODEL)?)).await?;
    let optimizer = Checkpoint::open_file(Rc::new(open(export::OPTIMIZER)?)).await?;
    export::values(recipe, specs, &model, &optimizer).await
}
