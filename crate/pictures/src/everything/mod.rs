//! The pure parts of finding everything in a picture: where to ask, and which answers to keep.
//!
//! Source: Kirillov et al. 2023, arXiv:2304.02643, appendix B; the references are `SamAutomaticMaskGenerator` of
//! <https://github.com/facebookresearch/segment-anything> and `SamImageProcessor` of transformers.

mod grid;
mod keep;

pub use grid::{CropBox, Grid};
pub use keep::{nms, on_crop_edge};

use crate::Error;

/// What is asked, and which answers are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Points a side of the grid.
    pub points_per_side: usize,
    /// Points that are asked at once. More take more memory and change nothing else.
    pub points_per_batch: usize,
    /// Masks that the model expects to overlap less than this with a true one are dropped.
    pub pred_iou_thresh: f32,
    /// Masks that are less stable than this are dropped.
    pub stability_score_thresh: f32,
    /// How far the threshold is moved to see whether a mask is stable.
    pub stability_score_offset: f32,
    /// Logits above it are inside.
    pub mask_threshold: f32,
    /// Of two masks of one crop whose boxes overlap more than this the worse is dropped.
    pub box_nms_thresh: f64,
    /// Further rounds on crops: round `i` has 2^i crops a side.
    pub crop_n_layers: usize,
    /// Of two masks of different crops whose boxes overlap more than this the one of the larger crop is dropped.
    pub crop_nms_thresh: f64,
    /// How much crops of the first round overlap, as a part of the picture's shorter side.
    pub crop_overlap_ratio: f64,
    /// By what the points a side are divided from round to round.
    pub crop_n_points_downscale_factor: usize,
    /// Holes and islands of fewer pixels are removed.
    pub min_mask_region_area: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            points_per_side: 32,
            points_per_batch: 16,
            pred_iou_thresh: 0.88,
            stability_score_thresh: 0.95,
            stability_score_offset: 1.0,
            mask_threshold: 0.0,
            box_nms_thresh: 0.7,
            crop_n_layers: 0,
            crop_nms_thresh: 0.7,
            crop_overlap_ratio: 512.0 / 1500.0,
            crop_n_points_downscale_factor: 1,
            min_mask_region_area: 0,
        }
    }
}

/// The most points a side, and the most rounds on crops: more would take days.
const MOST_POINTS: usize = 1024;
const MOST_LAYERS: usize = 5;

impl Options {
    /// Whether they make sense.
    ///
    /// # Errors
    /// [`Error::Config`] that names the option.
    pub fn check(&self) -> Result<(), Error> {
        let fail = |option: &str, reason: String| Err(Error::config(option, reason));
        if !(1..=MOST_POINTS).contains(&self.points_per_side) {
            return fail("points_per_side", format!("{} is not 1 to {MOST_POINTS}", self.points_per_side));
        }
        if self.points_per_batch == 0 {
            return fail("points_per_batch", "0 points are none".into());
        }
        if self.crop_n_layers > MOST_LAYERS {
            return fail("crop_n_layers", format!("{} is more than {MOST_LAYERS}", self.crop_n_layers));
        }
        if self.crop_n_points_downscale_factor == 0 {
            return fail("crop_n_points_downscale_factor", "0 divides nothing".into());
        }
        if !(0.0..1.0).contains(&self.crop_overlap_ratio) {
            return fail("crop_overlap_ratio", format!("{} is not 0 to less than 1", self.crop_overlap_ratio));
        }
        let numbers = [
            ("pred_iou_thresh", self.pred_iou_thresh.into()),
            ("stability_score_thresh", self.stability_score_thresh.into()),
            ("stability_score_offset", self.stability_score_offset.into()),
            ("mask_threshold", self.mask_threshold.into()),
            ("box_nms_thresh", self.box_nms_thresh),
            ("crop_nms_thresh", self.crop_nms_thresh),
        ];
        match numbers.iter().find(|(_, number)| !number.is_finite()) {
            Some((option, number)) => fail(option, format!("{number} is no number")),
            None => Ok(()),
        }
    }
}
