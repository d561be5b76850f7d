//! A trained GPT-2 of 85 thousand parameters that sorts letters: every intermediate tensor of one pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use dynasty_tests::{Executor, Stored, real_data};
use format::QuantType;
use graph::{Graph, Taps, Tensor};
use models::{Call, Mask, Model};
use serde_json::{Value, json};

use crate::Verdict;
use crate::written::{self, Inputs};

/// The stored tensors are of single precision.
const BOUND: f64 = 1e-4;

/// A stored tensor and the place of its value among the graph's: the operation, and which of its kind.
const PLACES: [(&str, &str, usize); 20] = [
    ("tok_emb", "gather_rows", 0),
    ("pos_emb", "gather_rows", 1),
    ("x", "binary", 0),
    ("ln1", "layer_norm", 0),
    ("qkv", "linear", 0),
    ("q", "slice", 0),
    ("k", "slice", 1),
    ("v", "slice", 2),
    ("y", "attention", 0),
    ("yProj", "linear", 1),
    ("attnResid", "binary", 1),
    ("ln2", "layer_norm", 1),
    ("gelu", "linear", 2),
    ("mlp", "linear", 3),
    ("mlpResid", "binary", 2),
    ("block0", "binary", 2),
    ("block1", "binary", 4),
    ("block2", "binary", 6),
    ("ln_f", "layer_norm", 6),
    ("lm_head", "linear", 12),
];

#[test]
fn gpt_nano_sort() {
    let Some(folder) = real_data("gpt-nano-sort") else { return };
    let read =
        |file: &str| -> Value { serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap() };
    let (model, partials) = (read("gpt-nano-sort-model.json"), read("gpt-nano-sort-t0-partials.json"));
    let (graph, inputs) = written(&model, &partials);
    let weights: Vec<Stored> = graph.weights.iter().map(|spec| weight(&model, spec)).collect();
    let mut verdict = Verdict::default();
    for executor in [&[Executor::Reference][..], &Executor::TESTED].concat() {
        let played = written::play(executor, &graph, &weights, &inputs);
        let Some(outputs) = verdict.ok(executor, played) else { continue };
        let named: BTreeMap<&str, &Tensor> = graph.outputs.iter().map(|o| o.name.as_str()).zip(&outputs).collect();
        for (name, op, nth) in PLACES {
            let (shape, wanted) = tensor(&partials[name]);
            let ending = format!(".0 {op}");
            let mut of_kind = graph.outputs.iter().filter(|output| output.name.ends_with(&ending));
            let found = of_kind.nth(nth).map(|output| named[output.name.as_str()].as_f32().unwrap());
            let found = found.map(|values| if shape.len() == 4 { by_heads(values, &shape) } else { values.to_vec() });
            // Positions are stored once for all rows.
            let found = found.map(|values| values[..wanted.len()].to_vec()).unwrap_or_default();
            verdict.error(format!("{name} on {executor}"), graph::nmse(&found, &wanted).sqrt(), BOUND);
        }
        let (_, wanted) = tensor(&partials["attSm"]);
        let probs = named["blocks.0.attn.probs"].as_f32().unwrap();
        verdict.error(format!("attSm on {executor}"), graph::nmse(probs, &wanted).sqrt(), BOUND);
    }
    verdict.close("gpt-nano-sort");
}

/// The graph with every value observed, and its inputs.
fn written(model: &Value, partials: &Value) -> (Arc<Graph>, Inputs) {
    let config = &model["config"];
    let config = json!({
        "architectures": ["GPT2LMHeadModel"], "n_embd": config["n_embd"], "n_layer": config["n_layer"],
        "n_head": config["n_head"], "vocab_size": config["vocab_size"], "n_positions": config["block_size"],
        "tie_word_embeddings": false, "activation_function": "gelu_new",
    });
    let model = Model::read("gpt-nano-sort", &config).unwrap();
    let plain = model.build(&Call::forward(Mask::None), Taps::new(["blocks.0.attn.probs"])).unwrap();
    let mut graph = plain.observed();
    graph.outputs.extend(plain.outputs.into_iter().filter(|output| output.name == "blocks.0.attn.probs"));
    let (shape, ids) = tensor(&partials["idx"]);
    let places = (0..shape[1] as i32).collect::<Vec<_>>().repeat(shape[0]);
    let ids = Tensor::i32(shape.clone(), ids.into_iter().map(|id| id as i32).collect()).unwrap();
    let inputs = vec![("input_ids".into(), ids), ("position_ids".into(), Tensor::i32(shape, places).unwrap())];
    (Arc::new(graph), inputs)
}

/// The file keeps matrices as the graph declares them.
fn weight(model: &Value, spec: &graph::WeightSpec) -> Stored {
    let (shape, values) = tensor(&model[&spec.name]);
    assert_eq!(shape, spec.shape, "{}", spec.name);
    let mut data = Vec::new();
    format::encode(QuantType::F32, &values, &mut data).unwrap();
    Stored { name: spec.name.clone(), shape, ty: QuantType::F32, data }
}

/// [B, T, H·D] in the order of `shape` [B, H, T, D].
fn by_heads(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let [b, h, t, d] = [shape[0], shape[1], shape[2], shape[3]];
    let mut out = Vec::with_capacity(values.len());
    for (row, head, token) in (0..b).flat_map(|r| (0..h).flat_map(move |h| (0..t).map(move |t| (r, h, t)))) {
        let start = ((row * t + token) * h + head) * d;
        out.extend_from_slice(&values[start..start + d]);
    }
    out
}

/// Shape and values of `{"shape": [..], "data": base64 of floats}`.
fn tensor(value: &Value) -> (Vec<usize>, Vec<f32>) {
    let shape = value["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let bytes = base64(value["data"].as_str().unwrap());
    (shape, bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// RFC 4648, section 4.
fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
    for c in text.bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        (bits, held) = (bits << 6 | u32::from(six), held + 6);
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}
