//! What questions are made of.

use ts_rs::TS;

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
