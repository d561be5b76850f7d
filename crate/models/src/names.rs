//! From the graph's weight names to those of real checkpoints.

use crate::family::TASKS;
use crate::vision::{sam, sam2};

/// Prefixes that some checkpoints leave out and others add.
const PREFIXES: [&str; 15] = [
    "model.",
    "transformer.",
    "gpt_neox.",
    "bert.",
    "roberta.",
    "distilbert.",
    "albert.",
    "vit.",
    "deit.",
    "dinov2.",
    "dinov2_with_registers.",
    "clip.",
    "sam.",
    "text_model.",
    "vision_model.",
];

/// Names of the graph and what they were once called.
const FORMER: [(&str, &str); 1] = [("lm_head.weight", "embed_out.weight")];

/// Tensors that hold several projections of one value, rows behind rows, in this order (Phi-3).
const JOINED: [(&str, &[&str]); 2] =
    [("qkv_proj", &["q_proj", "k_proj", "v_proj"]), ("gate_up_proj", &["gate_proj", "up_proj"])];

/// The name under which a checkpoint holds the weight `wanted`: as it is, with or without the model's prefix, with the
/// old gamma and beta of norms, or under its former name.
pub fn resolve(wanted: &str, has: impl Fn(&str) -> bool) -> Option<String> {
    let mut names = vec![wanted.to_string()];
    for prefix in PREFIXES {
        if let Some(bare) = wanted.strip_prefix(prefix) {
            names.push(bare.to_string());
            if prefix == "model." {
                // Llama and its like with a head for answers.
                names.push(format!("transformer.{bare}"));
            }
        }
        names.push(format!("{prefix}{wanted}"));
    }
    let old: Vec<String> = names.iter().filter_map(|name| old_norm_name(name)).collect();
    let former = FORMER.iter().filter(|(now, _)| *now == wanted).map(|(_, then)| (*then).to_string());
    let earlier = if TASKS { [sam::former_name(wanted), sam2::former_name(wanted)] } else { [None, None] };
    let mut earlier = earlier.into_iter().flatten().peekable();
    if earlier.peek().is_some() && sam::counts_from_first(wanted, &has) {
        return earlier.find(|name| has(name));
    }
    names.into_iter().chain(old).chain(former).chain(earlier).find(|name| has(name))
}

/// The tensor that may hold the projection `wanted` together with others, and the names of all of them in its order.
///
/// ```
/// let (whole, parts) = dynasty_models::joined("model.layers.0.mlp.up_proj.weight").unwrap();
/// assert_eq!(whole, "model.layers.0.mlp.gate_up_proj.weight");
/// assert_eq!(parts, ["model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"]);
/// ```
pub fn joined(wanted: &str) -> Option<(String, Vec<String>)> {
    let (path, ending) = wanted.rsplit_once('.')?;
    let (place, part) = path.rsplit_once('.')?;
    let (whole, parts) = JOINED.iter().find(|(_, parts)| parts.contains(&part))?;
    let name = |stem: &str| format!("{place}.{stem}.{ending}");
    Some((name(whole), parts.iter().map(|part| name(part)).collect()))
}

/// Other names under which checkpoints keep a shared tensor: the table of the tokens that a tied head reads, and the
/// head's bias.
pub fn spellings(wanted: &str) -> Vec<String> {
    const HEADS: [&str; 5] = [
        "lm_head.weight",
        "lm_head.decoder.weight",
        "cls.predictions.decoder.weight",
        "predictions.decoder.weight",
        "vocab_projector.weight",
    ];
    const TABLES: [&str; 3] = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"];
    const BIASED: [&str; 3] = ["lm_head", "cls.predictions", "predictions"];
    if wanted.ends_with("shared.weight") {
        return TABLES.map(String::from).to_vec();
    }
    if ["embed_tokens.weight", "embed_in.weight", "wte.weight", "word_embeddings.weight"]
        .iter()
        .any(|table| wanted.ends_with(table))
    {
        return HEADS.map(String::from).to_vec();
    }
    let pair = |head: &&str| [format!("{head}.bias"), format!("{head}.decoder.bias")];
    BIASED.iter().map(pair).find(|pair| pair.iter().any(|name| name == wanted)).map(Vec::from).unwrap_or_default()
}

/// TensorFlow's names of norm parameters.
fn old_norm_name(name: &str) -> Option<String> {
    let (path, last) = name.rsplit_once('.')?;
    match last {
        "weight" => Some(format!("{path}.gamma")),
        "bias" => Some(format!("{path}.beta")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_of_checkpoints() {
        for (wanted, held) in [
            ("model.norm.weight", "model.norm.weight"),
            ("model.norm.weight", "norm.weight"),
            ("transformer.ln_f.bias", "ln_f.beta"),
            ("lm_head.weight", "model.lm_head.weight"),
            ("lm_head.weight", "embed_out.weight"),
            ("gpt_neox.embed_in.weight", "embed_in.weight"),
        ] {
            assert_eq!(resolve(wanted, |name| name == held).as_deref(), Some(held));
        }
        assert_eq!(resolve("model.norm.weight", |_| false), None);
    }
}
