//! What people do with encoders: embed, fill masks, classify, answer from a text; with those that have a decoder behind
//! them: translate, summarise; look at pictures, and cut out what is in them.

mod answer;
pub mod attention;
mod classify;
mod dense;
mod embed;
mod fill_mask;
mod look;
mod seen;
pub mod segment;
mod text2text;
mod tokens;

use std::rc::Rc;
use std::sync::Arc;

use graph::Tensor;
use models::{Parts, Task};
use serde_json::Value;

use crate::tokenizer::Spans;
use crate::{Error, ForwardInputs, Model, Tokenizer};

use dense::Dense;

pub use answer::{Answer, AnswerOptions};
pub use attention::Attention;
pub use classify::{Entity, Label};
pub use embed::{Embedding, Pooling};
pub use fill_mask::{Filled, Mask};
pub use look::{Matcher, Normalize, TEMPLATE, Viewer};
pub use segment::Segmenter;
pub use text2text::{Generated, TranslateOptions, WriteOptions};
pub use tokens::Token;

/// Rows that are run at once.
const BATCH: usize = 16;

/// A loaded model with its tokenizer and what its configuration says about its head.
pub struct Reader {
    model: Rc<Model>,
    tokenizer: Arc<Tokenizer>,
    /// The longest row that it takes.
    longest: usize,
    pad: u32,
    /// Rows that are run at once.
    batch: usize,
    /// Layers behind the pooling.
    dense: Vec<Dense>,
}

/// The results of rows that were run together: each output's values, and how a row lies in them.
struct Rows {
    outputs: Vec<Vec<f32>>,
    /// Values of one row of each output.
    strides: Vec<usize>,
}

impl Rows {
    /// The values of a row in an output.
    fn row(&self, output: usize, row: usize) -> &[f32] {
        let stride = self.strides[output];
        &self.outputs[output][row * stride..][..stride]
    }
}

impl Reader {
    /// Around a model.
    ///
    /// # Errors
    /// Its tokenizer is missing or damaged.
    pub async fn new(model: impl Into<Rc<Model>>) -> Result<Self, Error> {
        let model = model.into();
        let files = &model.package().files;
        let tokenizer = files.tokenizer().await?;
        let own =
            files.json("tokenizer_config.json").await?.and_then(|(_, config)| config["model_max_length"].as_u64());
        // The library writes 1e30 where nobody set a length; that is no u64.
        let own = own.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
        let longest = own.min(model.package().model.longest()).max(1);
        // A decoder looks for the last token that is no padding by its configuration.
        let pads = match model.package().model.parts() {
            Parts::Decoder => model.package().config["pad_token_id"].as_u64().and_then(|id| u32::try_from(id).ok()),
            Parts::Encoder | Parts::EncoderDecoder | Parts::Pictures => Some(tokenizer.special().pad.unwrap_or(0)),
        };
        let (pad, batch) = (pads.unwrap_or(0), if pads.is_some() { BATCH } else { 1 });
        let dense = if model.package().model.task() == Task::Base { Dense::of_model(files).await? } else { Vec::new() };
        Ok(Self { model, tokenizer, longest, pad, batch, dense })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The longest row in tokens; longer texts are cut.
    pub fn longest(&self) -> usize {
        self.longest
    }

    fn spans(&self, text: &str) -> Result<Spans, Error> {
        self.tokenizer.spans(text, self.longest)
    }

    /// Refuses a model that has another head.
    fn needs(&self, task: Task, what: &str) -> Result<(), Error> {
        if self.model.package().model.task() == task {
            return Ok(());
        }
        Err(Error::Task { name: self.model.package().name(), what: what.into() })
    }

    fn config(&self, field: &str) -> &Value {
        &self.model.package().config[field]
    }

    /// What a model reads of rows, filled up to the longest: [B, T].
    fn inputs(&self, rows: &[&Spans]) -> Result<Vec<(String, Tensor)>, Error> {
        let tokens = rows.iter().map(|row| row.ids.len()).max().unwrap_or(0).max(1);
        let shape = [rows.len(), tokens];
        let filled = |value: &dyn Fn(&Spans, usize) -> u32, fill: u32| {
            let row = |row: &Spans| -> Vec<i32> {
                (0..tokens).map(|i| if i < row.ids.len() { value(row, i) } else { fill } as i32).collect()
            };
            Tensor::i32(shape, rows.iter().flat_map(|spans| row(spans)).collect())
        };
        let mut inputs = vec![
            ("input_ids".to_string(), filled(&|row, i| row.ids[i], self.pad)?),
            ("attention_mask".to_string(), filled(&|_, _| 1, 0)?),
        ];
        let model = &self.model.package().model;
        if model.n_types() > 0 {
            let most = model.n_types() as u32 - 1;
            inputs.push(("token_type_ids".to_string(), filled(&|row, i| row.types[i].min(most), 0)?));
        }
        Ok(inputs)
    }

    /// Runs rows together.
    async fn run(&self, rows: &[&Spans]) -> Result<Rows, Error> {
        let inputs = self.inputs(rows)?;
        let model = &self.model.package().model;
        let (call, bound) = ForwardInputs::new(inputs).bind(model)?;
        let bound: Vec<(&str, &Tensor)> = bound.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let outputs = self.model.run(call, None, &bound).await?;
        let strides = outputs.iter().map(|out| out.len() / rows.len()).collect();
        let outputs = outputs.iter().map(|out| Ok(out.as_f32()?.to_vec())).collect::<Result<_, Error>>()?;
        Ok(Rows { outputs, strides })
    }
}

/// A model's words for its classes, by their numbers.
fn labels(config: &Value, n: usize) -> Vec<String> {
    let names = &config["id2label"];
    let label = |i: usize| names[i.to_string()].as_str().map_or_else(|| format!("LABEL_{i}"), str::to_string);
    (0..n).map(label).collect()
}

/// Probabilities of some logits.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f32 = exp.iter().sum();
    exp.into_iter().map(|value| value / sum).collect()
}

/// The places of the `k` largest values, in falling order, the first on ties.
fn largest(values: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order.truncate(k);
    order
}

/// Characters before a byte of a text.
fn characters(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).chars().count()
}
