//! One conversation: which tokens its cache holds.

use crate::device::State;
use crate::memory::Memory;
use crate::search::Rows;

/// A conversation with a model. Two sessions share one set of weights.
pub struct Session {
    pub(crate) state: State,
    /// The source that a decoder behind an encoder looks up.
    pub(crate) memory: Option<Memory>,
    /// The caches of beams, once some were searched.
    pub(crate) beams: Option<Rows>,
    tokens: Vec<u32>,
}

impl Session {
    pub(crate) fn new(state: State) -> Self {
        Self { state, memory: None, beams: None, tokens: Vec::new() }
    }

    /// The tokens whose keys and values are held.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Keeps what the held tokens and `prompt` begin with in common; returns its length. At least one token of the
    /// prompt is left to be run, because its logits are wanted.
    pub(crate) fn keep_prefix(&mut self, prompt: &[u32]) -> usize {
        let common = self.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let kept = common.min(prompt.len().saturating_sub(1));
        self.tokens.truncate(kept);
        kept
    }

    pub(crate) fn push(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }

    /// After a failed run nothing is known about the cache.
    pub(crate) fn forget(&mut self) {
        self.tokens.clear();
    }
}
