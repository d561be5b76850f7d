//! From the graph's weight names to those of real checkpoints.

/// Prefixes that some checkpoints leave out and others add.
const PREFIXES: [&str; 6] = ["model.", "transformer.", "bert.", "roberta.", "distilbert.", "albert."];

/// The name under which a checkpoint holds the weight `wanted`: as it is, with or without the model's prefix, with the
/// old gamma and beta of norms, or through the tied embedding.
pub fn resolve(wanted: &str, has: impl Fn(&str) -> bool) -> Option<String> {
    let mut names = vec![wanted.to_string()];
    for prefix in PREFIXES {
        if let Some(bare) = wanted.strip_prefix(prefix) {
            names.push(bare.to_string());
        }
        names.push(format!("{prefix}{wanted}"));
    }
    let old: Vec<String> = names.iter().filter_map(|name| old_norm_name(name)).collect();
    names.into_iter().chain(old).find(|name| has(name))
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
    if ["embed_tokens.weight", "wte.weight", "word_embeddings.weight"].iter().any(|table| wanted.ends_with(table)) {
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
        ] {
            assert_eq!(resolve(wanted, |name| name == held).as_deref(), Some(held));
        }
        assert_eq!(resolve("model.norm.weight", |_| false), None);
    }
}
