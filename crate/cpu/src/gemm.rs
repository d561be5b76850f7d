//! Products of plain matrices at the speed of the machine: both sides are packed in panels, so that either may be read
//! transposed at no cost (Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication").
//!
//! The right side is packed first, by all threads. Then each part packs some rows of the left side, a stretch of the
//! inner axis at a time, and multiplies them with all columns. How work is cut depends on the sizes alone.
#![expect(unsafe_code, reason = "parts write disjoint pieces of the result")]

use std::cell::RefCell;

use crate::parts::Shared;
use crate::pool::Pool;
use crate::simd::{Block, Panels, prefetch};

/// Inner places that a part takes at a time: a panel of columns stays in the first level of cache.
const DEPTH: usize = 256;

/// Panels of rows in a part at most, so that they stay in the second level of cache.
const TALL: usize = 8;

/// Parts that a product is cut into where it is large enough, for any number of threads.
const PARTS: usize = 12;

/// Inner places of the right side that are packed at a time.
const STRETCH: usize = 64;

/// Columns that are fetched ahead.
const AHEAD: usize = 8;

/// A matrix that is read with any steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// From the first value on.
    pub values: &'a [f32],
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub column: usize,
}

impl<'a> View<'a> {
    /// Rows of `width` values.
    pub fn rows(values: &'a [f32], width: usize) -> Self {
        Self { values, row: width, column: 1 }
    }

