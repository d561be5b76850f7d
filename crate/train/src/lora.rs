//! Adapters in training: where they are, how they begin, and the configuration that goes with them.

use graph::{Adapter, Adapters, Op, Taps, WeightId, WeightSpec};
use models::{Call, Model};
use run::adapter::{self, PREFIX};
use serde_json::{Map, Value, json};

use crate::trainer::Values;
use crate::{Error, Random, Recipe};

/// The adapters of a recipe: beside each projection whose last name it names. None without `[lora]`.
///
/// # Errors
/// A name is no projection's.
pub fn adapters(recipe: &Recipe, model: &Model) -> Result<Adapters, Error> {
    let mut adapters = Adapters::default();
    let Some(lora) = &recipe.lora else { return Ok(adapters) };
    adapters.dropout = lora.dropout as f32;
    let graph = model.build(&Call::train(), Taps::none())?;
    let read = |node: &graph::Node| match graph.node(node.inputs[1].node).op {
        Op::Weight(WeightId(id)) => graph.weights[id as usize].name.strip_suffix(".weight"),
        _ => None,
    };
    let projections = graph.nodes.iter().filter(|node| matches!(node.op, Op::Linear { .. })).filter_map(read);
    let last = |place: &str| place.rsplit('.').next().unwrap_or(place).to_string();
    let adapter = Adapter { rank: lora.rank, scale: (lora.alpha / lora.rank as f64) as f32 };
    for place in projections.filter(|place| lora.targets.contains(&last(place))) {
        adapters.places.insert(place.to_string(), adapter);
    }
    match lora.targets.iter().find(|target| !adapters.places.keys().any(|place| last(place) == **target)) {
        Some(target) => Err(Error::recipe("recipe", "lora.targets", format!("{target} is no projection of the model"))),
        None => Ok(adapters),
    }
}

/// Whether a weight is trained.
pub fn is_trained(recipe: &Recipe, name: &str) -> bool {
    recipe.lora.is_none() || name.ends_with(".lora_A.weight") || name.ends_with(".lora_B.weight")
}

/// The first values of an adapter's weight, as PEFT has them: `A` evenly from ±1/√K, `B` zero.
pub fn values(spec: &WeightSpec, seed: u64) -> Vec<f32> {
    let n: usize = spec.shape.iter().product();
    if spec.name.ends_with(".lora_B.weight") {
        return vec![0.0; n];
    }
    let bound = 1.0 / (spec.shape[1] as f64).sqrt();
    let random = Random::new(seed).named(&spec.name);
    (0..n as u64).map(|at| (bound * (2.0 * random.unit(at) - 1.0)) as f32).collect()
}

/// `adapter_config.json`. `base` are the weights of the model that the adapters are beside.
///
/// # Errors
/// As [`adapters`].
pub fn config(recipe: &Recipe, model: &Model, base: &Values) -> Result<Value, Error> {
    let adapters = adapters(recipe, model)?;
    let mut signature = Map::new();
    let places = adapters.places.keys();
    for place in places.clone().take(1).chain(places.last()) {
        let name = format!("{place}.weight");
        if let Some(values) = base.get(&name) {
            signature.insert(name, json!(adapter::signature(values)));
        }
    }
    let lora = recipe.lora.as_ref();
    let start = recipe.start.as_ref().map(|start| start.display().to_string());
    Ok(json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": start,
        "r": lora.map(|lora| lora.rank),
        "lora_alpha": lora.map(|lora| lora.alpha),
        "lora_dropout": lora.map(|lora| lora.dropout),
        "target_modules": lora.map(|lora| &lora.targets),
        "fan_in_fan_out": model.family() == "gpt2",
        "bias": "none",
        "inference_mode": true,
        "base_signature": signature,
    }))
}

/// The name of an adapter's weight in its file.
pub fn stored_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}
