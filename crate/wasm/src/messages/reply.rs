//! What the engine tells a page.

use run::tasks::Label;
use ts_rs::TS;

use crate::protocol::*;

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
