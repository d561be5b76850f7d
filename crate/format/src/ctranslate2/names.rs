//! The names of variables, and which rows of them are which of the reference library's tensors.

use crate::TensorInfo;

/// The tables of tokens: the source's is numbered in newer files.
pub(super) const EMBEDDINGS: [(&str, &str); 3] = [
    ("encoder/embeddings/weight", "model.encoder.embed_tokens.weight"),
    ("encoder/embeddings_0/weight", "model.encoder.embed_tokens.weight"),
    ("decoder/embeddings/weight", "model.decoder.embed_tokens.weight"),
];

/// A tensor that is a variable, or some of its rows.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The library's name.
    pub name: String,
    /// The file's name.
    pub variable: String,
    /// Which of how many equal parts of the rows.
    pub part: (usize, usize),
}

impl Part {
    /// The part's rows.
    pub fn rows_of(&self, mut info: TensorInfo) -> Result<TensorInfo, String> {
        let (at, parts) = self.part;
        let rows = info.shape.first().copied().unwrap_or(0);
        if rows == 0 || !rows.is_multiple_of(parts) {
            return Err(format!("has shape {:?}, which are not {parts} parts", info.shape));
        }
        info.shape[0] = rows / parts;
        info.bytes /= parts as u64;
        info.offset += at as u64 * info.bytes;
        info.name.clone_from(&self.name);
        Ok(info)
    }
}

/// What a block holds: the file's name, the library's, and which part of the rows; those of encoders first.
const BLOCK: [(&str, &str, (usize, usize)); 12] = [
    ("self_attention/linear_0", "self_attn.q_proj", (0, 3)),
    ("self_attention/linear_0", "self_attn.k_proj", (1, 3)),
    ("self_attention/linear_0", "self_attn.v_proj", (2, 3)),
    ("self_attention/linear_1", "self_attn.out_proj", (0, 1)),
    ("self_attention/layer_norm", "self_attn_layer_norm", (0, 1)),
    ("ffn/linear_0", "fc1", (0, 1)),
    ("ffn/linear_1", "fc2", (0, 1)),
    ("ffn/layer_norm", "final_layer_norm", (0, 1)),
    ("attention/linear_0", "encoder_attn.q_proj", (0, 1)),
    ("attention/linear_1", "encoder_attn.k_proj", (0, 2)),
    ("attention/linear_1", "encoder_attn.v_proj", (1, 2)),
    ("attention/linear_2", "encoder_attn.out_proj", (0, 1)),
];

/// All tensors that a model of so many blocks in encoder and decoder may have.
pub(super) fn parts(layers: [usize; 2]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut add = |variable: String, name: String, part| parts.push(Part { name, variable, part });
    let ends = |variable: &str| {
        if variable.ends_with("norm") || variable.ends_with("embedding") {
            ["gamma", "beta"]
        } else {
            ["weight", "bias"]
        }
    };
    for (variable, name) in EMBEDDINGS {
        add(variable.into(), name.into(), (0, 1));
    }
    for (side, n) in ["encoder", "decoder"].into_iter().zip(layers) {
        add(format!("{side}/position_encodings/encodings"), format!("model.{side}.embed_positions.weight"), (0, 1));
        for (variable, name) in [("layernorm_embedding", "layernorm_embedding"), ("layer_norm", "layer_norm")] {
            for (end, own) in ends(variable).into_iter().zip(["weight", "bias"]) {
                add(format!("{side}/{variable}/{end}"), format!("model.{side}.{name}.{own}"), (0, 1));
            }
        }
        let norm = [("attention/layer_norm", "encoder_attn_layer_norm", (0, 1))];
        for i in 0..n {
            for (variable, name, part) in BLOCK.into_iter().chain(norm) {
                for (end, own) in ends(variable).into_iter().zip(["weight", "bias"]) {
                    let variable = format!("{side}/layer_{i}/{variable}/{end}");
                    add(variable, format!("model.{side}.layers.{i}.{name}.{own}"), part);
                }
            }
        }
    }
    add("decoder/projection/weight".into(), "lm_head.weight".into(), (0, 1));
    add("decoder/projection/bias".into(), "final_logits_bias".into(), (0, 1));
    parts
}
