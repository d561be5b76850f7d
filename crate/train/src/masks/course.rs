//! Scenes as the subject of a course.

use graph::Taps;
use models::{Call, Model};
use serde_json::json;

use super::atlas::{Atlas, Pool};
use super::batch::{Batch, Overlap};
use super::prompt::Asked;
use super::recipe::Recipe;
use crate::course::{Course, Subject};
use crate::export::{self, Part};
use crate::feed::Position;
use crate::metrics::Record;
use crate::state::Belongs;
use crate::trainer::{Trainer, Values};
use crate::{Error, initial};

/// A recipe's scenes and the model that learns to answer prompts about them.
pub struct Scenes {
    recipe: Recipe,
    /// The same as trainers of all kinds read it.
    common: crate::Recipe,
    model: Model,
    atlas: Atlas,
    learned: Vec<usize>,
    held_out: Vec<(Asked, Batch)>,
    /// That compose scenes.
    threads: usize,
}

impl Scenes {
    /// The things and the model of a recipe. `threads` are those that compose scenes.
    ///
    /// # Errors
    /// The configuration is none that answers prompts.
    pub fn new(recipe: &Recipe, atlas: Atlas, threads: usize) -> Result<Self, Error> {
        let (model, common) = (Self::configure(recipe)?, recipe.common());
        let learned = atlas.pool(recipe.seed, recipe.validation, Pool::Learned);
        Ok(Self { recipe: recipe.clone(), common, model, atlas, learned, held_out: Vec::new(), threads })
    }

    /// The model of a recipe.
    ///
    /// # Errors
    /// The configuration is none that answers prompts.
    pub fn configure(recipe: &Recipe) -> Result<Model, Error> {
        let model = Model::read("recipe: model", &recipe.config())?;
        let graph = model.build(&Call::train_on(recipe.train.batch), Taps::none())?;
        if graph.outputs.iter().any(|output| output.name == "overlaps") {
            return Ok(model);
        }
        Err(Error::recipe(&recipe.name, "model", "answers no prompts"))
    }

    /// The mean loss of held-out things, and how far their masks overlap with the true ones in the model's own pixels.
    async fn measure(&self, trainer: &mut Trainer) -> Result<(f64, Overlap), Error> {
        let (mut loss, mut sums, mut counts) = (0.0, [0.0; 2], [0; 2]);
        for (asked, batch) in &self.held_out {
            let out = trainer.results(batch).await?;
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
}

impl Course<Scenes> {
    /// The mean loss of held-out things, and how far their masks overlap with the true ones in the model's own pixels.
    ///
    /// # Errors
    /// The device fails.
    pub async fn evaluate(&mut self) -> Result<(f64, Overlap), Error> {
        self.subject.measure(&mut self.trainer).await
    }
}

impl Subject for Scenes {
    type Batch = Batch;

    fn recipe(&self) -> &crate::Recipe {
        &self.common
    }

    fn model(&self) -> &Model {
        &self.model
    }

    fn call(&self) -> Call {
        Call::train_on(self.recipe.train.batch)
    }

    fn belongs(&self) -> Belongs {
        Belongs { recipe: self.recipe.digest(), corpus: self.atlas.digest.clone(), tokenizer: String::new() }
    }

    async fn first_values(&mut self) -> Result<Values, Error> {
        initial::pictures::drawn(&self.model, &self.call(), self.recipe.seed)
    }

    fn begin(&mut self, _: Position) -> Result<(), Error> {
        let (recipe, atlas) = (&self.recipe, &self.atlas);
        let held = atlas.pool(recipe.seed, recipe.validation, Pool::HeldOut);
        if self.learned.is_empty() || held.is_empty() {
            let reason = format!("has {} things to learn from and {} held out", self.learned.len(), held.len());
            return Err(Error::recipe(&recipe.name, "data", reason));
        }
        for at in 0..if recipe.evaluation.every > 0 { recipe.evaluation.batches } else { 0 } {
            for asked in [Asked::Point, Asked::Area] {
                self.held_out.push((asked, Batch::held_out(recipe, atlas, &held, asked, at)?));
            }
        }
        Ok(())
    }

    fn amount(&self) -> u64 {
        self.learned.len() as u64
    }

    /// A step has its own scenes.
    fn next_step(&mut self, step: u64) -> Result<Vec<Batch>, Error> {
        Ok(vec![Batch::learned(&self.recipe, &self.atlas, &self.learned, step, self.threads)?])
    }

    fn position(&self) -> Position {
        Position::default()
    }

    async fn evaluate(&mut self, trainer: &mut Trainer, step: u64) -> Result<Vec<Record>, Error> {
        let (loss, Overlap { point, area }) = self.measure(trainer).await?;
        let text = format!("{point:.4} by a click, {area:.4} by a box");
        let shown = Record::Sample { step, prompt: "mean overlap of held-out masks".into(), text };
        Ok(vec![Record::Validation { step, loss }, shown])
    }

    async fn model_files(&self, trainer: &Trainer) -> Result<Vec<Part>, Error> {
        let (side, small) = (self.recipe.side(), self.recipe.small());
        let processor = json!({
            "image_processor_type": "SamImageProcessor", "do_resize": true, "do_rescale": true, "do_normalize": true,
            "do_pad": true, "size": { "longest_edge": side }, "pad_size": { "height": side, "width": side },
            "mask_size": { "longest_edge": small }, "mask_pad_size": { "height": small, "width": small },
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        });
        Ok(vec![
            export::model(trainer).await?,
            export::json("config.json", &self.recipe.config()),
            export::json("preprocessor_config.json", &processor),
        ])
    }
}
