//! Where keys and values lie: in a plain value or in a session's pages.

use graph::{PAGE, PageTable};

use super::Sizes;
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
                turn(k, sizes, PAGE.min(sizes.keys - at), turned);
                Grid { values: turned, stride: PAGE }
            }
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
            Keys::Paged { state, table } => {
                let page = page(&state.values, sizes, table, (row, head), at);
                Grid { values: &page[at % PAGE * sizes.head_dim..], stride: sizes.head_dim }
            }
        }
    }

    /// Keys that a row has.
    pub fn len(&self, sizes: &Sizes, row: usize) -> usize {
        match self {
            Keys::Dense { .. } => sizes.keys,
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

/// Turns `count` keys into `[D, PAGE]`, eight by eight, so that both sides stay in the first level of cache.
fn turn(k: &[f32], sizes: &Sizes, count: usize, out: &mut Vec<f32>) {
    let (width, stride) = (sizes.head_dim, sizes.n_kv_head * sizes.head_dim);
    out.resize(width * PAGE, 0.0);
    for first in (0..count).step_by(8) {
        let last = (first + 8).min(count);
        for (i, column) in out.chunks_exact_mut(PAGE).enumerate() {
            for (token, out) in (first..last).zip(&mut column[first..last]) {
                *out = k[token * stride + i];
            }
        }
    }
}
