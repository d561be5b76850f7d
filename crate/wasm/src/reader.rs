//! A model that reads: embeds, fills masks, classifies, answers from a text.

use run::tasks::{AnswerOptions, Pooling};
use run::{Parts, Task};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::loading::{self, Wanted};
use crate::protocol::{ErrorCode, LoadedInfo, ReadRequest, ReadResult, ReaderInfo, ReaderTask, Trial};
use crate::values::{given, told};

/// How a reader is loaded.
#[derive(Deserialize)]
struct Options {
    threads: usize,
    #[serde(flatten)]
    wanted: Wanted,
}

/// A loaded model with its tokenizer.
#[wasm_bindgen]
pub struct Reader {
    reader: run::Reader,
}

#[wasm_bindgen]
impl Reader {
    /// Loads a model.
    ///
    /// # Errors
    /// As [`run::Model::open`]; it has no tokenizer.
    pub async fn open(source: Opened, options: JsValue, caller: Caller) -> Result<Reader, JsValue> {
        let options: Options = given(options)?;
        let package = loading::open(source).await?;
        let model = loading::load(package, options.threads, options.wanted, &caller).await?;
        Ok(Reader { reader: run::Reader::new(model).await.map_err(Failure::from)? })
    }

    /// What it is.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn about(&self) -> Result<JsValue, JsValue> {
        let model = self.reader.model();
        let info = LoadedInfo::new(model.info().await.map_err(Failure::from)?, model);
        told(&ReaderInfo {
            info,
            task: task(model),
            mask: self.reader.mask().map(str::to_string),
            longest: self.reader.longest(),
            trial: model.trial().cloned().map(Trial::from),
        })
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// The model has another head, or the device fails.
    pub async fn read(&self, asked: JsValue) -> Result<JsValue, JsValue> {
        told(&self.said(given(asked)?).await?)
    }
}

impl Reader {
    async fn said(&self, asked: ReadRequest) -> Result<ReadResult, Failure> {
        let reader = &self.reader;
        Ok(match asked {
            ReadRequest::Embed { texts, pooling, normalize } => {
                let mut how = reader.embedding().await?;
                if let Some(name) = pooling {
                    let unknown = || Failure::new(ErrorCode::Argument, format!("{name} is no pooling"));
                    how.pooling = Pooling::parse(&name).ok_or_else(unknown)?;
                }
                how.normalize = normalize.unwrap_or(how.normalize);
                ReadResult::Embed(reader.embed(&texts, how).await?)
            }
            ReadRequest::FillMask { text, top_k } => {
                ReadResult::FillMask(reader.fill_mask(&text, top_k.unwrap_or(5)).await?)
            }
            ReadRequest::Classify { texts, pairs } => {
                ReadResult::Classify(reader.classify(&paired(texts, pairs)?).await?)
            }
            ReadRequest::Entities { text } => ReadResult::Entities(reader.entities(&text).await?),
            ReadRequest::Answer { question, text, top_k, longest } => {
                let base = AnswerOptions::default();
                let options = AnswerOptions {
                    top_k: top_k.unwrap_or(base.top_k),
                    longest: longest.unwrap_or(base.longest),
                    ..base
                };
                ReadResult::Answer(reader.answer(&question, &text, options).await?)
            }
            ReadRequest::Tokens { text } => ReadResult::Tokens(reader.tokens(&text)?),
        })
    }
}

/// What the head is for.
fn task(model: &run::Model) -> Option<ReaderTask> {
    match model.package().model.task() {
        Task::Base if model.package().model.parts() == Parts::Encoder => Some(ReaderTask::Embed),
        Task::MaskedLm => Some(ReaderTask::FillMask),
        Task::SequenceClassification => Some(ReaderTask::Classify),
        Task::TokenClassification => Some(ReaderTask::Entities),
        Task::QuestionAnswering => Some(ReaderTask::Answer),
        _ => None,
    }
}

/// Each text with its second one.
fn paired(texts: Vec<String>, pairs: Option<Vec<String>>) -> Result<Vec<(String, Option<String>)>, Failure> {
    let Some(pairs) = pairs else { return Ok(texts.into_iter().map(|text| (text, None)).collect()) };
    if pairs.len() != texts.len() {
        return Err(Failure::new(
            ErrorCode::Argument,
            format!("{} texts, but {} second ones", texts.len(), pairs.len()),
        ));
    }
    Ok(texts.into_iter().zip(pairs.into_iter().map(Some)).collect())
}
