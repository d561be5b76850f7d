//! The configuration inside a GGUF file, as the `config.json` that the checkpoint would have had.
//!
//! Keys are those of llama.cpp's `gguf-py/gguf/constants.py`.

use format::gguf::{self, Metadata};
use serde_json::{Map, Value, json};

use crate::Error;

/// What the tensors tell that the metadata does not.
pub struct Tensors<'a> {
    /// Whether the file holds a tensor, by its checkpoint name.
    pub has: &'a dyn Fn(&str) -> bool,
    /// Rows of the embedding table.
    pub n_vocab: usize,
    /// Divisors of the rotary frequencies.
    pub rope: Divisors,
}

/// Divisors of the rotary frequencies that a file holds as tensors.
#[derive(Clone, Debug, Default)]
pub struct Divisors {
    /// Of every sequence: `rope_freqs.weight`.
    pub all: Option<Vec<f32>>,
    /// Of those up to the original length: `rope_factors_short.weight`.
    pub short: Option<Vec<f32>>,
    /// Of longer ones: `rope_factors_long.weight`.
    pub long: Option<Vec<f32>>,
}

/// The `config.json` of a file that llama.cpp's converter wrote.
///
/// # Errors
/// The architecture is unknown or a key is missing.
pub fn config(file: &str, metadata: &Metadata, tensors: &Tensors<'_>) -> Result<Value, Error> {
    let unknown = |name: &str| Error::Architecture { file: file.into(), name: name.replace(char::is_control, " ") };
    let arch = metadata.str("general.architecture").ok_or_else(|| unknown("(none named)"))?;
    let keys = Keys { file, arch, metadata };
    match arch {
        "llama" => llama(&keys, tensors, "LlamaForCausalLM"),
        "qwen2" => llama(&keys, tensors, "Qwen2ForCausalLM"),
        "qwen3" => llama(&keys, tensors, "Qwen3ForCausalLM"),
        "phi3" => phi3(&keys, tensors),
        "gemma" => gemma(&keys, tensors, "GemmaForCausalLM"),
        "gemma2" => gemma2(&keys, tensors),
        "gemma3" => gemma3(&keys, tensors),
        "gptneox" => gpt_neox(&keys, tensors),
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

    fn flag(&self, key: &str) -> Option<bool> {
        self.metadata.bool(&format!("{}.{key}", self.arch))
    }

    /// The kind of each block, where the file says which have a window.
    fn layer_types(&self) -> Option<Vec<&'static str>> {
        let windowed = self.metadata.get(&format!("{}.attention.sliding_window_pattern", self.arch))?;
        let gguf::Value::Array(gguf::Array::Bool(windowed)) = windowed else { return None };
        let name = |windowed: &bool| if *windowed { "sliding_attention" } else { "full_attention" };
        Some(windowed.iter().map(name).collect())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.metadata.str(&format!("{}.{key}", self.arch))
    }
}

type Config = Map<String, Value>;

/// What Llama and the families near it have.
fn llama_fields(keys: &Keys<'_>, tensors: &Tensors<'_>, architecture: &str) -> Result<Config, Error> {
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
    Ok(config)
}

fn llama(keys: &Keys<'_>, tensors: &Tensors<'_>, architecture: &str) -> Result<Value, Error> {
    let mut config = llama_fields(keys, tensors, architecture)?;
    let head_dim = keys.size("attention.key_length").or(keys.size("rope.dimension_count"));
    config.insert("head_dim".into(), json!(head_dim));
    Ok(Value::Object(config))
}

/// A head's width, and the share of it that is turned.
fn turned_share(keys: &Keys<'_>) -> Result<(u64, f64), Error> {
    let (width, heads) = (keys.required("embedding_length")?, keys.required("attention.head_count")?);
    let head_dim = keys.size("attention.key_length").unwrap_or(width / heads.max(1));
    let turned = keys.size("rope.dimension_count").unwrap_or(head_dim);
    Ok((head_dim, turned as f64 / head_dim.max(1) as f64))
}

