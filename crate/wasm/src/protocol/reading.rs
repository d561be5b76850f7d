//! What readers are asked and what they say.

use run::tasks::{Answer, Entity, Generated, Label, Mask, Token};
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
    /// Texts in another language.
    Translate,
    /// Shorter texts.
    Summarize,
}

/// How a text is written from another one. What is left out is as the model's files say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(default)]
pub struct Writing {
    /// What is put before each text.
    pub prefix: Option<String>,
    /// Texts that are followed at once; 1 takes the likeliest token each time.
    pub num_beams: Option<usize>,
    /// A finished text's score is its log-probability divided by its length to this power.
    pub length_penalty: Option<f64>,
    /// No run of this many tokens comes twice.
    pub no_repeat_ngram_size: Option<usize>,
    /// The most new tokens.
    pub max_tokens: Option<usize>,
}

/// What a loaded reader is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReaderInfo {
    /// What it is and where it runs.
    pub info: LoadedInfo,
    /// What it can do, its own first; nothing if its head is for something else.
    pub tasks: Vec<ReaderTask>,
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
    /// Texts in another language.
    Translate {
        /// The texts.
        texts: Vec<String>,
        /// Their language, as the model writes it: `en`, `en_XX`.
        source: Option<String>,
        /// The language that is wanted.
        target: Option<String>,
        /// How it is written.
        writing: Option<Writing>,
    },
    /// Shorter texts.
    Summarize {
        /// The texts.
        texts: Vec<String>,
        /// How they are written.
        writing: Option<Writing>,
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
    /// For each text another one.
    Translate(Vec<Generated>),
    /// For each text another one.
    Summarize(Vec<Generated>),
    /// In order.
    Tokens(Vec<Token>),
}
