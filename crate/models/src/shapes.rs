//! Configurations of well-known sizes, for benchmarks with random weights.

use serde_json::Value;

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

/// Name and `config.json`, as text: a page fetches less than for code that makes the values. The models of pictures have
/// the library's own defaults.
const CONFIGS: [(&str, &str); 11] = [
    (
        "smollm2-135m",
        r#"{
            "architectures": ["LlamaForCausalLM"], "hidden_size": 576, "intermediate_size": 1536,
            "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
            "max_position_embeddings": 8192, "rope_theta": 100000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true
        }"#,
    ),
    (
        "minilm-l6",
        r#"{
            "architectures": ["BertModel"], "hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6,
            "num_attention_heads": 12, "vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2
        }"#,
    ),
    (
        "qwen2.5-0.5b",
        r#"{
            "architectures": ["Qwen2ForCausalLM"], "hidden_size": 896, "intermediate_size": 4864,
            "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936,
            "max_position_embeddings": 32768, "rope_theta": 1000000.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true
        }"#,
    ),
    (
        "qwen3-0.6b",
        r#"{
            "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "intermediate_size": 3072,
            "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
            "vocab_size": 151936, "max_position_embeddings": 40960, "rope_theta": 1000000.0, "rms_norm_eps": 1e-6,
            "tie_word_embeddings": true
        }"#,
    ),
    (
        "gemma3-270m",
        r#"{
            "architectures": ["Gemma3ForCausalLM"], "hidden_size": 640, "intermediate_size": 2048,
            "num_hidden_layers": 18, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256,
            "vocab_size": 262144, "max_position_embeddings": 32768, "sliding_window": 512, "sliding_window_pattern": 6,
            "query_pre_attn_scalar": 256, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
            "rms_norm_eps": 1e-6
        }"#,
    ),
    (
        "pythia-160m",
        r#"{
            "architectures": ["GPTNeoXForCausalLM"], "hidden_size": 768, "intermediate_size": 3072,
            "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 50304, "max_position_embeddings": 2048,
            "rotary_pct": 0.25, "rotary_emb_base": 10000, "layer_norm_eps": 1e-5, "tie_word_embeddings": false
        }"#,
    ),
    (
        "tiny15m",
        r#"{
            "architectures": ["LlamaForCausalLM"], "hidden_size": 288, "intermediate_size": 768,
            "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 6, "vocab_size": 32000,
            "max_position_embeddings": 2048, "rope_theta": 10000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": true
        }"#,
    ),
    ("vit-b16", r#"{ "architectures": ["ViTForImageClassification"], "num_labels": 1000 }"#),
    ("clip-vit-b32", r#"{ "architectures": ["CLIPModel"], "text_config": {}, "vision_config": {} }"#),
    ("sam-vit-b", r#"{ "architectures": ["SamModel"] }"#),
    ("mobile-sam", r#"{ "architectures": ["MobileSam"] }"#),
];

/// The `config.json` of a well-known size.
pub fn shape_config(name: &str) -> Option<Value> {
    let (_, text) = CONFIGS.iter().find(|(known, _)| *known == name)?;
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_configuration() {
        for name in SHAPES {
            let config = shape_config(name).unwrap();
            crate::Model::read(name, &config).unwrap();
        }
        assert_eq!(shape_config("none"), None);
    }
}
