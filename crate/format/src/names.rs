//! llama.cpp's tensor names and the checkpoint's: one table for each architecture, and the row order that goes with it.
//!
//! Source of the names: <https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py>.

use crate::Error;

/// The names of one architecture: outside the blocks, and inside them.
struct Table {
    /// GGUF name and checkpoint name, both without `.weight` or `.bias`.
    outer: &'static [(&'static str, &'static str)],
    /// What stands for `blk.` in the checkpoint.
    block: &'static str,
    /// As `outer`, after the block's number.
    inner: &'static [(&'static str, &'static str)],
}

/// Llama, Mistral, Qwen2, Qwen3, Gemma.
const LLAMA: Table = Table {
    outer: &[("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")],
    block: "model.layers.",
    inner: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ],
};

/// Phi-3: queries, keys and values in one tensor, and gate and up in one.
const PHI3: Table = Table {
    outer: LLAMA.outer,
    block: LLAMA.block,
    inner: &[
        ("attn_norm", "input_layernorm"),
        ("attn_qkv", "self_attn.qkv_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_up", "mlp.gate_up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ],
};

/// Gemma 2 and 3, with norms before and behind each part.
const GEMMA2: Table = Table {
    outer: LLAMA.outer,
    block: LLAMA.block,
    inner: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("post_attention_norm", "post_attention_layernorm"),
        ("ffn_norm", "pre_feedforward_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ],
};

/// GPT-NeoX.
const GPT_NEOX: Table = Table {
    outer: &[
        ("token_embd", "gpt_neox.embed_in"),
        ("output_norm", "gpt_neox.final_layer_norm"),
        ("output", "embed_out"),
    ],
    block: "gpt_neox.layers.",
    inner: &[
        ("attn_norm", "input_layernorm"),
        ("attn_qkv", "attention.query_key_value"),
        ("attn_output", "attention.dense"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_up", "mlp.dense_h_to_4h"),
        ("ffn_down", "mlp.dense_4h_to_h"),
    ],
};

/// GPT-2.
const GPT2: Table = Table {
    outer: &[("token_embd", "wte"), ("position_embd", "wpe"), ("output_norm", "ln_f"), ("output", "lm_head")],
    block: "h.",
    inner: &[
        ("attn_norm", "ln_1"),
        ("attn_qkv", "attn.c_attn"),
        ("attn_output", "attn.c_proj"),
        ("ffn_norm", "ln_2"),
        ("ffn_up", "mlp.c_fc"),
        ("ffn_down", "mlp.c_proj"),
    ],
};

/// The table of a `general.architecture`.
fn table(arch: &str) -> Option<&'static Table> {
    match arch {
        "llama" | "mistral" | "qwen2" | "qwen3" | "gemma" => Some(&LLAMA),
        "gemma2" | "gemma3" => Some(&GEMMA2),
        "phi3" => Some(&PHI3),
        "gptneox" => Some(&GPT_NEOX),
        "gpt2" => Some(&GPT2),
        _ => None,
    }
}

/// Whether the names of an architecture are known here.
pub fn is_known(arch: &str) -> bool {
    table(arch).is_some()
}

/// The checkpoint's name of a tensor, or `None` if the architecture or the name is not in the table; such a tensor
/// keeps its name.
///
/// ```
/// use dynasty_format::names::to_checkpoint;
/// let name = to_checkpoint("qwen3", "blk.7.attn_q_norm.weight");
/// assert_eq!(name.as_deref(), Some("model.layers.7.self_attn.q_norm.weight"));
/// ```
pub fn to_checkpoint(arch: &str, name: &str) -> Option<String> {
    let table = table(arch)?;
    let (stem, ending) = name.rsplit_once('.')?;
    if !matches!(ending, "weight" | "bias") {
        return None;
    }
    let find = |list: &[(&str, &'static str)], stem| list.iter().find(|(gguf, _)| *gguf == stem).map(|found| found.1);
    match stem.strip_prefix("blk.") {
        None => Some(format!("{}.{ending}", find(table.outer, stem)?)),
        Some(rest) => {
            let (number, stem) = rest.split_once('.')?;
            let number: u32 = number.parse().ok()?;
            Some(format!("{}{number}.{}.{ending}", table.block, find(table.inner, stem)?))
        }
    }
}

/// Whether llama.cpp stores the rows of the query and key projections of this architecture in the order of the
/// interleaved rotation (pairs of neighbours) instead of the checkpoint's (first half with second half).
pub fn rope_permuted(arch: &str) -> bool {
    matches!(arch, "llama" | "mistral")
}

/// Whether llama.cpp stores the matrices of this architecture as [out, in] where the checkpoint has [in, out]: GPT-2's
/// checkpoints have `Conv1D` layers. Quantized blocks lie along rows, so this is not undone when they are read.
pub fn conv1d_transposed(arch: &str) -> bool {
    arch == "gpt2"
}

/// Whether llama.cpp stores this tensor plus one: the norms of Gemma's checkpoints are what is added to one.
pub fn plus_one(arch: &str, name: &str) -> bool {
    matches!(arch, "gemma" | "gemma2" | "gemma3") && name.ends_with("norm.weight")
}

/// The query or key heads that a checkpoint name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heads {
    /// `n_head` of them.
    Query,
    /// `n_kv_head` of them.
    Key,
}

/// Whether a tensor is a query or key projection, weight or bias.
pub fn rope_heads(name: &str) -> Option<Heads> {
    let stem = name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias"))?;
    if stem.ends_with(".self_attn.q_proj") {
        Some(Heads::Query)
    } else if stem.ends_with(".self_attn.k_proj") {
        Some(Heads::Key)
    } else {
        None
    }
}

/// Takes rows from interleaved order back to the checkpoint's, head by head: of a head's rows the even ones come
/// first, then the odd ones. Rows are moved as they are encoded, so this holds for every quant type, and for biases
/// with a row of one value.
///
/// # Shapes
/// `data` holds whole heads of `head_rows` rows of `row_bytes` bytes.
///
/// # Errors
/// [`Error::Damaged`] if it does not, or a head has an odd number of rows.
///
/// ```
/// let stored = [0u8, 2, 1, 3];
/// assert_eq!(dynasty_format::names::unpermute(&stored, 4, 1).unwrap(), [0, 1, 2, 3]);
/// ```
pub fn unpermute(data: &[u8], head_rows: usize, row_bytes: usize) -> Result<Vec<u8>, Error> {
    let head_bytes = head_rows.checked_mul(row_bytes).filter(|&bytes| bytes > 0);
    let Some(head_bytes) = head_bytes.filter(|&n| head_rows.is_multiple_of(2) && data.len().is_multiple_of(n)) else {
        let reason = format!("{} bytes are no heads of {head_rows} rows of {row_bytes} bytes", data.len());
        return Err(Error::damaged("rotary rows", 0, reason));
    };
    let mut out = Vec::with_capacity(data.len());
    for head in data.chunks_exact(head_bytes) {
        for side in 0..2 {
            for pair in head.chunks_exact(2 * row_bytes) {
                out.extend_from_slice(&pair[side * row_bytes..][..row_bytes]);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mapped() {
        let cases = [
            ("llama", "token_embd.weight", Some("model.embed_tokens.weight")),
            ("llama", "output.weight", Some("lm_head.weight")),
            ("qwen2", "blk.11.attn_q.bias", Some("model.layers.11.self_attn.q_proj.bias")),
            ("qwen3", "blk.0.attn_k_norm.weight", Some("model.layers.0.self_attn.k_norm.weight")),
            ("gpt2", "position_embd.weight", Some("wpe.weight")),
            ("gpt2", "blk.3.attn_qkv.bias", Some("h.3.attn.c_attn.bias")),
            ("gptneox", "output.weight", Some("embed_out.weight")),
            ("phi3", "blk.1.ffn_up.weight", Some("model.layers.1.mlp.gate_up_proj.weight")),
            ("gemma", "blk.0.ffn_norm.weight", Some("model.layers.0.post_attention_layernorm.weight")),
            ("gemma3", "blk.0.ffn_norm.weight", Some("model.layers.0.pre_feedforward_layernorm.weight")),
            ("phi3", "rope_factors_long.weight", None),
            ("llama", "rope_freqs.weight", None),
            ("llama", "blk.x.attn_q.weight", None),
            ("dynasty", "token_embd.weight", None),
        ];
        for (arch, name, expected) in cases {
            assert_eq!(to_checkpoint(arch, name).as_deref(), expected, "{arch} {name}");
        }
    }

    #[test]
    fn two_heads_of_wide_rows() {
        // Rows h·4 + (half·2 + i) of the checkpoint lie at h·4 + (i·2 + half).
        let stored: Vec<u8> = [0u8, 2, 1, 3, 4, 6, 5, 7].iter().flat_map(|&row| [row; 3]).collect();
        let expected: Vec<u8> = (0u8..8).flat_map(|row| [row; 3]).collect();
        assert_eq!(unpermute(&stored, 4, 3).unwrap(), expected);
        assert!(unpermute(&stored, 3, 1).is_err());
        assert!(unpermute(&stored, 0, 1).is_err());
    }
}
