//! Where training stands: what a checkpoint has to know beside weights.

use serde::{Deserialize, Serialize};

use crate::feed::Position;
use crate::guard::Guard;

/// Where training stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Steps that are done.
    pub step: u64,
    /// Changes of the weights among them: those that were not left out.
    pub updates: u64,
    /// Tokens that were learned from.
    pub tokens: u64,
    /// How far the texts are read.
    pub position: Position,
    /// What the guard has seen.
    pub guard: Guard,
    /// Bytes of `metrics.jsonl`.
    pub metrics: u64,
    /// Milliseconds of training.
    pub milliseconds: u64,
    /// The recipe's digest.
    pub recipe: String,
    /// The digest of the texts.
    pub corpus: String,
    /// The digest of the tokenizer.
    pub tokenizer: String,
}

impl State {
    /// Before the first step.
    pub fn new(belongs: &Belongs) -> Self {
        Self {
            step: 0,
            updates: 0,
            tokens: 0,
            position: Position::default(),
            guard: Guard::default(),
            metrics: 0,
            milliseconds: 0,
            recipe: belongs.recipe.clone(),
            corpus: belongs.corpus.clone(),
            tokenizer: belongs.tokenizer.clone(),
        }
    }
}

/// What a checkpoint has to belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belongs {
    /// The recipe's digest.
    pub recipe: String,
    /// The digest of the texts.
    pub corpus: String,
    /// The digest of the tokenizer.
    pub tokenizer: String,
}
