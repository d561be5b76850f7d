//! The programs of training on a device: gradients, change of weights, loss.
//!
//! One program adds up the gradients of a batch, one changes the weights; between them the host looks at the loss and
//! the norm and decides. The state lives in the weight store: `grad/…`, `adamw.m/…`, `adamw.v/…`, `sgd.v/…`, `ema/…`.

use std::collections::HashMap;
use std::rc::Rc;

use graph::{Tensor, WeightSpec};
use models::{Call, Model};
use run::{Device, Program, Weights};

use crate::loss_scale::LossScale;
use crate::programs::{self, AVERAGE, GRADIENT, Stored, hyper_len, state_kinds};
use crate::schedule::bias_corrections;
use crate::{Error, Recipe, lora};

/// A model in training on a device.
pub struct Trainer {
    device: Rc<Device>,
    weights: Weights,
    specs: Vec<WeightSpec>,
    recipe: Recipe,
    /// Of the first batch of a step, which replaces the gradients, and of further ones, which add to them.
    gradients: [Program; 2],
    apply: Program,
    average: Option<Program>,
    loss: Program,
    scale: LossScale,
    /// What the stored gradients are multiplied by.
    scaled: f64,
}

/// What a training graph is given.
pub trait Inputs: Sized {
    /// The inputs of a run, by name.
    fn inputs(&self) -> Vec<(&'static str, &Tensor)>;

    /// The same with every loss multiplied.
    ///
    /// # Errors
    /// Never: the shape is its own.
    fn scaled(&self, factor: f64) -> Result<Self, Error>;

    /// Tokens, or things, whose loss counts.
    fn learned(&self) -> u64;
}

/// Each of some loss weights times a factor.
///
/// # Errors
/// They are no floats.
pub fn times(weights: &Tensor, factor: f64) -> Result<Tensor, Error> {
    let scaled = weights.as_f32()?.iter().map(|weight| (f64::from(*weight) * factor) as f32);
    Ok(Tensor::f32(weights.shape.clone(), scaled.collect())?)
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

/// What a store begins with, by name: weights, and state that does not begin at zero.
pub type Values = HashMap<String, Vec<f32>>;

impl Trainer {
    /// Puts weights and their state on a device and prepares the programs of a training call. Averages that `values` does not name begin
    /// as the weights, other state at zero.
    ///
    /// # Errors
    /// `values` has no weight of a name or one of another size, the model has no gradient, or the device does not take
    /// it.
    pub fn new(
        recipe: &Recipe,
        model: &Model,
        call: &Call,
        device: Rc<Device>,
        values: &Values,
    ) -> Result<Self, Error> {
        let adapters = lora::adapters(recipe, model)?;
        let mut loss = programs::loss(model, call, &adapters)?;
        let mut specs = loss.weights.clone();
        programs::as_used(recipe, &mut loss);
        let mut weights = device.weights();
        for spec in &specs {
            let missing = || Error::recipe("recipe", "model", format!("weight {} has no first value", spec.name));
            let first = values.get(&spec.name).ok_or_else(missing)?;
            let mut insert = |name: &str, values| device.insert_trainable(&mut weights, name, &spec.shape, values);
            insert(&spec.name, first.clone())?;
            if !lora::is_trained(recipe, &spec.name) {
                continue;
            }
            for kind in state_kinds(recipe).into_iter().chain([GRADIENT]) {
                let name = format!("{kind}/{}", spec.name);
                let begin = if kind == AVERAGE { first.clone() } else { vec![0.0; first.len()] };
                insert(&name, values.get(&name).cloned().unwrap_or(begin))?;
            }
        }
        specs.retain(|spec| lora::is_trained(recipe, &spec.name));
        let prepare = |graph| device.prepare(graph, &weights);
        let first = prepare(programs::gradients(recipe, (model, call), &adapters, Stored::First)?)?;
        let more = prepare(programs::gradients(recipe, (model, call), &adapters, Stored::More)?)?;
        let average = match recipe.optimizer.ema {
            Some(_) => Some(prepare(programs::average(&specs)?)?),
            None => None,
        };
        let (apply, loss) = (prepare(programs::change(recipe, &specs)?)?, prepare(loss)?);
        let scale = LossScale::new(device.precision());
        let (recipe, gradients) = (recipe.clone(), [first, more]);
        Ok(Self { weights, specs, recipe, gradients, apply, average, loss, device, scale, scaled: 1.0 })
    }

    /// The weights that are trained: the model's or its adapters', without the state of training.
    pub fn specs(&self) -> &[WeightSpec] {
        &self.specs
    }

    /// What is trained.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The device.
    pub fn device(&self) -> &Rc<Device> {
        &self.device
    }

    /// Values that are trained.
    pub fn parameters(&self) -> u64 {
        self.specs.iter().map(|spec| spec.shape.iter().product::<usize>() as u64).sum()
    }

    /// Adds up the gradients of a step's batches, again with a smaller loss scale if they overflow 16 bits.
    ///
    /// # Errors
    /// The device fails.
    pub async fn gradients<B: Inputs>(&mut self, batches: &[B], step: u64) -> Result<Measured, Error> {
        loop {
            self.scaled = self.scale.next();
            let measured = self.scaled_gradients(batches, step).await?;
            if self.scale.accepts(measured.norm) {
                return Ok(measured);
            }
        }
    }

    async fn scaled_gradients<B: Inputs>(&mut self, batches: &[B], step: u64) -> Result<Measured, Error> {
        let mut measured = Measured { loss: 0.0, norm: 0.0 };
        for (at, batch) in batches.iter().enumerate() {
            // The batches of a step have masks of their own.
            let counter = step.wrapping_mul(batches.len() as u64) + at as u64;
            let rng = Tensor::i32([2], vec![self.recipe.seed as i32, counter as i32])?;
            let scaled = batch.scaled(self.scaled)?;
            let mut inputs = scaled.inputs();
            if self.recipe.drops() {
                inputs.push(("rng", &rng));
            }
            let program = &mut self.gradients[usize::from(at > 0)];
            let outputs = self.device.run(program, None, &inputs).await?;
            measured.loss += first(&outputs[0])? / self.scaled;
            // Behind what the model yields.
            measured.norm = outputs.last().map_or(Ok(f64::NAN), first)?.sqrt() / self.scaled;
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
        let scale = Tensor::f32([1], vec![(change.scale / self.scaled) as f32])?;
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
    pub async fn loss<B: Inputs>(&mut self, batch: &B) -> Result<f64, Error> {
        self.results(batch).await?.first().map_or(Ok(f64::NAN), first)
    }

    /// The loss of a batch and what else the model yields in training.
    ///
    /// # Errors
    /// The device fails.
    pub async fn results<B: Inputs>(&mut self, batch: &B) -> Result<Vec<Tensor>, Error> {
        Ok(self.device.run(&mut self.loss, None, &batch.inputs()).await?)
    }

    /// The values of a weight or of its state.
    ///
    /// # Errors
    /// There is none of that name; the device fails.
    pub async fn read(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.device.read(&self.weights, name).await?)
    }
}

/// The one value of a result.
fn first(tensor: &Tensor) -> Result<f64, Error> {
    Ok(tensor.as_f32()?.first().map_or(f64::NAN, |value| f64::from(*value)))
}
