//! Tokens that must or must not come next, as a model's generation settings say.

use serde_json::Value;

use crate::SearchOptions;

/// What a model's settings demand of a text, beside how tokens are drawn. Lengths count what the decoder has read, the
/// tokens that it began with among them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// The first new token.
    pub forced_bos: Option<u32>,
    /// The last token of a text that reaches its largest length.
    pub forced_eos: Vec<u32>,
    /// No run of this many tokens comes twice; 0 for any.
    pub no_repeat_ngram: usize,
    /// No end before this length.
    pub min_length: usize,
    /// No end before this many new tokens.
    pub min_new_tokens: usize,
    /// Runs of tokens that must not come.
    pub bad_words: Vec<Vec<u32>>,
    /// Tokens that must not come.
    pub suppressed: Vec<u32>,
    /// Tokens that must not come first; a forced first token is passed over.
    pub suppressed_first: Vec<u32>,
}

impl Constraints {
    /// Reads the tokens that `find` yields by the library's names; what makes no sense is left out. Numbers come with
    /// [`Constraints::under`].
    pub(crate) fn read<'v>(find: impl Fn(&str) -> Option<&'v Value>) -> Self {
        let ids = |value: &Value| -> Vec<u32> {
            let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            list.iter().filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect()
        };
        let words = find("bad_words_ids").and_then(Value::as_array);
        Self {
            forced_bos: find("forced_bos_token_id").and_then(|value| ids(value).first().copied()),
            forced_eos: find("forced_eos_token_id").map(ids).unwrap_or_default(),
            suppressed: find("suppress_tokens").map(ids).unwrap_or_default(),
            suppressed_first: find("begin_suppress_tokens").map(ids).unwrap_or_default(),
            bad_words: words.map(|words| words.iter().map(ids).filter(|w| !w.is_empty()).collect()).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// With the settings of a call over them.
    pub(crate) fn under(self, search: &SearchOptions) -> Self {
        Self {
            forced_bos: search.forced_bos.or(self.forced_bos),
            no_repeat_ngram: search.no_repeat_ngram.unwrap_or(0),
            min_length: search.min_length.unwrap_or(0),
            min_new_tokens: search.min_new_tokens.unwrap_or(0),
            ..self
        }
    }

    /// Whether every token may come at any time.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Takes the tokens that must not follow `history` out of the choice; `start` tokens of it were not written, and
    /// `longest` is the length at which the text ends, if there is one.
    pub fn apply(&self, logits: &mut [f32], history: &[u32], start: usize, longest: Option<usize>, eos: &[u32]) {
        let mut ban = |id: u32| {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit = f32::NEG_INFINITY;
            }
        };
        repeats(history, self.no_repeat_ngram).for_each(&mut ban);
        for word in &self.bad_words {
            if let Some((last, before)) = word.split_last().filter(|(_, before)| history.ends_with(before)) {
                // The reference never forbids an end of the text alone.
                if !(before.is_empty() && eos.contains(last)) {
                    ban(*last);
                }
            }
        }
        if history.len() < self.min_length.max(start + self.min_new_tokens) {
            eos.iter().for_each(|id| ban(*id));
        }
        match (self.forced_bos, longest) {
            (Some(id), _) if history.len() == 1 => only(logits, &[id]),
            (_, Some(longest)) if history.len() + 1 == longest && !self.forced_eos.is_empty() => {
                only(logits, &self.forced_eos);
            }
            _ => {}
        }
        let mut take = |ids: &[u32]| {
            for id in ids {
                if let Some(logit) = logits.get_mut(*id as usize) {
                    *logit = f32::NEG_INFINITY;
                }
            }
        };
        take(&self.suppressed);
        let first = if start == 1 && self.forced_bos.is_some() { start + 1 } else { start };
        if history.len() == first {
            take(&self.suppressed_first);
        }
    }
}

/// The tokens that would end a run of `n` which is there already.
fn repeats(history: &[u32], n: usize) -> impl Iterator<Item = u32> {
    let tail = n.checked_sub(1).and_then(|n| history.len().checked_sub(n)).map(|from| &history[from..]);
    let runs = history.windows(n.max(1)).filter(move |run| tail.is_some_and(|tail| run[..run.len() - 1] == *tail));
    runs.map(|run| run[run.len() - 1])
}

/// Leaves these tokens alone, all alike.
fn only(logits: &mut [f32], ids: &[u32]) {
    logits.fill(f32::NEG_INFINITY);
    for id in ids {
        if let Some(logit) = logits.get_mut(*id as usize) {
            *logit = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(constraints: &Constraints, history: &[u32], longest: Option<usize>) -> Vec<u32> {
        let mut logits = vec![1.0; 6];
        constraints.apply(&mut logits, history, 1, longest, &[2]);
        (0..6).filter(|id| logits[*id as usize] > f32::NEG_INFINITY).collect()
    }

    #[test]
    fn each_constraint_takes_its_tokens() {
        let none = Constraints::default();
        assert!(none.is_none());
        assert_eq!(allowed(&none, &[0, 1, 1], Some(4)), [0, 1, 2, 3, 4, 5]);
        let bigrams = Constraints { no_repeat_ngram: 2, ..none.clone() };
        assert_eq!(allowed(&bigrams, &[3, 4, 1, 3, 5, 3], None), [0, 1, 2, 3]);
        let single = Constraints { no_repeat_ngram: 1, ..none.clone() };
        assert_eq!(allowed(&single, &[3, 4], None), [0, 1, 2, 5]);
        let words = Constraints { bad_words: vec![vec![1], vec![4, 5], vec![2]], ..none.clone() };
        assert_eq!(allowed(&words, &[0, 4], None), [0, 2, 3, 4]);
        assert_eq!(allowed(&words, &[0, 3], None), [0, 2, 3, 4, 5]);
        let forced = Constraints { forced_bos: Some(3), forced_eos: vec![2], ..none.clone() };
        assert_eq!(allowed(&forced, &[0], Some(5)), [3]);
        assert_eq!(allowed(&forced, &[0, 3, 4, 4], Some(5)), [2]);
        assert_eq!(allowed(&Constraints { min_length: 3, ..none }, &[0, 1], None), [0, 1, 3, 4, 5]);
    }
}
