//! What decoders are read for beside the next token: classes of texts and of tokens, answers.
//!
//! Reference: `GenericForSequenceClassification`, `GenericForTokenClassification` and `GenericForQuestionAnswering` of
//! transformers, and the same heads of GPT-2 and GPT-NeoX.

use graph::{Bias, Builder, DType, Var};

use crate::family::Task;
use crate::{Error, Fields};

/// The classes of a head, and what padding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// How many classes there are.
    pub n: usize,
    /// The padding token: the last other one is read for the class of a text.
    pub padding: Option<i32>,
}

impl Labels {
    /// Reads what a head of this kind needs.
    ///
    /// # Errors
    /// A field is wrong.
    pub(crate) fn read(config: &Fields<'_>, task: Task) -> Result<Self, Error> {
        if !is_reading(task) {
            return Ok(Self::default());
        }
        let padding = config.number("pad_token_id")?.filter(|id| *id >= 0.0).map(|id| id as i32);
        Ok(Self { n: read_labels(config)?, padding })
    }

    /// The last token of each row that is no padding, counted over all rows.
    ///
    /// # Errors
    /// There are several rows, and nothing says what padding is.
    pub(crate) fn last_tokens(self, ids: &[i32], tokens: usize) -> Result<Vec<i32>, String> {
        let rows = ids.chunks_exact(tokens.max(1));
        if self.padding.is_none() && rows.len() > 1 {
            return Err("has several rows, but the configuration has no pad_token_id".into());
        }
        let last = |(i, row): (usize, &[i32])| {
            let place = match self.padding {
                Some(padding) => row.iter().rposition(|id| *id != padding).unwrap_or(0),
                None => tokens - 1,
            };
            (i * tokens + place) as i32
        };
        Ok(rows.enumerate().map(last).collect())
    }
}

/// Whether a head reads a text instead of continuing it.
pub(crate) fn is_reading(task: Task) -> bool {
    matches!(task, Task::SequenceClassification | Task::TokenClassification | Task::QuestionAnswering)
}

/// How many labels a classifier has: those named, else their number, else two.
pub(crate) fn read_labels(config: &Fields<'_>) -> Result<usize, Error> {
    match config.value("id2label").map(|labels| (labels, labels.as_object())) {
        Some((_, Some(labels))) if !labels.is_empty() => Ok(labels.len()),
        Some((_, Some(_))) | None => config.size_or("num_labels", 2),
        Some((labels, None)) => Err(config.fail("id2label", format!("is {labels}, expected an object"))),
    }
}

/// The input that says which tokens classifiers of texts read: [B] i32, counted over the flattened [B·T].
pub const LAST_TOKENS: &str = "last_tokens";

/// Names what a head makes of a decoder's `x` [B, T, C], or of its selected rows [R, C]; `tokens` is the name of the
/// classifier of tokens.
pub(crate) fn write<'g>(g: &'g Builder, task: Task, labels: Labels, x: Var<'g>, tokens: &str) {
    let w = g.weights();
    let whole = x.shape().len() == 3;
    match task {
        Task::SequenceClassification => {
            let x = if whole { last(g, x) } else { x };
            g.output("logits", x.linear(&w.at("score"), labels.n, Bias::None)); // [B, N]
        }
        Task::TokenClassification => g.output("logits", x.linear(&w.at(tokens), labels.n, Bias::Add)), // [B, T, N]
        Task::QuestionAnswering => answers(g, x),
        _ => g.output("last_hidden_state", x),
    }
}

/// The tokens that [`LAST_TOKENS`] names: [B, T, C] → [B, C].
pub(crate) fn last<'g>(g: &'g Builder, x: Var<'g>) -> Var<'g> {
    let (b, t, c) = (x.dim(0), x.dim(1), x.dim(2));
    x.reshape([b.clone() * t, c]).gather_rows(g.input(LAST_TOKENS, DType::I32, [b]))
}

/// Where an answer begins and ends: [B, T, C] → two of [B, T].
pub(crate) fn answers<'g>(g: &'g Builder, x: Var<'g>) {
    let both = x.linear(&g.weights().at("qa_outputs"), 2, Bias::Add); // [B, T, 2]
    if x.shape().len() < 3 {
        return g.output("logits", both);
    }
    for (i, name) in ["start_logits", "end_logits"].into_iter().enumerate() {
        g.output(name, both.slice(2, i, 1).reshape([x.dim(0), x.dim(1)])); // [B, T]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_token_is_the_last_that_is_no_padding() {
        let labels = Labels { n: 2, padding: Some(0) };
        assert_eq!(labels.last_tokens(&[5, 6, 0, 0, 7, 8, 0, 0, 0], 3), Ok(vec![1, 5, 6]));
        let none = Labels { n: 2, padding: None };
        assert_eq!(none.last_tokens(&[5, 6, 0], 3), Ok(vec![2]));
        assert!(none.last_tokens(&[5, 6], 1).is_err());
    }
}
