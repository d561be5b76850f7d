//! The gradients of attention, whose probabilities are made again tile by tile from the logarithms that the forward
//! pass kept (Dao et al. 2022, algorithm 4).
//!
//! A part is one key-value head of one row of the batch: blocks of keys, and for each the tiles of queries that see it.
//! Where all rows share keys, a part is one head of all rows, one after another. So every sum has one order.
#![expect(unsafe_code, reason = "parts write disjoint pieces of the results")]

use std::cell::RefCell;

use graph::{Attention, PAGE};

use super::block::scale;
use super::mask::{Bias, Mask};
use super::{Keys, Place, Sizes};
use crate::matrix::act::exp;
use crate::parts::{Shared, widest};
use crate::pool::Pool;
use crate::simd::{Grid, Sum, product, product_turned};

/// Queries in a tile.
const TILE: usize = 64;

/// What the gradient reads; see [`graph::Op::AttentionGrad`].
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    /// `[B, T, H, D]`
    pub q: &'a [f32],
    /// `[B or 1, S, G, D]`
    pub k: &'a [f32],
    /// `[B or 1, S, G, D]`
    pub v: &'a [f32],
    /// Rows of the batch that keys have: B or 1.
    pub k_batch: usize,
    /// `[B, T, H, D]`
    pub out: &'a [f32],
    /// `[B, H, T]`
    pub lse: &'a [f32],
    /// `[B, T, H, D]`
    pub dout: &'a [f32],
    /// Tokens before the first query of each row; none are zeros.
    pub past: Option<&'a [i32]>,
    /// Added to the scores.
    pub bias: Option<Bias<'a>>,
}

/// The results: as `q`, `k`, `v`, and `[B, H, T, S]` or empty.
struct Results {
    dq: Shared<f32>,
    dk: Shared<f32>,
    dv: Shared<f32>,
    dscores: Option<Shared<f32>>,
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

/// The gradients of q, k and v, and of the scores unless that is empty.
pub(crate) fn attention_grad(
    pool: &Pool,
    spec: &Attention,
    sizes: &Sizes,
    of: &Operands<'_>,
    [dq, dk, dv, dscores]: [&mut [f32]; 4],
) {
    let mask = Mask { spec, sizes, past: of.past, bias: of.bias };
    let is_shared = of.k_batch < sizes.batch;
    let units = if is_shared { sizes.n_kv_head } else { sizes.batch * sizes.n_kv_head };
    let dscores = (!dscores.is_empty()).then(|| Shared::new(dscores));
    let results = Results { dq: Shared::new(dq), dk: Shared::new(dk), dv: Shared::new(dv), dscores };
    pool.run(units, &|unit| {
        let head = unit % sizes.n_kv_head;
        let rows = if is_shared { 0..sizes.batch } else { unit / sizes.n_kv_head..unit / sizes.n_kv_head + 1 };
        WORK.with_borrow_mut(|work| {
            for row in rows {
                work.row(&mask, of, (row, head), &results);
            }
        });
    });
}

/// What a part works in.
#[derive(Default)]
struct Work {
    /// Queries of the head's group times the scale, their results' gradients and their own, [list, D] each.
    q: Vec<f32>,
    dout: Vec<f32>,
    dq: Vec<f32>,
    /// For each query the product of its result and the gradient of that, and its logarithm.
    along: Vec<f32>,
    lse: Vec<f32>,
    /// A block of keys and of values turned, [D, PAGE].
    turned: [Vec<f32>; 2],
    /// Gradients of a block of keys and of values, [PAGE, D].
    dk: Vec<f32>,
    dv: Vec<f32>,
    /// Of a tile, [TILE, PAGE]: scores, then probabilities; their gradients; the slope of the cap.
    scores: Vec<f32>,
    dscores: Vec<f32>,
    slope: Vec<f32>,
}

impl Work {
    /// One key-value head of one row of the batch.
    fn row(&mut self, mask: &Mask<'_>, of: &Operands<'_>, (row, head): (usize, usize), results: &Results) {
        let sizes = mask.sizes;
        self.load(mask, of, Place { row, head, first: 0, count: sizes.list() }, results);
        for at in (0..sizes.keys).step_by(PAGE) {
            let count = PAGE.min(sizes.keys - at);
            for gradient in [&mut self.dk, &mut self.dv] {
                gradient.clear();
                gradient.resize(count * sizes.head_dim, 0.0);
            }
            let turned = &mut self.turned;
            Keys::Dense { k: of.k, v: of.k, batch: of.k_batch }.keys(sizes, (row, head), at, &mut turned[0]);
            Keys::Dense { k: of.v, v: of.v, batch: of.k_batch }.keys(sizes, (row, head), at, &mut turned[1]);
            for first in (0..sizes.list()).step_by(TILE) {
                self.tile(
                    mask,
                    of,
                    Place { row, head, first, count: TILE.min(sizes.list() - first) },
                    (at, count),
                    results,
                );
            }
            self.save_keys(mask, of, (row, head), at, results);
        }
        self.save_queries(mask, Place { row, head, first: 0, count: sizes.list() }, results);
    }

    fn load(&mut self, mask: &Mask<'_>, of: &Operands<'_>, place: Place, results: &Results) {
        let (sizes, width) = (mask.sizes, mask.sizes.head_dim);
        [&mut self.q, &mut self.dout, &mut self.dq, &mut self.along, &mut self.lse].into_iter().for_each(Vec::clear);
        for i in 0..sizes.list() {
            let at = place.at(sizes, i);
            let (out, dout) = (&of.out[at..][..width], &of.dout[at..][..width]);
            self.q.extend(of.q[at..][..width].iter().map(|q| q * mask.spec.scale));
            self.dout.extend_from_slice(dout);
            self.along.push(out.iter().zip(dout).map(|(out, dout)| out * dout).sum());
            self.lse.push(of.lse[place.score(sizes, i)]);
            if let Some(dscores) = &results.dscores {
                // SAFETY: each part has the rows of its own queries.
                unsafe { dscores.slice(place.score(sizes, i) * sizes.keys, sizes.keys) }.fill(0.0);
            }
        }
        self.dq.resize(sizes.list() * width, 0.0);
        for tile in [&mut self.scores, &mut self.dscores, &mut self.slope] {
            tile.resize(TILE * PAGE, 0.0);
        }
    }

