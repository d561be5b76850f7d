//! Cutting out what prompts point at (Kirillov et al. 2023, arXiv:2304.02643).
//!
//! The large encoder looks at a picture once; what it saw stays, and the small decoder answers each prompt from it.

mod everything;
mod prompt;
mod words;

use std::rc::Rc;

use models::{Call, Look, Reads, Task};
use pictures::masks::{Frame, Upscaled};
use pictures::{Mask, Picture, Processor};

use super::seen::{Looker, Outputs, pixel_values};
use crate::held::Held;
use crate::{Error, Model};

pub use everything::{Object, Step, Watch};
pub use pictures::everything::Options;
pub use prompt::{Kind, Point, Prompt, Wanted};
pub use words::{Background, Described, Told, Words};

/// Logits above it are inside.
const THRESHOLD: f32 = 0.0;

/// How far the threshold is moved to see whether a mask is stable.
const OFFSET: f32 = 1.0;

/// A loaded model that answers prompts about a picture with masks.
pub struct Segmenter {
    looker: Looker,
    processor: Processor,
    seen: Option<Seen>,
}

/// What the encoder saw in a picture.
pub(super) struct Seen {
    picture: Rc<Picture>,
    /// The encoder's results by their names, which the decoder reads by the same names, and what it made of them.
    embeddings: Held,
    frame: Frame,
    /// By how much coordinates grow from the picture to what the model reads: x and y.
    scale: [f32; 2],
}

/// An answer to a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The mask, as large as the picture.
    pub mask: Mask,
    /// How much the model expects it to overlap with a true mask.
    pub score: f32,
    /// How little the mask changes with the threshold.
    pub stability: f32,
    /// The small logits, which a further prompt about the same object may give: [h, w].
    pub logits: Vec<f32>,
    /// h and w.
    pub logits_shape: (usize, usize),
}

impl Segmenter {
    /// Around a model.
    ///
    /// # Errors
    /// It does not answer prompts, or what says how to prepare pictures is damaged.
    pub async fn new(model: impl Into<Rc<Model>>) -> Result<Self, Error> {
        let looker = Looker::new(model.into());
        if looker.model.package().model.task() != Task::Segmentation {
            return Err(looker.cannot("cut out what prompts point at"));
        }
        let processor = looker.processor().await?;
        Ok(Self { looker, processor, seen: None })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.looker.model
    }

    /// The picture that was looked at last.
    pub fn picture(&self) -> Option<&Picture> {
        self.seen.as_ref().map(|seen| &*seen.picture)
    }

    /// Looks at a picture; prompts are about it from now on. After an error they are about none.
    ///
    /// # Errors
    /// The picture cannot be prepared, or the device fails.
    pub async fn set_image(&mut self, picture: impl Into<Rc<Picture>>) -> Result<(), Error> {
        self.seen = None;
        self.seen = Some(self.look(picture.into()).await?);
        Ok(())
    }

    /// Answers a prompt: one mask, or three where it may mean a thing, a part of it, or a part of that.
    ///
    /// # Errors
    /// No picture was looked at, the prompt says nothing or points outside of the picture, or the device fails.
    pub async fn predict(&self, prompt: &Prompt) -> Result<Vec<Answer>, Error> {
        let seen = self.seen()?;
        let out = self.looker.ask(&seen.embeddings, prompt.inputs(seen, self.mask_shape())?).await?;
        let (scores, masks) = (out.values("iou_scores")?, Logits::new(&out)?);
        let answer = |i: usize| {
            let logits = masks.of(i);
            let Upscaled { mask, stability } = seen.frame.upscale(logits, masks.shape, THRESHOLD, OFFSET)?;
            Ok(Answer { mask, score: scores[i], stability, logits: logits.to_vec(), logits_shape: masks.shape })
        };
        (0..scores.len()).map(answer).collect()
    }

    fn seen(&self) -> Result<&Seen, Error> {
        self.seen.as_ref().ok_or_else(|| Error::Prompt("is about no picture: none was looked at".into()))
    }

    /// Height and width of the masks that a prompt may have.
    fn mask_shape(&self) -> Option<[usize; 2]> {
        let vision = self.model().package().model.vision()?;
        vision.prompts().map(|prompts| prompts.grid.map(|n| 4 * n))
    }

    async fn look(&self, picture: Rc<Picture>) -> Result<Seen, Error> {
        let prepared = self.processor.process(&picture)?;
        let (original, resized, shape) = (prepared.original, prepared.resized, prepared.shape);
        // SAM 2 brings pictures to a square, and its masks straight back.
        let padded = (self.model().package().model.family() != "sam2").then_some((shape, resized));
        let look = Look { size: Some([shape.0, shape.1]), reads: Reads::Pictures, pictures: 1, ..Look::default() };
        let out = self.looker.run(Call::look(look), &[pixel_values(&[prepared])?]).await?;
        Ok(Seen {
            picture,
            embeddings: Held::new(out.into_all()),
            frame: Frame { padded, original },
            scale: [resized.1 as f32 / original.1 as f32, resized.0 as f32 / original.0 as f32],
        })
    }
}

/// The small masks among a decoder's results.
struct Logits<'a> {
    values: &'a [f32],
    /// Height and width of each.
    shape: (usize, usize),
}

impl<'a> Logits<'a> {
    fn new(out: &'a Outputs) -> Result<Self, Error> {
        let values = out.values("pred_masks")?;
        let shape = out.get("pred_masks").map_or(&[][..], |masks| &masks.shape);
        match shape {
            [.., h, w] if h * w > 0 => Ok(Self { values, shape: (*h, *w) }),
            _ => Err(Error::Value { tensor: "pred_masks".into(), reason: format!("has shape {shape:?}") }),
        }
    }

    fn of(&self, i: usize) -> &'a [f32] {
        let each = self.shape.0 * self.shape.1;
        &self.values[i * each..(i + 1) * each]
    }
}
