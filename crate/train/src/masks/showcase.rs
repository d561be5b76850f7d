//! What a trained model is asked in the end: held-out things in scenes, through the task as everybody uses it.

use pictures::{Mask, Picture};

use run::tasks::segment::{Prompt, Segmenter, Wanted};

use super::atlas::Atlas;
use super::prompt::{Asked, Prompt as Drawn};
use super::recipe::Recipe;
use super::scene::Scene;
use crate::dice::Dice;
use crate::{Error, Random};

/// An answer beside the truth.
pub struct Answered {
    /// The scene.
    pub scene: Scene,
    /// The object that was meant.
    pub object: u8,
    /// How.
    pub asked: Asked,
    /// Where: a click twice, or the corners of a box.
    pub places: [[f32; 2]; 2],
    /// The answer.
    pub mask: Mask,
    /// How far it overlaps with the object.
    pub iou: f64,
}

/// Means over answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Means {
    /// How many there are of each kind.
    pub count: usize,
    /// Of a click: the best rated of three masks.
    pub point: f64,
    /// Of a box.
    pub area: f64,
}

/// Asks a model about the held-out things of `scenes` scenes, each `side` pixels at its longest: every object once by a
/// click and once by a box.
///
/// # Errors
/// The model fails.
pub async fn ask(
    segmenter: &mut Segmenter,
    recipe: &Recipe,
    atlas: &Atlas,
    (scenes, side): (usize, usize),
) -> Result<Vec<Answered>, Error> {
    let pool = atlas.pool(recipe.seed, recipe.validation, super::Pool::HeldOut);
    let random = Random::new(recipe.seed).named("showcase");
    let mut answers = Vec::new();
    for at in 0..scenes {
        let mut dice = Dice::new(random.of(at as u64));
        let scene = Scene::compose(atlas, &pool, &recipe.scenes, side, &mut dice);
        let picture = Picture::from_rgb(scene.width, scene.height, scene.rgb.clone()).map_err(run::Error::from)?;
        segmenter.set_image(picture).await?;
        for object in scene.objects.clone() {
            for asked in [Asked::Point, Asked::Area] {
                let rows = Drawn::asked(&scene, object, asked, &mut dice).rows;
                answers.push(answer(segmenter, &scene, object, asked, [rows[0].0, rows[1].0]).await?);
            }
        }
    }
    Ok(answers)
}

async fn answer(
    segmenter: &Segmenter,
    scene: &Scene,
    object: u8,
    asked: Asked,
    [first, last]: [[f32; 2]; 2],
) -> Result<Answered, Error> {
    let (prompt, last) = match asked {
        Asked::Point => (Prompt { wanted: Wanted::Three, ..Prompt::at(first[0], first[1]) }, first),
        Asked::Area => (Prompt::around([first[0], first[1], last[0], last[1]]), last),
    };
    let answers = segmenter.predict(&prompt).await?;
    let best = answers.into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
    let Some(best) = best else { return Err(Error::data("model", 0, "yields no mask")) };
    let truth = Mask::new(scene.width, scene.height, scene.mask(object)).map_err(run::Error::from)?;
    let iou = best.mask.iou(&truth);
    Ok(Answered { scene: scene.clone(), object, asked, places: [first, last], mask: best.mask, iou })
}

/// The means of answers.
pub fn means(answers: &[Answered]) -> Means {
    let of = |asked| {
        let all: Vec<f64> = answers.iter().filter(|answer| answer.asked == asked).map(|answer| answer.iou).collect();
        (all.len(), all.iter().sum::<f64>() / all.len().max(1) as f64)
    };
    let ((count, point), (_, area)) = (of(Asked::Point), of(Asked::Area));
    Means { count, point, area }
}

/// Pixels between pictures of a sheet.
const GAP: usize = 6;

/// One picture of answers side by side, `columns` in a row: each scene with its prompt in red, and beside it what was
/// cut out on grey. RGBA, with its width and height.
pub fn sheet(answers: &[Answered], columns: usize, side: usize) -> (usize, usize, Vec<u8>) {
    let (cell, rows) = ([2 * side + 3 * GAP, side + 2 * GAP], answers.len().div_ceil(columns.max(1)));
    let (width, height) = (cell[0] * columns, cell[1] * rows);
    let mut rgba = [255, 255, 255, 255].repeat(width * height);
    for (i, answer) in answers.iter().enumerate() {
        let (left, top) = (i % columns * cell[0] + GAP, i / columns * cell[1] + GAP);
        let scene = &answer.scene;
        for (x, y) in (0..scene.height).flat_map(|y| (0..scene.width).map(move |x| (x, y))) {
            let at = y * scene.width + x;
            let colour = [0, 1, 2].map(|c| scene.rgb[3 * at + c]);
            let kept = if answer.mask.inside()[at] { colour } else { [96; 3] };
            let shown = if marked(answer, x, y) { [255, 0, 0] } else { colour };
            for (offset, colour) in [(0, shown), (side + GAP, kept)] {
                let pixel = 4 * ((top + y) * width + left + offset + x);
                rgba[pixel..pixel + 3].copy_from_slice(&colour);
            }
        }
    }
    (width, height, rgba)
}

/// Whether a pixel is a part of the drawn prompt: a dot, or a frame.
fn marked(answer: &Answered, x: usize, y: usize) -> bool {
    let (x, y, [first, last]) = (x as f32, y as f32, answer.places);
    if answer.asked == Asked::Point {
        return (x - first[0]).powi(2) + (y - first[1]).powi(2) <= 16.0;
    }
    let within = |margin: f32| {
        x >= first[0] - margin && x <= last[0] + margin && y >= first[1] - margin && y <= last[1] + margin
    };
    within(1.0) && !within(-1.0)
}
