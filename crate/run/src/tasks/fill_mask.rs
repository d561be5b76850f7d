//! What masked words may have been.

use models::Task;
use serde::Serialize;

use super::{Reader, largest, softmax};
use crate::Error;
use crate::tokenizer::Special;

/// How published vocabularies spell the mask.
const MASKS: [&str; 3] = ["[MASK]", "<mask>", "<extra_id_0>"];

/// A word that a mask may stand for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Filled {
    /// Its probability.
    pub score: f32,
    /// Its token.
    pub token: u32,
    /// The token's text.
    pub token_str: String,
    /// The text with it.
    pub sequence: String,
}

/// A mask of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Mask {
    /// Its place among the tokens.
    pub position: usize,
    /// What it may stand for, the likeliest first.
    pub candidates: Vec<Filled>,
}

impl Reader {
    /// The mask as it is written in a text.
    pub fn mask(&self) -> Option<&'static str> {
        MASKS.into_iter().find(|mask| self.tokenizer.token_to_id(mask).is_some())
    }

    /// The `k` likeliest words for each mask of a text.
    ///
    /// # Errors
    /// The model does not fill masks, the text has none, or the device fails.
    pub async fn fill_mask(&self, text: &str, k: usize) -> Result<Vec<Mask>, Error> {
        self.needs(Task::MaskedLm, "fill masks")?;
        let mask = self.mask().and_then(|mask| Some((mask, self.tokenizer.token_to_id(mask)?)));
        let Some((mask, id)) = mask else { return Err(Error::Prompt("the vocabulary has no mask".into())) };
        let spans = self.spans(text)?;
        let masks: Vec<usize> = (0..spans.ids.len()).filter(|i| spans.ids[*i] == id).collect();
        if masks.is_empty() {
            return Err(Error::Prompt(format!("the text has no {mask}")));
        }
        let out = self.run(&[&spans]).await?;
        let logits = out.row(0, 0);
        let width = logits.len() / spans.ids.len();
        let fill = |position: usize| {
            let probs = softmax(&logits[position * width..][..width]);
            let candidate = |token: usize| {
                let mut ids = spans.ids.clone();
                ids[position] = token as u32;
                Ok(Filled {
                    score: probs[token],
                    token: token as u32,
                    token_str: self.tokenizer.decode(&[token as u32], Special::Show)?,
                    sequence: self.tokenizer.decode(&ids, Special::Skip)?,
                })
            };
            let candidates = largest(&probs, k).into_iter().map(candidate).collect::<Result<_, Error>>()?;
            Ok(Mask { position, candidates })
        };
        masks.into_iter().map(fill).collect()
    }
}
