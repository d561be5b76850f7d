//! From what is prepared to a model with its first weights.

use graph::{Taps, WeightSpec};
use models::{Call, Model};
use serde_json::Value;

use super::Documents;
use crate::feed::Feed;
use crate::prepare::Prepared;
use crate::trainer::Values;
use crate::{Error, Recipe, export, initial, lora, programs};

impl Documents {
    /// The texts and the model of a recipe. `threads` are those of sampling.
    ///
    /// # Errors
    /// The configuration is no model, or knows fewer tokens than the tokenizer.
    pub fn new(recipe: &Recipe, prepared: Prepared, threads: usize) -> Result<Self, Error> {
        let (config, model) = configure(recipe, &prepared)?;
        let feed = Feed::unread(recipe, prepared.tokens.clone(), prepared.encoder.boundary());
        Ok(Self { recipe: recipe.clone(), prepared, config, model, feed, held_out: Vec::new(), threads })
    }
}

/// The model of a recipe and its configuration, if its vocabulary holds the tokenizer's.
fn configure(recipe: &Recipe, prepared: &Prepared) -> Result<(Value, Model), Error> {
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

/// The weights before the first step. Adapters are described by those of their base.
pub async fn first_values(documents: &mut Documents) -> Result<Values, Error> {
    let Documents { recipe, prepared, model, .. } = &*documents;
    let graph = model.build(&Call::train(), Taps::none())?;
    let Some(package) = &prepared.start else {
        return Ok(drawn(recipe, &documents.config, &graph.weights, model.n_layer()));
    };
    let mut values = Values::new();
    for (spec, found) in graph.weights.iter().zip(package.find(&graph)?) {
        values.insert(spec.name.clone(), package.values(spec, &found).await?);
    }
    if recipe.lora.is_some() {
        let specs = programs::loss(model, &Call::train(), &lora::adapters(recipe, model)?)?.weights;
        let adapters = specs.iter().filter(|spec| lora::is_trained(recipe, &spec.name));
        values.extend(adapters.map(|spec| (spec.name.clone(), lora::values(spec, recipe.seed))));
        documents.config = lora::config(recipe, model, &values)?;
    }
    Ok(values)
}

/// The first weights of a new model.
fn drawn(recipe: &Recipe, config: &Value, specs: &[WeightSpec], n_layer: usize) -> Values {
    let deviation = config["initializer_range"].as_f64().unwrap_or(initial::DEVIATION);
    let draw = |spec: &WeightSpec| (spec.name.clone(), initial::values(spec, recipe.seed, deviation, n_layer));
    specs.iter().map(draw).collect()
}
