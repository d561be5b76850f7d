//! The sections of a recipe that say how long, how fast and how carefully.

use serde::{Deserialize, Serialize};

/// How long, in which portions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Changes of the weights.
    pub steps: u64,
    /// Sequences that are run at once.
    pub batch: usize,
    /// Batches whose gradients are added up before a step.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Tokens of a sequence.
    pub context: usize,
    /// How documents become sequences.
    #[serde(default)]
    pub packing: Packing,
    /// In what numbers products are computed on a GPU.
    #[serde(default)]
    pub precision: Precision,
}

impl Training {
    /// Steps of `batch` things, of each of which `context` are asked for.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn things(steps: u64, batch: usize, context: usize) -> Self {
        let (packing, precision) = (Packing::default(), Precision::default());
        Self { steps, batch, accumulate: 1, context, packing, precision }
    }
}

/// In what numbers products are computed on a GPU; weights, their moments and sums are in 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit factors with loss scaling where the adapter has `shader-f16`, 32-bit ones elsewhere.
    F16,
}

impl From<Precision> for run::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
        }
    }
}

fn one() -> usize {
    1
}

/// How documents become sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// One after another, cut where a sequence is full.
    #[default]
    Stream,
    /// Whole ones together as they fit; only longer ones are cut, and what is left of a sequence stays empty.
    Whole,
}

/// What changes the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Optimizer {
    /// The rule.
    pub rule: Rule,
    /// The learning rate at its highest.
    pub learning_rate: f64,
    /// AdamW: how much of the old mean and of the old mean square stays.
    pub betas: [f64; 2],
    /// AdamW: added to the root of the mean square.
    pub eps: f64,
    /// AdamW: the share of a matrix that vanishes in each step at learning rate 1; vectors do not decay.
    pub weight_decay: f64,
    /// SGD: how much of the last step is repeated.
    pub momentum: f64,
    /// The largest norm of all gradients together; 0 for none.
    pub clip: f64,
    /// How much of the averaged weights stays in each step; without it there are none.
    pub ema: Option<f64>,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self {
            rule: Rule::Adamw,
            learning_rate: 1e-3,
            betas: [0.9, 0.95],
            eps: 1e-8,
            weight_decay: 0.1,
            momentum: 0.9,
            clip: 1.0,
            ema: None,
        }
    }
}

/// The rule by which weights change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Loshchilov and Hutter 2019, arXiv:1711.05101.
    Adamw,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// The learning rate over the steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// How it falls after the warm-up.
    pub decay: Decay,
    /// Steps in which it rises from nothing.
    pub warmup: u64,
    /// The share of it that is left at the end.
    pub floor: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { decay: Decay::Cosine, warmup: 0, floor: 0.1 }
    }
}

/// How a learning rate falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Not at all.
    Constant,
    /// Along a line.
    Linear,
    /// Along half a cosine.
    Cosine,
}

/// What keeps the model from learning by heart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regularization {
    /// The share of activations that is dropped.
    pub dropout: f64,
    /// The share of the target that goes to all other tokens.
    pub label_smoothing: f64,
}

/// When the state is written to disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoints {
    /// Steps between two.
    pub every: u64,
    /// How many are kept.
    pub keep: usize,
    /// Which activations are kept from the forward for the backward pass.
    pub activations: Activations,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { every: 500, keep: 3, activations: Activations::All }
    }
}

/// Which activations are kept from the forward for the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activations {
    /// Every one.
    All,
    /// What enters each block; the rest is computed again.
    Blocks,
    /// What enters each k-th block.
    Every(usize),
}

/// When the loss on held-out texts is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluation {
    /// Steps between two; 0 for never.
    pub every: u64,
    /// Batches that are measured, the same each time.
    pub batches: usize,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { every: 250, batches: 16 }
    }
}

/// When and how texts are sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Steps between two; 0 for never.
    pub every: u64,
    /// The beginnings; for a model that chats, the user's words.
    pub prompts: Vec<String>,
    /// Whether the prompts are put into the chat template.
    pub chat: bool,
    /// The most new tokens.
    pub max_tokens: usize,
    /// 0 takes the likeliest token.
    pub temperature: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { every: 0, prompts: Vec::new(), chat: false, max_tokens: 100, temperature: 0.8 }
    }
}

/// What is done about losses that are no numbers, or jump.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardSpec {
    /// A step is left out if its loss is this many times the recent mean.
    pub spike: f64,
    /// Steps left out in a row after which the last checkpoint is taken up again.
    pub patience: u32,
    /// By what the learning rate is multiplied then.
    pub slower: f64,
    /// How often, before training ends with an error.
    pub rollbacks: u32,
}

impl Default for GuardSpec {
    fn default() -> Self {
        Self { spike: 2.0, patience: 5, slower: 0.5, rollbacks: 3 }
    }
}

/// Low-rank adapters (Hu et al. 2021, arXiv:2106.09685), as PEFT names their settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// The last names of the projections that get one, such as `q_proj`.
    pub targets: Vec<String>,
    /// Rows of the matrix between.
    #[serde(default = "rank")]
    pub rank: usize,
    /// An adapter's result is multiplied by this divided by the rank.
    #[serde(default = "alpha")]
    pub alpha: f64,
    /// The share of what adapters read that is dropped.
    #[serde(default)]
    pub dropout: f64,
}

fn rank() -> usize {
    8
}

fn alpha() -> f64 {
    16.0
}

/// How long one run may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slice {
    /// Seconds after which a checkpoint is written and the run ends; without it, it runs to the last step.
    pub max_seconds: Option<u64>,
}
