//! What a page asks of the engine.

use ts_rs::TS;

use super::parts::{Pixels, Source, Task};
use crate::protocol::*;

/// What a page asks of the engine. `id` is the call's, `model` the loaded model's.
#[derive(Debug, TS)]
#[ts(tag = "kind", rename_all = "snake_case", optional_fields)]
pub enum Request {
    /// Loads a model.
    Load {
        /// The call.
        id: u32,
        /// Its bytes.
        source: Source,
        /// Where it shall run.
        device: DeviceChoice,
        /// Threads in an isolated page; by default as many as there are cores.
        threads: Option<usize>,
        /// Tokens a conversation can hold.
        context: Option<usize>,
        /// The folder of the wasm modules.
        modules: String,
        /// What trials of earlier visits found.
        known: Vec<Trial>,
    },
    /// Answers the last message.
    Chat {
        /// The call.
        id: u32,
        /// The model.
        model: u32,
        /// The conversation.
        messages: Vec<Message>,
        /// How to draw.
        sampling: Sampling,
    },
    /// Continues a text.
    Generate {
        /// The call.
        id: u32,
        /// The model.
        model: u32,
        /// The text.
        prompt: String,
        /// How to draw.
        sampling: Sampling,
    },
    /// The tokens of a text.
    Tokenize {
        /// The call.
        id: u32,
        /// The model.
        model: u32,
        /// The text.
        text: String,
    },
    /// One forward pass.
    Forward {
        /// The call.
        id: u32,
        /// The model.
        model: u32,
        /// By the reference library's names.
        inputs: Vec<NamedTensor>,
    },
    /// Measures the model's speed.
    Bench {
        /// The call.
        id: u32,
        /// The model.
        model: u32,
        /// What to measure.
        options: BenchOptions,
    },
    /// Frees a model.
    Dispose {
        /// The call.
        id: u32,
        /// The model.
        model: u32,
    },
    /// Loads a model for a task.
    Open {
        /// The call.
        id: u32,
        /// What it shall do.
        task: Task,
        /// Its bytes.
        source: Source,
        /// Where it shall run.
        device: DeviceChoice,
        /// Threads in an isolated page; by default as many as there are cores.
        threads: Option<usize>,
        /// The folder of the wasm modules.
        modules: String,
        /// What trials of earlier visits found.
        known: Vec<Trial>,
    },
    /// Frees a model that was opened for a task.
    Close {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
    },
    /// Asks a reader.
    Read {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// What.
        asked: ReadRequest,
    },
    /// Asks a viewer for the likeliest classes of a picture.
    ClassifyPicture {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The picture.
        picture: Pixels,
        /// How many, 5 by default.
        top_k: Option<usize>,
    },
    /// Asks a viewer or a matcher for a picture's vector. A matcher's is always of length 1.
    EmbedPicture {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The picture.
        picture: Pixels,
        /// Whether it is brought to length 1.
        normalize: bool,
    },
    /// Lets a viewer keep where it looks in a picture.
    Attend {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The picture.
        picture: Pixels,
    },
    /// Asks a viewer where it looks in that picture.
    AttentionMap {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// Which layer, head and patch.
        wanted: AttentionWanted,
    },
    /// Asks a matcher how well labels fit a picture.
    Match {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The picture.
        picture: Pixels,
        /// The labels.
        labels: Vec<String>,
        /// The sentence around a label, whose place is `{}`; `a photo of a {}` by default.
        template: Option<String>,
    },
    /// Asks a matcher for the vectors of texts.
    EmbedTexts {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The texts.
        texts: Vec<String>,
    },
    /// Shows a segmenter a picture.
    Look {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The picture.
        picture: Pixels,
    },
    /// Asks a segmenter for the masks of what a prompt means.
    Predict {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// What is meant.
        prompt: MaskPrompt,
    },
    /// Asks a segmenter for everything in the picture.
    Everything {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// How it is looked for.
        options: EverythingOptions,
    },
    /// Asks a segmenter for the objects that words mean.
    Find {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The matcher that knows the words.
        matcher: u32,
        /// Which words.
        words: WordsWanted,
    },
    /// Asks for a mask's outlines.
    Outline {
        /// The call.
        id: u32,
        /// The model.
        number: u32,
        /// The mask.
        mask: MaskRuns,
        /// Corners nearer than this many pixels are left out.
        tolerance: f64,
    },
    /// Prepares a training.
    Train {
        /// The call.
        id: u32,
        /// The recipe's text.
        recipe: String,
        /// The folder of the texts.
        texts: Source,
        /// The model that the recipe goes on from.
        start: Option<Source>,
        /// Where it shall run; `auto` is the processor.
        device: DeviceChoice,
        /// Threads in an isolated page; by default as many as there are cores.
        threads: Option<usize>,
        /// The folder of the wasm modules.
        modules: String,
    },
    /// Goes on with a training.
    TrainSteps {
        /// The call.
        id: u32,
        /// The training.
        training: u32,
        /// How many steps; by default all that are left.
        steps: Option<u32>,
    },
    /// The model of a training as it is now.
    TrainedFiles {
        /// The call.
        id: u32,
        /// The training.
        training: u32,
        /// Such as `q8_0` for one GGUF file of that type; by default the files of a folder.
        quant: Option<String>,
    },
    /// Frees a training.
    EndTraining {
        /// The call.
        id: u32,
        /// The training.
        training: u32,
    },
    /// Ends a running call.
    Abort {
        /// The call.
        id: u32,
    },
}
