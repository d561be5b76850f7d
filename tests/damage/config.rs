//! Configurations: fields that are missing, of the wrong kind, or of sizes that no model has.

use serde_json::{Value, json};

use crate::Case;
use crate::files::{self, Files};

const FILE: &str = "config.json";

pub fn cases() -> Vec<Case> {
    let llama = files::folder("llama_plain");
    let gpt2 = files::folder("gpt2");
    let mut cases = texts(&llama);
    for field in ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "intermediate_size"] {
        cases.push(Case::new(format!("no {field}"), FILE, only(field), &llama, |f| {
            f.json(FILE, |config| drop(config.remove(field)));
        }));
        for value in
            [json!("36"), json!(-1), json!(0), json!(36.5), json!(1e30), json!(1_000_000_000), json!([36]), json!({})]
        {
            cases.push(set(&llama, field, value));
        }
    }
    for field in ["n_embd", "n_head", "n_layer", "vocab_size"] {
        for value in [json!(0), json!(-1), json!("x"), json!(1_000_000_000), Value::Null] {
            cases.push(set(&gpt2, field, value));
        }
    }
    cases.extend(contradictions(&llama, &gpt2));
    cases.extend(rotary(&llama));
    cases.extend(decoders());
    cases
}

/// A list of one.
fn only(reason: &'static str) -> &'static [&'static str] {
    Box::leak(Box::new([reason]))
}

/// A field with a value, named by the message.
fn set(files: &Files, field: &'static str, value: Value) -> Case {
    Case::new(format!("{field} is {value}"), FILE, only(field), files, |f| {
        f.json(FILE, |config| drop(config.insert(field.into(), value)));
    })
}

fn texts(llama: &Files) -> Vec<Case> {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep_field = format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let text = |name: &str, reasons: &'static [&'static str], text: Vec<u8>| {
        Case::new(name, FILE, reasons, llama, |f| f.put(FILE, text))
    };
    vec![
        text("an empty config", &["EOF", "empty"], Vec::new()),
        text("a cut config", &["EOF"], llama.bytes(FILE)[..40].to_vec()),
        text("no JSON", &["expected"], b"hello".to_vec()),
        text("a list", &["object"], b"[]".to_vec()),
        text("null", &["object"], b"null".to_vec()),
        text("deep lists", &["recursion", "nested"], deep.into_bytes()),
        text("deep objects", &["recursion", "nested"], deep_field.into_bytes()),
        text("no UTF-8", &["UTF-8"], vec![b'{', 0xFF, 0xFE, b'}']),
        text("a long number", &["number", "hidden_size"], format!("{{\"hidden_size\": 1{}}}", "0".repeat(5000)).into()),
        text("NaN", &["expected"], b"{\"hidden_size\": NaN}".to_vec()),
        text("two values", &["trailing"], b"{} {}".to_vec()),
        text("an empty object", &["architecture"], b"{}".to_vec()),
    ]
}

fn contradictions(llama: &Files, gpt2: &Files) -> Vec<Case> {
    let weights = "model.safetensors";
    let in_weights = |field: &'static str, value: Value, reasons: &'static [&'static str]| {
        Case::new(format!("{field} is {value}, not the weights'"), weights, reasons, llama, |f| {
            f.json(FILE, |config| drop(config.insert(field.into(), value)));
        })
    };
    let architecture = |name: &str, value: Value| {
        Case::new(name, FILE, &["architecture"], llama, |f| {
            f.json(FILE, |config| {
                config.remove("model_type");
                config.insert("architectures".into(), value);
            });
        })
    };
    vec![
        in_weights("vocab_size", json!(98), &["shape"]),
        in_weights("vocab_size", json!(16_000_000), &["shape"]),
        in_weights("intermediate_size", json!(53), &["shape"]),
        in_weights("num_hidden_layers", json!(3), &["missing"]),
        in_weights("num_hidden_layers", json!(4000), &["missing"]),
        in_weights("num_key_value_heads", json!(1), &["shape"]),
        in_weights("head_dim", json!(8), &["shape"]),
        set(llama, "num_hidden_layers", json!(5000)),
        set(llama, "num_key_value_heads", json!(4)),
        set(llama, "num_key_value_heads", json!(0)),
        set(llama, "head_dim", json!(15)),
        set(llama, "head_dim", json!(0)),
        set(llama, "max_position_embeddings", json!(0)),
        set(llama, "hidden_act", json!("telu")),
        set(llama, "hidden_act", json!(3)),
        set(llama, "rms_norm_eps", json!("tiny")),
        set(llama, "tie_word_embeddings", json!("yes")),
        set(gpt2, "n_head", json!(5)),
        set(gpt2, "n_positions", json!(-4)),
        set(gpt2, "activation_function", json!("telu")),
        set(gpt2, "add_cross_attention", json!(true)),
        architecture("an unknown architecture", json!(["TransmogrifierForCausalLM"])),
        architecture("a task of a known family that is not built", json!(["LlamaForTokenJuggling"])),
        architecture("no architecture", json!([])),
        architecture("architectures as a text", json!("LlamaForCausalLM")),
        architecture("architectures as numbers", json!([1, 2])),
    ]
}

