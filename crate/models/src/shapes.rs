//! Configurations of well-known sizes, for benchmarks with random weights.

use serde_json::{Value, json};

/// The names that [`shape_config`] knows.
pub const SHAPES: [&str; 11] = [
    "smollm2-135m",
    "minilm-l6",
    "qwen2.5-0.5b",
    "qwen3-0.6b",
    "gemma3-270m",
    "pythia-160m",
    "tiny15m",
    "vit-b16",
    "clip-vit-b32",
    "sam-vit-b",
    "mobile-sam",
];

/// The `config.json` of a well-known size.
pub fn shape_config(name: &str) -> Option<Value> {
    match name {
        "smollm2-135m" => Some(json!({
            "architectures": ["LlamaForCausalLM"], "hidden_size": 576, "intermediate_size": 1536,
            "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
            "max_position_embeddings": 8192, "rope_theta": 100_000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        })),
        "minilm-l6" => Some(json!({
            "architectures": ["BertModel"], "hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6,
            "num_attention_heads": 12, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2,
        })),
        "qwen2.5-0.5b" => Some(json!({
            "architectures": ["Qwen2ForCausalLM"], "hidden_size": 896, "intermediate_size": 4864,
            "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151_936,
            "max_position_embeddings": 32768, "rope_theta": 1_000_000.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
        })),
        "qwen3-0.6b" => Some(json!({
            "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "intermediate_size": 3072,
            "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
            "vocab_size": 151_936, "max_position_embeddings": 40960, "rope_theta": 1_000_000.0, "rms_norm_eps": 1e-6,
            "tie_word_embeddings": true,
        })),
        "gemma3-270m" => Some(json!({
            "architectures": ["Gemma3ForCausalLM"], "hidden_size": 640, "intermediate_size": 2048,
            "num_hidden_layers": 18, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256,
            "vocab_size": 262_144, "max_position_embeddings": 32768, "sliding_window": 512, "sliding_window_pattern": 6,
            "query_pre_attn_scalar": 256, "rope_theta": 1_000_000.0, "rope_local_base_freq": 10_000.0,
            "rms_norm_eps": 1e-6,
        })),
        "pythia-160m" => Some(json!({
            "architectures": ["GPTNeoXForCausalLM"], "hidden_size": 768, "intermediate_size": 3072,
            "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 50304, "max_position_embeddings": 2048,
            "rotary_pct": 0.25, "rotary_emb_base": 10_000, "layer_norm_eps": 1e-5, "tie_word_embeddings": false,
        })),
        "tiny15m" => Some(json!({
            "architectures": ["LlamaForCausalLM"], "hidden_size": 288, "intermediate_size": 768,
            "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 6, "vocab_size": 32000,
            "max_position_embeddings": 2048, "rope_theta": 10_000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        })),
        // The library's own defaults.
        "vit-b16" => Some(json!({ "architectures": ["ViTForImageClassification"], "num_labels": 1000 })),
        "clip-vit-b32" => Some(json!({ "architectures": ["CLIPModel"], "text_config": {}, "vision_config": {} })),
        "mobile-sam" => Some(json!({ "architectures": ["MobileSam"] })),
        "sam-vit-b" => Some(json!({ "architectures": ["SamModel"] })),
        _ => None,
    }
}
