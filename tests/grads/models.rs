//! Whole models: every weight of every family gets candle's gradient, with and without checkpointing.

use graph::{Checkpointing, Tensor, Training, Var};
use models::{Call, Model};
use serde_json::{Value, json};

use crate::suite::{Draft, check_with};

pub fn llama(extra: Value) -> Value {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"], "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 31, "max_position_embeddings": 64,
        "rope_theta": 10_000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
    });
    if let (Some(config), Value::Object(extra)) = (config.as_object_mut(), extra) {
        config.extend(extra);
    }
    config
}

/// The fields that GPT-NeoX and Gemma have in other words than Llama.
fn other(architecture: &str, extra: Value) -> Value {
    let mut config = llama(json!({"architectures": [architecture]}));
    if let (Some(config), Value::Object(extra)) = (config.as_object_mut(), extra) {
        config.extend(extra);
    }
    config
}

fn configs() -> Vec<(&'static str, Value)> {
    vec![
        ("llama", llama(json!({}))),
        ("llama untied", llama(json!({"tie_word_embeddings": false, "attention_bias": true, "mlp_bias": true}))),
        ("mistral", llama(json!({"architectures": ["MistralForCausalLM"], "sliding_window": 3}))),
        ("qwen2", llama(json!({"architectures": ["Qwen2ForCausalLM"]}))),
        ("qwen3", llama(json!({"architectures": ["Qwen3ForCausalLM"], "head_dim": 8}))),
        ("phi3", other("Phi3ForCausalLM", json!({"partial_rotary_factor": 0.5, "sliding_window": 4}))),
        ("gpt_neox", other("GPTNeoXForCausalLM", json!({"tie_word_embeddings": false}))),
        (
            "gpt_neox sequential",
            other("GPTNeoXForCausalLM", json!({"use_parallel_residual": false, "rotary_pct": 0.5})),
        ),
        ("gemma", other("GemmaForCausalLM", json!({"head_dim": 8, "attention_bias": true}))),
        (
            "gemma2",
            other(
                "Gemma2ForCausalLM",
                json!({
                    "head_dim": 8, "sliding_window": 3, "query_pre_attn_scalar": 6, "attn_logit_softcapping": 2.0,
                    "final_logit_softcapping": 3.0,
                }),
            ),
        ),
        (
            "gemma3",
            other(
                "Gemma3ForCausalLM",
                json!({"head_dim": 8, "sliding_window": 3, "sliding_window_pattern": 2, "tie_word_embeddings": false}),
            ),
        ),
        (
            "gpt2",
            json!({
                "architectures": ["GPT2LMHeadModel"], "n_embd": 24, "n_layer": 3, "n_head": 3, "vocab_size": 29,
                "n_positions": 16,
            }),
        ),
    ]
}

pub const ROWS: usize = 2;
pub const TOKENS: usize = 7;

/// Inputs of a step in which some tokens have no target.
fn inputs() -> Vec<(&'static str, Tensor)> {
    let n = ROWS * TOKENS;
    let ids: Vec<i32> = (0..n).map(|i| (i * 5 % 23) as i32).collect();
    let positions = (0..n).map(|i| (i % TOKENS) as i32).collect();
    let targets: Vec<i32> = (0..n).map(|i| if i % 4 == 3 { -100 } else { (i * 7 % 19) as i32 }).collect();
    let weights: Vec<f32> = (0..n).map(|i| 0.05 + 0.01 * i as f32).collect();
    vec![
        ("input_ids", Tensor::i32([ROWS, TOKENS], ids).unwrap()),
        ("position_ids", Tensor::i32([ROWS, TOKENS], positions).unwrap()),
        ("targets", Tensor::i32([n], targets).unwrap()),
        ("loss_weights", Tensor::f32([n], weights).unwrap()),
        ("rng", Tensor::i32([2], vec![3, 4]).unwrap()),
    ]
}

fn loss<'g>(d: &Draft<'g>, model: &Model) -> Var<'g> {
    model.write(d.g, &Call::train()).unwrap();
    d.g.result("loss").unwrap()
}

fn check(name: &str, config: &Value, training: Training, keep: Checkpointing) {
    let model = Model::read("config.json", config).unwrap();
    let inputs = inputs();
    let given: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let used = if training.dropout > 0.0 { given.len() } else { given.len() - 1 };
    check_with(&format!("{name} {keep:?}"), training, keep, &given[..used], &|d| loss(d, &model));
}

#[test]
fn every_weight_of_every_family() {
    for (name, config) in configs() {
        check(name, &config, Training::default(), Checkpointing::None);
    }
}

#[test]
fn checkpointing_changes_no_gradient() {
    for (name, config) in configs() {
        for keep in [Checkpointing::EveryBlock, Checkpointing::Every(2)] {
            check(name, &config, Training { dropout: 0.2, label_smoothing: 0.1 }, keep);
        }
    }
}
