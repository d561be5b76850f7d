//! A training in memory, for pages: texts come from a folder, and the last checkpoint is kept here.

use std::rc::Rc;

use format::gguf::{Metadata, TensorSpec, Writer};
use format::{Checkpoint, Folder, MemoryBytes, QuantType};
use run::{Device, Package};

use crate::course::{Course, Next, Subject};
use crate::documents::Documents;
use crate::export::{self, OPTIMIZER, Part};
use crate::metrics::Record;
use crate::prepare::{Step, memory::prepare};
use crate::state::State;
use crate::{Error, Recipe};

/// A training that leaves nothing anywhere.
pub struct InMemory {
    course: Course<Documents>,
    kept: (State, Vec<Part>),
}

impl InMemory {
    /// Makes everything ready for the first step. `folder` holds the texts under the names that the recipe uses,
    /// `start` is the model that it goes on from.
    ///
    /// # Errors
    /// Texts, tokenizer or model are missing, damaged or do not fit each other; the device does not take the model.
    pub async fn begin(
        recipe: &Recipe,
        folder: &dyn Folder,
        start: Option<Package>,
        (device, threads): (Device, usize),
        listen: &mut dyn FnMut(Step),
    ) -> Result<Self, Error> {
        if recipe.start.is_some() != start.is_some() {
            return Err(Error::recipe("recipe", "start", "is there if and only if a model to go on from is given"));
        }
        let prepared = prepare(recipe, folder, start, listen).await?;
        let mut documents = Documents::new(recipe, prepared, threads)?;
        let values = documents.first_values().await?;
        let course = Course::begin(documents, device, (&values, None))?;
        let kept = (course.state.clone(), course.checkpoint_files().await?);
        Ok(Self { course, kept })
    }

    /// What the training begins with.
    pub fn about(&self) -> Record {
        self.course.run_record()
    }

    /// Whether the last step is done.
    pub fn is_finished(&self) -> bool {
        self.course.is_finished()
    }

    /// One step, and what is due after it.
    ///
    /// # Errors
    /// The device fails, or the loss has left every bound.
    pub async fn step(&mut self) -> Result<Vec<Record>, Error> {
        let (record, next) = self.course.step().await?;
        match next {
            Next::GoOn => {}
            Next::RollBack => self.roll_back().await?,
            Next::Stop(error) => return Err(error),
        }
        let mut records = vec![record];
        records.extend(self.course.reports().await?);
        if self.course.state.guard.is_calm() && self.course.is_due(self.course.recipe().checkpoints.every) {
            self.kept = (self.course.state.clone(), self.course.checkpoint_files().await?);
        }
        Ok(records)
    }

    /// The files of the model as it is now, which every other command takes as a folder; of adapters, theirs.
    ///
    /// # Errors
    /// The device fails.
    pub async fn files(&self) -> Result<Vec<Part>, Error> {
        self.course.model_files().await
    }

    /// The model as it is now, as one GGUF file.
    ///
    /// # Errors
    /// The device fails, or a weight cannot be encoded.
    pub async fn gguf(&self, ty: QuantType) -> Result<Part, Error> {
        let package = self.course.subject.package(&self.course.trainer).await?;
        let planned = run::quantize_plan(&package, ty)?;
        let begin =
            |metadata: &Metadata, specs: &[TensorSpec]| Writer::begin(Vec::new(), "model.gguf", metadata, specs);
        let bytes = run::quantize(&package, &planned, begin, &mut |_| ()).await?.finish()?;
        Ok((format!("{}-{}.gguf", self.course.recipe().name, ty.name()), bytes))
    }

    async fn roll_back(&mut self) -> Result<(), Error> {
        let (state, parts) = &self.kept;
        let model = open(parts, export::weights_file(self.course.recipe())).await?;
        let optimizer = open(parts, OPTIMIZER).await?;
        let values = export::values(self.course.recipe(), self.course.trainer.specs(), &model, &optimizer).await?;
        self.course.roll_back(values, state.clone()).await
    }
}

async fn open(parts: &[Part], name: &str) -> Result<Checkpoint, Error> {
    let found = parts.iter().find(|part| part.0 == name);
    let (_, bytes) = found.ok_or_else(|| Error::checkpoint(name, "is not there"))?;
    Ok(Checkpoint::open_file(Rc::new(MemoryBytes::new(name, bytes.as_slice()))).await?)
}
