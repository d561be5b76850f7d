//! The messages themselves. The script of the worker takes them apart and calls the engine, so that here they are only
//! written down; their TypeScript is made from them.

#![expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "TypeScript is made from these types; the script of the worker makes the values"
)]

use run::tasks::Label;
use ts_rs::TS;

use crate::protocol::*;

/// Random weights of a known shape instead of a model.
#[derive(Debug, TS)]
pub struct RandomModel {
    /// Such as `smollm2-135m`.
    pub shape: String,
    /// Such as `q8_0`.
    pub quant: String,
}

/// What a model is opened for.
#[derive(Debug, TS)]
#[ts(rename_all = "snake_case")]
pub enum Task {
    /// Reading texts, and rewriting them.
    Reader,
    /// Classes and vectors of pictures.
    Viewer,
    /// Pictures against texts.
    Matcher,
    /// Masks of what prompts point at.
    Segmenter,
}

/// What a model is that was opened for a task.
#[derive(Debug, TS)]
#[ts(tag = "task", rename_all = "snake_case")]
pub enum Opened {
    /// A reader.
    Reader(ReaderInfo),
    /// A viewer.
    Viewer(ViewerInfo),
    /// A matcher.
    Matcher(SeerInfo),
    /// A segmenter.
    Segmenter(SeerInfo),
}

/// A picture.
#[derive(Debug, TS)]
pub struct Pixels {
    /// Red, green, blue and alpha.
    #[ts(type = "Uint8Array<ArrayBuffer>")]
    pub rgba: (),
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

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

/// Where a model's bytes come from. Files are the browser's own objects and pass through untouched.
#[derive(Debug, TS)]
#[ts(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A file or folder behind a URL.
    Url {
        /// The absolute address.
        url: String,
    },
    /// Files from the user's disk.
    Files {
        /// Their paths inside what was dropped.
        #[ts(type = "ReadonlyArray<{ readonly path: string; readonly file: File }>")]
        files: (),
    },
    /// Random weights.
    Random(RandomModel),
}

/// What the engine tells a page. `id` is that of the call.
#[derive(Debug, TS)]
#[ts(tag = "kind", rename_all = "snake_case")]
pub enum Reply {
    /// How far a call is.
    Progress {
        /// The call.
        id: u32,
        /// What it is doing.
        progress: Progress,
    },
    /// A piece of the answer.
    Piece {
        /// The call.
        id: u32,
        /// Never with a broken character.
        text: String,
    },
    /// A call is done.
    Done {
        /// The call.
        id: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// A call failed.
    Failed {
        /// The call.
        id: u32,
        /// The kind of error.
        code: ErrorCode,
        /// One readable line.
        message: String,
    },
}

/// An output of a forward pass.
#[derive(Debug, TS)]
pub struct OutputTensor {
    /// The reference library's name of the output.
    pub name: String,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Values in row order.
    #[ts(type = "Float32Array")]
    pub values: (),
}

/// A file that was made.
#[derive(Debug, TS)]
pub struct NamedFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[ts(type = "Uint8Array<ArrayBuffer>")]
    pub bytes: (),
}

/// What came of a call.
#[derive(Debug, TS)]
#[ts(tag = "of", content = "value", rename_all = "snake_case")]
pub enum Outcome {
    /// Of `load`: the model's number and what it is.
    Load {
        /// Its number in further calls.
        model: u32,
        /// What it is.
        info: LoadedInfo,
        /// What it runs in.
        surroundings: Surroundings,
        /// The trial that chose the device, if one was made now.
        trial: Option<Trial>,
    },
    /// Of `chat` and `generate`.
    Completion(Completion),
    /// Of `tokenize`.
    Tokens(Vec<u32>),
    /// Of `forward`.
    Tensors(Vec<OutputTensor>),
    /// Of `bench`, for a model that writes.
    Figures(Figures),
    /// Of `bench`, for another model.
    PassFigures(PassFigures),
    /// Of `open`: the model's number and what it is.
    Opened {
        /// Its number in further calls.
        number: u32,
        /// What it is.
        about: Opened,
        /// What it runs in.
        surroundings: Surroundings,
    },
    /// Of `read`.
    Read(ReadResult),
    /// Of `classify_picture` and `match`.
    Labels(Vec<Label>),
    /// Of `embed_picture` and `embed_texts`.
    Vectors(Vec<Vec<f32>>),
    /// Of `attend`.
    Attention(AttentionInfo),
    /// Of `attention_map`: a weight for each patch, row by row.
    Weights(Vec<f32>),
    /// Of `predict`, `everything` and `find`.
    Masks(Vec<FoundMask>),
    /// Of `outline`.
    Outlines(Outlines),
    /// Of `train`: the training's number and what it is.
    Training {
        /// Its number in further calls.
        training: u32,
        /// What it begins with.
        about: TrainRecord,
        /// What it runs in.
        surroundings: Surroundings,
    },
    /// Of `train_steps`: whether the recipe's last step is done.
    Steps {
        /// Whether it is.
        finished: bool,
    },
    /// Of `trained_files`.
    Files(Vec<NamedFile>),
    /// Of `dispose`, `close`, `look` and `end_training`.
    Nothing,
}
