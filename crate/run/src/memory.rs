//! A source text, encoded once: what every block of a decoder looks up.

use graph::Tensor;
use models::{Call, Side, memory_names};

use crate::device::State;
use crate::{Error, Model};

/// Keys and values of a source text by the names of a decoder's inputs; none where the device keeps them.
pub(crate) struct Memory {
    tensors: Vec<(String, Tensor)>,
}

impl Memory {
    /// The inputs of a decoder's step.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}

impl Memory {
    /// Brings them to the device once for all steps with these caches, where that is apart.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn hold(&mut self, model: &Model, state: &mut State) -> Result<(), Error> {
        if model.device().hold(state, &self.inputs().collect::<Vec<_>>())? {
            self.tensors.clear();
        }
        Ok(())
    }
}

impl Model {
    /// Runs the encoder over a source text.
    ///
    /// # Errors
    /// The text is empty or too long, has tokens outside the vocabulary, or the device fails.
    pub(crate) async fn encode(&self, source: &[u32]) -> Result<Memory, Error> {
        self.check_source(source)?;
        let n = source.len();
        let ids = Tensor::i32([1, n], source.iter().map(|id| *id as i32).collect())?;
        let places = self.package().model.places(Side::Encoder, 0, ids.as_i32()?, n)?;
        let name = Side::Encoder.places();
        let mut inputs = vec![("input_ids", &ids)];
        inputs.extend(places.as_ref().map(|places| (name.as_str(), places)));
        let found = self.run(Call::encode(), None, &inputs).await?;
        Ok(Memory { tensors: memory_names(found.len() / 2).into_iter().zip(found).collect() })
    }

    fn check_source(&self, source: &[u32]) -> Result<(), Error> {
        let model = &self.package().model;
        if source.is_empty() {
            return Err(Error::Prompt("is empty".into()));
        }
        if let Some(id) = source.iter().find(|id| **id as usize >= model.n_source()) {
            return Err(Error::Prompt(format!("has token {id}, but the model knows {}", model.n_source())));
        }
        if model.has_learned_positions() && source.len() > model.max_positions() {
            let most = model.max_positions();
            return Err(Error::Prompt(format!("has {} tokens, the model has {most} positions", source.len())));
        }
        Ok(())
    }
}
