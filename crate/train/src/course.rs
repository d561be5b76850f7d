//! The steps of a training, whatever is learned and wherever its records and checkpoints are kept.

mod subject;

use std::rc::Rc;

use run::Device;
use web_time::Instant;

use crate::export::{self, Part};
use crate::guard::Verdict;
use crate::metrics::{self, Record};
use crate::state::State;
use crate::trainer::{Change, Inputs, Measured, Trainer, Values};
use crate::{Error, Recipe, schedule};

pub use subject::Subject;

/// A model in training.
pub struct Course<S> {
    /// What it learns.
    pub subject: S,
    /// The model on its device.
    pub trainer: Trainer,
    /// Where training stands.
    pub state: State,
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

impl<S: Subject> Course<S> {
    /// Puts everything on the device.
    ///
    /// # Errors
    /// Values, data and state do not fit each other, or the device does not take the model.
    pub fn begin(mut subject: S, device: Device, (values, state): (&Values, Option<State>)) -> Result<Self, Error> {
        let state = state.unwrap_or_else(|| State::new(&subject.belongs()));
        subject.begin(state.position)?;
        let trainer = Trainer::new(subject.recipe(), subject.model(), &subject.call(), Rc::new(device), values)?;
        Ok(Self { subject, trainer, state })
    }

    /// What trainers of all kinds read.
    pub fn recipe(&self) -> &Recipe {
        self.subject.recipe()
    }

    /// Whether the last step is done.
    pub fn is_finished(&self) -> bool {
        self.state.step >= self.recipe().train.steps
    }

    /// One step: the gradients, and a change of the weights if the guard has no objection.
    ///
    /// # Errors
    /// Data cannot be read, or the device fails.
    pub async fn step(&mut self) -> Result<(Record, Next), Error> {
        let start = Instant::now();
        let batches = self.subject.next_step(self.state.step)?;
        let measured = self.trainer.gradients(&batches, self.state.step).await?;
        self.state.position = self.subject.position();
        let spec = &self.subject.recipe().guard;
        let verdict = self.state.guard.judge(spec, measured.loss, measured.norm);
        let rate = schedule::learning_rate(self.subject.recipe(), self.state.step) * self.state.guard.slower(spec);
        let skipped = match verdict {
            Verdict::Apply => {
                self.apply(measured, rate).await?;
                None
            }
            Verdict::Skip(reason) => Some(self.guard_record("skip", reason)),
            Verdict::RollBack(reason) => return Ok((self.guard_record("roll_back", reason), Next::RollBack)),
            Verdict::Stop(reason) => {
                let error = Error::Diverged { step: self.state.step, reason: reason.clone() };
                return Ok((self.guard_record("stop", reason), Next::Stop(error)));
            }
        };
        self.state.step += 1;
        self.state.tokens += batches.iter().map(Inputs::learned).sum::<u64>();
        let took = start.elapsed();
        self.state.milliseconds += took.as_millis() as u64;
        let speed = self.recipe().step_tokens() as f64 / took.as_secs_f64().max(1e-9);
        Ok((skipped.unwrap_or_else(|| self.step_record(measured, rate, speed)), Next::GoOn))
    }

    async fn apply(&mut self, measured: Measured, rate: f64) -> Result<(), Error> {
        self.state.updates += 1;
        let scale = schedule::clip_factor(self.recipe().optimizer.clip, measured.norm);
        self.trainer.apply(Change { rate, updates: self.state.updates, scale }).await
    }

    fn guard_record(&self, action: &str, reason: String) -> Record {
        Record::Guard { step: self.state.step, action: action.into(), reason }
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
            tokens: self.subject.amount(),
        }
    }

    /// Whether something that is done every so many steps, and at the end, is due.
    pub fn is_due(&self, every: u64) -> bool {
        every > 0 && (self.state.step.is_multiple_of(every) || self.is_finished())
    }

    /// What held-out data tell, and samples, where they are due after a step.
    ///
    /// # Errors
    /// The device fails, or a prompt does not fit.
    pub async fn reports(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        if self.is_due(self.recipe().evaluation.every) {
            records.extend(self.subject.evaluate(&mut self.trainer, self.state.step).await?);
        }
        if self.is_due(self.recipe().sampling.every) {
            records.extend(self.subject.samples(&self.trainer, self.state.step).await?);
        }
        Ok(records)
    }

    /// The files of a loadable model, or of its adapters.
    ///
    /// # Errors
    /// The device fails.
    pub async fn model_files(&self) -> Result<Vec<Part>, Error> {
        self.subject.model_files(&self.trainer).await
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

    /// Takes up an older checkpoint again, but goes on with the data that follow.
    ///
    /// # Errors
    /// The values are not this model's, or the device fails.
    pub async fn roll_back(&mut self, values: Values, older: State) -> Result<(), Error> {
        let mut all = match self.recipe().lora {
            Some(_) => self.subject.first_values().await?,
            None => Values::new(),
        };
        all.extend(values);
        let (subject, device) = (&self.subject, self.trainer.device().clone());
        self.trainer = Trainer::new(subject.recipe(), subject.model(), &subject.call(), device, &all)?;
        let guard = self.state.guard.rolled_back(&older.guard);
        let (position, milliseconds) = (self.state.position, self.state.milliseconds);
        self.state = State { guard, position, milliseconds, ..older };
        Ok(())
    }
}
