//! What readers are asked and what they say.

use run::tasks::{Answer, Entity, Label, Mask, Token};
use serde::{Deserialize, Serialize};

use super::{LoadedInfo, Trial};

/// What a reader can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ReaderTask {
    /// Vectors of texts.
    Embed,
    /// Words for masks.
    FillMask,
    /// Classes of texts.
    Classify,
    /// Classes of words.
    Entities,
    /// Answers that stand in a text.
    Answer,
}

/// What a loaded reader is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReaderInfo {
    /// What it is and where it runs.
    pub info: LoadedInfo,
    /// What it can do; nothing if its head is for something else.
    pub task: Option<ReaderTask>,
    /// How a mask is written in its texts.
    pub mask: Option<String>,
    /// Tokens of a text at most; what is longer is cut.
    pub longest: usize,
    /// The trial that chose its device, if one was made now.
    pub trial: Option<Trial>,
}

/// What a reader is asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum ReadRequest {
    /// A vector for each text.
    Embed {
        /// The texts.
        texts: Vec<String>,
        /// `mean`, `cls` or `max`; by default what the model's makers chose.
        pooling: Option<String>,
        /// Whether vectors have length 1; by default what the model's makers chose.
        normalize: Option<bool>,
    },
    /// Words for the masks of a text.
    FillMask {
        /// The text.
        text: String,
        /// Words a mask, 5 by default.
        top_k: Option<usize>,
    },
    /// The classes of each text, or of each pair.
    Classify {
        /// The texts.
        texts: Vec<String>,
        /// The second text of each, if they are pairs.
        pairs: Option<Vec<String>>,
    },
    /// The words of a text that have a class.
    Entities {
        /// The text.
        text: String,
    },
    /// Answers to a question.
    Answer {
        /// The question.
        question: String,
        /// The text in which they stand.
        text: String,
        /// Answers, 1 by default.
        top_k: Option<usize>,
        /// Tokens of an answer, 15 by default.
        longest: Option<usize>,
    },
    /// Where the tokens of a text begin and end.
    Tokens {
        /// The text.
        text: String,
    },
}

/// What a reader says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "task", content = "value", rename_all = "snake_case")]
pub enum ReadResult {
    /// A vector for each text.
    Embed(Vec<Vec<f32>>),
    /// The masks of the text in their order.
    FillMask(Vec<Mask>),
    /// For each text its classes, the likeliest first.
    Classify(Vec<Vec<Label>>),
    /// Groups of words.
    Entities(Vec<Entity>),
    /// The likeliest first.
    Answer(Vec<Answer>),
    /// In order.
    Tokens(Vec<Token>),
}
