//! One tile of queries: scores, running softmax, weighted sum of values.

use std::ops::Range;

use graph::PAGE;

use super::mask::{HIDDEN, Mask};
use super::{Operands, Place};
use crate::kernels::arg_max::largest;
use crate::kernels::rms_norm::sum;
use crate::matrix::act::exp;
use crate::parts::widest;
use crate::simd::{Grid, Sum, product};

/// What a tile works in.
#[derive(Default)]
pub(super) struct Tile {
    /// How many queries.
    count: usize,
    /// Width of a head, D.
    width: usize,
    /// Queries times the scale, [count, D].
    q: Vec<f32>,
    /// Keys turned, [D, PAGE].
    turned: Vec<f32>,
    /// Scores, then weights, [count, PAGE].
    scores: Vec<f32>,
    /// The weighted sum of values, [count, D].
    values: Vec<f32>,
    /// The largest score so far, of each query.
    most: Vec<f32>,
    /// The sum of weights so far, of each query.
    total: Vec<f32>,
}

impl Tile {
    fn load(&mut self, mask: &Mask<'_>, operands: &Operands<'_>, place: Place) {
        let sizes = mask.sizes;
        (self.count, self.width) = (place.count, sizes.head_dim);
        self.q.clear();
        for i in 0..self.count {
            let q = &operands.q[place.at(sizes, i)..][..self.width];
            self.q.extend(q.iter().map(|q| q * mask.spec.scale));
        }
        self.scores.resize(self.count * PAGE, 0.0);
    }

    /// The keys that any query of the tile sees.
    fn visible(&self, mask: &Mask<'_>, place: Place) -> Range<usize> {
        let (first, last) = (place.query(mask.sizes, 0).0, place.query(mask.sizes, self.count - 1).0);
        mask.visible(place.row, first).start..mask.visible(place.row, last).end
    }

    /// Meets the keys of `range` that its queries see.
    pub fn run(&mut self, mask: &Mask<'_>, operands: &Operands<'_>, place: Place, range: Range<usize>) {
        self.load(mask, operands, place);
        for (vec, start) in [(&mut self.most, f32::NEG_INFINITY), (&mut self.total, 0.0)] {
            vec.clear();
            vec.resize(self.count, start);
        }
        self.values.clear();
        self.values.resize(self.count * self.width, 0.0);
        let visible = self.visible(mask, place);
        let held = operands.keys.len(mask.sizes, place.row);
        let (start, end) = (range.start.max(visible.start), range.end.min(visible.end).min(held));
        let mut at = if start < end { start / PAGE * PAGE } else { end };
        while at < end {
            let (from, to) = (start.max(at), end.min(at + PAGE));
            self.block(mask, operands, place, (at, from, to));
            at += PAGE;
        }
    }

    /// Meets the keys `from..to` of the block at `at`.
    fn block(&mut self, mask: &Mask<'_>, operands: &Operands<'_>, place: Place, (at, from, to): (usize, usize, usize)) {
        let sizes = mask.sizes;
        self.multiply(mask, operands, place, at, to - at);
        for i in 0..self.count {
            let scores = &mut self.scores[i * PAGE..][..PAGE];
            mask.apply(place, i, at, scores);
            let values = &mut self.values[i * self.width..][..self.width];
            soften(&mut scores[from - at..to - at], &mut self.most[i], &mut self.total[i], values);
        }
        let weights = Grid { values: &self.scores[from - at..], stride: PAGE };
        let values = operands.keys.values(sizes, (place.row, place.head), from);
        product((self.count, to - from, self.width), weights, values, &mut self.values, self.width, Sum::Add);
    }

    /// The first `columns` scores of a block, and some more.
    fn multiply(&mut self, mask: &Mask<'_>, operands: &Operands<'_>, place: Place, at: usize, columns: usize) {
        let keys = operands.keys.keys(mask.sizes, (place.row, place.head), at, &mut self.turned);
        let q = Grid { values: &self.q, stride: self.width };
        // Whole vectors of the widest set; what lies behind the keys is hidden afterwards.
        let columns = columns.next_multiple_of(16);
        product((self.count, self.width, columns), q, keys, &mut self.scores, PAGE, Sum::Set);
    }

