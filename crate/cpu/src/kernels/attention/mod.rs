//! Attention with the softmax taken as the keys go by (Milakov and Gimelshein 2018; Dao et al. 2022).
//!
//! The queries of all heads of a key-value group are one list, token after token. A tile of it meets the keys in
//! blocks of a page: scores, their softmax so far, and the sum of the values weighted by it. Few queries with many
//! keys, as in decoding, are cut along the keys, and the pieces' sums are joined; many with a handful of keys have a
//! kernel of their own. How work is cut depends on the sizes
//! alone.
#![expect(unsafe_code, reason = "parts write disjoint rows of the result")]

mod block;
mod few;
pub(crate) mod grad;
mod keys;
mod mask;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use graph::{Attention, PAGE};

use crate::parts::Shared;
use crate::pool::Pool;

use block::Tile;
pub(crate) use keys::Keys;
use keys::Packed;
pub(crate) use mask::Bias;
use mask::Mask;

/// Queries in a tile.
const TILE: usize = 32;

/// Queries in a tile where there are many and each sees every key, as in pictures: keys and values are read less often.
const LARGE: usize = 96;

/// Tiles of queries from which on keys are packed for all of them.
const MANY: usize = 4;

/// Keys in a piece when few queries are cut along the keys; whole pages.
const PIECE: usize = 2 * PAGE;

/// Sizes of one attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Rows of the batch, B.
    pub batch: usize,
    /// Queries a row, T.
    pub queries: usize,
    /// Query heads, H.
    pub n_head: usize,
    /// Key-value heads, G.
    pub n_kv_head: usize,
    /// Width of a head, D.
    pub head_dim: usize,
    /// Keys a row, S.
    pub keys: usize,
}

impl Sizes {
    /// Query heads of a key-value head.
    fn group(&self) -> usize {
        self.n_head / self.n_kv_head.max(1)
    }

    /// Queries of a key-value head: token after token, the group's heads of each.
    fn list(&self) -> usize {
        self.queries * self.group()
    }
}

/// What the queries meet.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    /// `[B, T, H, D]`.
    pub q: &'a [f32],
    /// Keys and values.
    pub keys: Keys<'a>,
    /// Tokens before the first query of each row; none are zeros.
    pub past: Option<&'a [i32]>,
    /// Added to the scores.
    pub bias: Option<Bias<'a>>,
}

/// How the work of one attention is cut.
struct Cut {
    /// Queries in a tile.
    tile: usize,
    tiles: usize,
    pieces: usize,
}

impl Cut {
    fn new(spec: &Attention, sizes: &Sizes) -> Self {
        let tile = if spec.causal || sizes.list() < 4 * LARGE { TILE } else { LARGE };
        let tiles = sizes.list().div_ceil(tile);
        Self { tile, tiles, pieces: if tiles == 1 { sizes.keys.div_ceil(PIECE).max(1) } else { 1 } }
    }
}

thread_local! {
    /// What a tile works in, kept by each thread.
    static SCRATCH: RefCell<Tile> = RefCell::default();
}

/// Sums of pieces that are joined at the end, and packed keys; kept from call to call.
#[derive(Default)]
pub(crate) struct Partial {
    values: Vec<f32>,
    packed: Packed,
}

