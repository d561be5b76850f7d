//! One table for every family: which fields its configuration needs, and what becomes of values that make no sense.

use serde_json::{Value, json};

use crate::Case;
use crate::files::{self, Files};

const FILE: &str = "config.json";

/// A family by a fixture, and its fields by what they hold.
struct Family {
    fixture: &'static str,
    /// Sizes that must be there.
    sizes: &'static [&'static str],
    /// Sizes that have a default.
    defaults: &'static [&'static str],
    numbers: &'static [&'static str],
    flags: &'static [&'static str],
    /// Names of what is known.
    names: &'static [&'static str],
}

const LLAMA: [&str; 5] = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"];
const PAIR: [&str; 8] = [
    "d_model",
    "vocab_size",
    "encoder_layers",
    "decoder_layers",
    "encoder_attention_heads",
    "decoder_attention_heads",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
];
const PAIR_NUMBERS: [&str; 3] = ["pad_token_id", "eos_token_id", "decoder_start_token_id"];
const LLAMA_DEFAULTS: [&str; 2] = ["num_key_value_heads", "max_position_embeddings"];

const FAMILIES: [Family; 21] = [
    llama("llama_plain", &["tie_word_embeddings", "attention_bias", "mlp_bias"]),
    llama("mistral_window", &["tie_word_embeddings"]),
    llama("qwen2", &["use_sliding_window"]),
    llama("qwen3", &["attention_bias"]),
    llama("phi3_window", &["tie_word_embeddings"]),
    llama("llama_labels", &["tie_word_embeddings"]),
    Family { names: &["hidden_act"], ..llama("gemma", &["attention_bias"]) },
    Family { names: &["hidden_activation"], ..llama("gemma2", &["attention_bias"]) },
    Family { names: &["hidden_activation"], ..llama("gemma3_both", &["use_bidirectional_attention"]) },
    Family {
        fixture: "gpt_neox",
        sizes: &LLAMA,
        defaults: &["max_position_embeddings"],
        numbers: &["layer_norm_eps", "rotary_pct"],
        flags: &["use_parallel_residual", "tie_word_embeddings"],
        names: &["hidden_act"],
    },
    Family {
        fixture: "gpt2",
        sizes: &["n_embd", "n_layer", "n_head", "vocab_size"],
        defaults: &["n_inner", "n_positions"],
        numbers: &["layer_norm_epsilon"],
        flags: &["scale_attn_weights", "tie_word_embeddings"],
        names: &["activation_function"],
    },
    encoder("bert_labels"),
    encoder("roberta_masked"),
    Family { defaults: &["embedding_size", "num_hidden_groups", "inner_group_num"], ..encoder("albert_masked") },
    Family {
        fixture: "distilbert_answer",
        sizes: &["dim", "n_layers", "n_heads", "hidden_dim", "vocab_size"],
        defaults: &["max_position_embeddings"],
        numbers: &[],
        flags: &[],
        names: &["activation"],
    },
    Family {
        fixture: "t5_gated",
        sizes: &["d_model", "num_layers", "num_heads", "d_kv", "d_ff", "vocab_size"],
        defaults: &["num_decoder_layers", "relative_attention_num_buckets", "relative_attention_max_distance"],
        numbers: &["layer_norm_epsilon"],
        flags: &["tie_word_embeddings"],
        names: &["feed_forward_proj"],
    },
    Family {
        fixture: "t5_encoder",
        sizes: &["d_model", "num_layers", "num_heads", "d_kv", "d_ff", "vocab_size"],
        defaults: &["relative_attention_num_buckets"],
        numbers: &["layer_norm_epsilon"],
        flags: &["tie_word_embeddings"],
        names: &["feed_forward_proj"],
    },
    pair("bart", &["scale_embedding"]),
    pair("marian_two", &["scale_embedding", "share_encoder_decoder_embeddings"]),
    pair("mbart", &["tie_word_embeddings"]),
    pair("m2m_100", &["scale_embedding"]),
];

