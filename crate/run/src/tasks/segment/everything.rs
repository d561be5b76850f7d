//! All objects in a picture: asked at a grid of points, in the picture and in crops of it.
//!
//! Reference: `SamAutomaticMaskGenerator` of <https://github.com/facebookresearch/segment-anything>.

use std::ops::ControlFlow;
use std::rc::Rc;

use graph::Tensor;
use pictures::everything::{CropBox, Grid, nms, on_crop_edge};
use pictures::masks::{Small, Upscaled};
use pictures::{Bounds, Rle};

use super::{Logits, Options, Seen, Segmenter};
use crate::Error;

/// An object that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its mask.
    pub rle: Rle,
    /// The smallest rectangle around it.
    pub bounds: Bounds,
    /// How much the model expects the mask to overlap with a true one.
    pub predicted_iou: f32,
    /// How little the mask changes with the threshold.
    pub stability_score: f32,
    /// The point that it was found at: x and y.
    pub point: [f32; 2],
    /// The part of the picture in which it was found.
    pub crop: CropBox,
}

/// How far the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Parts of the picture that were looked at.
    pub crops: usize,
    /// Parts in all.
    pub all_crops: usize,
    /// Points that were asked, in all parts.
    pub points: usize,
    /// Points in all.
    pub all_points: usize,
    /// Masks that were kept so far.
    pub kept: usize,
}

/// Who is told how far long work is, and may end it.
pub struct Watch<'a, S = Step> {
    /// Called after each part of the work, and where it begins; `Break` ends it without a result.
    pub step: &'a mut dyn FnMut(S) -> ControlFlow<()>,
    /// Awaited after each call, so that a page's worker can hear a stop.
    pub pause: Option<&'a dyn Fn() -> format::LocalFuture<'static, ()>>,
}

impl<S> Watch<'_, S> {
    pub(super) async fn tell(&mut self, step: S) -> ControlFlow<()> {
        (self.step)(step)?;
        if let Some(pause) = self.pause {
            pause().await;
        }
        ControlFlow::Continue(())
    }
}

impl Segmenter {
    /// Finds all objects in the picture that was looked at, the surest first; `None` if it was ended. What it keeps is
    /// run lengths, so its memory does not grow with the picture times the objects.
    ///
    /// # Errors
    /// No picture was looked at, an option makes no sense, or the device fails.
    pub async fn everything(&self, options: &Options, watch: &mut Watch<'_>) -> Result<Option<Vec<Object>>, Error> {
        options.check()?;
        let whole = self.seen()?;
        let size = (whole.picture.height(), whole.picture.width());
        let crops = Grid::new(size, options).crops;
        let all_points = crops.iter().map(|crop| Grid::points(crop, options).len()).sum();
        let mut step = Step { crops: 0, all_crops: crops.len(), points: 0, all_points, kept: 0 };
        let mut found: Vec<Object> = Vec::new();
        for crop in crops {
            let part;
            let seen = if crop.layer == 0 {
                whole
            } else {
                let cut = whole.picture.crop(crop.left, crop.top, crop.width(), crop.height())?;
                part = self.look(Rc::new(cut)).await?;
                &part
            };
            step.crops += 1;
            if watch.tell(step).await.is_break() {
                return Ok(None);
            }
            let mut own = Vec::new();
            for points in Grid::points(&crop, options).chunks(options.points_per_batch) {
                self.ask(seen, &crop, points, options, size, &mut own).await?;
                step.points += points.len();
                step.kept = found.len() + own.len();
                if watch.tell(step).await.is_break() {
                    return Ok(None);
                }
            }
            let scores: Vec<f32> = own.iter().map(|object| object.predicted_iou).collect();
            found.extend(kept(own, &scores, options.box_nms_thresh));
        }
        if step.all_crops > 1 {
            // Smaller parts see more.
            let scores: Vec<f32> = found.iter().map(|object| 1.0 / area(&object.crop)).collect();
            found = kept(found, &scores, options.crop_nms_thresh);
        }
        if options.min_mask_region_area > 0 {
            found = without_small(found, options);
        }
        Ok(Some(found))
    }

