//! Scenes and prompts as the tensors of a training graph.

use std::iter::repeat;

use graph::Tensor;
use models::vision::sam::TRAINED_ROWS;

use super::atlas::Atlas;
use super::prompt::{Asked, PADDING, Prompt};
use super::recipe::Recipe;
use super::scene::Scene;
use crate::dice::Dice;
use crate::trainer::{self, Inputs};
use crate::{Error, Random};

/// What a training graph is given: B pictures with N prompts of up to T rows each.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pixel_values: Tensor,
    input_points: Tensor,
    input_labels: Tensor,
    hidden: Tensor,
    input_masks: Tensor,
    masked: Tensor,
    masks: Tensor,
    loss_weights: Tensor,
}

/// How far masks overlap with the true ones, each prompt's mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overlap {
    /// By one click: of the three masks the best rated one.
    pub point: f64,
    /// By a box: the one mask.
    pub area: f64,
}

/// The mean and the deviation of the colours of pictures, as the library's processor has them.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

impl Inputs for Batch {
    fn inputs(&self) -> Vec<(&'static str, &Tensor)> {
        vec![
            ("pixel_values", &self.pixel_values),
            ("input_points", &self.input_points),
            ("input_labels", &self.input_labels),
            ("hidden", &self.hidden),
            ("input_masks", &self.input_masks),
            ("masked", &self.masked),
            ("masks", &self.masks),
            ("loss_weights", &self.loss_weights),
        ]
    }

    fn scaled(&self, factor: f64) -> Result<Self, Error> {
        Ok(Self { loss_weights: trainer::times(&self.loss_weights, factor)?, ..self.clone() })
    }

    /// Prompts.
    fn learned(&self) -> u64 {
        self.loss_weights.len() as u64
    }
}

/// A scene with what is asked about it.
struct Sample {
    scene: Scene,
    prompts: Vec<Prompt>,
}

impl Batch {
    /// The batch of a step.
    ///
    /// # Errors
    /// The shapes do not fit each other.
    pub fn learned(recipe: &Recipe, atlas: &Atlas, pool: &[usize], step: u64, threads: usize) -> Result<Self, Error> {
        let random = Random::new(recipe.seed).named("scenes").of(step);
        let sample = |i: usize| Sample::learned(recipe, atlas, pool, random.of(i as u64));
        Self::of(recipe, each(recipe.train.batch, threads, &sample))
    }

    /// A batch of held-out things that are all asked about in one way.
    ///
    /// # Errors
    /// The shapes do not fit each other.
    pub fn held_out(recipe: &Recipe, atlas: &Atlas, pool: &[usize], asked: Asked, at: usize) -> Result<Self, Error> {
        let random = Random::new(recipe.seed).named("held-out scenes").of(at as u64);
        let sample = |i: usize| {
            let mut dice = Dice::new(random.of(i as u64));
            let scene = scene(recipe, atlas, pool, &mut dice);
            let prompts = recipe.objects(&scene).map(|object| Prompt::asked(&scene, object, asked, &mut dice));
            Sample { prompts: prompts.collect(), scene }
        };
        Self::of(recipe, (0..recipe.train.batch).map(sample).collect())
    }

    fn of(recipe: &Recipe, samples: Vec<Sample>) -> Result<Self, Error> {
        let (b, n, side, small) = (samples.len(), recipe.scenes.prompts, recipe.side(), recipe.small());
        let pixels = samples.iter().flat_map(|sample| pixels(&sample.scene, side)).collect();
        let prompts = || samples.iter().flat_map(|sample| &sample.prompts);
        let rows =
            || prompts().flat_map(|prompt| prompt.rows.iter().copied().chain(repeat(PADDING)).take(TRAINED_ROWS));
        let hides = |label: i32| if label == PADDING.1 { -1e30 } else { 0.0 };
        let masks: Vec<Vec<f32>> = samples
            .iter()
            .flat_map(|sample| sample.prompts.iter().map(|prompt| mask(&sample.scene, prompt.object, side, small)))
            .collect();
        let mut earlier = Vec::with_capacity(b * n * small * small);
        for (prompt, mask) in prompts().zip(&masks) {
            earlier.extend(match prompt.spoil {
                Some(random) => spoiled(mask, small, &mut Dice::new(random)),
                None => vec![0.0; small * small],
            });
        }
        let masked = prompts().map(|prompt| f32::from(u8::from(prompt.spoil.is_some()))).collect();
        Ok(Self {
            pixel_values: Tensor::f32([b, 3, side, side], pixels)?,
            input_points: Tensor::f32([b, n, TRAINED_ROWS, 2], rows().flat_map(|(place, _)| place).collect())?,
            input_labels: Tensor::i32([b, n, TRAINED_ROWS], rows().map(|(_, label)| label).collect())?,
            hidden: Tensor::f32([b * n, TRAINED_ROWS], rows().map(|(_, label)| hides(label)).collect())?,
            input_masks: Tensor::f32([b, n, small, small], earlier)?,
            masked: Tensor::f32([b * n], masked)?,
            masks: Tensor::f32([1, b * n, small, small], masks.concat())?,
            loss_weights: Tensor::f32([b * n], vec![1.0 / (b * n) as f32; b * n])?,
        })
    }
}

