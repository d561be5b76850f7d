//! Where keys and values lie: in a plain value or in a session's pages.

use graph::{PAGE, PageTable};

use super::Sizes;
use crate::parts::together;
use crate::pool::Pool;
use crate::session::State;
use crate::simd::Grid;

/// Keys and values.
#[derive(Clone, Copy)]
pub(crate) enum Keys<'a> {
    /// `[B or 1, S, G, D]` both.
    Dense {
        /// Keys.
        k: &'a [f32],
        /// Values.
        v: &'a [f32],
        /// Rows of the batch that there are: B or 1.
        batch: usize,
    },
    /// In blocks of a page's size, as [`Packed`] makes them.
    Packed {
        /// Keys turned, `[B or 1, G, blocks, D, PAGE]`.
        k: &'a [f32],
        /// Values, `[B or 1, G, blocks, PAGE, D]`.
        v: &'a [f32],
        /// Rows of the batch that there are: B or 1.
        batch: usize,
    },
    /// In pages.
    Paged {
        /// Keys and values of one layer.
        state: &'a State,
        /// Which pages belong to which row.
        table: &'a PageTable,
    },
}

impl<'a> Keys<'a> {
    /// Keys of the block that begins at key `at`, turned: `[D, PAGE]`. `turned` is where plain ones are turned.
    pub fn keys<'b>(&self, sizes: &Sizes, (row, head): (usize, usize), at: usize, turned: &'b mut Vec<f32>) -> Grid<'b>
    where
        'a: 'b,
    {
        match self {
            Keys::Dense { k, batch, .. } => {
                let k = &k[start(sizes, (row, head), *batch, at)..];
                turned.resize(sizes.head_dim * PAGE, 0.0);
                turn(k, sizes, PAGE.min(sizes.keys - at), turned);
                Grid { values: turned, stride: PAGE }
            }
            Keys::Packed { k, batch, .. } => Grid { values: block(k, sizes, (row, head), *batch, at), stride: PAGE },
            Keys::Paged { state, table } => {
                Grid { values: page(&state.keys, sizes, table, (row, head), at), stride: PAGE }
            }
        }
    }

    /// Values from key `at` on to the end of its block: `[_, D]`.
    pub fn values(&self, sizes: &Sizes, (row, head): (usize, usize), at: usize) -> Grid<'a> {
        match self {
            Keys::Dense { v, batch, .. } => {
                let values = &v[start(sizes, (row, head), *batch, at)..];
                Grid { values, stride: sizes.n_kv_head * sizes.head_dim }
            }
            Keys::Packed { v, batch, .. } => {
                let block = block(v, sizes, (row, head), *batch, at);
                Grid { values: &block[at % PAGE * sizes.head_dim..], stride: sizes.head_dim }
            }
            Keys::Paged { state, table } => {
                let page = page(&state.values, sizes, table, (row, head), at);
                Grid { values: &page[at % PAGE * sizes.head_dim..], stride: sizes.head_dim }
            }
        }
    }

    /// Keys that a row has.
    pub fn len(&self, sizes: &Sizes, row: usize) -> usize {
        match self {
            Keys::Dense { .. } | Keys::Packed { .. } => sizes.keys,
            Keys::Paged { table, .. } => table.len(row).min(sizes.keys),
        }
    }
}

fn start(sizes: &Sizes, (row, head): (usize, usize), batch: usize, at: usize) -> usize {
    let row = if batch == 1 { 0 } else { row };
    ((row * sizes.keys + at) * sizes.n_kv_head + head) * sizes.head_dim
}

fn page<'a>(all: &'a [f32], sizes: &Sizes, table: &PageTable, (row, head): (usize, usize), at: usize) -> &'a [f32] {
    let len = sizes.head_dim * PAGE;
    let page = table.pages(row)[at / PAGE] as usize;
    &all[(page * sizes.n_kv_head + head) * len..][..len]
}

/// The block of packed keys or values that holds key `at`.
fn block<'a>(all: &'a [f32], sizes: &Sizes, (row, head): (usize, usize), batch: usize, at: usize) -> &'a [f32] {
    let (row, len) = (if batch == 1 { 0 } else { row }, sizes.head_dim * PAGE);
    let first = (row * sizes.n_kv_head + head) * sizes.keys.div_ceil(PAGE);
    &all[(first + at / PAGE) * len..][..len]
}

/// Plain keys and values in blocks, so that many tiles of queries do not turn the same keys again and again.
#[derive(Default)]
pub(super) struct Packed {
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Packed {
    /// Packs `[B or 1, S, G, D]`.
    pub fn pack(&mut self, pool: &Pool, sizes: &Sizes, (k, v): (&[f32], &[f32]), batch: usize) -> Keys<'_> {
        let (blocks, len) = (sizes.keys.div_ceil(PAGE), sizes.head_dim * PAGE);
        for packed in [&mut self.k, &mut self.v] {
            packed.resize(batch * sizes.n_kv_head * blocks * len, 0.0);
        }
        together(pool, [&mut self.k, &mut self.v], [len; 2], |part, [keys, values]| {
            let (head, at) = (part / blocks, part % blocks * PAGE);
            let place = (head / sizes.n_kv_head, head % sizes.n_kv_head);
            let (from, count) = (start(sizes, place, batch, at), PAGE.min(sizes.keys - at));
            turn(&k[from..], sizes, count, keys);
            let rows = v[from..].chunks(sizes.n_kv_head * sizes.head_dim).take(count);
            values.chunks_exact_mut(sizes.head_dim).zip(rows).for_each(|(out, row)| {
                out.copy_from_slice(&row[..sizes.head_dim]);
            });
        });
        Keys::Packed { k: &self.k, v: &self.v, batch }
    }
}

/// Turns `count` keys into `[D, PAGE]`, eight by eight, so that both sides stay in the first level of cache.
fn turn(k: &[f32], sizes: &Sizes, count: usize, out: &mut [f32]) {
    let stride = sizes.n_kv_head * sizes.head_dim;
    for first in (0..count).step_by(8) {
        let last = (first + 8).min(count);
        for (i, column) in out.chunks_exact_mut(PAGE).enumerate() {
            for (token, out) in (first..last).zip(&mut column[first..last]) {
                *out = k[token * stride + i];
            }
        }
    }
}
