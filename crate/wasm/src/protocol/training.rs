//! What a training tells.

use serde::Serialize;

/// What happened in a training. Losses are in nats a token, and `null` if they are no numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrainRecord {
    /// It began.
    Run {
        /// Steps so far.
        #[cfg_attr(test, ts(type = "number"))]
        step: u64,
        /// Where it runs, in words.
        device: String,
        /// Weight values.
        #[cfg_attr(test, ts(type = "number"))]
        parameters: u64,
        /// Tokens to learn from.
        #[cfg_attr(test, ts(type = "number"))]
        tokens: u64,
    },
    /// The weights were changed.
    Step {
        /// Steps so far.
        #[cfg_attr(test, ts(type = "number"))]
        step: u64,
        /// The loss before the change.
        loss: Option<f64>,
        /// The learning rate.
        learning_rate: f64,
        /// The norm of all gradients together, before clipping.
        grad_norm: Option<f64>,
        /// Tokens so far.
        #[cfg_attr(test, ts(type = "number"))]
        tokens: u64,
        /// Of this step.
        tokens_per_s: f64,
        /// Of training, in all.
        seconds: f64,
    },
    /// The loss of held-out texts.
    Validation {
        /// Steps so far.
        #[cfg_attr(test, ts(type = "number"))]
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// A text that the model wrote.
    Sample {
        /// Steps so far.
        #[cfg_attr(test, ts(type = "number"))]
        step: u64,
        /// Its beginning.
        prompt: String,
        /// What the model wrote.
        text: String,
    },
    /// The guard left a step out, or went back.
    Guard {
        /// Steps so far.
        #[cfg_attr(test, ts(type = "number"))]
        step: u64,
        /// `skip`, `roll_back` or `stop`.
        action: String,
        /// Why.
        reason: String,
    },
}
