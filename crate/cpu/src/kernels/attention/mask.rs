//! Which keys a query sees, and what is added to its scores.

use graph::{Act, Attention};

use super::{Place, Sizes};
use crate::matrix::act;
use crate::parts::widest;

/// A bias at or below this hides its key.
pub(super) const HIDDEN: f32 = -1e30;

/// A value broadcast over [B, H, T, S].
#[derive(Clone, Copy)]
pub(crate) struct Bias<'a> {
    /// The values.
    pub values: &'a [f32],
    /// From one to the next along B, H, T and S; zero where it is stretched. Of axial tables the last is C.
    pub steps: [usize; 4],
    /// Whether it is two tables side by side, for keys in rows of C columns.
    pub axial: bool,
}

/// All that changes scores after the product.
pub(super) struct Mask<'a> {
    pub spec: &'a Attention,
    pub sizes: &'a Sizes,
    pub past: Option<&'a [i32]>,
    pub bias: Option<Bias<'a>>,
}

impl Mask<'_> {
    /// The keys that a token's query may see, by place alone.
    pub fn visible(&self, row: usize, token: usize) -> std::ops::Range<usize> {
        let past = self.past.map_or(0, |past| i64::from(past[row]));
        // The first key that the query does not see.
        let next = past.saturating_add(token as i64 + 1).max(0);
        let keys = self.sizes.keys;
        let end = if self.spec.causal { usize::try_from(next).map_or(keys, |next| next.min(keys)) } else { keys };
        let window = self.spec.window.and_then(|window| i64::try_from(window).ok());
        let start = window.map_or(0, |window| next.saturating_sub(window).max(0) as usize);
        start.min(end)..end
    }

    /// Caps the scores of query `i` for the keys from `at` on, adds the bias and hides what is not visible.
    pub fn apply(&self, place: Place, i: usize, at: usize, scores: &mut [f32]) {
        let (token, head) = place.query(self.sizes, i);
        let visible = self.visible(place.row, token);
        let (start, end) =
            (visible.start.clamp(at, at + scores.len()) - at, visible.end.clamp(at, at + scores.len()) - at);
        let end = end.max(start);
        if let Some(cap) = self.spec.soft_cap {
            bend(cap, &mut scores[start..end]);
        }
        if let Some(bias) = self.bias {
            let [b, h, t, s] = bias.steps;
            let first = place.row * b + head * h + token * t;
            if bias.axial {
                let (down, across) = bias.values[first..].split_at(self.sizes.keys / s);
                return add_axial(down, &across[..s], at, scores);
            }
            for (key, score) in (at + start..at + end).zip(&mut scores[start..end]) {
                let bias = bias.values[first + key * s];
                *score = if bias <= HIDDEN { f32::NEG_INFINITY } else { *score + bias };
            }
        }
        scores[..start].fill(f32::NEG_INFINITY);
        scores[end..].fill(f32::NEG_INFINITY);
    }
}

/// Adds to the scores of the keys from `at` on what their rows and columns say; keys behind the last row are hidden.
fn add_axial(down: &[f32], across: &[f32], mut at: usize, mut scores: &mut [f32]) {
    while !scores.is_empty() {
        let (row, column) = (at / across.len(), at % across.len());
        let (now, rest) = scores.split_at_mut((across.len() - column).min(scores.len()));
        match down.get(row) {
            Some(down) => add_row(*down, &across[column..][..now.len()], now),
            None => now.fill(f32::NEG_INFINITY),
        }
        at += now.len();
        scores = rest;
    }
}

widest! {
    fn add_row(down: f32, across: &[f32], scores: &mut [f32]) {
        for (score, across) in scores.iter_mut().zip(across) {
            *score += down + across;
        }
    }
}

widest! {
    /// `cap * tanh(score / cap)`
    fn bend(cap: f32, scores: &mut [f32]) {
        scores.iter_mut().for_each(|score| *score /= cap);
        act::finish(scores, None, Some(Act::Tanh));
        scores.iter_mut().for_each(|score| *score *= cap);
    }
}