impl Sample {
    fn learned(recipe: &Recipe, atlas: &Atlas, pool: &[usize], random: Random) -> Self {
        let mut dice = Dice::new(random);
        let scene = scene(recipe, atlas, pool, &mut dice);
        let prompts = recipe.objects(&scene).map(|object| Prompt::draw(&scene, object, &mut dice));
        Self { prompts: prompts.collect(), scene }
    }
}

/// A scene with something in it to ask about.
fn scene(recipe: &Recipe, atlas: &Atlas, pool: &[usize], dice: &mut Dice) -> Scene {
    let mut scene = Scene::compose(atlas, pool, &recipe.scenes, recipe.side(), dice);
    for _ in 0..100 {
        if !scene.objects.is_empty() {
            break;
        }
        scene = Scene::compose(atlas, pool, &recipe.scenes, recipe.side(), dice);
    }
    scene
}

/// Makes `n` samples on several threads; the same on any number of them.
fn each(n: usize, threads: usize, sample: &(dyn Fn(usize) -> Sample + Sync)) -> Vec<Sample> {
    let share = n.div_ceil(threads.clamp(1, n.max(1)));
    let parts = (0..n).step_by(share.max(1)).map(|first| first..(first + share).min(n));
    std::thread::scope(|scope| {
        let handles: Vec<_> = parts.map(|part| scope.spawn(|| part.map(sample).collect::<Vec<_>>())).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap_or_default()).collect()
    })
}

/// What the model reads, with zeros at the right and below: [3, side, side].
fn pixels(scene: &Scene, side: usize) -> Vec<f32> {
    let value = |i: usize| {
        let (c, y, x) = (i / (side * side), i / side % side, i % side);
        if x >= scene.width || y >= scene.height {
            return 0.0;
        }
        (f32::from(scene.rgb[3 * (y * scene.width + x) + c]) / 255.0 - MEAN[c]) / DEVIATION[c]
    };
    (0..3 * side * side).map(value).collect()
}

/// The share of each of the model's mask pixels that belongs to an object: [small, small].
fn mask(scene: &Scene, object: u8, side: usize, small: usize) -> Vec<f32> {
    let each = side / small;
    let share = |i: usize| {
        let (left, top) = (i % small * each, i / small * each);
        let own = (0..each * each).filter(|k| {
            let (x, y) = (left + k % each, top + k / each);
            x < scene.width && y < scene.height && scene.has(object, x, y)
        });
        own.count() as f32 / (each * each) as f32
    };
    (0..small * small).map(share).collect()
}

/// The logits of an earlier answer that was not quite right: a part is missing, or there is one too much.
fn spoiled(mask: &[f32], small: usize, dice: &mut Dice) -> Vec<f32> {
    let sure = dice.between(2.0, 8.0);
    let corner = [0; 2].map(|_| dice.below(small));
    let size = [0; 2].map(|_| dice.below(small / 2) + 1);
    let instead = if dice.chance(0.5) { sure } else { -sure };
    let value = |(i, share): (usize, &f32)| {
        let within =
            [i % small, i / small].iter().zip(corner).zip(size).all(|((at, from), n)| (from..from + n).contains(at));
        let logit = if within { instead } else { sure * (2.0 * share - 1.0) };
        logit + dice.normal()
    };
    mask.iter().enumerate().map(value).collect()
}
