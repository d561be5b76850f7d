//! Pictures with labels as the subject of a course.

use models::{Call, Model};
use serde_json::json;

use super::batch::Batch;
use super::idx::Pictures;
use super::recipe::Recipe;
use crate::course::{Course, Subject};
use crate::export::{self, Part};
use crate::feed::Position;
use crate::metrics::Record;
use crate::state::Belongs;
use crate::trainer::{Trainer, Values};
use crate::{Error, Random, initial};

/// A recipe's pictures and the model that learns what they show.
pub struct Labelled {
    recipe: Recipe,
    /// The same as trainers of all kinds read it.
    common: crate::Recipe,
    model: Model,
    pictures: Pictures,
    /// Those that are learned from, in the order of the epoch.
    order: Vec<usize>,
    held_out: Vec<Batch>,
    position: Position,
}

/// What held-out pictures tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// In nats a picture.
    pub loss: f64,
    /// Pictures that were asked about.
    pub asked: usize,
    /// Those whose likeliest class is the right one.
    pub right: usize,
}

impl Labelled {
    /// The pictures and the model of a recipe.
    ///
    /// # Errors
    /// The configuration is none that says classes, or one of pictures of another size.
    pub fn new(recipe: &Recipe, pictures: Pictures) -> Result<Self, Error> {
        let refuse = |reason: String| Err(Error::recipe(&recipe.name, "model", reason));
        if pictures.side != recipe.side() {
            return refuse(format!("reads {} pixels a side, the pictures have {}", recipe.side(), pictures.side));
        }
        let (model, common) = (Model::read("recipe: model", &recipe.config())?, recipe.common());
        let (position, order, held_out) = (Position::default(), Vec::new(), Vec::new());
        Ok(Self { recipe: recipe.clone(), common, model, pictures, order, held_out, position })
    }

    /// The pictures that are learned from, in the order of an epoch.
    fn order(&self, epoch: u64) -> Vec<usize> {
        let (mut learned, _) = self.pictures.split(self.recipe.seed, self.recipe.validation);
        Random::new(self.recipe.seed).named("order").of(epoch).shuffle(&mut learned);
        learned
    }

    async fn measure(&self, trainer: &mut Trainer) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        for batch in &self.held_out {
            let out = trainer.results(batch).await?;
            let (logits, n) = (out[1].as_f32()?, self.recipe.data.classes.len());
            let loss = out[0].as_f32()?.first().copied().unwrap_or(f32::NAN);
            seen.loss += f64::from(loss) * batch.learned as f64;
            seen.asked += batch.learned;
            for (logits, target) in logits.chunks(n).zip(batch.targets.as_i32()?).take(batch.learned) {
                let likeliest = (0..n).max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
                seen.right += usize::from(likeliest == usize::try_from(*target).ok());
            }
        }
        seen.loss /= seen.asked.max(1) as f64;
        Ok(seen)
    }
}

impl Course<Labelled> {
    /// What held-out pictures tell.
    ///
    /// # Errors
    /// The device fails.
    pub async fn evaluate(&mut self) -> Result<Seen, Error> {
        self.subject.measure(&mut self.trainer).await
    }
}

impl Subject for Labelled {
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
        Belongs { recipe: self.recipe.digest(), corpus: self.pictures.digest.clone(), tokenizer: String::new() }
    }

    async fn first_values(&mut self) -> Result<Values, Error> {
        initial::pictures::drawn(&self.model, &self.call(), self.recipe.seed)
    }

    fn begin(&mut self, position: Position) -> Result<(), Error> {
        let (recipe, batch) = (&self.recipe, self.recipe.train.batch);
        let (learned, held) = self.pictures.split(recipe.seed, recipe.validation);
        if learned.is_empty() || (held.is_empty() && recipe.evaluation.every > 0) {
            let reason = format!("has {} pictures to learn from and {} held out", learned.len(), held.len());
            return Err(Error::recipe(&recipe.name, "data", reason));
        }
        if position.sequence > learned.len() {
            let reason = format!("picture {} of {} was taken", position.sequence, learned.len());
            return Err(Error::data("data", 0, reason));
        }
        if recipe.evaluation.every > 0 {
            let batches = held.chunks(batch).take(recipe.evaluation.batches);
            let made = batches.map(|chosen| Batch::plain(&self.pictures, chosen, batch));
            self.held_out = made.collect::<Result<_, _>>()?;
        }
        (self.order, self.position) = (self.order(position.epoch), position);
        Ok(())
    }

    fn amount(&self) -> u64 {
        self.order.len() as u64
    }

    fn next_step(&mut self, _: u64) -> Result<Vec<Batch>, Error> {
        let mut chosen = Vec::with_capacity(self.recipe.train.batch);
        while chosen.len() < self.recipe.train.batch {
            if self.position.sequence >= self.order.len() {
                self.position = Position { epoch: self.position.epoch + 1, sequence: 0 };
                self.order = self.order(self.position.epoch);
            }
            chosen.push((self.position.epoch, self.order[self.position.sequence]));
            self.position.sequence += 1;
        }
        Ok(vec![Batch::learned(&self.pictures, &chosen, &self.recipe.augment, self.recipe.seed)?])
    }

    fn position(&self) -> Position {
        self.position
    }

    async fn evaluate(&mut self, trainer: &mut Trainer, step: u64) -> Result<Vec<Record>, Error> {
        let Seen { loss, asked, right } = self.measure(trainer).await?;
        let text = format!("{:.4}, {right} of {asked}", right as f64 / asked.max(1) as f64);
        let shown = Record::Sample { step, prompt: "held-out pictures that are told".into(), text };
        Ok(vec![Record::Validation { step, loss }, shown])
    }

    async fn model_files(&self, trainer: &Trainer) -> Result<Vec<Part>, Error> {
        let side = self.recipe.side();
        let processor = json!({
            "image_processor_type": "ViTImageProcessor", "do_resize": true, "do_rescale": true, "do_normalize": true,
            "size": { "height": side, "width": side }, "resample": 2,
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        });
        Ok(vec![
            export::model(trainer).await?,
            export::json("config.json", &self.recipe.config()),
            export::json("preprocessor_config.json", &processor),
        ])
    }
}
