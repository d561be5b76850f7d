//! The programs of training on a device: gradients, change of weights, loss.
//!
//! One program adds up the gradients of a batch, one changes the weights; between them the host looks at the loss and
//! the norm and decides. The state lives in the weight store: `grad/…`, `adamw.m/…`, `adamw.v/…`, `sgd.v/…`, `ema/…`.

use graph::{Builder, Checkpointing, DType, Reduce, Taps, Tensor, Training, Update, Var, WeightSpec};
use models::{Call, Model};
use run::{Device, Program, Weights};

use crate::batch::Batch;
use crate::recipe::{Activations, Rule};
use crate::schedule::bias_corrections;
use crate::{Error, Recipe};

/// A model in training on a device.
pub struct Trainer {
    device: Device,
    weights: Weights,
    specs: Vec<WeightSpec>,
    recipe: Recipe,
    /// Of the first batch of a step, which replaces the gradients, and of further ones, which add to them.
    gradients: [Program; 2],
    apply: Program,
    loss: Program,
}

/// What the gradients of a step are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// In nats a learned token.
    pub loss: f64,
    /// The norm of all gradients together.
    pub norm: f64,
}

/// What a change of weights is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The learning rate.
    pub rate: f64,
    /// Changes so far, this one included.
    pub updates: u64,
    /// What gradients are multiplied by.
    pub scale: f64,
}

/// A weight's name, shape and values.
pub type Named = (String, Vec<usize>, Vec<f32>);

impl Trainer {
    /// Puts weights on a device and prepares the programs. `values` gives each weight's first values, by its
    /// specification; optimizer state begins at zero.
    ///
    /// # Errors
    /// The model has no gradient, or the device does not take it.
    pub fn new(
        recipe: &Recipe,
        model: &Model,
        device: Device,
        values: &mut dyn FnMut(&WeightSpec) -> Result<Vec<f32>, Error>,
    ) -> Result<Self, Error> {
        let loss = model.build(&Call::train(), Taps::none())?;
        let specs = loss.weights.clone();
        let mut weights = device.weights();
        for spec in &specs {
            let first = values(spec)?;
            for kind in state_kinds(recipe) {
                let begin = if kind == EMA { first.clone() } else { vec![0.0; first.len()] };
                weights.insert_trainable(&format!("{kind}/{}", spec.name), &spec.shape, begin)?;
            }
            weights.insert_trainable(&format!("{GRAD}/{}", spec.name), &spec.shape, vec![0.0; first.len()])?;
            weights.insert_trainable(&spec.name, &spec.shape, first)?;
        }
        let prepare = |graph: graph::Graph| device.prepare(graph, &weights);
        let first = prepare(gradient_graph(recipe, model, Update::Assign)?)?;
        let more = prepare(gradient_graph(recipe, model, Update::Add)?)?;
        let (apply, loss) = (prepare(apply_graph(recipe, &specs)?)?, prepare(loss)?);
        Ok(Self { weights, specs, recipe: recipe.clone(), gradients: [first, more], apply, loss, device })
    }

    /// The model's weights, without the state of training.
    pub fn specs(&self) -> &[WeightSpec] {
        &self.specs
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Weight values of the model.
    pub fn parameters(&self) -> u64 {
        self.specs.iter().map(|spec| spec.shape.iter().product::<usize>() as u64).sum()
    }

    /// Adds up the gradients of a step's batches.
    ///
    /// # Errors
    /// The device fails.
    pub async fn gradients(&mut self, batches: &[Batch], step: u64) -> Result<Measured, Error> {
        let mut measured = Measured { loss: 0.0, norm: 0.0 };
        for (at, batch) in batches.iter().enumerate() {
            // The batches of a step have masks of their own.
            let counter = step.wrapping_mul(batches.len() as u64) + at as u64;
            let rng = Tensor::i32([2], vec![self.recipe.seed as i32, counter as i32])?;
            let mut inputs = batch.inputs().to_vec();
            if self.recipe.regularization.dropout > 0.0 {
                inputs.push(("rng", &rng));
            }
            let program = &mut self.gradients[usize::from(at > 0)];
            let outputs = self.device.run(program, None, &inputs).await?;
            measured.loss += first(&outputs[0])?;
            measured.norm = first(&outputs[1])?.sqrt();
        }
        Ok(measured)
    }

    /// Changes the weights by the gradients.
    ///
    /// # Errors
    /// The device fails.
    pub async fn apply(&mut self, change: Change) -> Result<(), Error> {
        let optimizer = &self.recipe.optimizer;
        let hyper = |decay: f64| -> Vec<f32> {
            let [correct1, correct2] = bias_corrections(optimizer.betas, change.updates);
            let all = [change.rate, decay, correct1, correct2].map(|value| value as f32);
            all[..hyper_len(optimizer.rule)].to_vec()
        };
        let len = hyper_len(optimizer.rule);
        let decayed = Tensor::f32([len], hyper(optimizer.weight_decay))?;
        let plain = Tensor::f32([len], hyper(0.0))?;
        let scale = Tensor::f32([1], vec![change.scale as f32])?;
        let ema = Tensor::f32([1], vec![optimizer.ema.unwrap_or(0.0) as f32])?;
        let mut inputs = vec![("hyper", &decayed), ("hyper_plain", &plain), ("scale", &scale)];
        if optimizer.ema.is_some() {
            inputs.push(("ema", &ema));
        }
        self.device.run(&mut self.apply, None, &inputs).await?;
        Ok(())
    }

    /// The loss of a batch, with nothing dropped and nothing smoothed.
    ///
    /// # Errors
    /// The device fails.
    pub async fn loss(&mut self, batch: &Batch) -> Result<f64, Error> {
        first(&self.device.run(&mut self.loss, None, &batch.inputs()).await?[0])
    }

    /// The weights as they are to be used: averaged, if the recipe says so.
    ///
    /// # Errors
    /// The device fails.
    pub async fn model_weights(&self) -> Result<Vec<Named>, Error> {
        let averaged = self.recipe.optimizer.ema.is_some();
        let mut all = Vec::new();
        for spec in &self.specs {
            let held = if averaged { format!("{EMA}/{}", spec.name) } else { spec.name.clone() };
            all.push((spec.name.clone(), spec.shape.clone(), self.weights.read(&held).await?));
        }
        Ok(all)
    }

    /// All that training needs beside [`Trainer::model_weights`] to go on.
    ///
    /// # Errors
    /// The device fails.
    pub async fn state_weights(&self) -> Result<Vec<Named>, Error> {
        let mut all = Vec::new();
        for spec in &self.specs {
            for name in self.state_names(spec) {
                let values = self.weights.read(&name).await?;
                all.push((name, spec.shape.clone(), values));
            }
        }
        Ok(all)
    }

    /// Takes up weights and state as they were read by the two functions above.
    ///
    /// # Errors
    /// One is missing or has another size; the device fails.
    pub async fn restore(&mut self, get: &mut dyn FnMut(&str) -> Result<Vec<f32>, Error>) -> Result<(), Error> {
        for spec in self.specs.clone() {
            for name in self.state_names(&spec).into_iter().chain([spec.name.clone()]) {
                self.weights.write(&name, &get(&name)?)?;
            }
        }
        Ok(())
    }

    /// The state that belongs to a weight, and the weight itself where the model has its average instead.
    fn state_names(&self, spec: &WeightSpec) -> Vec<String> {
        let kinds = state_kinds(&self.recipe).into_iter().map(|kind| format!("{kind}/{}", spec.name));
        kinds.collect()
    }
}