/// `out` [B, T, H, D], and `lse` [B, H, T] unless it is empty.
pub(crate) fn attention(
    pool: &Pool,
    spec: &Attention,
    sizes: &Sizes,
    operands: &Operands<'_>,
    partial: &mut Partial,
    out: &mut [f32],
    lse: &mut [f32],
) {
    if out.is_empty() {
        return;
    }
    if few::fits(spec, sizes, operands, lse) {
        return few::attention(pool, spec.scale, sizes, operands, out);
    }
    let cut = Cut::new(spec, sizes);
    let Partial { values: partial, packed } = partial;
    let operands = &match operands.keys {
        Keys::Dense { k, v, batch } if cut.tiles >= MANY => {
            Operands { keys: packed.pack(pool, sizes, (k, v), batch), ..*operands }
        }
        _ => *operands,
    };
    let mask = Mask { spec, sizes, past: operands.past, bias: operands.bias };
    // A piece leaves, for each query of its tile, the weighted sum of values, the largest score and the sum of weights.
    let record = cut.tile * (sizes.head_dim + 2);
    let units = sizes.batch * sizes.n_kv_head * cut.tiles * cut.pieces;
    let joined = cut.pieces > 1;
    if joined {
        partial.resize(units * record, 0.0);
    }
    let (partials, shared, lses) = (Shared::new(partial), Shared::new(out), Shared::new(lse));
    let wanted = usize::from(!lse.is_empty());
    pool.run(units, &|unit| {
        let (piece, list) = (unit % cut.pieces, unit / cut.pieces);
        let (tile, head) = (list % cut.tiles, list / cut.tiles);
        let place = Place::new(sizes, head, tile * cut.tile, cut.tile);
        let range = if joined { piece * PIECE..(piece + 1) * PIECE } else { 0..sizes.keys };
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.run(&mask, operands, place, range);
            if joined {
                // SAFETY: each unit has its own record.
                scratch.save(unsafe { partials.slice(unit * record, record) });
            } else {
                scratch.finish(|i, values, lse| {
                    // SAFETY: each unit writes the heads of its own queries.
                    let out = unsafe { shared.slice(place.at(sizes, i), sizes.head_dim) };
                    out.copy_from_slice(values);
                    // SAFETY: as above.
                    unsafe { lses.slice(place.score(sizes, i) * wanted, wanted) }.fill(lse);
                });
            }
        });
    });
    if joined {
        join(sizes, &cut, record, partial, out, lse);
    }
}

/// Some queries of one key-value head of one row of the batch.
#[derive(Clone, Copy, Debug)]
struct Place {
    row: usize,
    head: usize,
    first: usize,
    count: usize,
}

impl Place {
    /// At most `most` queries from `first` on of a head, counted over all rows.
    fn new(sizes: &Sizes, head: usize, first: usize, most: usize) -> Self {
        let count = most.min(sizes.list() - first);
        Self { row: head / sizes.n_kv_head, head: head % sizes.n_kv_head, first, count }
    }

    /// Token and query head of query `i` of the tile.
    fn query(&self, sizes: &Sizes, i: usize) -> (usize, usize) {
        let (list, group) = (self.first + i, sizes.group());
        (list / group, self.head * group + list % group)
    }

    /// The row of query `i` of the tile in [B, H, T].
    fn score(&self, sizes: &Sizes, i: usize) -> usize {
        let (token, head) = self.query(sizes, i);
        (self.row * sizes.n_head + head) * sizes.queries + token
    }

    /// Where query `i` of the tile begins in [B, T, H, D].
    fn at(&self, sizes: &Sizes, i: usize) -> usize {
        let (token, head) = self.query(sizes, i);
        ((self.row * sizes.queries + token) * sizes.n_head + head) * sizes.head_dim
    }
}

/// Joins the pieces of each query.
fn join(sizes: &Sizes, cut: &Cut, record: usize, partials: &[f32], out: &mut [f32], lse: &mut [f32]) {
    let width = sizes.head_dim;
    for (list, pieces) in partials.chunks_exact(record * cut.pieces).enumerate() {
        if list >= sizes.batch * sizes.n_kv_head {
            return;
        }
        let place = Place::new(sizes, list, 0, cut.tile);
        for i in 0..sizes.list() {
            let out = &mut out[place.at(sizes, i)..][..width];
            let found = block::join(pieces.chunks_exact(record), i, out);
            if let Some(lse) = lse.get_mut(place.score(sizes, i)) {
                *lse = found;
            }
        }
    }
}

/// The probabilities, `probs` [B, H, T, S].
pub(crate) fn probs(pool: &Pool, spec: &Attention, sizes: &Sizes, operands: &Operands<'_>, probs: &mut [f32]) {
    if probs.is_empty() {
        return;
    }
    let mask = Mask { spec, sizes, past: operands.past, bias: operands.bias };
    let tiles = sizes.list().div_ceil(TILE);
    let shared = Shared::new(probs);
    pool.run(sizes.batch * sizes.n_kv_head * tiles, &|unit| {
        let (tile, head) = (unit % tiles, unit / tiles);
        let place = Place::new(sizes, head, tile * TILE, TILE);
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.scores(&mask, operands, place, |i, at, scores| {
                let row = place.score(sizes, i);
                // SAFETY: each unit writes the rows of its own queries.
                let out = unsafe { shared.slice(row * sizes.keys + at, scores.len()) };
                out.copy_from_slice(scores);
            });
            for i in 0..place.count {
                let row = place.score(sizes, i);
                // SAFETY: as above, and the piece before is no longer in use.
                block::normalise(unsafe { shared.slice(row * sizes.keys, sizes.keys) });
            }
        });
    });
}
