//! The steps of a training on scenes.

use std::rc::Rc;

use graph::Taps;
use models::{Call, Model};
use run::Device;
use serde_json::json;
use web_time::Instant;

use super::atlas::{Atlas, Pool};
use super::batch::{Batch, Overlap};
use super::initial;
use super::prompt::Asked;
use super::recipe::Recipe;
use crate::Error;
use crate::course::{Next, Settled, settle};
use crate::export::{self, Part};
use crate::metrics::{self, Record};
use crate::state::{Belongs, State};
use crate::trainer::{Measured, Trainer, Values};

/// A model in training.
pub struct Course {
    pub(super) recipe: Recipe,
    /// The same as trainers of all kinds read it.
    pub(super) common: crate::Recipe,
    model: Model,
    pub(super) trainer: Trainer,
    atlas: Atlas,
    learned: Vec<usize>,
    held_out: Vec<(Asked, Batch)>,
    pub(super) state: State,
    /// That compose scenes.
    threads: usize,
}

impl Course {
    /// The first weights of a recipe's model.
    ///
    /// # Errors
    /// The configuration is no model.
    pub fn drawn(recipe: &Recipe, model: &Model) -> Result<Values, Error> {
        let graph = model.build(&call(recipe), Taps::none())?;
        Ok(graph.weights.iter().map(|spec| (spec.name.clone(), initial::values(spec, recipe.seed))).collect())
    }

    /// The model of a recipe.
    ///
    /// # Errors
    /// The configuration is none that answers prompts.
    pub fn configure(recipe: &Recipe) -> Result<Model, Error> {
        let model = Model::read("recipe: model", &recipe.config())?;
        let graph = model.build(&call(recipe), Taps::none())?;
        if graph.outputs.iter().any(|output| output.name == "overlaps") {
            return Ok(model);
        }
        Err(Error::recipe(&recipe.name, "model", "answers no prompts"))
    }

    /// Puts everything on the device. `threads` are those that compose scenes.
    ///
    /// # Errors
    /// There are too few things, values and state do not fit each other, or the device does not take the model.
    pub fn begin(
        recipe: &Recipe,
        atlas: Atlas,
        (device, threads): (Device, usize),
        (values, state): (&Values, Option<State>),
    ) -> Result<Self, Error> {
        let (model, common) = (Self::configure(recipe)?, recipe.common());
        let pool = |pool| atlas.pool(recipe.seed, recipe.validation, pool);
        let (learned, held) = (pool(Pool::Learned), pool(Pool::HeldOut));
        if learned.is_empty() || held.is_empty() {
            let reason = format!("has {} things to learn from and {} held out", learned.len(), held.len());
            return Err(Error::recipe(&recipe.name, "data", reason));
        }
        let mut held_out = Vec::new();
        for at in 0..if recipe.evaluation.every > 0 { recipe.evaluation.batches } else { 0 } {
            for asked in [Asked::Point, Asked::Area] {
                held_out.push((asked, Batch::held_out(recipe, &atlas, &held, asked, at)?));
            }
        }
        let trainer = Trainer::new(&common, &model, &call(recipe), Rc::new(device), values)?;
        let state = state.unwrap_or_else(|| State::new(&Self::belongs(recipe, &atlas)));
        Ok(Self { recipe: recipe.clone(), common, model, trainer, atlas, learned, held_out, state, threads })
    }

    /// What the checkpoints of a training have to belong to.
    pub fn belongs(recipe: &Recipe, atlas: &Atlas) -> Belongs {
        Belongs { recipe: recipe.digest(), corpus: atlas.digest.clone(), tokenizer: String::new() }
    }

    /// Whether the last step is done.
    pub fn is_finished(&self) -> bool {
        self.state.step >= self.recipe.train.steps
    }

    /// One step: the gradients, and a change of the weights if the guard has no objection.
    ///
    /// # Errors
    /// The device fails.
    pub async fn step(&mut self) -> Result<(Record, Next), Error> {
        let start = Instant::now();
        let batch = Batch::learned(&self.recipe, &self.atlas, &self.learned, self.state.step, self.threads)?;
        let measured = self.trainer.gradients(&[batch], self.state.step).await?;
        let settled = settle(&self.common, &mut self.trainer, &mut self.state, measured).await?;
        let (rate, record) = match settled {
            Settled::Changed(rate) => (rate, None),
            Settled::LeftOut(rate, record) => (rate, Some(record)),
            Settled::Other(record, next) => return Ok((record, next)),
        };
        let prompts = self.common.step_tokens();
        self.state.step += 1;
        self.state.tokens += prompts;
        let took = start.elapsed();
        self.state.milliseconds += took.as_millis() as u64;
        let speed = prompts as f64 / took.as_secs_f64().max(1e-9);
        Ok((record.unwrap_or_else(|| self.step_record(measured, rate, speed)), Next::GoOn))
    }

