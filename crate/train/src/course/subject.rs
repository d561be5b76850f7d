//! What differs from one kind of training to another.

use models::{Call, Model};

use crate::export::Part;
use crate::feed::Position;
use crate::metrics::Record;
use crate::state::Belongs;
use crate::trainer::{Inputs, Trainer, Values};
use crate::{Error, Recipe};

/// What a course teaches: its model, where batches come from, what held-out ones tell, and which files are written.
#[expect(async_fn_in_trait, reason = "training stays on one thread, so no future has to be sent")]
pub trait Subject {
    /// What the training graph is given.
    type Batch: Inputs;

    /// What trainers of all kinds read.
    fn recipe(&self) -> &Recipe;

    /// The model that learns.
    fn model(&self) -> &Model;

    /// What is asked of it in training.
    fn call(&self) -> Call;

    /// What the checkpoints of a training have to belong to.
    fn belongs(&self) -> Belongs;

    /// The weights before the first step: drawn, or those of the model to go on from.
    ///
    /// # Errors
    /// A weight is missing or cannot be read.
    async fn first_values(&mut self) -> Result<Values, Error>;

    /// Makes ready for the first, or the next, step.
    ///
    /// # Errors
    /// There are too few data, or the position is beyond them.
    fn begin(&mut self, position: Position) -> Result<(), Error>;

    /// How many tokens, or things, there are to learn from.
    fn amount(&self) -> u64;

    /// The batches of a step; all together count 1.
    ///
    /// # Errors
    /// Data cannot be read.
    fn next_step(&mut self, step: u64) -> Result<Vec<Self::Batch>, Error>;

    /// How far the data are read.
    fn position(&self) -> Position;

    /// What held-out data tell: the loss, and more where there is more to tell.
    ///
    /// # Errors
    /// The device fails.
    async fn evaluate(&mut self, trainer: &mut Trainer, step: u64) -> Result<Vec<Record>, Error>;

    /// What the model makes of the recipe's prompts.
    ///
    /// # Errors
    /// The device fails, or a prompt does not fit.
    async fn samples(&self, _trainer: &Trainer, _step: u64) -> Result<Vec<Record>, Error> {
        Ok(Vec::new())
    }

    /// The files of a loadable model, or of its adapters.
    ///
    /// # Errors
    /// The device fails.
    async fn model_files(&self, trainer: &Trainer) -> Result<Vec<Part>, Error>;
}