    /// Asks at some points of a part, and adds the masks that are good enough.
    async fn ask(
        &self,
        seen: &Seen,
        crop: &CropBox,
        points: &[[f32; 2]],
        options: &Options,
        size: (usize, usize),
        own: &mut Vec<Object>,
    ) -> Result<(), Error> {
        let n = points.len();
        let places = points.iter().flat_map(|[x, y]| [x * seen.scale[0], y * seen.scale[1]]).collect();
        let inputs = vec![
            ("input_points".into(), Tensor::f32([1, n, 1, 2], places)?),
            ("input_labels".into(), Tensor::i32([1, n, 1], vec![1; n])?),
            ("multimask_output".into(), Tensor::i32([1], vec![1])?),
        ];
        let out = self.looker.ask(&seen.embeddings, inputs).await?;
        let (scores, masks) = (out.values("iou_scores")?, Logits::new(&out)?);
        let each = scores.len() / n;
        for (i, score) in scores.iter().enumerate() {
            if options.pred_iou_thresh > 0.0 && *score <= options.pred_iou_thresh {
                continue;
            }
            let (threshold, offset) = (options.mask_threshold, options.stability_score_offset);
            let Upscaled { mask, stability } = seen.frame.upscale(masks.of(i), masks.shape, threshold, offset)?;
            // Of a mask that is empty however it is cut nothing is known.
            let stable = stability > options.stability_score_thresh || options.stability_score_thresh <= 0.0;
            let Some(inner) = mask.bounds().filter(|_| stable) else { continue };
            if on_crop_edge(last_inside(&inner), crop, size) {
                continue;
            }
            let placed = mask.placed(crop.left, crop.top, size.1, size.0)?;
            let [x, y] = points[i / each];
            own.push(Object {
                rle: Rle::encode(&placed),
                bounds: Bounds {
                    left: inner.left + crop.left,
                    top: inner.top + crop.top,
                    right: inner.right + crop.left,
                    bottom: inner.bottom + crop.top,
                },
                predicted_iou: *score,
                stability_score: stability,
                point: [x + crop.left as f32, y + crop.top as f32],
                crop: *crop,
            });
        }
        Ok(())
    }
}

fn area(crop: &CropBox) -> f32 {
    crop.width() as f32 * crop.height() as f32
}

/// Left, top, right and bottom, where the last pixels are inside, as the reference has boxes.
fn last_inside(bounds: &Bounds) -> [usize; 4] {
    [bounds.left, bounds.top, bounds.right - 1, bounds.bottom - 1]
}

/// The objects whose boxes do not overlap too much with one of a higher score, which come first.
fn kept(objects: Vec<Object>, scores: &[f32], threshold: f64) -> Vec<Object> {
    let boxes: Vec<[f32; 4]> =
        objects.iter().map(|object| last_inside(&object.bounds).map(|side| side as f32)).collect();
    let mut objects: Vec<Option<Object>> = objects.into_iter().map(Some).collect();
    nms(&boxes, scores, threshold).into_iter().filter_map(|at| objects[at].take()).collect()
}

/// Fills small holes, takes small islands away, and drops what became the same; masks that needed no change are
/// preferred.
fn without_small(objects: Vec<Object>, options: &Options) -> Vec<Object> {
    let least = options.min_mask_region_area;
    let (mut changed, mut scores) = (Vec::with_capacity(objects.len()), Vec::with_capacity(objects.len()));
    for mut object in objects {
        let mask = object.rle.decode();
        let filled = mask.without_small(Small::Holes, least);
        let single = filled.as_ref().unwrap_or(&mask).without_small(Small::Islands, least);
        let new = single.or(filled);
        scores.push(if new.is_none() { 1.0 } else { 0.0 });
        if let Some((new, bounds)) = new.and_then(|new| new.bounds().map(|bounds| (new, bounds))) {
            object.rle = Rle::encode(&new);
            object.bounds = bounds;
        }
        changed.push(object);
    }
    kept(changed, &scores, options.box_nms_thresh.max(options.crop_nms_thresh))
}