    /// Prompts are what a decoder's tokens are.
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
            tokens: self.learned.len() as u64,
        }
    }

    /// Whether something that is done every so many steps, and at the end, is due.
    pub fn is_due(&self, every: u64) -> bool {
        every > 0 && (self.state.step.is_multiple_of(every) || self.is_finished())
    }

    /// The loss and the overlap of held-out things, where they are due after a step.
    ///
    /// # Errors
    /// The device fails.
    pub async fn reports(&mut self) -> Result<Vec<Record>, Error> {
        if !self.is_due(self.recipe.evaluation.every) {
            return Ok(Vec::new());
        }
        let (loss, Overlap { point, area }) = self.evaluate().await?;
        let step = self.state.step;
        let text = format!("{point:.4} by a click, {area:.4} by a box");
        let shown = Record::Sample { step, prompt: "mean overlap of held-out masks".into(), text };
        Ok(vec![Record::Validation { step, loss }, shown])
    }

    /// The mean loss of held-out things, and how far their masks overlap with the true ones in the model's own pixels.
    ///
    /// # Errors
    /// The device fails.
    pub async fn evaluate(&mut self) -> Result<(f64, Overlap), Error> {
        let (mut loss, mut sums, mut counts) = (0.0, [0.0; 2], [0; 2]);
        for (asked, batch) in &self.held_out {
            let out = self.trainer.results(batch).await?;
            loss += f64::from(out[0].as_f32()?.first().copied().unwrap_or(f32::NAN)) / self.held_out.len() as f64;
            let (overlaps, ratings, n) = (out[1].as_f32()?, out[2].as_f32()?, out[1].shape[1]);
            for (overlaps, ratings) in overlaps.chunks(n).zip(ratings.chunks(n)) {
                let best = (1..n).max_by(|a, b| ratings[*a].total_cmp(&ratings[*b])).unwrap_or(0);
                let at = usize::from(*asked == Asked::Area);
                sums[at] += f64::from(overlaps[if *asked == Asked::Point { best } else { 0 }]);
                counts[at] += 1;
            }
        }
        let mean = |at: usize| sums[at] / f64::from(counts[at].max(1));
        Ok((loss, Overlap { point: mean(0), area: mean(1) }))
    }

    /// The files of a loadable model.
    ///
    /// # Errors
    /// The device fails.
    pub async fn model_files(&self) -> Result<Vec<Part>, Error> {
        let text = |value: &serde_json::Value| format!("{value:#}\n").into_bytes();
        let side = self.recipe.side();
        let processor = json!({
            "image_processor_type": "SamImageProcessor", "do_resize": true, "do_rescale": true, "do_normalize": true,
            "do_pad": true, "size": { "longest_edge": side }, "pad_size": { "height": side, "width": side },
            "mask_size": { "longest_edge": self.recipe.small() },
            "mask_pad_size": { "height": self.recipe.small(), "width": self.recipe.small() },
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        });
        Ok(vec![
            export::model(&self.trainer).await?,
            ("config.json".into(), text(&self.recipe.config())),
            ("preprocessor_config.json".into(), text(&processor)),
        ])
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

    /// Takes up an older checkpoint again, but goes on with other scenes.
    ///
    /// # Errors
    /// The values are not this model's, or the device fails.
    pub(super) fn roll_back(&mut self, values: &Values, older: State) -> Result<(), Error> {
        let device = self.trainer.device().clone();
        self.trainer = Trainer::new(&self.common, &self.model, &call(&self.recipe), device, values)?;
        let guard = self.state.guard.rolled_back(&older.guard);
        self.state = State { guard, milliseconds: self.state.milliseconds, ..older };
        Ok(())
    }
}

/// A step of training on the pictures of a batch.
fn call(recipe: &Recipe) -> Call {
    Call::train_on(recipe.train.batch)
}
