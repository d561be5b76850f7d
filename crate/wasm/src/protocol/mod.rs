//! The messages between a page and the engine in its worker.
//!
//! The TypeScript types in `web/src/engine/protocol.generated.ts` are made from these; a test here fails when they
//! differ.

mod figures;
mod ladder;
mod reading;
mod seeing;
mod training;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use figures::{BenchOptions, Figures, PassFigures, RunCost};
pub use ladder::{Flavour, Step, StepName, StepReason, Surroundings};
pub use reading::{ReadRequest, ReadResult, ReaderInfo, ReaderTask, Writing};
pub use seeing::{
    AttentionInfo, AttentionWanted, EverythingOptions, FoundMask, MaskPrompt, MaskRuns, Outlines, PromptPoint,
    SeerInfo, ViewerInfo, WordsWanted,
};
pub use training::TrainRecord;

/// Where a model shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The faster one by a short trial.
    Auto,
    /// The GPU, or an error.
    Webgpu,
    /// WebAssembly, or an error.
    Wasm,
}

/// The kinds of error. A kind never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The caller ended the call.
    Aborted,
    /// An option or an input makes no sense.
    Argument,
    /// The model is at work on another call.
    Busy,
    /// The engine stopped at a fault of its own and has been started anew; models must be loaded again.
    Crashed,
    /// A file is not what it should be.
    Damaged,
    /// The device is gone; models must be loaded again.
    DeviceLost,
    /// The loss of a training has left every bound.
    Diverged,
    /// The model or the engine has been disposed of.
    Disposed,
    /// A fault of the engine's own.
    Internal,
    /// It does not fit into memory.
    Memory,
    /// A server or the connection failed.
    Network,
    /// The wanted device is not there.
    NoDevice,
    /// A file is missing.
    NotFound,
    /// The prompt is empty, or does not fit the session.
    Prompt,
    /// The messages do not fit the model's chat template.
    Template,
    /// The model's family or format is not known.
    Unsupported,
}

/// Who says something in a chat, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Message {
    /// `system`, `user` or `assistant`, or what the model's template knows.
    pub role: String,
    /// The text.
    pub content: String,
}

/// How tokens are drawn and when the answer ends. What is left out is the model's own default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(default)]
pub struct Sampling {
    /// 0 takes the likeliest token.
    pub temperature: Option<f32>,
    /// Only the likeliest k tokens.
    pub top_k: Option<u32>,
    /// Only the likeliest tokens that together have this probability.
    pub top_p: Option<f32>,
    /// Only tokens with this share of the likeliest one's probability.
    pub min_p: Option<f32>,
    /// The most new tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Option<Vec<String>>,
    /// For the same answer again.
    pub seed: Option<u32>,
    /// Less likely for each time a token was written.
    pub frequency_penalty: Option<f32>,
    /// Less likely once a token was written.
    pub presence_penalty: Option<f32>,
    /// Less likely by this factor once a token was written.
    pub repetition_penalty: Option<f32>,
    /// Added to the logits of tokens by id.
    #[cfg_attr(test, ts(optional, type = "Record<string, number>"))]
    pub logit_bias: Option<BTreeMap<String, f32>>,
}

/// What a call is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Progress {
    /// The engine itself is fetched and compiled.
    Start {
        /// Which module.
        flavour: Flavour,
    },
    /// Bytes of the model come from the network or the disk.
    Download {
        /// Bytes so far.
        #[cfg_attr(test, ts(type = "number"))]
        done: u64,
    },
    /// Weights go to the device.
    Load {
        /// Bytes so far.
        #[cfg_attr(test, ts(type = "number"))]
        done: u64,
        /// Bytes in all.
        #[cfg_attr(test, ts(type = "number"))]
        total: u64,
    },
    /// Kernels are compiled for the device.
    Compile {
        /// Programs so far.
        done: usize,
        /// Programs in all.
        total: usize,
    },
    /// The prompt is read.
    Prefill {
        /// Tokens so far.
        done: usize,
        /// Tokens in all.
        total: usize,
    },
    /// The answer is written.
    Tokens {
        /// Tokens so far.
        done: usize,
    },
    /// Everything in a picture is looked for.
    Search {
        /// Points that were asked.
        done: usize,
        /// Points in all.
        total: usize,
        /// Masks so far.
        found: usize,
    },
    /// Objects are compared with words.
    Describe {
        /// Objects so far.
        done: usize,
        /// Objects in all.
        total: usize,
    },
    /// Texts of a training are turned into tokens.
    Documents {
        /// Documents so far.
        #[cfg_attr(test, ts(type = "number"))]
        done: u64,
    },
    /// Something worth a line while a training is prepared.
    Note {
        /// The line.
        text: String,
    },
    /// A training has something to tell.
    Train {
        /// What.
        record: TrainRecord,
    },
}

/// What a loaded model is and where it runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LoadedInfo {
    /// The name of its folder or file.
    pub name: String,
    /// The family, such as `llama`.
    pub family: String,
    /// Weight values.
    #[cfg_attr(test, ts(type = "number"))]
    pub parameters: u64,
    /// Bytes of the weights on the device.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes: u64,
    /// Tensors in its files.
    pub tensors: usize,
    /// Tokens a conversation can hold.
    pub context: usize,
    /// Where it runs.
    pub device: RunsOn,
    /// The device in words.
    pub device_name: String,
    /// The matrix kernels.
    pub kernels: Vec<String>,
    /// Why this device, in words.
    pub reason: String,
    /// Whether it continues texts.
    pub writes: bool,
    /// Whether it has a chat template; without one it only continues texts.
    pub chat: bool,
}

/// What a timed trial of both devices found. It is worth keeping for the next visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Trial {
    /// The devices and the block that were timed; another key asks for another trial.
    pub key: String,
    /// Whether the GPU was faster.
    pub gpu: bool,
    /// The times, in words.
    pub reason: String,
}

/// Where a loaded model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RunsOn {
    /// The GPU.
    Webgpu,
    /// WebAssembly.
    Wasm,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Completion {
    /// The new tokens, without the end token.
    pub token_ids: Vec<u32>,
    /// Their text.
    pub text: String,
    /// Why it ended.
    pub finish_reason: run::Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were held from before.
    pub cached_tokens: usize,
    /// Milliseconds from the call to the first token.
    pub prefill_ms: f64,
    /// Milliseconds from the first token to the last.
    pub decode_ms: f64,
}

/// An input of a forward pass.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NamedTensor {
    /// The reference library's name of the input.
    pub name: String,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Values in row order.
    pub values: Vec<f32>,
}
