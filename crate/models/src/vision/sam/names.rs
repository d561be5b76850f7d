//! The first published checkpoints: their names, and the configurations that they come without.

use serde_json::{Value, json};

/// Parts of names now, and then.
const FORMER: [(&str, &str); 19] = [
    ("vision_encoder.layers.", "image_encoder.blocks."),
    ("vision_encoder.", "image_encoder."),
    ("patch_embed.projection", "patch_embed.proj"),
    ("neck.conv1", "neck.0"),
    ("neck.layer_norm1", "neck.1"),
    ("neck.conv2", "neck.2"),
    ("neck.layer_norm2", "neck.3"),
    ("mask_embed.conv1", "mask_downscaling.0"),
    ("mask_embed.layer_norm1", "mask_downscaling.1"),
    ("mask_embed.conv2", "mask_downscaling.3"),
    ("mask_embed.layer_norm2", "mask_downscaling.4"),
    ("mask_embed.conv3", "mask_downscaling.6"),
    ("shared_image_embedding.positional_embedding", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    ("prompt_encoder.point_embed.", "prompt_encoder.point_embeddings."),
    ("upscale_conv1", "output_upscaling.0"),
    ("upscale_layer_norm", "output_upscaling.1"),
    ("upscale_conv2", "output_upscaling.3"),
    ("layer_norm_final_attn", "norm_final_attn"),
    (".layer_norm", ".norm"),
];

/// The name of a weight in the first published checkpoints of Segment Anything, if it had another one.
///
/// ```
/// use dynasty_models::vision::sam::former_name;
/// let then = former_name("mask_decoder.iou_prediction_head.layers.0.weight");
/// assert_eq!(then.as_deref(), Some("mask_decoder.iou_prediction_head.layers.1.weight"));
/// assert_eq!(former_name("model.norm.weight"), None);
/// ```
pub fn former_name(wanted: &str) -> Option<String> {
    let ours = ["vision_encoder.", "image_encoder.", "prompt_encoder.", "mask_decoder.", "shared_image_embedding."];
    if !ours.iter().any(|part| wanted.starts_with(part)) {
        return None;
    }
    let head = is_in_head(wanted);
    let mut name = wanted.to_string();
    if head {
        // The layers of heads were counted from the first.
        let (place, rest) = name.split_once("layers.").map_or((name.as_str(), None), |(a, b)| (a, Some(b)));
        name = match rest.and_then(|rest| rest.split_once('.')) {
            Some((i, end)) => format!("{place}layers.{}.{end}", i.parse::<usize>().ok()? + 1),
            None => name.replace("proj_in", "layers.0").replace("proj_out", "layers.2"),
        };
    }
    FORMER.iter().for_each(|(now, then)| name = name.replace(now, then));
    Some(name).filter(|name| name != wanted)
}

/// Whether a weight is in one of the decoder's heads.
fn is_in_head(wanted: &str) -> bool {
    ["_mlps.", "iou_prediction_head.", "pred_obj_score_head."].iter().any(|head| wanted.contains(head))
}

/// Whether a checkpoint counts the layers of the head that `wanted` belongs to from the first, so that `layers.0` is
/// another one there.
pub fn counts_from_first(wanted: &str, has: impl Fn(&str) -> bool) -> bool {
    let place = wanted.split_once(".layers.").map(|(place, _)| place).filter(|_| is_in_head(wanted));
    place.is_some_and(|place| !has(&format!("{place}.proj_in.weight")))
}

/// The configuration of a checkpoint that was published without one, told by the shapes of its tensors: MobileSAM, and
/// Segment Anything's three sizes.
pub fn published_config(shape: impl Fn(&str) -> Option<Vec<usize>>) -> Option<Value> {
    if shape("image_encoder.patch_embed.seq.0.c.weight").is_some() {
        return Some(json!({ "architectures": ["MobileSam"], "model_type": "mobile_sam" }));
    }
    let width = *shape("image_encoder.pos_embed")?.last()?;
    let (layers, heads, global) = match width {
        768 => (12, 12, [2, 5, 8, 11]),
        1024 => (24, 16, [5, 11, 17, 23]),
        1280 => (32, 16, [7, 15, 23, 31]),
        _ => return None,
    };
    let encoder = json!({
        "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "global_attn_indexes": global,
    });
    Some(json!({ "architectures": ["SamModel"], "model_type": "sam", "vision_config": encoder }))
}
