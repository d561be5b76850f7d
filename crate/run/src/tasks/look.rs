//! What models say of whole pictures: classes, vectors, and how well texts fit (Radford et al. 2021, arXiv:2103.00020).

use std::rc::Rc;

use graph::Tensor;
use models::Task;
use pictures::{Picture, Processor};

use super::seen::{Looker, Outputs, pixel_values};
use super::{Label, Reader, classify, softmax};
use crate::{Error, Model};

/// Pictures that are run at once.
const BATCH: usize = 8;

/// The sentence around a label where nothing else is asked for; `{}` is the label's place.
pub const TEMPLATE: &str = "a photo of a {}";

/// A loaded model that looks at whole pictures, with what prepares them.
pub struct Viewer {
    pub(super) looker: Looker,
    processor: Processor,
}

impl Viewer {
    /// Around a model.
    ///
    /// # Errors
    /// It does not look at pictures, or what says how to prepare them is damaged.
    pub async fn new(model: impl Into<Rc<Model>>) -> Result<Self, Error> {
        let looker = Looker::new(model.into());
        let processor = looker.processor().await?;
        Ok(Self { looker, processor })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.looker.model
    }

    /// What prepares pictures for it.
    pub fn processor(&self) -> &Processor {
        &self.processor
    }

    /// Whether the model knows classes of its own.
    pub fn has_classes(&self) -> bool {
        self.model().package().model.task() == Task::ImageClassification
    }

    /// Whether the model also reads texts.
    pub fn reads(&self) -> bool {
        self.model().package().model.vision().is_some_and(|vision| vision.text().is_some())
    }

    /// Whether the model has no head, so that it gives vectors.
    pub fn embeds(&self) -> bool {
        self.model().package().model.task() == Task::Base
    }

    /// The model's classes for each picture, the likeliest first.
    ///
    /// # Errors
    /// The model has no classes, or the device fails.
    pub async fn classify(&self, pictures: &[Picture]) -> Result<Vec<Vec<Label>>, Error> {
        if !self.has_classes() {
            return Err(self.looker.cannot("know classes of pictures"));
        }
        let mut classes = Vec::with_capacity(pictures.len());
        for batch in pictures.chunks(BATCH) {
            let out = self.look(batch).await?;
            let logits = out.values("logits")?;
            let config = &self.model().package().config;
            classes.extend(logits.chunks_exact(logits.len() / batch.len()).map(|one| classify::ranked(config, one)));
        }
        Ok(classes)
    }

    /// A vector for each picture, of length 1 if that is asked for: CLIP's in the space that it shares with texts, of
    /// others the pooled one, or the first token's where nothing is pooled.
    ///
    /// # Errors
    /// The model has a head for something else, or the device fails.
    pub async fn embed(&self, pictures: &[Picture], normalize: Normalize) -> Result<Vec<Vec<f32>>, Error> {
        if !self.embeds() {
            return Err(self.looker.cannot("embed pictures: that takes a model without a head"));
        }
        let mut vectors = Vec::with_capacity(pictures.len());
        for batch in pictures.chunks(BATCH) {
            let out = self.look(batch).await?;
            let pooled = ["image_embeds", "pooler_output"].into_iter().find_map(|name| out.get(name));
            let (tensor, each) = match pooled {
                Some(pooled) => (pooled, pooled.shape.last().copied()),
                None => {
                    let states = out.get("last_hidden_state").filter(|states| states.shape.len() == 3);
                    let states = states.ok_or_else(|| self.looker.cannot("embed pictures"))?;
                    (states, states.shape.last().copied())
                }
            };
            let values = tensor.as_f32()?;
            let rows = values.chunks_exact(values.len() / batch.len());
            vectors.extend(rows.map(|row| normalize.of(row[..each.unwrap_or(row.len())].to_vec())));
        }
        Ok(vectors)
    }

    async fn look(&self, pictures: &[Picture]) -> Result<Outputs, Error> {
        let prepared = pictures.iter().map(|one| self.processor.process(one)).collect::<Result<Vec<_>, _>>()?;
        self.looker.forward(vec![pixel_values(&prepared)?]).await
    }
}

/// Whether vectors are brought to length 1, so that their products are cosines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalize {
    /// As the model has them.
    No,
    /// Of length 1.
    Yes,
}

impl Normalize {
    fn of(self, mut vector: Vec<f32>) -> Vec<f32> {
        if self == Self::Yes {
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
            vector.iter_mut().for_each(|value| *value /= length);
        }
        vector
    }
}

/// A model with a tower for pictures and one for texts.
pub struct Matcher {
    viewer: Viewer,
    reader: Reader,
}

impl Matcher {
    /// Around a model.
    ///
    /// # Errors
    /// It has not both towers, or a file of its tokenizer or processor is damaged.
    pub async fn new(model: impl Into<Rc<Model>>) -> Result<Self, Error> {
        let model = model.into();
        let viewer = Viewer::new(model.clone()).await?;
        if !viewer.reads() {
            return Err(viewer.looker.cannot("read texts about pictures"));
        }
        Ok(Self { viewer, reader: Reader::new(model).await? })
    }

    /// What looks at the pictures.
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// A vector of length 1 for each text.
    ///
    /// # Errors
    /// A text cannot be read, or the device fails.
    pub async fn embed_texts(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            let out = self.viewer.looker.forward(self.reader.padded(batch)?).await?;
            let values = out.values("text_embeds")?;
            let rows = values.chunks_exact(values.len() / batch.len());
            vectors.extend(rows.map(|row| Normalize::Yes.of(row.to_vec())));
        }
        Ok(vectors)
    }

    /// How well each label fits a picture, the best first; `template` is the sentence around a label, see [`TEMPLATE`].
    /// The scores are the softmax over the labels.
    ///
    /// # Errors
    /// There are no labels, a text cannot be read, or the device fails.
    pub async fn fit(&self, picture: &Picture, labels: &[String], template: &str) -> Result<Vec<Label>, Error> {
        if labels.is_empty() {
            return Err(Error::Prompt("has no labels".into()));
        }
        let texts: Vec<String> = labels.iter().map(|label| template.replace("{}", label)).collect();
        let mut inputs = self.reader.padded(&texts)?;
        inputs.push(pixel_values(&[self.viewer.processor.process(picture)?])?);
        let out = self.viewer.looker.forward(inputs).await?;
        let scores = softmax(out.values("logits_per_image")?);
        let order = super::largest(&scores, scores.len()).into_iter();
        Ok(order.map(|i| Label { label: labels[i].clone(), score: scores[i] }).collect())
    }
}

impl Reader {
    /// `input_ids` and `attention_mask` of texts, filled up to the longest.
    fn padded(&self, texts: &[String]) -> Result<Vec<(String, Tensor)>, Error> {
        let rows = texts.iter().map(|text| self.spans(text)).collect::<Result<Vec<_>, _>>()?;
        self.inputs(&rows.iter().collect::<Vec<_>>())
    }
}