const fn llama(fixture: &'static str, flags: &'static [&'static str]) -> Family {
    Family {
        fixture,
        sizes: &LLAMA,
        defaults: &LLAMA_DEFAULTS,
        numbers: &["rms_norm_eps"],
        flags,
        names: &["hidden_act"],
    }
}

const fn encoder(fixture: &'static str) -> Family {
    Family {
        fixture,
        sizes: &LLAMA,
        defaults: &["max_position_embeddings", "type_vocab_size"],
        numbers: &["layer_norm_eps", "pad_token_id"],
        flags: &[],
        names: &["hidden_act"],
    }
}

const fn pair(fixture: &'static str, flags: &'static [&'static str]) -> Family {
    Family {
        fixture,
        sizes: &PAIR,
        defaults: &["max_position_embeddings"],
        numbers: &PAIR_NUMBERS,
        flags,
        names: &["activation_function"],
    }
}

/// What no size is.
fn no_sizes() -> Vec<Value> {
    vec![
        json!("36"),
        json!(-1),
        json!(0),
        json!(36.5),
        json!(1e30),
        json!(1_000_000_000),
        json!([36]),
        json!({}),
        json!(true),
    ]
}

pub fn cases() -> Vec<Case> {
    FAMILIES.iter().flat_map(of_family).chain(nested()).collect()
}

/// Fields of models that answer prompts: the part of the configuration, the field, and what it makes no sense to hold.
fn nested() -> Vec<Case> {
    let sizes = |values: &[u64]| values.iter().map(|value| json!(value)).collect::<Vec<Value>>();
    let backbone: &[&'static str] = &["vision_config", "backbone_config"];
    let background = "window_positional_embedding_background_size";
    // Scales that do not fit each other break a rule of shapes, which the message has.
    let unfit = ["num_query_pool_stages", "fpn_stride"];
    let fields: [(&str, &[&'static str], &'static str, Vec<Value>); 8] = [
        ("sam_all", &["vision_config"], "window_size", sizes(&[1 << 12, 1 << 16, 1 << 24])),
        ("sam_all", &["mask_decoder_config"], "num_hidden_layers", sizes(&[1000, 4096])),
        ("sam_all", &["mask_decoder_config"], "attention_downsample_rate", sizes(&[3, 1 << 24])),
        ("sam2_all", &["mask_decoder_config"], "num_hidden_layers", sizes(&[1000, 4096])),
        ("sam2_all", backbone, background, vec![json!(1 << 24), json!([3, 4096])]),
        ("sam2_all", backbone, "window_size_per_stage", vec![json!([8, 65535, 6, 3])]),
        ("sam2_all", backbone, "num_query_pool_stages", sizes(&[2])),
        ("sam2_all", &["vision_config"], "fpn_stride", sizes(&[2, 1 << 24])),
    ];
    let mut cases = Vec::new();
    for (fixture, part, field, values) in fields {
        let files = files::folder(fixture);
        let reasons = if unfit.contains(&field) { only("broadcast") } else { only(field) };
        for value in values {
            cases.push(Case::new(format!("{fixture}: {field} is {value}"), FILE, reasons, &files, |f| {
                f.json(FILE, |config| {
                    let inner = part.iter().try_fold(config, |map, name| map.get_mut(*name)?.as_object_mut());
                    inner.unwrap().insert(field.into(), value);
                });
            }));
        }
    }
    cases
}

fn of_family(family: &Family) -> Vec<Case> {
    let files = files::folder(family.fixture);
    let mut cases = Vec::new();
    for field in family.sizes {
        cases.push(Case::new(format!("{}: no {field}", family.fixture), FILE, only(field), &files, |f| {
            f.json(FILE, |config| drop(config.remove(*field)));
        }));
    }
    let kinds: [(&[&'static str], Vec<Value>); 5] = [
        (family.sizes, no_sizes()),
        (family.defaults, no_sizes()),
        (family.numbers, vec![json!("1"), json!([1]), json!({}), json!(false)]),
        (family.flags, vec![json!("yes"), json!(1), json!([])]),
        (family.names, vec![json!(3), json!(["gelu"]), json!("no such thing"), json!({})]),
    ];
    for (fields, values) in kinds {
        for (field, value) in fields.iter().flat_map(|field| values.iter().map(move |value| (*field, value))) {
            cases.push(set(family.fixture, &files, field, value.clone()));
        }
    }
    cases
}

fn set(family: &str, files: &Files, field: &'static str, value: Value) -> Case {
    Case::new(format!("{family}: {field} is {value}"), FILE, only(field), files, |f| {
        f.json(FILE, |config| drop(config.insert(field.into(), value)));
    })
}

/// A list of one.
fn only(reason: &'static str) -> &'static [&'static str] {
    Box::leak(Box::new([reason]))
}
