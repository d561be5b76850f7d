//! What every task of a model begins with.

use std::future::Future;

use pictures::Picture;
use run::Model;
use serde::Deserialize;
use wasm_bindgen::JsValue;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::loading::{self, Wanted};
use crate::protocol::{ErrorCode, LoadedInfo, Trial};
use crate::values::given;

/// How the model is loaded.
#[derive(Deserialize)]
struct Options {
    threads: usize,
    #[serde(flatten)]
    wanted: Wanted,
}

/// Loads a model, and makes of it what does the task.
///
/// # Errors
/// As [`Model::open`]; it is for something else.
pub async fn open<T, F>(
    source: Opened,
    options: JsValue,
    caller: &Caller,
    make: impl FnOnce(Model) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, run::Error>>,
{
    let options: Options = given(options)?;
    let package = loading::open(source).await?;
    let model = loading::load(package, options.threads, options.wanted, caller).await?;
    Ok(make(model).await?)
}

/// What a model is, and the trial that chose its device, if one was made now.
///
/// # Errors
/// A file is damaged.
pub async fn about(model: &Model) -> Result<(LoadedInfo, Option<Trial>), Failure> {
    let info = LoadedInfo::new(model.info().await?, model);
    Ok((info, model.trial().cloned().map(Trial::from)))
}

/// A picture of bytes red, green, blue, alpha.
///
/// # Errors
/// There are not as many bytes as pixels, or too many of them.
pub fn picture(rgba: &[u8], width: usize, height: usize) -> Result<Picture, Failure> {
    Picture::from_rgba(width, height, rgba).map_err(argument)
}

/// A wish that pictures or masks cannot fulfil.
pub fn argument(error: pictures::Error) -> Failure {
    Failure::new(ErrorCode::Argument, error.to_string())
}
