//! Objects that words mean: everything in a picture, rated by how well it fits them.

use pictures::Picture;
use pictures::masks::Cutout;

use super::Object;
use crate::Error;
use crate::tasks::{Matcher, Normalize};

/// What lies around an object when it is compared with words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// The picture.
    #[default]
    Kept,
    /// Grey.
    Grey,
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
    /// What lies around an object.
    pub background: Background,
}

/// The usual thresholds for CLIP, whose cosines lie between 0.15 for what has nothing to do with a text and 0.35.
impl Words {
    /// Looks for words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), least: 0.2, margin: 0.03, background: Background::Kept }
    }

    /// The objects that the words mean, the best first, with the cosine of each: all that are as good as the best one.
    ///
    /// # Errors
    /// There are no words, they cannot be read, or the device fails.
    pub async fn find(
        &self,
        matcher: &Matcher,
        picture: &Picture,
        objects: &[Object],
    ) -> Result<Vec<(f32, Object)>, Error> {
        if self.text.trim().is_empty() {
            return Err(Error::Prompt("has no words".into()));
        }
        let texts = matcher.embed_texts(std::slice::from_ref(&self.text)).await?;
        let mut rated = Vec::with_capacity(objects.len());
        for some in objects.chunks(8) {
            let cut = some.iter().map(|object| self.cut(picture, object)).collect::<Result<Vec<_>, _>>()?;
            let vectors = matcher.viewer().embed(&cut, Normalize::Yes).await?;
            for (vector, object) in vectors.iter().zip(some) {
                let cosine = vector.iter().zip(&texts[0]).map(|(a, b)| a * b).sum();
                rated.push((cosine, object.clone()));
            }
        }
        let best = rated.iter().map(|(cosine, _)| *cosine).fold(f32::NEG_INFINITY, f32::max);
        rated.retain(|(cosine, _)| *cosine >= self.least && *cosine >= best - self.margin);
        rated.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(rated)
    }

    /// What is compared with the words.
    fn cut(&self, picture: &Picture, object: &Object) -> Result<Picture, Error> {
        let bounds = &object.bounds;
        if self.background == Background::Kept {
            return Ok(picture.crop(bounds.left, bounds.top, bounds.width(), bounds.height())?);
        }
        let cut = Cutout::new(picture, &object.rle.decode())?;
        let (pixels, _) = cut.rgba.as_chunks::<4>();
        let grey = |[r, g, b, alpha]: [u8; 4]| if alpha == 0 { [128; 3] } else { [r, g, b] };
        let rgb = pixels.iter().flat_map(|pixel| grey(*pixel)).collect();
        Ok(Picture::from_rgb(cut.bounds.width(), cut.bounds.height(), rgb)?)
    }
}