/// What only one family has.
fn decoders() -> Vec<Case> {
    let (neox, phi3) = (files::folder("gpt_neox"), files::folder("phi3_partial"));
    let (gemma2, gemma3) = (files::folder("gemma2"), files::folder("gemma3"));
    let weights = "model.safetensors";
    let shape = |files: &Files, field: &'static str, value: Value| {
        Case::new(format!("{field} is {value}, not the weights'"), weights, &["shape"], files, |f| {
            f.json(FILE, |config| drop(config.insert(field.into(), value)));
        })
    };
    let factors = |name: &str, value: Value| {
        Case::new(name, FILE, &["short_factor", "long_factor"], &phi3, |f| {
            f.json(FILE, |config| {
                config.insert("rope_scaling".into(), value);
            });
        })
    };
    vec![
        set(&neox, "num_attention_heads", json!(5)),
        set(&neox, "rotary_pct", json!(1.5)),
        set(&neox, "rotary_pct", json!("quarter")),
        set(&neox, "rotary_emb_base", json!(0)),
        set(&neox, "use_parallel_residual", json!("yes")),
        set(&neox, "hidden_size", json!(0)),
        shape(&neox, "intermediate_size", json!(45)),
        set(&phi3, "partial_rotary_factor", json!(-0.5)),
        set(&phi3, "sliding_window", json!(0)),
        set(&phi3, "original_max_position_embeddings", json!(0)),
        shape(&phi3, "num_key_value_heads", json!(1)),
        shape(&phi3, "intermediate_size", json!(40)),
        factors("no long factors", json!({"type": "longrope", "short_factor": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]})),
        factors("factors as a text", json!({"type": "longrope", "short_factor": "1.0", "long_factor": [1.0]})),
        factors(
            "a factor is zero",
            json!({"type": "longrope", "short_factor": [0, 1, 1, 1, 1, 1], "long_factor": [1]}),
        ),
        Case::new("a joined tensor is lost", weights, &["missing"], &phi3, |f| {
            f.json(FILE, |config| drop(config.insert("num_hidden_layers".into(), json!(3))));
        }),
        set(&gemma2, "query_pre_attn_scalar", json!(0)),
        set(&gemma2, "attn_logit_softcapping", json!(-1)),
        set(&gemma2, "final_logit_softcapping", json!("30")),
        set(&gemma2, "use_bidirectional_attention", json!(true)),
        set(&gemma2, "layer_types", json!(["full_attention"])),
        set(&gemma2, "layer_types", json!("full_attention")),
        set(&gemma2, "head_dim", json!(9)),
        set(&gemma3, "sliding_window_pattern", json!(0)),
        set(&gemma3, "rope_local_base_freq", json!(0)),
        set(&gemma3, "rope_parameters", json!([1])),
        shape(&gemma3, "head_dim", json!(8)),
    ]
}

fn rotary(llama: &Files) -> Vec<Case> {
    let scaling = |value: Value, reasons: &'static [&'static str]| {
        Case::new(format!("rope_scaling is {value}"), FILE, reasons, llama, |f| {
            f.json(FILE, |config| drop(config.insert("rope_scaling".into(), value)));
        })
    };
    vec![
        scaling(json!("linear"), &["rope_scaling"]),
        scaling(json!({"rope_type": "spiral", "factor": 2.0}), &["spiral"]),
        scaling(json!({"rope_type": "linear"}), &["factor"]),
        scaling(json!({"rope_type": "linear", "factor": "two"}), &["factor"]),
        scaling(json!({"rope_type": "linear", "factor": 0.0}), &["factor"]),
        scaling(json!({"rope_type": "llama3", "factor": "eight"}), &["factor"]),
        scaling(
            json!({"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}),
            &["short_factor", "long_factor"],
        ),
        set(llama, "rope_theta", json!("big")),
        set(llama, "rope_theta", json!(0)),
        set(llama, "rope_theta", json!(-10_000.0)),
    ]
}
