//! A model that reads: embeds, fills masks, classifies, answers from a text.

use run::tasks::{AnswerOptions, Pooling, TranslateOptions, WriteOptions};
use run::{GenerateOptions, Listener, Parts, SearchOptions, Task};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::protocol::{ErrorCode, ReadRequest, ReadResult, ReaderInfo, ReaderTask, Writing};
use crate::task;
use crate::values::{given, told};

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
        Ok(Reader { reader: task::open(source, options, &caller, run::Reader::new).await? })
    }

    /// What it is.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn about(&self) -> Result<JsValue, JsValue> {
        let model = self.reader.model();
        let (info, trial) = task::about(model).await?;
        told(&ReaderInfo {
            info,
            tasks: tasks(model),
            mask: self.reader.mask().map(str::to_string),
            longest: self.reader.longest(),
            trial,
        })
    }

    /// Does what is asked; texts that are written are told as they come.
    ///
    /// # Errors
    /// The model has another head, or the device fails.
    pub async fn read(&self, asked: JsValue, caller: Caller) -> Result<JsValue, JsValue> {
        told(&self.said(given(asked)?, &caller).await?)
    }
}

impl Reader {
    async fn said(&self, asked: ReadRequest, caller: &Caller) -> Result<ReadResult, Failure> {
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
            ReadRequest::Translate { texts, source, target, writing } => {
                let options = TranslateOptions { source, target, writing: self.writing(writing).await? };
                let translate = async |listener: &mut Listener<'_>| reader.translate(&texts, &options, listener).await;
                ReadResult::Translate(caller.hears(translate).await?)
            }
            ReadRequest::Summarize { texts, writing } => {
                let options = self.writing(writing).await?;
                let summarize = async |listener: &mut Listener<'_>| reader.summarize(&texts, &options, listener).await;
                ReadResult::Summarize(caller.hears(summarize).await?)
            }
            ReadRequest::Tokens { text } => ReadResult::Tokens(reader.tokens(&text)?),
        })
    }
}

impl Reader {
    /// The page's wishes over the model's own settings.
    async fn writing(&self, wanted: Option<Writing>) -> Result<WriteOptions, Failure> {
        let Writing { prefix, num_beams, length_penalty, no_repeat_ngram_size, max_tokens } =
            wanted.unwrap_or_default();
        let own = self.reader.model().generation().await?;
        let search = SearchOptions {
            num_beams,
            length_penalty,
            no_repeat_ngram: no_repeat_ngram_size,
            ..SearchOptions::default()
        };
        search.beams()?;
        let generate =
            GenerateOptions { max_tokens, sampler: own.sampler(), eos: own.eos.clone(), search, ..Default::default() };
        Ok(WriteOptions { prefix, generate })
    }
}

/// What the head is for.
fn tasks(model: &run::Model) -> Vec<ReaderTask> {
    match model.package().model.task() {
        Task::Base if model.package().model.parts() == Parts::Encoder => vec![ReaderTask::Embed],
        Task::MaskedLm => vec![ReaderTask::FillMask],
        Task::SequenceClassification => vec![ReaderTask::Classify],
        Task::TokenClassification => vec![ReaderTask::Entities],
        Task::QuestionAnswering => vec![ReaderTask::Answer],
        Task::Seq2SeqLm => vec![ReaderTask::Translate, ReaderTask::Summarize],
        _ => Vec::new(),
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
