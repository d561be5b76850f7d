//! What learns nothing, and why.

use std::collections::BTreeSet;

/// Families, a part of the names of tensors, and the reason.
type Table = [(&'static [&'static str], &'static str, &'static str)];

const SHIFT: &str = "adds the same to all scores of a query, which softmax takes off again";

/// Weights that a graph reads and that have no gradient.
pub const GRADIENT: &Table = &[
    (&["albert", "bert", "deit", "dinov2", "dinov2_with_registers", "roberta", "vit"], ".key.bias", SHIFT),
    (&["distilbert"], ".k_lin.bias", SHIFT),
    (
        &["bart", "clip", "m2m_100", "marian", "mbart", "mobile_sam", "sam", "sam2", "transformer"],
        ".k_proj.bias",
        SHIFT,
    ),
    (&["clip"], ".post_layernorm.weight", POOLED),
    (&["clip"], ".post_layernorm.bias", POOLED),
];

const POOLED: &str = "is of the pooled token, classes are told by the mean of the others";
const COPY: &str = "is a copy of what is tied to it";
const HEAD: &str = "belongs to another head";
const BUFFER: &str = "is no weight but what follows from the configuration";

const VIDEO: &str = "remembers the pictures of a video";

/// Tensors of checkpoints that a graph does not read.
pub const READER: &Table = &[
    (&["albert"], ".pooler.weight", HEAD),
    (&["albert"], ".pooler.bias", HEAD),
    (&["bert", "roberta"], ".pooler.dense.weight", HEAD),
    (&["bert", "roberta"], ".pooler.dense.bias", HEAD),
    (&["bert", "distilbert"], "classifier.weight", HEAD),
    (&["albert", "bert", "roberta"], ".decoder.weight", COPY),
    (&["albert", "bert", "roberta"], ".decoder.bias", COPY),
    (&["distilbert"], "vocab_projector.weight", COPY),
    (&["bart"], "lm_head.weight", COPY),
    (&["t5"], ".embed_tokens.weight", COPY),
    (&["bert", "roberta"], ".position_ids", BUFFER),
    (&["bert", "roberta"], ".token_type_ids", BUFFER),
    (&["gpt2"], ".attn.bias", BUFFER),
    (&["gpt2"], ".attn.masked_bias", BUFFER),
    (&["gpt_neox"], ".attention.bias", BUFFER),
    (&["gpt_neox"], ".attention.masked_bias", BUFFER),
    (&["gpt_neox", "llama"], ".rotary_emb.inv_freq", BUFFER),
    (&["mobile_sam"], ".num_batches_tracked", "counts the steps of a training"),
    (&["sam2"], "memory_", VIDEO),
    (&["sam2"], "mask_downsample.", VIDEO),
    (&["sam2"], "object_pointer_proj.", VIDEO),
    (&["sam2"], "temporal_positional_encoding_projection_layer.", VIDEO),
    (&["sam2"], "no_object_pointer", VIDEO),
    (&["sam2"], "occlusion_spatial_embedding_parameter", VIDEO),
    (&["dinov2", "dinov2_with_registers"], ".mask_token", "stands for patches that a pre-training hides"),
];

/// Those of `names` that a table has no reason for, and its entries for the family that none of them needs.
pub fn unexplained<'a>(
    table: &'static Table,
    family: &str,
    names: impl Iterator<Item = &'a String>,
) -> BTreeSet<String> {
    let parts: BTreeSet<&str> =
        table.iter().filter(|(families, ..)| families.contains(&family)).map(|(_, part, _)| *part).collect();
    let (mut used, mut left) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        match parts.iter().find(|part| name.contains(*part)) {
            Some(part) => used.insert(*part),
            None => left.insert(name.clone()),
        };
    }
    left.extend(parts.difference(&used).map(|part| format!("(needless: {part})")));
    left
}
