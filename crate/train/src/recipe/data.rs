//! The texts of a recipe, and the tokenizer that is made from them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Files of one kind from one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// What the source is called in reports.
    pub name: String,
    /// Files under the data root, plain or gzip.
    pub files: Vec<PathBuf>,
    /// The files were made for this model and lie beside the output folder, not under the data root.
    #[serde(default)]
    pub beside_output: bool,
    /// How they are read.
    pub layout: Layout,
    /// The licence under which they may be used, for the model's card.
    pub licence: String,
    /// Whom to name, for the model's card.
    #[serde(default)]
    pub credit: String,
    /// How often an epoch takes each document; 0.5 takes half of them, another half each time.
    #[serde(default = "one")]
    pub weight: f64,
    /// Which tokens are learned.
    #[serde(default)]
    pub learn: Learn,
    /// Text files: what parts two documents; without it a file is one.
    #[serde(default)]
    pub separator: Option<String>,
    /// JSON lines: the path to the text or the messages, such as `text` or `data.messages`.
    #[serde(default)]
    pub field: Option<String>,
    /// Dialogues: which of the file's speakers is the user, the assistant, the system.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Pairs: the user's words with `{field}`, or `{0}` for a column counted from 0.
    #[serde(default)]
    pub prompt: Option<String>,
    /// Pairs: the assistant's words, likewise.
    #[serde(default)]
    pub answer: Option<String>,
    /// Pairs: words of which the prompt's `{topic}` is the one that the answer names most often, and at least twice;
    /// answers that name none are left out.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Leaves out documents of fewer characters.
    #[serde(default)]
    pub min_chars: usize,
    /// Takes no more documents than this.
    #[serde(default)]
    pub limit: Option<usize>,
}

fn one() -> f64 {
    1.0
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Plain text.
    Text,
    /// One JSON a line with a text at `field` (`text` by default).
    Jsonl,
    /// One JSON a line with messages at `field` (`messages` by default): objects with `role` and `content`, pairs of
    /// speaker and words, or one text with `Human:` and `Assistant:` paragraphs.
    Dialogue,
    /// Columns parted by tabs, or one JSON a line, made into `prompt` and `answer`.
    Pairs,
    /// One JSON a line with `questions` and `answers` (a list or an object of texts), each with each, or each with the
    /// answer at `field`.
    Questions,
    /// YAML with `conversations:`, a list of lists of sentences, spoken in turns.
    Conversations,
    /// The same, but every sentence after the first is an answer to it.
    Answers,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What the model is told about itself.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// As templates call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Which tokens of a document are learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learn {
    /// Every one.
    #[default]
    All,
    /// Those that the assistant says.
    Assistant,
}

/// How a tokenizer is made: byte-level BPE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerSpec {
    /// Tokens in all: special ones, 256 bytes, merges.
    pub vocab_size: usize,
    /// A merge has to occur as often.
    #[serde(default = "min_frequency")]
    pub min_frequency: u64,
    /// The longest token, in bytes.
    #[serde(default = "max_token_length")]
    pub max_token_length: usize,
    /// The share of the documents that it is made from.
    #[serde(default = "one")]
    pub fraction: f64,
}

fn min_frequency() -> u64 {
    2
}

fn max_token_length() -> usize {
    24
}
