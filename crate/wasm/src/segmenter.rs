//! A model that cuts out of pictures what prompts point at.

use std::cell::RefCell;

use pictures::masks::Polygon;
use pictures::{Picture, Rle};
use run::tasks::segment::{Answer, Kind, Object, Options, Point, Prompt, Wanted, Watch};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::loading;
use crate::protocol::{
    ErrorCode, EverythingOptions, FoundMask, LoadedInfo, MaskPrompt, MaskRuns, Outlines, Progress, SegmenterInfo, Trial,
};
use crate::values::{given, told};

/// A loaded segmenter and what it said last.
#[wasm_bindgen]
pub struct Segmenter {
    /// Taken while it is at work.
    inner: RefCell<Option<run::tasks::Segmenter>>,
    /// The small logits of the last answer's masks.
    last: RefCell<Vec<Vec<f32>>>,
}

/// How a segmenter is loaded.
#[derive(Deserialize)]
struct WithThreads {
    threads: usize,
    #[serde(flatten)]
    wanted: loading::Wanted,
}

#[wasm_bindgen]
impl Segmenter {
    /// Loads a model.
    ///
    /// # Errors
    /// As [`run::Model::open`]; it answers no prompts.
    pub async fn open(source: Opened, options: JsValue, caller: Caller) -> Result<Segmenter, JsValue> {
        let options: WithThreads = given(options)?;
        let package = loading::open(source).await?;
        let model = loading::load(package, options.threads, options.wanted, &caller).await?;
        let inner = run::tasks::Segmenter::new(model).await.map_err(Failure::from)?;
        Ok(Segmenter { inner: RefCell::new(Some(inner)), last: RefCell::default() })
    }

    /// What it is.
    ///
    /// # Errors
    /// It is at work, or a file is damaged.
    pub async fn about(&self) -> Result<JsValue, JsValue> {
        let inner = self.take()?;
        let model = inner.model();
        let about = model.info().await.map(|info| SegmenterInfo {
            info: LoadedInfo::new(info, model),
            trial: model.trial().cloned().map(Trial::from),
        });
        self.inner.replace(Some(inner));
        told(&about.map_err(Failure::from)?)
    }

    /// Looks at a picture of bytes red, green, blue, alpha.
    ///
    /// # Errors
    /// There are not as many bytes as pixels, or the device fails.
    pub async fn look(&self, rgba: Vec<u8>, width: usize, height: usize) -> Result<(), JsValue> {
        let picture = Picture::from_rgba(width, height, &rgba).map_err(argument)?;
        drop(rgba);
        let mut inner = self.take()?;
        self.last.take();
        let done = inner.set_image(picture).await;
        self.inner.replace(Some(inner));
        Ok(done.map_err(Failure::from)?)
    }

    /// The masks of what a prompt means.
    ///
    /// # Errors
    /// No picture was looked at, the prompt says nothing or points outside, or the device fails.
    pub async fn predict(&self, prompt: JsValue) -> Result<JsValue, JsValue> {
        let prompt = self.prompt(given(prompt)?)?;
        let inner = self.take()?;
        let answers = inner.predict(&prompt).await;
        self.inner.replace(Some(inner));
        let answers = answers.map_err(Failure::from)?;
        let found: Vec<FoundMask> = answers.iter().map(answered).collect();
        self.last.replace(answers.into_iter().map(|answer| answer.logits).collect());
        told(&found)
    }

    /// All objects; `null` if the call was ended.
    ///
    /// # Errors
    /// No picture was looked at, an option makes no sense, or the device fails.
    pub async fn everything(&self, options: JsValue, caller: Caller) -> Result<JsValue, JsValue> {
        let options = over(given(options)?);
        let mut step = |step: run::tasks::segment::Step| {
            caller.tell(Progress::Search { done: step.points, total: step.all_points, found: step.kept })
        };
        let rest = || caller.rest();
        let mut watch = Watch { step: &mut step, pause: Some(&rest) };
        let inner = self.take()?;
        let objects = inner.everything(&options, &mut watch).await;
        self.inner.replace(Some(inner));
        let objects = objects.map_err(Failure::from)?;
        told(&objects.map(|objects| objects.iter().map(found).collect::<Vec<_>>()))
    }

    /// A mask's outlines, with corners nearer than `tolerance` pixels left out.
    ///
    /// # Errors
    /// The run lengths are no mask.
    pub fn outlines(mask: JsValue, tolerance: f64) -> Result<JsValue, JsValue> {
        let mask: MaskRuns = given(mask)?;
        let rle = Rle::new(mask.size[0], mask.size[1], mask.counts).map_err(argument)?;
        let corners = |ring: &[[u32; 2]]| pictures::masks::simplified(ring, tolerance);
        let rings = |Polygon { outer, holes }: Polygon| -> Vec<_> {
            std::iter::once(&outer).chain(&holes).map(|ring| corners(ring)).collect()
        };
        let polygons = rle.decode().polygons().into_iter().map(rings).collect();
        told(&Outlines { polygons, rle: rle.text() })
    }
}

impl Segmenter {
    fn take(&self) -> Result<run::tasks::Segmenter, Failure> {
        let busy = || Failure::new(ErrorCode::Busy, "the model is at work on another call");
        self.inner.borrow_mut().take().ok_or_else(busy)
    }

    fn prompt(&self, asked: MaskPrompt) -> Result<Prompt, Failure> {
        let point = |point: crate::protocol::PromptPoint| {
            let kind = if point.inside { Kind::Inside } else { Kind::Outside };
            Point { x: point.x, y: point.y, kind }
        };
        let mask = match asked.previous {
            Some(i) => {
                let missing = || Failure::new(ErrorCode::Argument, format!("the last answer has no mask {i}"));
                Some(self.last.borrow().get(i).cloned().ok_or_else(missing)?)
            }
            None => None,
        };
        let wanted = match asked.multimask {
            None => Wanted::Fitting,
            Some(false) => Wanted::One,
            Some(true) => Wanted::Three,
        };
        Ok(Prompt { points: asked.points.into_iter().map(point).collect(), area: asked.area, mask, wanted })
    }
}

fn argument(error: pictures::Error) -> Failure {
    Failure::new(ErrorCode::Argument, error.to_string())
}

fn answered(answer: &Answer) -> FoundMask {
    let bounds = answer.mask.bounds().map(|b| [b.left, b.top, b.right, b.bottom]);
    mask(&Rle::encode(&answer.mask), bounds, answer.score, answer.stability)
}

fn found(object: &Object) -> FoundMask {
    let b = &object.bounds;
    mask(&object.rle, Some([b.left, b.top, b.right, b.bottom]), object.predicted_iou, object.stability_score)
}

fn mask(rle: &Rle, bounds: Option<[usize; 4]>, score: f32, stability: f32) -> FoundMask {
    let mask = MaskRuns { size: [rle.height, rle.width], counts: rle.counts().to_vec() };
    FoundMask { mask, score, stability, bounds, area: rle.area() }
}

/// The page's wishes over the reference's defaults.
fn over(asked: EverythingOptions) -> Options {
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