    /// Some queries meet a block of `count` keys from `at` on.
    fn tile(
        &mut self,
        mask: &Mask<'_>,
        of: &Operands<'_>,
        place: Place,
        (at, count): (usize, usize),
        results: &Results,
    ) {
        let (sizes, width) = (mask.sizes, mask.sizes.head_dim);
        let rows = TILE.min(sizes.list() - place.first);
        let (first, last) = (place.query(sizes, 0).0, place.query(sizes, rows - 1).0);
        let (start, end) = (mask.visible(place.row, first).start, mask.visible(place.row, last).end.min(at + count));
        if start.max(at) >= end {
            return;
        }
        let keys = end - at;
        let list = place.first * width..(place.first + rows) * width;
        let grid = |values| Grid { values, stride: width };
        let (q, dout) = (grid(&self.q[list.clone()]), grid(&self.dout[list.clone()]));
        let [k, v] = [0, 1].map(|i| Grid { values: &self.turned[i], stride: PAGE });
        // Whole vectors of the widest set; what lies behind the keys is not read.
        let columns = keys.next_multiple_of(16);
        product((rows, width, columns), q, k, &mut self.scores, PAGE, Sum::Set);
        product((rows, width, columns), dout, v, &mut self.dscores, PAGE, Sum::Set);
        for i in 0..rows {
            let [scores, dscores, slope] =
                [&mut self.scores, &mut self.dscores, &mut self.slope].map(|tile| &mut tile[i * PAGE..][..keys]);
            if let Some(cap) = mask.spec.soft_cap {
                bend(cap, scores, slope);
            }
            mask.apply(place, i, at, scores);
            weigh(scores, dscores, self.lse[place.first + i], self.along[place.first + i]);
            // A single key has all the weight, whatever its score.
            if mask.visible(place.row, place.query(sizes, i).0).len() == 1 {
                dscores.fill(0.0);
            }
            if let Some(out) = &results.dscores {
                // SAFETY: each part has the rows of its own queries.
                let out = unsafe { out.slice(place.score(sizes, i) * sizes.keys + at, keys) };
                out.copy_from_slice(dscores);
            }
            if mask.spec.soft_cap.is_some() {
                multiply(dscores, slope);
            }
        }
        let [probs, dscores] = [&self.scores, &self.dscores].map(|values| Grid { values, stride: PAGE });
        let k = Keys::Dense { k: of.k, v: of.k, batch: of.k_batch }.values(sizes, (place.row, place.head), at);
        product((rows, keys, width), dscores, k, &mut self.dq[list], width, Sum::Add);
        product_turned((keys, rows, width), dscores, q, &mut self.dk, width, Sum::Add);
        product_turned((keys, rows, width), probs, dout, &mut self.dv, width, Sum::Add);
    }

    fn save_keys(&self, mask: &Mask<'_>, of: &Operands<'_>, (row, head): (usize, usize), at: usize, results: &Results) {
        let (sizes, width) = (mask.sizes, mask.sizes.head_dim);
        let own = if of.k_batch == 1 { 0 } else { row };
        // Rows that share keys add up.
        let is_first = own == row;
        for (out, values) in [(&results.dk, &self.dk), (&results.dv, &self.dv)] {
            for (key, values) in (at..).zip(values.chunks_exact(width)) {
                // SAFETY: each part has the keys of its own head, and of its own row unless rows share them.
                let out = unsafe { out.slice(((own * sizes.keys + key) * sizes.n_kv_head + head) * width, width) };
                if is_first {
                    out.copy_from_slice(values);
                } else {
                    out.iter_mut().zip(values).for_each(|(out, value)| *out += value);
                }
            }
        }
    }

    fn save_queries(&mut self, mask: &Mask<'_>, place: Place, results: &Results) {
        let width = mask.sizes.head_dim;
        scale(&mut self.dq, mask.spec.scale);
        for (i, values) in self.dq.chunks_exact(width).enumerate() {
            // SAFETY: each part has its own queries.
            unsafe { results.dq.slice(place.at(mask.sizes, i), width) }.copy_from_slice(values);
        }
    }
}

widest! {
    /// The slope of `cap tanh(score / cap)`: with `s = 1 / (1 + exp(-2 score / cap))` it is `4 s (1 - s)`.
    fn bend(cap: f32, scores: &[f32], slope: &mut [f32]) {
        for (slope, score) in slope.iter_mut().zip(scores) {
            let s = 1.0 / (1.0 + exp(-2.0 * score / cap));
            *slope = 4.0 * s * (1.0 - s);
        }
    }
}

widest! {
    /// Scores into probabilities, and the gradients of these into those of the scores.
    fn weigh(scores: &mut [f32], gradients: &mut [f32], lse: f32, along: f32) {
        for (score, gradient) in scores.iter_mut().zip(gradients) {
            let prob = exp(*score - lse);
            let is_hidden = *score == f32::NEG_INFINITY;
            *gradient = if is_hidden { 0.0 } else { prob * (*gradient - along) };
            *score = if is_hidden { 0.0 } else { prob };
        }
    }
}

widest! {
    fn multiply(values: &mut [f32], factors: &[f32]) {
        values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
    }
}
