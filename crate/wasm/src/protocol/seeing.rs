//! What segmenters are asked and what they say. Coordinates are in the picture's pixels.

use serde::{Deserialize, Serialize};

use super::{LoadedInfo, Trial};

/// What a loaded model is that segments pictures, or matches them with texts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SeerInfo {
    /// What it is and where it runs.
    pub info: LoadedInfo,
    /// The trial that chose its device, if one was made now.
    pub trial: Option<Trial>,
}

/// What a loaded viewer is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ViewerInfo {
    /// What it is and where it runs.
    pub info: LoadedInfo,
    /// The trial that chose its device, if one was made now.
    pub trial: Option<Trial>,
    /// Whether it knows classes.
    pub classes: bool,
    /// Whether it gives vectors.
    pub embeds: bool,
    /// Whether it can tell where it looks.
    pub attends: bool,
}

/// What there is to see of a model's attention in a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AttentionInfo {
    /// Rows and columns of patches.
    pub grid: [usize; 2],
    /// The part of the picture that the patches cover: left, top, right, bottom.
    pub area: [f32; 4],
    /// Layers.
    pub layers: usize,
    /// Heads of a layer.
    pub heads: usize,
}

/// Which attention is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(default)]
pub struct AttentionWanted {
    /// A layer, counted from 0; by default what flows through all of them (attention rollout).
    pub layer: Option<usize>,
    /// A head of the layer; by default the mean of all.
    pub head: Option<usize>,
    /// The patch that looks, counted row by row; by default the first token, which stands for the whole picture.
    pub patch: Option<usize>,
}

/// What words are looked for in a picture, and how.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct WordsWanted {
    /// The words.
    pub text: String,
    /// The least cosine of an object and the words, 0.2 by default.
    #[serde(default)]
    pub least: Option<f32>,
    /// By how much an object may be worse than the best one, 0.03 by default.
    #[serde(default)]
    pub margin: Option<f32>,
    /// How the objects are looked for.
    #[serde(default)]
    pub everything: EverythingOptions,
}

/// A place in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PromptPoint {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
    /// Whether it lies on what is meant, or beside it.
    pub inside: bool,
}

/// What is meant: at least one of points and a box.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(default)]
pub struct MaskPrompt {
    /// Points on it and beside it.
    pub points: Vec<PromptPoint>,
    /// Left, top, right and bottom of a box around it.
    #[serde(rename = "box")]
    pub area: Option<[f32; 4]>,
    /// The number of the mask of the last answer that this prompt goes on from.
    pub previous: Option<usize>,
    /// Whether one mask is wanted or three; by default three for a single point, which may mean several things.
    pub multimask: Option<bool>,
}

/// How everything is looked for. What is left out is as in the reference.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(default)]
pub struct EverythingOptions {
    /// Points a side of the grid, 32 by default.
    pub points_per_side: Option<usize>,
    /// Points that are asked at once, 16 by default.
    pub points_per_batch: Option<usize>,
    /// The least overlap with a true mask that the model expects, 0.88 by default.
    pub pred_iou_thresh: Option<f32>,
    /// How stable a mask must be, 0.95 by default.
    pub stability_score_thresh: Option<f32>,
    /// How far the threshold is moved to see whether a mask is stable, 1 by default.
    pub stability_score_offset: Option<f32>,
    /// Logits above it are inside, 0 by default.
    pub mask_threshold: Option<f32>,
    /// Of two masks whose boxes overlap more than this one is dropped, 0.7 by default.
    pub box_nms_thresh: Option<f64>,
    /// Further rounds on crops, 0 by default.
    pub crop_n_layers: Option<usize>,
    /// Of two masks of different crops whose boxes overlap more than this one is dropped, 0.7 by default.
    pub crop_nms_thresh: Option<f64>,
    /// How much crops of the first round overlap, as a part of the picture's shorter side.
    pub crop_overlap_ratio: Option<f64>,
    /// By what the points a side are divided from round to round, 1 by default.
    pub crop_n_points_downscale_factor: Option<usize>,
    /// Holes and islands of fewer pixels are removed, 0 by default.
    pub min_mask_region_area: Option<usize>,
}

/// A mask in run lengths, column by column as COCO has them: outside, inside, outside …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MaskRuns {
    /// Height and width.
    pub size: [usize; 2],
    /// The lengths.
    #[cfg_attr(test, ts(type = "Uint32Array"))]
    pub counts: Vec<u32>,
}

/// A mask that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct FoundMask {
    /// The mask, as large as the picture.
    pub mask: MaskRuns,
    /// How much the model expects it to overlap with a true one.
    pub score: f32,
    /// How little it changes with the threshold.
    pub stability: f32,
    /// Left, top, right and bottom; nothing for an empty mask.
    #[serde(rename = "box")]
    pub bounds: Option<[usize; 4]>,
    /// Pixels.
    pub area: usize,
    /// How well the words fit that were looked for, as a cosine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<f32>,
}

/// A mask's outlines.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Outlines {
    /// For each part its outline, then those of its holes, as corners.
    pub polygons: Vec<Vec<Vec<[u32; 2]>>>,
    /// COCO's text of the run lengths.
    pub rle: String,
}
