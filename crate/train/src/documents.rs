//! Texts as the subject of a course: a decoder learns which token comes next.

mod begin;
mod sample;

use std::rc::Rc;

use format::MemoryFolder;
use models::{Call, Model};
use run::{Adapter, Package, Source};
use serde_json::Value;

use crate::batch::Batch;
use crate::course::Subject;
use crate::export::{self, Part};
use crate::feed::{self, Feed, Position};
use crate::metrics::Record;
use crate::prepare::Prepared;
use crate::state::Belongs;
use crate::trainer::{Trainer, Values};
use crate::{Error, Recipe};

/// A recipe's texts and the decoder that learns them.
pub struct Documents {
    recipe: Recipe,
    prepared: Prepared,
    /// The model's, or its adapters'.
    config: Value,
    model: Model,
    feed: Feed,
    held_out: Vec<Batch>,
    /// Of sampling.
    threads: usize,
}

impl Subject for Documents {
    type Batch = Batch;

    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn model(&self) -> &Model {
        &self.model
    }

    fn call(&self) -> Call {
        Call::train()
    }

    fn belongs(&self) -> Belongs {
        let keys = &self.prepared.keys;
        Belongs { recipe: self.recipe.digest(), corpus: keys.corpus.clone(), tokenizer: keys.tokenizer.clone() }
    }

    async fn first_values(&mut self) -> Result<Values, Error> {
        begin::first_values(self).await
    }

    fn begin(&mut self, position: Position) -> Result<(), Error> {
        if self.recipe.evaluation.every > 0 {
            let boundary = self.prepared.encoder.boundary();
            self.held_out = feed::held_out(&self.recipe, &self.prepared.tokens, boundary)?;
        }
        self.feed.seek(position)
    }

    fn amount(&self) -> u64 {
        self.prepared.tokens.trained()
    }

    fn next_step(&mut self, _: u64) -> Result<Vec<Batch>, Error> {
        self.feed.next_step()
    }

    fn position(&self) -> Position {
        self.feed.position()
    }

    /// The mean loss of the held-out tokens, in nats.
    async fn evaluate(&mut self, trainer: &mut Trainer, step: u64) -> Result<Vec<Record>, Error> {
        let (mut sum, mut learned) = (0.0, 0.0);
        for batch in &self.held_out {
            sum += trainer.loss(batch).await? * batch.learned as f64;
            learned += batch.learned as f64;
        }
        Ok(vec![Record::Validation { step, loss: sum / learned }])
    }

    async fn samples(&self, trainer: &Trainer, step: u64) -> Result<Vec<Record>, Error> {
        sample::samples(self, trainer, step).await
    }

    async fn model_files(&self, trainer: &Trainer) -> Result<Vec<Part>, Error> {
        let texts = self.prepared.files.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes()));
        let config = format!("{:#}\n", self.config).into_bytes();
        let mut parts = vec![export::model(trainer).await?, (export::config_file(&self.recipe).into(), config)];
        parts.extend(texts);
        Ok(parts)
    }
}

impl Documents {
    /// The model as it is now, adapters included.
    ///
    /// # Errors
    /// The device fails.
    pub async fn package(&self, trainer: &Trainer) -> Result<Package, Error> {
        let mut folder = MemoryFolder::new(self.recipe.name.clone());
        for (name, bytes) in self.model_files(trainer).await? {
            folder.insert(name, bytes);
        }
        match (&self.recipe.lora, &self.prepared.start) {
            (Some(_), Some(start)) => Ok(start.clone().with_adapter(Adapter::open(&folder).await?).await?),
            _ => Ok(Package::open(Source::Folder(Rc::new(folder))).await?),
        }
    }
}
