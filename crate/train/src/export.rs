//! The files of a model in training, as bytes: a loadable folder and what training needs to go on.

use format::{Checkpoint, write_safetensors};
use graph::WeightSpec;
use serde_json::{Map, Value, json};

use crate::programs::{model_name, state_names};
use crate::trainer::{Trainer, Values};
use crate::{Error, Recipe, lora};

/// A file: its name and bytes.
pub type Part = (String, Vec<u8>);
/// The model's weights.
pub const MODEL: &str = "model.safetensors";
/// What training needs beside them.
pub const OPTIMIZER: &str = "optimizer.safetensors";

/// The file of what is trained: the model's weights, or those of its adapters.
pub fn weights_file(recipe: &Recipe) -> &'static str {
    if recipe.lora.is_some() { run::adapter::WEIGHTS } else { MODEL }
}

/// The file of the configuration that goes with it.
pub fn config_file(recipe: &Recipe) -> &'static str {
    if recipe.lora.is_some() { run::adapter::CONFIG } else { "config.json" }
}

/// The name of a trained weight in its file.
fn stored_name(recipe: &Recipe, spec: &WeightSpec) -> String {
    if recipe.lora.is_some() { lora::stored_name(&spec.name) } else { spec.name.clone() }
}

/// The configuration of a new model: the recipe's fields and the tokenizer's vocabulary.
pub fn config(recipe: &Recipe, n_vocab: usize, boundary: u32) -> Value {
    let mut config = Map::new();
    config.insert("architectures".into(), json!(["LlamaForCausalLM"]));
    config.insert("max_position_embeddings".into(), json!(recipe.train.context));
    config.extend(recipe.model.clone());
    for (name, value) in [
        ("vocab_size", json!(n_vocab)),
        ("bos_token_id", json!(boundary)),
        ("eos_token_id", json!(boundary)),
        ("torch_dtype", json!("float32")),
    ] {
        config.insert(name.into(), value);
    }
    Value::Object(config)
}

/// A file of JSON.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn json(name: &str, value: &Value) -> Part {
    (name.into(), format!("{value:#}\n").into_bytes())
}

/// `model.safetensors`, or `adapter_model.safetensors`.
///
/// # Errors
/// The device fails.
pub async fn model(trainer: &Trainer) -> Result<Part, Error> {
    let mut tensors = Vec::new();
    for spec in trainer.specs() {
        let values = trainer.read(&model_name(trainer.recipe(), spec)).await?;
        let (shape, values) = stored(spec, values);
        tensors.push((stored_name(trainer.recipe(), spec), shape, values));
    }
    Ok((weights_file(trainer.recipe()).into(), write_safetensors(&tensors)?))
}

/// `optimizer.safetensors`.
///
/// # Errors
/// The device fails.
pub async fn optimizer(trainer: &Trainer) -> Result<Part, Error> {
    let mut tensors = Vec::new();
    for spec in trainer.specs() {
        for name in state_names(trainer.recipe(), spec) {
            let values = trainer.read(&name).await?;
            tensors.push((name, spec.shape.clone(), values));
        }
    }
    Ok((OPTIMIZER.into(), write_safetensors(&tensors)?))
}

/// Weights and state from the two files, as a trainer begins with them.
///
/// # Errors
/// A tensor is missing or has another shape than the model says.
pub async fn values(
    recipe: &Recipe,
    specs: &[WeightSpec],
    model: &Checkpoint,
    optimizer: &Checkpoint,
) -> Result<Values, Error> {
    let mut values = Values::new();
    for spec in specs {
        values.insert(model_name(recipe, spec), read(model, &stored_name(recipe, spec), spec).await?);
        for name in state_names(recipe, spec) {
            let (_, found) = optimizer.read_f32(&name).await?;
            values.insert(name, found);
        }
    }
    Ok(values)
}

/// A weight as the graph sees it.
async fn read(model: &Checkpoint, name: &str, spec: &WeightSpec) -> Result<Vec<f32>, Error> {
    let (shape, values) = model.read_f32(name).await?;
    if shape.iter().product::<usize>() != spec.shape.iter().product::<usize>() {
        let reason = format!("{name} has shape {shape:?}, the model says {:?}", spec.shape);
        return Err(Error::checkpoint(model.name(), reason));
    }
    Ok(spec.stored.loaded(&spec.shape, values))
}

/// A weight as checkpoints store it.
fn stored(spec: &WeightSpec, values: Vec<f32>) -> (Vec<usize>, Vec<f32>) {
    (spec.stored.shape(&spec.shape), spec.stored.saved(&spec.shape, values))
}
