//! Configurations of well-known sizes, for benchmarks with random weights.

use serde_json::{Value, json};

/// The names that [`shape_config`] knows.
pub const SHAPES: [&str; 3] = ["smollm2-135m", "qwen2.5-0.5b", "tiny15m"];

/// The `config.json` of a well-known size.
pub fn shape_config(name: &str) -> Option<Value> {
    match name {
        "smollm2-135m" => Some(json!({
            "architectures": ["LlamaForCausalLM"], "hidden_size": 576, "intermediate_size": 1536,
            "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
            "max_position_embeddings": 8192, "rope_theta": 100_000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        })),
        "qwen2.5-0.5b" => Some(json!({
            "architectures": ["Qwen2ForCausalLM"], "hidden_size": 896, "intermediate_size": 4864,
            "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151_936,
            "max_position_embeddings": 32768, "rope_theta": 1_000_000.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
        })),
        "tiny15m" => Some(json!({
            "architectures": ["LlamaForCausalLM"], "hidden_size": 288, "intermediate_size": 768,
            "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 6, "vocab_size": 32000,
            "max_position_embeddings": 2048, "rope_theta": 10_000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        })),
        _ => None,
    }
}
