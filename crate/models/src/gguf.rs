//! The configuration inside a GGUF file, as the `config.json` that the checkpoint would have had.
//!
//! Keys are those of llama.cpp's `gguf-py/gguf/constants.py`.

use format::gguf::Metadata;
use serde_json::{Map, Value, json};

use crate::Error;

/// What the tensors tell that the metadata does not.
pub struct Tensors<'a> {
    /// Whether the file holds a tensor, by its checkpoint name.
    pub has: &'a dyn Fn(&str) -> bool,
    /// Rows of the embedding table.
    pub n_vocab: usize,
    /// Divisors of the rotary frequencies (`rope_freqs.weight`), if there are any.
    pub rope_factors: Option<Vec<f32>>,
}

/// The `config.json` of a file that llama.cpp's converter wrote.
///
/// # Errors
/// The architecture is unknown or a key is missing.
pub fn config(file: &str, metadata: &Metadata, tensors: &Tensors<'_>) -> Result<Value, Error> {
    let unknown = |name: &str| Error::Architecture { file: file.into(), name: name.into() };
    let arch = metadata.str("general.architecture").ok_or_else(|| unknown("(none named)"))?;
    let keys = Keys { file, arch, metadata };
    match arch {
        "llama" => llama(&keys, tensors, "LlamaForCausalLM"),
        "qwen2" => llama(&keys, tensors, "Qwen2ForCausalLM"),
        "qwen3" => llama(&keys, tensors, "Qwen3ForCausalLM"),
        "gpt2" => gpt2(&keys, tensors),
        other => Err(unknown(other)),
    }
}

struct Keys<'a> {
    file: &'a str,
    arch: &'a str,
    metadata: &'a Metadata,
}

impl Keys<'_> {
    fn size(&self, key: &str) -> Option<u64> {
        self.metadata.u64(&format!("{}.{key}", self.arch))
    }

    fn required(&self, key: &str) -> Result<u64, Error> {
        let field = format!("{}.{key}", self.arch);
        let missing = || Error::Field { file: self.file.into(), field: field.clone(), reason: "is missing".into() };
        self.metadata.u64(&field).ok_or_else(missing)
    }

    fn number(&self, key: &str) -> Option<f32> {
        self.metadata.f32(&format!("{}.{key}", self.arch))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.metadata.str(&format!("{}.{key}", self.arch))
    }
}

fn llama(keys: &Keys<'_>, tensors: &Tensors<'_>, architecture: &str) -> Result<Value, Error> {
    let has = tensors.has;
    let mut config = Map::new();
    let mut set = |field: &str, value: Value| config.insert(field.into(), value);
    set("architectures", json!([architecture]));
    set("vocab_size", json!(tensors.n_vocab));
    set("hidden_size", json!(keys.required("embedding_length")?));
    set("num_hidden_layers", json!(keys.required("block_count")?));
    set("intermediate_size", json!(keys.required("feed_forward_length")?));
    set("num_attention_heads", json!(keys.required("attention.head_count")?));
    set("num_key_value_heads", json!(keys.size("attention.head_count_kv")));
    set("head_dim", json!(keys.size("attention.key_length").or(keys.size("rope.dimension_count"))));
    set("max_position_embeddings", json!(keys.required("context_length")?));
    set("rms_norm_eps", json!(keys.number("attention.layer_norm_rms_epsilon")));
    set("rope_theta", json!(keys.number("rope.freq_base")));
    set("rope_scaling", rope_scaling(keys, tensors));
    set("tie_word_embeddings", json!(!has("lm_head.weight")));
    set(
        "attention_bias",
        json!(has("model.layers.0.self_attn.o_proj.bias") || has("model.layers.0.self_attn.q_proj.bias")),
    );
    set("mlp_bias", json!(has("model.layers.0.mlp.gate_proj.bias")));
    Ok(Value::Object(config))
}

fn rope_scaling(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Value {
    if let Some(factors) = &tensors.rope_factors {
        // Divisors a pair cover Llama 3's scaling; LongRoPE's form with equal lists says the same.
        return json!({"rope_type": "longrope", "short_factor": factors, "long_factor": factors, "attention_factor": 1.0});
    }
    let factor = keys.number("rope.scaling.factor");
    match keys.text("rope.scaling.type") {
        Some("linear") => json!({"rope_type": "linear", "factor": factor}),
        Some("yarn") => json!({
            "rope_type": "yarn", "factor": factor, "attention_factor": keys.number("rope.scaling.attn_factor"),
            "original_max_position_embeddings": keys.size("rope.scaling.original_context_length"),
        }),
        Some(_) | None => Value::Null,
    }
}

fn gpt2(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Result<Value, Error> {
    Ok(json!({
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": tensors.n_vocab,
        "n_embd": keys.required("embedding_length")?,
        "n_layer": keys.required("block_count")?,
        "n_head": keys.required("attention.head_count")?,
        "n_inner": keys.size("feed_forward_length"),
        "n_positions": keys.required("context_length")?,
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon"),
        "tie_word_embeddings": !(tensors.has)("lm_head.weight"),
    }))
}
