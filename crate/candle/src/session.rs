//! Keys and values of earlier calls, kept dense.

use candle_core::{DType, Tensor};

use crate::Error;

/// The states of one session: for each, keys and values [B, tokens, G, D].
#[derive(Clone, Default)]
pub struct Session {
    states: Vec<Option<(Tensor, Tensor)>>,
}

impl Session {
    /// An empty session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Row `i` continues what row `parents[i]` held.
    ///
    /// # Errors
    /// A parent does not exist.
    pub fn reorder(&mut self, parents: &[usize]) -> Result<(), Error> {
        let index: Vec<u32> = parents.iter().map(|p| *p as u32).collect();
        for (k, v) in self.states.iter_mut().flatten() {
            let index = Tensor::new(index.as_slice(), k.device())?;
            (*k, *v) = (k.index_select(&index, 0)?, v.index_select(&index, 0)?);
        }
        Ok(())
    }

    /// Puts `k`, `v` [B, T, G, D] behind the first `past[b]` tokens of each row; yields [B, P+T, G, D].
    pub(crate) fn append(
        &mut self,
        state: usize,
        k: &Tensor,
        v: &Tensor,
        past: &[i64],
    ) -> Result<(Tensor, Tensor), Error> {
        if self.states.len() <= state {
            self.states.resize(state + 1, None);
        }
        let old = self.states[state].take();
        let joined = (join(old.as_ref().map(|o| &o.0), k, past)?, join(old.as_ref().map(|o| &o.1), v, past)?);
        self.states[state] = Some(joined.clone());
        Ok(joined)
    }
}

fn join(old: Option<&Tensor>, new: &Tensor, past: &[i64]) -> Result<Tensor, Error> {
    let (_, _, g, d) = new.dims4()?;
    let longest = past.iter().copied().max().unwrap_or(0) as usize;
    let mut rows = Vec::with_capacity(past.len());
    for (b, len) in past.iter().enumerate() {
        let len = *len as usize;
        let held = old.map_or(0, |o| o.dims()[1]);
        if len > held {
            return Err(Error::Session(format!("row {b} builds on {len} tokens, but {held} are held")));
        }
        let mut parts = Vec::new();
        if let (Some(old), true) = (old, len > 0) {
            parts.push(old.narrow(0, b, 1)?.narrow(1, 0, len)?);
        }
        parts.push(new.narrow(0, b, 1)?);
        if longest > len {
            parts.push(Tensor::zeros((1, longest - len, g, d), DType::F64, new.device())?.to_dtype(new.dtype())?);
        }
        rows.push(Tensor::cat(&parts, 1)?);
    }
    Ok(Tensor::cat(&rows, 0)?)
}
