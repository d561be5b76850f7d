//! A model that cuts out of pictures what prompts point at.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use pictures::Rle;
use pictures::masks::Polygon;
use run::tasks::segment::{Background, Described, Kind, Object, Point, Prompt, Told, Wanted, Watch, Words};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::masks::{answered, found, over, shown};
use crate::matcher::Matcher;
use crate::protocol::{
    ErrorCode, EverythingOptions, FoundMask, MaskPrompt, MaskRuns, Outlines, Progress, SeerInfo, WordsWanted,
};
use crate::task::{self, argument, picture};
use crate::values::{given, told};

/// A loaded segmenter and what it said last.
#[wasm_bindgen]
pub struct Segmenter {
    /// Taken while it is at work.
    inner: RefCell<Option<run::tasks::Segmenter>>,
    /// The small logits of the last answer's masks.
    last: RefCell<Vec<Vec<f32>>>,
    /// All objects of the picture, and how they were looked for.
    searched: RefCell<Option<(EverythingOptions, Vec<Object>)>>,
    /// The same for words, and by whom.
    described: RefCell<Option<(Weak<run::tasks::Matcher>, Described)>>,
}

#[wasm_bindgen]
impl Segmenter {
    /// Loads a model.
    ///
    /// # Errors
    /// As [`run::Model::open`]; it answers no prompts.
    pub async fn open(source: Opened, options: JsValue, caller: Caller) -> Result<Segmenter, JsValue> {
        let inner = task::open(source, options, &caller, run::tasks::Segmenter::new).await?;
        let (last, searched, described) = Default::default();
        Ok(Segmenter { inner: RefCell::new(Some(inner)), last, searched, described })
    }

    /// What it is.
    ///
    /// # Errors
    /// It is at work, or a file is damaged.
    pub async fn about(&self) -> Result<JsValue, JsValue> {
        let inner = self.take()?;
        let about = task::about(inner.model()).await;
        self.inner.replace(Some(inner));
        let (info, trial) = about?;
        told(&SeerInfo { info, trial })
    }

    /// Looks at a picture of bytes red, green, blue, alpha.
    ///
    /// # Errors
    /// There are not as many bytes as pixels, or the device fails.
    pub async fn look(&self, rgba: Vec<u8>, width: usize, height: usize) -> Result<(), JsValue> {
        let picture = picture(&rgba, width, height)?;
        drop(rgba);
        let mut inner = self.take()?;
        self.last.take();
        self.searched.take();
        self.described.take();
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
        shown(found)
    }

    /// All objects; `null` if the call was ended.
    ///
    /// # Errors
    /// No picture was looked at, an option makes no sense, or the device fails.
    pub async fn everything(&self, options: JsValue, caller: Caller) -> Result<JsValue, JsValue> {
        let ended = !self.search(given(options)?, &caller).await?;
        let searched = self.searched.borrow();
        let objects = searched.as_ref().filter(|_| !ended).map(|searched| &searched.1);
        match objects {
            Some(objects) => shown(objects.iter().map(|object| found(object, None)).collect()),
            None => Ok(JsValue::NULL),
        }
    }

    /// The objects that words mean, the best first; `null` if the call was ended. Objects that were looked for with these
    /// options, and described by this matcher, are not looked for again.
    ///
    /// # Errors
    /// As [`Segmenter::everything`]; there are no words.
    pub async fn find(&self, asked: JsValue, matcher: &Matcher, caller: Caller) -> Result<JsValue, JsValue> {
        let asked: WordsWanted = given(asked)?;
        let usual = Words::new(asked.text);
        let (least, margin) = (asked.least.unwrap_or(usual.least), asked.margin.unwrap_or(usual.margin));
        let words = Words { least, margin, ..usual };
        let matcher = matcher.inner();
        if !self.search(asked.everything, &caller).await? || !self.describe(&matcher, &caller).await? {
            return Ok(JsValue::NULL);
        }
        // Taken, so that nothing is borrowed while the device works.
        let Some((by, described)) = self.described.take() else { return Ok(JsValue::NULL) };
        let fitting = words.find(&matcher, &described).await;
        self.described.replace(Some((by, described)));
        let fitting = fitting.map_err(Failure::from)?;
        shown(fitting.iter().map(|(cosine, object)| found(object, Some(*cosine))).collect())
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

    /// Looks for all objects, if that was not done with these options; whether it came to an end.
    async fn search(&self, options: EverythingOptions, caller: &Caller) -> Result<bool, Failure> {
        if self.searched.borrow().as_ref().is_some_and(|(done, _)| *done == options) {
            return Ok(true);
        }
        let mut step = |step: run::tasks::segment::Step| {
            caller.tell(Progress::Search { done: step.points, total: step.all_points, found: step.kept })
        };
        let rest = || caller.rest();
        let mut watch = Watch { step: &mut step, pause: Some(&rest) };
        let inner = self.take()?;
        let objects = inner.everything(&over(options.clone()), &mut watch).await;
        self.inner.replace(Some(inner));
        let Some(objects) = objects? else { return Ok(false) };
        self.described.take();
        self.searched.replace(Some((options, objects)));
        Ok(true)
    }

    /// Lets a matcher look at all objects, if it has not; whether it came to an end.
    async fn describe(&self, matcher: &Rc<run::tasks::Matcher>, caller: &Caller) -> Result<bool, Failure> {
        let own = |(by, _): &(Weak<_>, _)| std::ptr::eq(by.as_ptr(), Rc::as_ptr(matcher));
        if self.described.borrow().as_ref().is_some_and(own) {
            return Ok(true);
        }
        let objects = self.searched.borrow().as_ref().map(|(_, objects)| objects.clone()).unwrap_or_default();
        let mut step = |told: Told| caller.tell(Progress::Describe { done: told.done, total: told.total });
        let rest = || caller.rest();
        let watch = &mut Watch { step: &mut step, pause: Some(&rest) };
        let inner = self.take()?;
        let described = match inner.picture() {
            Some(picture) => Described::new(matcher, picture, &objects, Background::default(), watch).await,
            None => Ok(None),
        };
        self.inner.replace(Some(inner));
        let Some(described) = described? else { return Ok(false) };
        self.described.replace(Some((Rc::downgrade(matcher), described)));
        Ok(true)
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
