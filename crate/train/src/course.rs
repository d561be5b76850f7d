//! The steps of a training, wherever their records and checkpoints are kept.

mod begin;
mod sample;

use std::rc::Rc;

use format::MemoryFolder;
use models::{Call, Model};
use run::{Adapter, Package, Source};
use serde_json::Value;
use web_time::Instant;

use crate::batch::Batch;
use crate::export::Part;
use crate::feed::Feed;
use crate::guard::Verdict;
use crate::metrics::{self, Record};
use crate::prepare::Prepared;
use crate::state::State;
use crate::trainer::{Change, Measured, Trainer, Values};
use crate::{Error, Recipe, export, schedule};

pub use begin::{configure, first_values};

/// A model in training.
pub struct Course {
    pub recipe: Recipe,
    pub prepared: Prepared,
    /// The model's, or its adapters'.
    pub config: Value,
    pub model: Model,
    pub trainer: Trainer,
    pub feed: Feed,
    pub held_out: Vec<Batch>,
    pub state: State,
    /// Threads of sampling.
    pub threads: usize,
}

/// What has to be done after a step.
pub enum Next {
    /// The next one.
    GoOn,
    /// The last checkpoint is to be taken up again.
    RollBack,
    /// The end: the loss has left every bound.
    Stop(Error),
}

/// What became of the gradients of a step.
pub(crate) enum Settled {
    /// The weights were changed at this learning rate.
    Changed(f64),
    /// The step was left out.
    LeftOut(f64, Record),
    /// It does not go on as it did.
    Other(Record, Next),
}

/// Changes the weights by the gradients of a step if the guard has no objection.
///
/// # Errors
/// The device fails.
pub(crate) async fn settle(
    recipe: &Recipe,
    trainer: &mut Trainer,
    state: &mut State,
    measured: Measured,
) -> Result<Settled, Error> {
    let spec = &recipe.guard;
    let verdict = state.guard.judge(spec, measured.loss, measured.norm);
    let rate = schedule::learning_rate(recipe, state.step) * state.guard.slower(spec);
    let step = state.step;
    let record = |action: &str, reason: String| Record::Guard { step, action: action.into(), reason };
    Ok(match verdict {
        Verdict::Apply => {
            state.updates += 1;
            let scale = schedule::clip_factor(recipe.optimizer.clip, measured.norm);
            trainer.apply(Change { rate, updates: state.updates, scale }).await?;
            Settled::Changed(rate)
        }
        Verdict::Skip(reason) => Settled::LeftOut(rate, record("skip", reason)),
        Verdict::RollBack(reason) => Settled::Other(record("roll_back", reason), Next::RollBack),
        Verdict::Stop(reason) => {
            let error = Error::Diverged { step, reason: reason.clone() };
            Settled::Other(record("stop", reason), Next::Stop(error))
        }
    })
}

impl Course {
    /// Whether the last step is done.
    pub fn is_finished(&self) -> bool {
        self.state.step >= self.recipe.train.steps
    }

    /// One step: the gradients, and a change of the weights if the guard has no objection.
    ///
    /// # Errors
    /// Tokens cannot be read, or the device fails.
    pub async fn step(&mut self) -> Result<(Record, Next), Error> {
        let start = Instant::now();
        let batches = self.feed.next_step()?;
        let measured = self.trainer.gradients(&batches, self.state.step).await?;
        self.state.position = self.feed.position();
        let (rate, record) = match settle(&self.recipe, &mut self.trainer, &mut self.state, measured).await? {
            Settled::Changed(rate) => (rate, None),
            Settled::LeftOut(rate, record) => (rate, Some(record)),
            Settled::Other(record, next) => return Ok((record, next)),
        };
        self.state.step += 1;
        self.state.tokens += batches.iter().map(|batch| batch.learned as u64).sum::<u64>();
        let took = start.elapsed();
        self.state.milliseconds += took.as_millis() as u64;
        let speed = self.recipe.step_tokens() as f64 / took.as_secs_f64().max(1e-9);
        Ok((record.unwrap_or_else(|| self.step_record(measured, rate, speed)), Next::GoOn))
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

    /// What a run begins with, for the records.
    pub fn run_record(&self) -> Record {
        Record::Run {
            step: self.state.step,
            device: self.trainer.device().describe(),
            parameters: self.trainer.parameters(),
            tokens: self.prepared.tokens.trained(),
        }
    }

    /// Whether something that is done every so many steps, and at the end, is due.
    pub fn is_due(&self, every: u64) -> bool {
        every > 0 && (self.state.step.is_multiple_of(every) || self.is_finished())
    }

    /// The loss of held-out texts and samples, where they are due after a step.
    ///
    /// # Errors
    /// The device fails, or a prompt does not fit.
    pub async fn reports(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        if self.is_due(self.recipe.evaluation.every) {
            let loss = self.evaluate().await?;
            records.push(Record::Validation { step: self.state.step, loss });
        }
        if self.is_due(self.recipe.sampling.every) {
            records.extend(self.samples().await?);
        }
        Ok(records)
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

    /// The files of a loadable model, or of its adapters.
    ///
    /// # Errors
    /// The device fails.
    pub async fn model_files(&self) -> Result<Vec<Part>, Error> {
        let texts = self.prepared.files.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes()));
        let config = format!("{:#}\n", self.config).into_bytes();
        let mut parts = vec![export::model(&self.trainer).await?, (export::config_file(&self.recipe).into(), config)];
        parts.extend(texts);
        Ok(parts)
    }

    /// The model as it is now, adapters included.
    ///
    /// # Errors
    /// The device fails.
    pub async fn package(&self) -> Result<Package, Error> {
        let mut folder = MemoryFolder::new(self.recipe.name.clone());
        for (name, bytes) in self.model_files().await? {
            folder.insert(name, bytes);
        }
        match (&self.recipe.lora, &self.prepared.start) {
            (Some(_), Some(start)) => Ok(start.clone().with_adapter(Adapter::open(&folder).await?).await?),
            _ => Ok(Package::open(Source::Folder(Rc::new(folder))).await?),
        }
    }

    /// The files of a checkpoint: the model's, and what training needs beside them.
    ///
    /// # Errors
    /// The device fails.
    pub async fn checkpoint_files(&self) -> Result<Vec<Part>, Error> {
        let mut parts = self.model_files().await?;
        parts.push(export::optimizer(&self.trainer).await?);
        Ok(parts)
    }

    /// Takes up an older checkpoint again, but goes on with the texts that follow.
    ///
    /// # Errors
    /// The values are not this model's, or the device fails.
    pub async fn roll_back(&mut self, values: Values, older: State) -> Result<(), Error> {
        let mut all = match self.recipe.lora {
            Some(_) => first_values(&self.recipe, &self.prepared, &self.config, &self.model).await?,
            None => Values::new(),
        };
        all.extend(values);
        self.trainer = Trainer::new(&self.recipe, &self.model, &Call::train(), self.trainer.device().clone(), &all)?;
        let guard = self.state.guard.rolled_back(&older.guard);
        let (position, milliseconds) = (self.state.position, self.state.milliseconds);
        self.state = State { guard, position, milliseconds, ..older };
        Ok(())
    }
}
