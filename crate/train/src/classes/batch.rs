//! Pictures and labels as the tensors of a training graph.

use graph::Tensor;

use super::augment::{Augment, Colours};
use super::idx::Pictures;
use crate::trainer::{self, Inputs};
use crate::{Error, Random};

/// A target that is not asked for.
const IGNORED: i32 = -1;

/// What a training graph is given: B pictures of S×S pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// [B, 3, S, S] f32, −1 for black to 1 for white.
    pixel_values: Tensor,
    /// [B] i32: each picture's class, or −1.
    pub(super) targets: Tensor,
    /// [B] f32: what each picture's loss counts, 1 together.
    loss_weights: Tensor,
    /// Pictures whose loss counts.
    pub(super) learned: usize,
}

impl Inputs for Batch {
    fn inputs(&self) -> Vec<(&'static str, &Tensor)> {
        vec![("pixel_values", &self.pixel_values), ("targets", &self.targets), ("loss_weights", &self.loss_weights)]
    }

    fn scaled(&self, factor: f64) -> Result<Self, Error> {
        Ok(Self { loss_weights: trainer::times(&self.loss_weights, factor)?, ..self.clone() })
    }

    fn learned(&self) -> u64 {
        self.learned as u64
    }
}

impl Batch {
    /// Some pictures of an epoch, each changed in its own way.
    ///
    /// # Errors
    /// The shapes do not fit each other.
    pub fn learned(pictures: &Pictures, chosen: &[(u64, usize)], augment: &Augment, seed: u64) -> Result<Self, Error> {
        let random = Random::new(seed).named("augment");
        let draw = |(epoch, at): &(u64, usize)| {
            let random = random.of(*epoch).of(*at as u64);
            augment.draw(pictures.pixels(*at), pictures.side, random)
        };
        let labels = chosen.iter().map(|(_, at)| pictures.label(*at) as i32).collect();
        Self::of(chosen.iter().map(draw), labels, (chosen.len(), pictures.side))
    }

    /// Some pictures as they are, filled up with empty ones to `len`.
    ///
    /// # Errors
    /// The shapes do not fit each other.
    pub fn plain(pictures: &Pictures, chosen: &[usize], len: usize) -> Result<Self, Error> {
        let share = |at: &usize| pictures.pixels(*at).iter().map(|pixel| f32::from(*pixel) / 255.0).collect();
        let labels = chosen.iter().map(|at| pictures.label(*at) as i32).collect();
        Self::of(chosen.iter().map(|at| (share(at), Colours::PLAIN)), labels, (len, pictures.side))
    }

    fn of(
        drawn: impl Iterator<Item = (Vec<f32>, Colours)>,
        mut labels: Vec<i32>,
        (len, side): (usize, usize),
    ) -> Result<Self, Error> {
        let mut pixels = Vec::with_capacity(len * 3 * side * side);
        for (ink, Colours { paper, ink: full }) in drawn {
            for (paper, full) in paper.into_iter().zip(full) {
                pixels.extend(ink.iter().map(|share| 2.0 * (paper + (full - paper) * share) - 1.0));
            }
        }
        let learned = labels.len();
        let weights = (0..len).map(|i| if i < learned { 1.0 / learned as f32 } else { 0.0 }).collect();
        pixels.resize(len * 3 * side * side, 0.0);
        labels.resize(len, IGNORED);
        Ok(Self {
            pixel_values: Tensor::f32([len, 3, side, side], pixels)?,
            targets: Tensor::i32([len], labels)?,
            loss_weights: Tensor::f32([len], weights)?,
            learned,
        })
    }
}
