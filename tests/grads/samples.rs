//! What families are played with: the checkpoints of the reference library, and configurations for what they leave out.

use std::collections::BTreeSet;

use dynasty_tests::Stored;
use dynasty_tests::fixture::{self, Fixture};
use graph::{Graph, Tensor};
use models::Model;
use run::{ForwardInputs, Package};
use serde_json::{Value, json};

use crate::suite::drawn;

/// A model with inputs.
pub struct Sample {
    /// What failures call it.
    pub name: String,
    /// `architectures` of the configuration.
    pub architecture: String,
    /// The configured model.
    pub model: Model,
    /// Its inputs.
    pub given: ForwardInputs,
    /// Where its weights are; else they are drawn.
    package: Option<Package>,
}

/// Every checkpoint, but for those of 16 bits, whose graphs others have; and what they leave out.
pub fn all() -> Vec<Sample> {
    let full = fixture::all().into_iter().filter(|fixture| !fixture.is_half());
    let checkpoints = full.map(|fixture| Sample::stored(&fixture, fixture.inputs()));
    checkpoints.chain(more()).collect()
}

impl Sample {
    fn stored(fixture: &Fixture, given: ForwardInputs) -> Self {
        let package = fixture.package().unwrap();
        let (model, architecture) = (package.model.clone(), architecture(&package.config));
        Self { name: fixture.name.clone(), architecture, model, given, package: Some(package) }
    }

    fn drawn(name: &str, config: &Value, given: ForwardInputs) -> Self {
        let model = Model::read("config.json", config).unwrap();
        Self { name: name.into(), architecture: architecture(config), model, given, package: None }
    }

    /// The same with another value of a field of the configuration, by its JSON pointer.
    fn with(self, field: &str, value: impl Into<Value>) -> Self {
        let mut config = self.package.as_ref().unwrap().config.clone();
        *config.pointer_mut(field).unwrap() = value.into();
        Self { model: Model::read("config.json", &config).unwrap(), ..self }
    }

    /// The weights of its graph.
    pub fn weights(&self, graph: &Graph) -> Vec<Stored> {
        match &self.package {
            Some(package) => fixture::weights(package, graph).unwrap(),
            None => drawn(&self.name, graph),
        }
    }

    /// What becomes of the tensors of the checkpoint; `without` are weights of the graph that have no gradient.
    pub fn tensors(&self, graph: &Graph, without: &BTreeSet<&str>) -> Tensors {
        let names: Vec<String> = match &self.package {
            Some(package) => package.find(graph).unwrap().into_iter().map(|found| found.name).collect(),
            None => graph.weights.iter().map(|spec| spec.name.clone()).collect(),
        };
        let named = graph.weights.iter().zip(&names).filter(|(spec, _)| without.contains(spec.name.as_str()));
        let still: BTreeSet<String> = named.map(|(_, name)| name.clone()).collect();
        let read: BTreeSet<String> = names.into_iter().collect();
        let stored = self.package.iter().flat_map(|package| package.checkpoint().tensors());
        let unread = stored.map(|info| info.name.clone()).filter(|name| !read.contains(name)).collect();
        Tensors { learn: &read - &still, still, unread }
    }
}

/// Tensors of checkpoints.
#[derive(Default)]
pub struct Tensors {
    /// Every part of them has a gradient.
    pub learn: BTreeSet<String>,
    /// The graph reads them, but there are parts without a gradient.
    pub still: BTreeSet<String>,
    /// The graph does not read them.
    pub unread: BTreeSet<String>,
}

impl Tensors {
    /// Adds those of another call of the same architecture.
    pub fn extend(&mut self, other: Self) {
        self.learn.extend(other.learn);
        self.still.extend(other.still);
        self.unread.extend(other.unread);
    }

    /// Whether some graph reads a tensor.
    pub fn reads(&self, name: &str) -> bool {
        self.learn.contains(name) || self.still.contains(name)
    }
}

fn architecture(config: &Value) -> String {
    let named = config["architectures"][0].as_str().or(config["model_type"].as_str());
    named.unwrap_or_default().to_string()
}

fn floats<const R: usize>(shape: [usize; R], value: impl Fn(usize) -> f32) -> Tensor {
    Tensor::f32(shape, (0..shape.iter().product()).map(value).collect()).unwrap()
}

fn ids(tokens: usize) -> Tensor {
    Tensor::i32([2, tokens], (0..2 * tokens as i32).map(|i| 3 + i * 7 % 25).collect()).unwrap()
}

/// Translators that other libraries describe, and every kind of prompt and answer.
fn more() -> Vec<Sample> {
    let translator = |more: Value| {
        let mut config = json!({
            "architectures": ["TransformerMTModel"], "d_model": 16, "encoder_layers": 2, "decoder_layers": 2,
            "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
            "vocab_size": 31, "max_position_embeddings": 12,
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let texts = ForwardInputs::tokens(ids(5)).with("decoder_input_ids", ids(4));
    let other = json!({
        "learned_positions": true, "normalize_before": true, "normalize_embedding": true, "tie_word_embeddings": false,
        "share_encoder_decoder_embeddings": false, "activation_function": "swish",
    });
    let [mobile_sam, video] = ["mobile_sam", "sam2_video"].map(fixture::named);
    let boxes = floats([2, 2, 4], |i| [5.0, 9.0, 60.0, 71.0][i % 4] + i as f32);
    // One mask for prompts with masks of `side` rows and columns.
    let masked = |fixture: &Fixture, side: usize| {
        let given = fixture.inputs().with("multimask_output", floats([1], |_| 0.0));
        given.with("input_masks", floats([2, 1, side, side], |i| (i as f32 * 0.7).sin()))
    };
    vec![
        Sample::drawn("transformer", &translator(json!({})), texts.clone()),
        Sample::drawn("transformer with other parts", &translator(other), texts),
        Sample::stored(&mobile_sam, masked(&mobile_sam, 24).with("input_boxes", boxes)),
        Sample::stored(&video, masked(&video, 16)).with("/mask_decoder_config/dynamic_multimask_via_stability", false),
    ]
}
