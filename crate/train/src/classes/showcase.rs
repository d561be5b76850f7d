//! What a trained model says of held-out pictures, through the task as everybody uses it.

use pictures::Picture;
use run::tasks::Viewer;

use super::idx::Pictures;
use crate::Error;

/// An answer beside the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The picture's number in its file.
    pub picture: usize,
    /// The number of its class.
    pub truth: usize,
    /// The number of the class that is likeliest.
    pub answer: usize,
    /// How likely, 0 to 1.
    pub score: f32,
}

/// How a picture is shown: light ink on dark paper, as the files have it, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// White on black.
    Light,
    /// Black on white.
    Dark,
}

/// Asks a model about pictures; its classes are named `classes`.
///
/// # Errors
/// The model fails, or names a class that is none of these.
pub async fn ask(
    viewer: &Viewer,
    pictures: &Pictures,
    (chosen, classes): (&[usize], &[String]),
    ink: Ink,
) -> Result<Vec<Told>, Error> {
    let mut all = Vec::with_capacity(chosen.len());
    for &picture in chosen {
        let shade = |pixel: &u8| [if ink == Ink::Light { *pixel } else { 255 - *pixel }; 3];
        let rgb = pictures.pixels(picture).iter().flat_map(shade).collect();
        let shown = Picture::from_rgb(pictures.side, pictures.side, rgb).map_err(run::Error::from)?;
        let labels = viewer.classify(&[shown]).await?;
        let best = labels.first().and_then(|labels| labels.first());
        let answer = best.and_then(|best| classes.iter().position(|class| *class == best.label));
        let (Some(best), Some(answer)) = (best, answer) else {
            return Err(Error::data("model", 0, "names classes that the recipe does not"));
        };
        all.push(Told { picture, truth: pictures.label(picture), answer, score: best.score });
    }
    Ok(all)
}

/// The share of answers that are right.
pub fn accuracy(all: &[Told]) -> f64 {
    all.iter().filter(|told| told.truth == told.answer).count() as f64 / all.len().max(1) as f64
}

/// How often pictures of each class (rows) are told as each class (columns).
pub fn confusions(all: &[Told], classes: usize) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; classes]; classes];
    for told in all {
        table[told.truth][told.answer] += 1;
    }
    table
}
