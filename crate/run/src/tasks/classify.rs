//! Classes of texts, and of words in them.

use models::Task;
use serde::Serialize;
use serde_json::Value;

use super::{Reader, characters, labels, largest, softmax};
use crate::Error;
use crate::tokenizer::Spans;

/// A class and how likely it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Label {
    /// The model's word for it.
    pub label: String,
    /// Its probability; the plain value where the model predicts a number.
    pub score: f32,
}

/// Words of one class that follow each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Entity {
    /// The class, without `B-` or `I-`.
    pub label: String,
    /// The mean of the words' probabilities.
    pub score: f32,
    /// The text.
    pub word: String,
    /// The first character.
    pub start: usize,
    /// Behind the last character.
    pub end: usize,
}

impl Reader {
    /// Whether the model classifies words, not texts.
    pub fn classifies_words(&self) -> bool {
        self.model.package().model.task() == Task::TokenClassification
    }

    /// The classes of each text, the likeliest first; of a pair if there is a second text for each.
    ///
    /// # Errors
    /// The model does not classify texts, or the device fails.
    pub async fn classify(&self, texts: &[(String, Option<String>)]) -> Result<Vec<Vec<Label>>, Error> {
        self.needs(Task::SequenceClassification, "classify texts")?;
        let row = |(text, second): &(String, Option<String>)| match second {
            None => self.spans(text),
            Some(second) => Ok(self.tokenizer.pair_spans(text, second, self.longest, 0)?.swap_remove(0)),
        };
        let rows = texts.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let mut classes = Vec::with_capacity(texts.len());
        for batch in rows.chunks(self.batch) {
            let out = self.run(&batch.iter().collect::<Vec<_>>()).await?;
            classes.extend((0..batch.len()).map(|i| ranked(&self.model.package().config, out.row(0, i))));
        }
        Ok(classes)
    }

    /// The words of a text that have a class other than `O`. A word has the class of its first token.
    ///
    /// # Errors
    /// The model does not classify words, or the device fails.
    pub async fn entities(&self, text: &str) -> Result<Vec<Entity>, Error> {
        self.needs(Task::TokenClassification, "classify words")?;
        let spans = self.spans(text)?;
        let out = self.run(&[&spans]).await?;
        let logits = out.row(0, 0);
        let width = logits.len() / spans.ids.len().max(1);
        let labels = labels(&self.model.package().config, width);
        let words = words(&spans).into_iter().map(|word| {
            let probs = softmax(&logits[word.token * width..][..width]);
            let best = largest(&probs, 1)[0];
            (word, labels[best].as_str(), probs[best])
        });
        Ok(grouped(text, words))
    }
}

/// A word: its first token and its bytes.
struct Word {
    token: usize,
    start: usize,
    end: usize,
}

fn words(spans: &Spans) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut last = None;
    for (token, place) in spans.places.iter().enumerate() {
        let Some(place) = place else { continue };
        match words.last_mut() {
            Some(word) if place.word.is_some() && last == place.word => word.end = place.bytes.end,
            _ => words.push(Word { token, start: place.bytes.start, end: place.bytes.end }),
        }
        last = place.word;
    }
    words
}

/// Joins neighbours of one class; `B-` begins a new group.
fn grouped<'l>(text: &str, words: impl Iterator<Item = (Word, &'l str, f32)>) -> Vec<Entity> {
    let mut groups: Vec<(&str, Word, Vec<f32>)> = Vec::new();
    let mut joined = false;
    for (word, label, score) in words {
        let (begins, class) = match label.split_once('-') {
            Some(("B", class)) => (true, class),
            Some(("I", class)) => (false, class),
            _ => (false, label),
        };
        if class == "O" {
            joined = false;
            continue;
        }
        match groups.last_mut() {
            Some((last, group, scores)) if joined && !begins && *last == class => {
                group.end = word.end;
                scores.push(score);
            }
            _ => groups.push((class, word, vec![score])),
        }
        joined = true;
    }
    let entity = |(class, word, scores): (&str, Word, Vec<f32>)| Entity {
        label: class.into(),
        score: scores.iter().sum::<f32>() / scores.len() as f32,
        word: text.get(word.start..word.end).unwrap_or_default().into(),
        start: characters(text, word.start),
        end: characters(text, word.end),
    };
    groups.into_iter().map(entity).collect()
}

/// Classes with their scores by a model's configuration, the likeliest first.
pub(super) fn ranked(config: &Value, logits: &[f32]) -> Vec<Label> {
    let kind = config["problem_type"].as_str();
    let sigmoid = |logits: &[f32]| logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect();
    let scores: Vec<f32> = match kind {
        Some("regression") => logits.to_vec(),
        Some("multi_label_classification") => sigmoid(logits),
        _ if logits.len() == 1 => sigmoid(logits),
        _ => softmax(logits),
    };
    let labels = labels(config, scores.len());
    largest(&scores, scores.len()).into_iter().map(|i| Label { label: labels[i].clone(), score: scores[i] }).collect()
}
