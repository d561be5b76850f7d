//! Answers that stand in a text.

use models::Task;
use serde::Serialize;

use super::{Reader, characters, softmax};
use crate::Error;
use crate::tokenizer::Spans;

/// Tokens of a row at most: what question answering is trained with.
const ROW: usize = 384;

/// How answers are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerOptions {
    /// How many.
    pub top_k: usize,
    /// Tokens of an answer at most.
    pub longest: usize,
    /// Tokens that neighbouring stretches of a long text share.
    pub overlap: usize,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self { top_k: 1, longest: 15, overlap: 128 }
    }
}

/// A part of the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Answer {
    /// The product of the probabilities of its ends.
    pub score: f32,
    /// The first character.
    pub start: usize,
    /// Behind the last character.
    pub end: usize,
    /// The text.
    pub answer: String,
}

impl Reader {
    /// The likeliest answers to a question in a text of any length, by stretches that overlap.
    ///
    /// # Errors
    /// The model does not answer questions, the question is too long, or the device fails.
    pub async fn answer(&self, question: &str, text: &str, options: AnswerOptions) -> Result<Vec<Answer>, Error> {
        self.needs(Task::QuestionAnswering, "answer questions")?;
        let longest = self.longest.min(ROW);
        let rows = self.tokenizer.pair_spans(question, text, longest, options.overlap.min(longest / 2))?;
        let mut answers: Vec<Answer> = Vec::new();
        for row in &rows {
            let out = self.run(&[row]).await?;
            answers.extend(best(row, [out.row(0, 0), out.row(1, 0)], text, options));
        }
        answers.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.start.cmp(&b.start)));
        let mut seen: Vec<(usize, usize)> = Vec::new();
        answers.retain(|answer| {
            let new = !seen.contains(&(answer.start, answer.end));
            seen.push((answer.start, answer.end));
            new
        });
        answers.truncate(options.top_k);
        Ok(answers)
    }
}

/// The answers of one stretch: ends in the text, not too far from each other.
fn best(row: &Spans, logits: [&[f32]; 2], text: &str, options: AnswerOptions) -> Vec<Answer> {
    let inside = |i: usize| row.places[i].as_ref().is_some_and(|place| place.text == 1);
    let probs = logits.map(|logits| {
        let shown: Vec<f32> = logits.iter().enumerate().map(|(i, v)| if inside(i) { *v } else { -10_000.0 }).collect();
        softmax(&shown)
    });
    let tokens: Vec<usize> = (0..row.ids.len()).filter(|i| inside(*i)).collect();
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (at, first) in tokens.iter().enumerate() {
        for last in tokens[at..].iter().take(options.longest) {
            pairs.push((probs[0][*first] * probs[1][*last], *first, *last));
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    pairs.truncate(options.top_k);
    let answer = |(score, first, last): (f32, usize, usize)| {
        let (start, end) = (edge(row, first, true)?, edge(row, last, false)?);
        let answer = text.get(start..end)?.to_string();
        Some(Answer { score, start: characters(text, start), end: characters(text, end), answer })
    };
    pairs.into_iter().filter_map(answer).collect()
}

/// The first byte of the word that a token belongs to, or the one behind it.
fn edge(row: &Spans, token: usize, first: bool) -> Option<usize> {
    let own = row.places[token].as_ref()?;
    let same =
        |place: &&crate::tokenizer::Place| place.text == own.text && place.word == own.word && own.word.is_some();
    let word = row.places.iter().flatten().filter(same).chain([own]);
    if first { word.map(|place| place.bytes.start).min() } else { word.map(|place| place.bytes.end).max() }
}
