//! The first published checkpoints of SAM 2: their names, and the configurations that they come without.

use serde_json::{Value, json};

use crate::vision::sam;

/// Parts of names now, and then.
const FORMER: [(&str, &str); 6] = [
    ("patch_embed.projection", "patch_embed.proj"),
    (".layer_norm", ".norm"),
    ("mlp.proj_in", "mlp.layers.0"),
    ("mlp.proj_out", "mlp.layers.1"),
    (".o_proj.", ".out_proj."),
    ("prompt_encoder.shared_embedding.", "shared_image_embedding."),
];

/// The name of a weight in the first published checkpoints of SAM 2, if it had another one.
///
/// ```
/// use dynasty_models::vision::sam2::former_name;
/// let then = former_name("vision_encoder.backbone.blocks.3.mlp.proj_in.weight");
/// assert_eq!(then.as_deref(), Some("image_encoder.trunk.blocks.3.mlp.layers.0.weight"));
/// let then = former_name("mask_decoder.pred_obj_score_head.layers.0.bias");
/// assert_eq!(then.as_deref(), Some("sam_mask_decoder.pred_obj_score_head.layers.1.bias"));
/// assert_eq!(former_name("model.norm.weight"), None);
/// ```
pub fn former_name(wanted: &str) -> Option<String> {
    let replaced = || FORMER.iter().fold(wanted.to_string(), |name, (now, then)| name.replace(now, then));
    if let Some(rest) = wanted.strip_prefix("vision_encoder.neck.convs.") {
        return Some(format!("image_encoder.neck.convs.{}", rest.replacen('.', ".conv.", 1)));
    }
    if wanted.starts_with("vision_encoder.backbone.") {
        return Some(replaced().replacen("vision_encoder.backbone.", "image_encoder.trunk.", 1));
    }
    if wanted == "no_memory_embedding" {
        return Some("no_mem_embed".into());
    }
    // The rest is as the first generation had it, in parts that are called after it.
    let parts = ["prompt_encoder.", "mask_decoder.", "shared_image_embedding."];
    parts.iter().any(|part| wanted.starts_with(part)).then(|| {
        let name = FORMER[2..].iter().fold(wanted.to_string(), |name, (now, then)| name.replace(now, then));
        format!("sam_{}", sam::former_name(&name).unwrap_or(name))
    })
}

/// The configuration of a checkpoint that was published without one, told by the shapes of its tensors: the four sizes of
/// SAM 2 and 2.1, which for pictures are the same.
pub fn published_config(shape: impl Fn(&str) -> Option<Vec<usize>>) -> Option<Value> {
    let width = *shape("image_encoder.trunk.patch_embed.proj.weight")?.first()?;
    let has_block = |i: usize| shape(&format!("image_encoder.trunk.blocks.{i}.norm1.weight")).is_some();
    let (blocks, heads, global, windows, background) = match width {
        96 if has_block(12) => ([1, 2, 11, 2], 1, [7, 10, 13], [8, 4, 14, 7], 7),
        96 => ([1, 2, 7, 2], 1, [5, 7, 9], [8, 4, 14, 7], 7),
        112 => ([2, 3, 16, 3], 2, [12, 16, 20], [8, 4, 14, 7], 14),
        144 => ([2, 6, 36, 4], 2, [23, 33, 43], [8, 4, 16, 8], 7),
        _ => return None,
    };
    let doubled = |first: usize| [0, 1, 2, 3].map(|stage| first << stage);
    let widths = doubled(width);
    let backbone = json!({
        "hidden_size": width, "embed_dim_per_stage": widths, "num_attention_heads_per_stage": doubled(heads),
        "blocks_per_stage": blocks, "global_attention_blocks": global, "window_size_per_stage": windows,
        "window_positional_embedding_background_size": [background, background],
    });
    let channels: Vec<usize> = widths.into_iter().rev().collect();
    let vision = json!({ "backbone_config": backbone, "backbone_channel_list": channels });
    Some(json!({ "architectures": ["Sam2Model"], "model_type": "sam2", "vision_config": vision }))
}

#[cfg(test)]
mod tests {
    use graph::Taps;

    use super::*;
    use crate::{Call, Model};

    /// Width, blocks and values of the published sizes in millions, which papers round; memory not among them.
    #[test]
    fn published_sizes_are_told() {
        for (width, blocks, least, most) in [(96, 12, 30, 34), (96, 16, 36, 40), (112, 24, 70, 76), (144, 48, 210, 220)]
        {
            let shape = |name: &str| match name.strip_prefix("image_encoder.trunk.blocks.") {
                Some(rest) => {
                    let i = rest.split_once('.').and_then(|(i, _)| i.parse::<usize>().ok());
                    i.filter(|i| *i < blocks).map(|_| vec![width])
                }
                None => (name == "image_encoder.trunk.patch_embed.proj.weight").then(|| vec![width, 3, 7, 7]),
            };
            let model = Model::read("sam2.pt", &published_config(shape).unwrap()).unwrap();
            let graph = model.build(&Call::forward(crate::Mask::None), Taps::none()).unwrap();
            let values: usize = graph.weights.iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
            assert!((least..=most).contains(&(values / 1_000_000)), "{width} {blocks}: {values}");
            let last = format!("vision_encoder.backbone.blocks.{}.mlp.proj_in.weight", blocks - 1);
            assert!(graph.weights.iter().any(|spec| spec.name == last), "{last}");
        }
        assert!(published_config(|_| None).is_none());
    }
}