    /// Gives each query's result and the logarithm of its sum of exponentials.
    pub fn finish(&mut self, mut put: impl FnMut(usize, &[f32], f32)) {
        for (i, values) in self.values.chunks_exact_mut(self.width.max(1)).enumerate() {
            scale(values, inverse(self.total[i]));
            put(i, values, log_sum(self.most[i], self.total[i]));
        }
    }

    /// Keeps sums, largest scores and totals of the tile for [`join`].
    pub fn save(&self, record: &mut [f32]) {
        for i in 0..self.count {
            let out = &mut record[i * (self.width + 2)..][..self.width + 2];
            out[..self.width].copy_from_slice(&self.values[i * self.width..][..self.width]);
            (out[self.width], out[self.width + 1]) = (self.most[i], self.total[i]);
        }
    }

    /// Gives the masked scores of every query and block: the query, the block's first key, its scores.
    pub fn scores(
        &mut self,
        mask: &Mask<'_>,
        operands: &Operands<'_>,
        place: Place,
        mut put: impl FnMut(usize, usize, &[f32]),
    ) {
        self.load(mask, operands, place);
        let held = operands.keys.len(mask.sizes, place.row);
        for at in (0..mask.sizes.keys).step_by(PAGE) {
            let columns = PAGE.min(mask.sizes.keys - at);
            if at < held {
                self.multiply(mask, operands, place, at, columns);
            }
            for i in 0..self.count {
                let scores = &mut self.scores[i * PAGE..][..columns];
                mask.apply(place, i, at, scores);
                put(i, at, scores);
            }
        }
    }
}

/// One over a sum of weights; zero for a query that saw no key.
fn inverse(total: f32) -> f32 {
    if total == 0.0 { 0.0 } else { 1.0 / total }
}

/// The logarithm of a sum of exponentials; [`HIDDEN`] for a query that saw no key.
fn log_sum(most: f32, total: f32) -> f32 {
    if total == 0.0 { HIDDEN } else { most + total.ln() }
}

widest! {
    pub(super) fn scale(values: &mut [f32], factor: f32) {
        for value in values {
            *value *= factor;
        }
    }
}

widest! {
    /// Turns scores into weights relative to the largest score so far, and what was summed before with them.
    fn soften(scores: &mut [f32], most: &mut f32, total: &mut f32, values: &mut [f32]) {
        let mut found = 0.0;
        largest(scores, &mut found);
        let next = if found > *most { found } else { *most };
        if next == f32::NEG_INFINITY && !scores.iter().any(|score| score.is_nan()) {
            scores.fill(0.0);
            return;
        }
        for score in scores.iter_mut() {
            let weight = exp(*score - next);
            *score = if *score == f32::NEG_INFINITY { 0.0 } else { weight };
        }
        let factor = if *most == f32::NEG_INFINITY { 0.0 } else { exp(*most - next) };
        *total = *total * factor + sum(scores, |weight| weight);
        if factor != 1.0 {
            for value in values {
                *value *= factor;
            }
        }
        *most = next;
    }
}

/// Joins query `i` of pieces of a list of keys; gives the logarithm of its sum of exponentials.
pub(super) fn join<'a>(pieces: impl Iterator<Item = &'a [f32]> + Clone, i: usize, out: &mut [f32]) -> f32 {
    let width = out.len();
    let pieces = pieces.map(|record| &record[i * (width + 2)..][..width + 2]);
    let most = pieces.clone().map(|piece| piece[width]).fold(f32::NEG_INFINITY, f32::max);
    out.fill(0.0);
    let mut total = 0.0;
    for piece in pieces.filter(|piece| piece[width + 1] != 0.0) {
        let factor = exp(piece[width] - most);
        total += piece[width + 1] * factor;
        out.iter_mut().zip(piece).for_each(|(out, value)| *out += value * factor);
    }
    scale(out, inverse(total));
    log_sum(most, total)
}

widest! {
    /// Masked scores of one query into probabilities; zeros if it sees no key.
    pub(super) fn normalise(scores: &mut [f32]) {
        let (mut most, mut total) = (f32::NEG_INFINITY, 0.0);
        soften(scores, &mut most, &mut total, &mut []);
        scale(scores, inverse(total));
    }
}