fn phi3(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Result<Value, Error> {
    let mut config = llama_fields(keys, tensors, "Phi3ForCausalLM")?;
    let (head_dim, share) = turned_share(keys)?;
    let mut set = |field: &str, value: Value| config.insert(field.into(), value);
    set("head_dim", json!(head_dim));
    set("partial_rotary_factor", json!(share));
    set("original_max_position_embeddings", json!(keys.size("rope.scaling.original_context_length")));
    // Zero stands for none.
    set("sliding_window", json!(keys.size("attention.sliding_window").filter(|n| *n > 0)));
    Ok(Value::Object(config))
}

fn gemma_fields(keys: &Keys<'_>, tensors: &Tensors<'_>, architecture: &str) -> Result<Config, Error> {
    let mut config = llama_fields(keys, tensors, architecture)?;
    config.insert("head_dim".into(), json!(keys.required("attention.key_length")?));
    Ok(config)
}

fn gemma(keys: &Keys<'_>, tensors: &Tensors<'_>, architecture: &str) -> Result<Value, Error> {
    gemma_fields(keys, tensors, architecture).map(Value::Object)
}

/// What scores are scaled by is not in the files: the width of a head, but in the largest model of each generation,
/// which has `largest` blocks, the width of the model by heads.
fn score_scale(keys: &Keys<'_>, largest: u64) -> Result<Value, Error> {
    let (width, heads) = (keys.required("embedding_length")?, keys.required("attention.head_count")?);
    let is_largest = keys.required("block_count")? == largest;
    Ok(json!(if is_largest { width / heads.max(1) } else { keys.required("attention.key_length")? }))
}

fn gemma2(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Result<Value, Error> {
    let mut config = gemma_fields(keys, tensors, "Gemma2ForCausalLM")?;
    config.insert("query_pre_attn_scalar".into(), score_scale(keys, 46)?);
    config.insert("sliding_window".into(), json!(keys.required("attention.sliding_window")?));
    for field in ["attn_logit_softcapping", "final_logit_softcapping"] {
        if let Some(cap) = keys.number(field) {
            config.insert(field.into(), json!(cap));
        }
    }
    Ok(Value::Object(config))
}

fn gemma3(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Result<Value, Error> {
    let mut config = gemma_fields(keys, tensors, "Gemma3ForCausalLM")?;
    let mut set = |field: &str, value: Value| config.insert(field.into(), value);
    set("query_pre_attn_scalar", score_scale(keys, 62)?);
    set("sliding_window", json!(keys.required("attention.sliding_window")?));
    set("rope_local_base_freq", json!(keys.number("rope.freq_base_swa")));
    set("final_logit_softcapping", json!(keys.number("final_logit_softcapping")));
    set("sliding_window_pattern", json!(keys.size("attention.sliding_window_pattern")));
    if let Some(types) = keys.layer_types() {
        set("layer_types", json!(types));
    }
    Ok(Value::Object(config))
}

fn gpt_neox(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Result<Value, Error> {
    let (_, share) = turned_share(keys)?;
    Ok(json!({
        "architectures": ["GPTNeoXForCausalLM"],
        "vocab_size": tensors.n_vocab,
        "hidden_size": keys.required("embedding_length")?,
        "num_hidden_layers": keys.required("block_count")?,
        "num_attention_heads": keys.required("attention.head_count")?,
        "intermediate_size": keys.required("feed_forward_length")?,
        "max_position_embeddings": keys.required("context_length")?,
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon"),
        "use_parallel_residual": keys.flag("use_parallel_residual"),
        "attention_bias": (tensors.has)("gpt_neox.layers.0.attention.dense.bias"),
        "rotary_pct": share,
        "rotary_emb_base": keys.number("rope.freq_base"),
        "rope_scaling": rope_scaling(keys, tensors),
        // llama.cpp's converter puts all queries before all keys before all values.
        "qkv_by_head": false,
        "tie_word_embeddings": !(tensors.has)("embed_out.weight"),
    }))
}

fn rope_scaling(keys: &Keys<'_>, tensors: &Tensors<'_>) -> Value {
    let attention_factor = keys.number("rope.scaling.attn_factor");
    if let (Some(short), Some(long)) = (&tensors.rope.short, &tensors.rope.long) {
        return json!({
            "rope_type": "longrope", "short_factor": short, "long_factor": long, "attention_factor": attention_factor,
            "original_max_position_embeddings": keys.size("rope.scaling.original_context_length"),
        });
    }
    if let Some(factors) = &tensors.rope.all {
        // Divisors a pair cover Llama 3's scaling; LongRoPE's form with equal lists says the same.
        return json!({"rope_type": "longrope", "short_factor": factors, "long_factor": factors, "attention_factor": 1.0});
    }
    let factor = keys.number("rope.scaling.factor");
    match keys.text("rope.scaling.type") {
        Some("linear") => json!({"rope_type": "linear", "factor": factor}),
        Some("yarn") => json!({
            "rope_type": "yarn", "factor": factor, "attention_factor": attention_factor,
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
