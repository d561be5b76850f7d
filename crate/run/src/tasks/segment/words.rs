//! Objects that words mean: everything in a picture, rated by how well it fits them.

use pictures::Picture;
use pictures::masks::Cutout;

use super::{Object, Watch};
use crate::Error;
use crate::tasks::{Matcher, Normalize};

/// Objects that are compared with words at once.
const BATCH: usize = 8;

/// What lies around an object when it is compared with words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// The picture.
    #[default]
    Kept,
    /// Grey.
    Grey,
}

/// How many objects were described, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// So far.
    pub done: usize,
    /// In all.
    pub total: usize,
}

/// Objects of a picture with a vector of each, computed once for any words.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    objects: Vec<Object>,
    vectors: Vec<Vec<f32>>,
}

impl Described {
    /// Lets the model look at each object; `None` if that was ended.
    ///
    /// # Errors
    /// An object lies outside of the picture, or the device fails.
    pub async fn new(
        matcher: &Matcher,
        picture: &Picture,
        objects: &[Object],
        background: Background,
        watch: &mut Watch<'_, Told>,
    ) -> Result<Option<Self>, Error> {
        let mut vectors = Vec::with_capacity(objects.len());
        let total = objects.len();
        for some in objects.chunks(BATCH) {
            if watch.tell(Told { done: vectors.len(), total }).await.is_break() {
                return Ok(None);
            }
            let cut = some.iter().map(|object| cut(picture, object, background)).collect::<Result<Vec<_>, _>>()?;
            vectors.extend(matcher.viewer().embed(&cut, Normalize::Yes).await?);
        }
        let ended = watch.tell(Told { done: total, total }).await.is_break();
        Ok((!ended).then(|| Self { objects: objects.to_vec(), vectors }))
    }

    /// The objects.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }
}

/// What is looked for, and how sure a match has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    /// The words.
    pub text: String,
    /// The least cosine of an object and the words.
    pub least: f32,
    /// By how much an object may be worse than the best one.
    pub margin: f32,
}

/// The usual thresholds for CLIP, whose cosines lie between 0.15 for what has nothing to do with a text and 0.35.
impl Words {
    /// Looks for words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), least: 0.2, margin: 0.03 }
    }

    /// The objects that the words mean, the best first, with the cosine of each: all that are as good as the best one.
    ///
    /// # Errors
    /// There are no words, they cannot be read, or the device fails.
    pub async fn find(&self, matcher: &Matcher, among: &Described) -> Result<Vec<(f32, Object)>, Error> {
        if self.text.trim().is_empty() {
            return Err(Error::Prompt("has no words".into()));
        }
        let texts = matcher.embed_texts(std::slice::from_ref(&self.text)).await?;
        let cosine = |vector: &[f32]| vector.iter().zip(&texts[0]).map(|(a, b)| a * b).sum::<f32>();
        let cosines: Vec<f32> = among.vectors.iter().map(|vector| cosine(vector)).collect();
        let best = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let fits = |cosine: &f32| *cosine >= self.least && *cosine >= best - self.margin;
        let pairs = cosines.into_iter().zip(&among.objects).filter(|(cosine, _)| fits(cosine));
        let mut found: Vec<(f32, Object)> = pairs.map(|(cosine, object)| (cosine, object.clone())).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(found)
    }
}

/// What is compared with the words.
fn cut(picture: &Picture, object: &Object, background: Background) -> Result<Picture, Error> {
    let bounds = &object.bounds;
    if background == Background::Kept {
        return Ok(picture.crop(bounds.left, bounds.top, bounds.width(), bounds.height())?);
    }
    let cut = Cutout::new(picture, &object.rle.decode())?;
    let (pixels, _) = cut.rgba.as_chunks::<4>();
    let grey = |[r, g, b, alpha]: [u8; 4]| if alpha == 0 { [128; 3] } else { [r, g, b] };
    let rgb = pixels.iter().flat_map(|pixel| grey(*pixel)).collect();
    Ok(Picture::from_rgb(cut.bounds.width(), cut.bounds.height(), rgb)?)
}