    /// Rows and columns exchanged.
    pub fn turned(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    /// Without the first rows and columns.
    fn from(self, row: usize, column: usize) -> Self {
        let values = self.values.get(row * self.row + column * self.column..).unwrap_or_default();
        Self { values, ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row + (columns - 1) * self.column < self.values.len()
    }
}

/// Memory for the packed right side, kept from product to product.
#[derive(Default)]
pub(crate) struct Packed(Vec<f32>);

thread_local! {
    /// Packed rows of the left side, kept by each thread.
    static ROWS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// `out = a · b`, each row then passed to `finish` in pieces: the first column and the values.
///
/// # Shapes
/// `a` [m, k], `b` [k, n], `out` [m, n] with rows that follow each other.
pub(crate) fn gemm(
    pool: &Pool,
    (m, k, n): (usize, usize, usize),
    a: View<'_>,
    b: View<'_>,
    packed: &mut Packed,
    out: &mut [f32],
    finish: impl Fn(usize, &mut [f32]) + Sync,
) {
    assert!(a.holds(m, k) && b.holds(k, n), "operands of {m} x {k} x {n}");
    assert_eq!(out.len(), m * n, "result of {m} x {n}");
    if m == 0 || n == 0 {
        return;
    }
    let panels = Panels::best();
    let across = n.div_ceil(panels.columns);
    let step = k * panels.columns;
    pack_columns(pool, (k, n), b, panels.columns, &mut packed.0);
    let cut = Cut::new(m.div_ceil(panels.rows), across);
    let (b, shared) = (&packed.0, Shared::new(out));
    pool.run(cut.parts(), &|part| {
        let (down, right) = cut.part(part);
        let (row, column) = (down.start * panels.rows, right.start * panels.columns);
        let size = ((down.end * panels.rows).min(m) - row, (right.end * panels.columns).min(n) - column);
        ROWS.with_borrow_mut(|rows| {
            for at in (0..k.max(1)).step_by(DEPTH) {
                let depth = DEPTH.min(k - at);
                rows.resize(size.0.next_multiple_of(panels.rows) * depth, 0.0);
                // SAFETY: there is room for the panels.
                unsafe {
                    pack(a.from(row, at), (size.0, depth), panels.rows, rows.as_mut_ptr(), panels.rows * depth);
                }
                let block = Block {
                    a: rows,
                    b: &b[right.start * step + at * panels.columns..],
                    b_step: step,
                    size: (size.0, size.1, depth),
                    out: shared.at(row * n + column),
                    stride: n,
                    add: at > 0,
                };
                // SAFETY: inside the result, and parts have different rows or columns.
                unsafe { block.run() };
            }
        });
        for i in 0..size.0 {
            // SAFETY: as above.
            finish(column, unsafe { shared.slice((row + i) * n + column, size.1) });
        }
    });
}

fn pack_columns(pool: &Pool, (k, n): (usize, usize), b: View<'_>, wide: usize, packed: &mut Vec<f32>) {
    let step = k * wide;
    let panels = n.div_ceil(wide);
    if packed.len() < panels * step {
        packed.resize(panels * step, 0.0);
    }
    if k == 0 {
        return;
    }
    let (b, shared) = (b.turned(), Shared::new(packed));
    // Along the rows of memory: stretches of the inner axis, or else panels.
    let (depth, count) = if b.row == 1 { (STRETCH, n) } else { (k, wide) };
    let across = n.div_ceil(count);
    pool.run(across * k.div_ceil(depth), &|part| {
        let (first, at) = (part % across * count, part / across * depth);
        let (size, to) = ((count.min(n - first), depth.min(k - at)), shared.at(first / wide * step + at * wide));
        // SAFETY: parts have different panels or different stretches of them, all inside.
        unsafe { pack(b.from(first, at), size, wide, to, step) };
    });
}

/// Packs `rows` by `columns` of a matrix in panels of `wide` rows, `step` values apart: for each column one value of
/// each row, zeros for rows that are missing in the last panel.
///
/// # Safety
/// `out` is valid for writes of the panels, and nobody else uses them.
unsafe fn pack(x: View<'_>, (rows, columns): (usize, usize), wide: usize, out: *mut f32, step: usize) {
    assert!(x.holds(rows, columns), "{rows} x {columns}");
    // SAFETY: passed on; the values are inside by the check.
    unsafe {
        match (x.row, wide) {
            // Copies of a known length need no call.
            (1, 4) => copy::<4>(x, (rows, columns), out, step),
            (1, 6) => copy::<6>(x, (rows, columns), out, step),
            (1, 8) => copy::<8>(x, (rows, columns), out, step),
            (1, 12) => copy::<12>(x, (rows, columns), out, step),
            (1, 16) => copy::<16>(x, (rows, columns), out, step),
            (1, 32) => copy::<32>(x, (rows, columns), out, step),
            _ => {
                for first in (0..rows).step_by(wide) {
                    let panel = std::slice::from_raw_parts_mut(out.add(first / wide * step), columns * wide);
                    turn(x.from(first, 0), wide.min(rows - first), wide, panel);
                }
            }
        }
    }
}

/// Where rows are next to each other: column by column, as memory lies.
unsafe fn copy<const N: usize>(x: View<'_>, (rows, columns): (usize, usize), out: *mut f32, step: usize) {
    for column in 0..columns {
        let values = &x.values[column * x.column..][..rows];
        // The next columns may be pages away, where the machine does not look ahead by itself.
        if let Some(next) = x.values.get((column + AHEAD) * x.column..) {
            next[..rows.min(next.len())].chunks(16).for_each(prefetch);
        }
        let (whole, rest) = values.as_chunks::<N>();
        // SAFETY: each panel has `N` values of each column.
        unsafe {
            let out = out.add(column * N);
            for (panel, values) in whole.iter().enumerate() {
                out.add(panel * step).cast::<[f32; N]>().write(*values);
            }
            if !rest.is_empty() {
                let mut last = [0.0; N];
                last[..rest.len()].copy_from_slice(rest);
                out.add(whole.len() * step).cast::<[f32; N]>().write(last);
            }
        }
    }
}

/// One panel of `count` rows at a distance, four by four, so that few lines of the cache are in use.
fn turn(x: View<'_>, count: usize, wide: usize, out: &mut [f32]) {
    if count < wide {
        out.fill(0.0);
    }
    let columns = out.len() / wide;
    let whole = if x.column == 1 { columns / 4 * 4 } else { 0 };
    for first in (0..count / 4 * 4).step_by(4) {
        let rows: [&[f32]; 4] = std::array::from_fn(|i| &x.values[(first + i) * x.row..]);
        for column in (0..whole).step_by(4) {
            let block: [[f32; 4]; 4] = rows.map(|row| row[column..].first_chunk().copied().unwrap_or_default());
            for i in 0..4 {
                out[(column + i) * wide + first..][..4].copy_from_slice(&block.map(|row| row[i]));
            }
        }
    }
    for row in 0..count {
        let from = if row < count / 4 * 4 { whole } else { 0 };
        for column in from..columns {
            out[column * wide + row] = x.values[row * x.row + column * x.column];
        }
    }
}

/// How the panels of a result are cut into parts.
struct Cut {
    down: usize,
    tall: usize,
    across: usize,
    wide: usize,
}

impl Cut {
    fn new(down: usize, across: usize) -> Self {
        let tall = down.div_ceil(PARTS).clamp(4, TALL).min(down);
        let wide = across.div_ceil(PARTS.div_ceil(down.div_ceil(tall)));
        Self { down, tall, across, wide: if down.div_ceil(tall) >= PARTS / 2 { across } else { wide } }
    }

    fn parts(&self) -> usize {
        self.down.div_ceil(self.tall) * self.across.div_ceil(self.wide)
    }

    /// Panels of rows and panels of columns.
    fn part(&self, part: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let per_row = self.across.div_ceil(self.wide);
        let (row, column) = (part / per_row * self.tall, part % per_row * self.wide);
        (row..(row + self.tall).min(self.down), column..(column + self.wide).min(self.across))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_and_odd_sizes() {
        for (m, k, n) in [(1, 1, 1), (3, 0, 2), (13, 5, 33), (30, 257, 70), (100, 600, 17), (5, 9, 1000), (300, 3, 2)] {
            let value = |i: usize| ((i * 37 + 11) % 17) as f32 - 8.0;
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let b: Vec<f32> = (0..k * n).map(|i| value(i + 5)).collect();
            let turn = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                (0..rows * columns).map(|i| x[i % rows * columns + i / rows]).collect()
            };
            let (at, bt) = (turn(&a, m, k), turn(&b, k, n));
            let plain = (View::rows(&a, k), View::rows(&b, n));
            let turned = (View::rows(&at, m).turned(), View::rows(&bt, k).turned());
            for (left, right) in [plain, turned, (plain.0, turned.1), (turned.0, plain.1)] {
                let mut out = vec![7.0; m * n];
                gemm(&Pool::new(2), (m, k, n), left, right, &mut Packed::default(), &mut out, |_, out| out[0] += 1.0);
                for (i, out) in out.iter().enumerate() {
                    let expected: f32 = (0..k).map(|j| a[i / n * k + j] * b[j * n + i % n]).sum();
                    // Whole numbers, but for the first of each piece.
                    let error = out - expected;
                    assert!(error == 0.0 || error == 1.0, "{m} {k} {n}: {i}: {out} {expected}");
                }
            }
        }
    }
}
