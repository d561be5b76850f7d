//! Masks as a page has them, and its wishes.

use js_sys::{Array, Reflect, Uint32Array};
use pictures::Rle;
use run::tasks::segment::{Answer, Object, Options};
use wasm_bindgen::JsValue;

use crate::protocol::{EverythingOptions, FoundMask, MaskRuns};
use crate::values::told;

/// A mask of an answer.
pub fn answered(answer: &Answer) -> FoundMask {
    let bounds = answer.mask.bounds().map(|b| [b.left, b.top, b.right, b.bottom]);
    mask(&Rle::encode(&answer.mask), bounds, answer.score, answer.stability)
}

/// An object, and how well words fit it, if they were looked for.
pub fn found(object: &Object, fit: Option<f32>) -> FoundMask {
    let b = &object.bounds;
    let bounds = Some([b.left, b.top, b.right, b.bottom]);
    FoundMask { fit, ..mask(&object.rle, bounds, object.predicted_iou, object.stability_score) }
}

fn mask(rle: &Rle, bounds: Option<[usize; 4]>, score: f32, stability: f32) -> FoundMask {
    let mask = MaskRuns { size: [rle.height, rle.width], counts: rle.counts().to_vec() };
    FoundMask { mask, score, stability, bounds, area: rle.area(), fit: None }
}

/// Masks as a script has them: the lengths of the runs as a typed array, which is copied as a whole.
pub fn shown(mut masks: Vec<FoundMask>) -> Result<JsValue, JsValue> {
    let list = Array::new();
    for found in &mut masks {
        let counts = std::mem::take(&mut found.mask.counts);
        let object = told(found)?;
        let mask = Reflect::get(&object, &"mask".into())?;
        Reflect::set(&mask, &"counts".into(), &Uint32Array::from(&counts[..]))?;
        list.push(&object);
    }
    Ok(list.into())
}

/// The page's wishes over the reference's defaults.
pub fn over(asked: EverythingOptions) -> Options {
    let base = Options::default();
    Options {
        points_per_side: asked.points_per_side.unwrap_or(base.points_per_side),
        points_per_batch: asked.points_per_batch.unwrap_or(base.points_per_batch),
        pred_iou_thresh: asked.pred_iou_thresh.unwrap_or(base.pred_iou_thresh),
        stability_score_thresh: asked.stability_score_thresh.unwrap_or(base.stability_score_thresh),
        stability_score_offset: asked.stability_score_offset.unwrap_or(base.stability_score_offset),
        mask_threshold: asked.mask_threshold.unwrap_or(base.mask_threshold),
        box_nms_thresh: asked.box_nms_thresh.unwrap_or(base.box_nms_thresh),
        crop_n_layers: asked.crop_n_layers.unwrap_or(base.crop_n_layers),
        crop_nms_thresh: asked.crop_nms_thresh.unwrap_or(base.crop_nms_thresh),
        crop_overlap_ratio: asked.crop_overlap_ratio.unwrap_or(base.crop_overlap_ratio),
        crop_n_points_downscale_factor: asked
            .crop_n_points_downscale_factor
            .unwrap_or(base.crop_n_points_downscale_factor),
        min_mask_region_area: asked.min_mask_region_area.unwrap_or(base.min_mask_region_area),
    }
}
