//! The programs of training on a device: gradients, change of weights, loss.
//!
//! One program adds up the gradients of a batch, one changes the weights; between them the host looks at the loss and
//! the norm and decides. The state lives in the weight store: `grad/…`, `adamw.m/…`, `adamw.v/…`, `sgd.v/…`, `ema/…`.

use graph::{Taps, Tensor, WeightSpec};
use models::{Call, Model};
use run::{Device, Program, Weights};

use crate::batch::Batch;
use crate::programs::{self, AVERAGE, GRADIENT, Stored, hyper_len, state_kinds};
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
    average: Option<Program>,
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
            let mut insert = |name: &str, values| weights.insert_trainable(name, &spec.shape, values);
            for kind in state_kinds(recipe).into_iter().chain([GRADIENT]) {
                let begin = if kind == AVERAGE { first.clone() } else { vec![0.0; first.len()] };
                insert(&format!("{kind}/{}", spec.name), begin)?;
            }
            insert(&spec.name, first)?;
        }
        let prepare = |graph| device.prepare(graph, &weights);
        let first = prepare(programs::gradients(recipe, model, Stored::First)?)?;
        let more = prepare(programs::gradients(recipe, model, Stored::More)?)?;
        let average = recipe.optimizer.ema.map(|_| prepare(programs::average(&specs)?)).transpose()?;
        let (apply, loss) = (prepare(programs::change(recipe, &specs)?)?, prepare(loss)?);
        Ok(Self { weights, specs, recipe: recipe.clone(), gradients: [first, more], apply, average, loss, device })
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
        let inputs = [("hyper", &decayed), ("hyper_plain", &plain), ("scale", &scale)];
        self.device.run(&mut self.apply, None, &inputs).await?;
        if let (Some(program), Some(ema)) = (&mut self.average, optimizer.ema) {
            let ema = Tensor::f32([1], vec![ema as f32])?;
            self.device.run(program, None, &[("ema", &ema)]).await?;
        }
        Ok(())
    }

    /// The loss of a batch, with nothing dropped and nothing smoothed.
    ///
    /// # Errors
    /// The device fails.
    pub async fn loss(&mut self, batch: &Batch) -> Result<f64, Error> {
        first(&self.device.run(&mut self.loss, None, &batch.inputs()).await?[0])
    }

    /// The values of a weight or of its state.
    ///
    /// # Errors
    /// There is none of that name; the device fails.
    pub async fn read(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.weights.read(name).await?)
    }

    /// The name under which a weight is kept as it is to be used: averaged, if the recipe says so.
    pub fn model_name(&self, spec: &WeightSpec) -> String {
        if self.recipe.optimizer.ema.is_some() { format!("{AVERAGE}/{}", spec.name) } else { spec.name.clone() }
    }

    /// The names of all else that training needs to go on.
    pub fn state_names(&self, spec: &WeightSpec) -> Vec<String> {
        let kinds = state_kinds(&self.recipe).into_iter().filter(|kind| *kind != AVERAGE);
        let own = self.recipe.optimizer.ema.map(|_| spec.name.clone());
        kinds.map(|kind| format!("{kind}/{}", spec.name)).chain(own).collect()
    }

    /// Replaces a weight or its state.
    ///
    /// # Errors
    /// There is none of that name, or it has another size.
    pub fn write(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        Ok(self.weights.write(name, values)?)
    }
}

/// The one value of a result.
fn first(tensor: &Tensor) -> Result<f64, Error> {
    Ok(tensor.as_f32()?.first().map_or(f64::NAN, |value| f64::from(*value)))
}
