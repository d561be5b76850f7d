//! From what is prepared to the first, or the next, step.

use std::rc::Rc;

use graph::{Taps, WeightSpec};
use models::{Call, Model};
use run::Device;
use serde_json::Value;

use super::Course;
use crate::feed::{self, Feed};
use crate::prepare::Prepared;
use crate::state::{Belongs, State};
use crate::trainer::{Trainer, Values};
use crate::{Error, Recipe, export, initial, lora, programs};

/// The model of a recipe and its configuration, if its vocabulary holds the tokenizer's.
///
/// # Errors
/// The configuration is no model, or knows fewer tokens than the tokenizer.
pub fn configure(recipe: &Recipe, prepared: &Prepared) -> Result<(Value, Model), Error> {
    let tokens = prepared.encoder.tokenizer().vocab_len();
    let config = match &prepared.start {
        Some(package) => package.config.clone(),
        None => export::config(recipe, tokens, prepared.encoder.boundary()),
    };
    let model = Model::read("recipe: model", &config)?;
    if model.n_vocab() < tokens {
        let reason = format!("has {tokens} tokens, the model knows {}", model.n_vocab());
        return Err(Error::tokenizer("tokenizer.json", reason));
    }
    Ok((config, model))
}

/// The weights before the first step: drawn, or those of the model to go on from.
///
/// # Errors
/// A weight is missing or cannot be read.
pub async fn first_values(
    recipe: &Recipe,
    prepared: &Prepared,
    config: &Value,
    model: &Model,
) -> Result<Values, Error> {
    let graph = model.build(&Call::train(), Taps::none())?;
    let Some(package) = &prepared.start else { return Ok(drawn(recipe, config, &graph.weights, model.n_layer())) };
    let mut values = Values::new();
    for (spec, found) in graph.weights.iter().zip(package.find(&graph)?) {
        values.insert(spec.name.clone(), package.values(spec, &found).await?);
    }
    if recipe.lora.is_some() {
        let specs = programs::loss(model, &Call::train(), &lora::adapters(recipe, model)?)?.weights;
        let adapters = specs.iter().filter(|spec| lora::is_trained(recipe, &spec.name));
        values.extend(adapters.map(|spec| (spec.name.clone(), lora::values(spec, recipe.seed))));
    }
    Ok(values)
}

impl Course {
    /// Puts everything on the device. `threads` are those of sampling.
    ///
    /// # Errors
    /// Values, texts and state do not fit each other, or the device does not take the model.
    pub fn begin(
        recipe: &Recipe,
        prepared: Prepared,
        (config, model): (Value, Model),
        (device, threads): (Device, usize),
        (values, state): (&Values, Option<State>),
    ) -> Result<Self, Error> {
        let state = state.unwrap_or_else(|| State::new(&Self::belongs(recipe, &prepared)));
        let (tokens, boundary) = (prepared.tokens.clone(), prepared.encoder.boundary());
        let held_out = match recipe.evaluation.every {
            0 => Vec::new(),
            _ => feed::held_out(recipe, &tokens, boundary)?,
        };
        let feed = Feed::new(recipe, tokens, boundary, state.position)?;
        let config = if recipe.lora.is_some() { lora::config(recipe, &model, values)? } else { config };
        let trainer = Trainer::new(recipe, &model, &Call::train(), Rc::new(device), values)?;
        Ok(Self { recipe: recipe.clone(), prepared, config, model, trainer, feed, held_out, state, threads })
    }

    /// What the checkpoints of a training have to belong to.
    pub fn belongs(recipe: &Recipe, prepared: &Prepared) -> Belongs {
        Belongs {
            recipe: recipe.digest(),
            corpus: prepared.keys.corpus.clone(),
            tokenizer: prepared.keys.tokenizer.clone(),
        }
    }
}

/// The first weights of a new model.
fn drawn(recipe: &Recipe, config: &Value, specs: &[WeightSpec], n_layer: usize) -> Values {
    let deviation = config["initializer_range"].as_f64().unwrap_or(initial::DEVIATION);
    let draw = |spec: &WeightSpec| (spec.name.clone(), initial::values(spec, recipe.seed, deviation, n_layer));
    specs.iter().map(draw).collect()
}
