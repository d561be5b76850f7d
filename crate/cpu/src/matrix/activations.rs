//! The 8-bit form of `x`.
//!
//! 32 columns of a row make a record: 32 integers from −127 to 127 (8 bits, or 16 for kernels that multiply those),
//! their scale, three sums of the values that they stand for: of all 32, of the first and of the last 16, and −128 times
//! the sum of the integers. The sums serve weights with a minimum or an offset, the last number those that are stored
//! too high by 128. The records of a tile of rows alternate, block by block.
#![expect(unsafe_code, reason = "parts write disjoint records")]

use super::Matrix;
use super::buffer::Buffer;
use super::kernel::{RECORD_TAIL, record_bytes};
use crate::pool::Pool;

/// What the records look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordKind {
    /// Integers of 16 bits.
    pub(crate) wide: bool,
    /// Rows in a tile.
    pub(crate) tile: usize,
}

/// The 8-bit form of an `x` of `m` rows and `k` columns, made once for the matrices that multiply the same `x`.
/// The memory is kept for the next one.
#[derive(Default)]
pub struct Activations {
    records: Buffer,
    kind: Option<RecordKind>,
    m: usize,
    k: usize,
}

/// A pointer that parts write disjoint pieces through.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(pub(crate) *mut T);
// SAFETY: whoever makes one lets parts write disjoint pieces of memory that outlives the job.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer.
    pub(crate) fn pointer(self) -> *mut T {
        self.0
    }
}

impl Activations {
    /// Without memory yet.
    pub fn new() -> Activations {
        Activations::default()
    }

    /// Makes the form of `x` (`[m, k]`) that `weight` multiplies. A float weight multiplies `x` itself and needs none.
    ///
    /// # Panics
    /// If `x` has not `m * k` values or `k` is not the weight's.
    pub fn quantize(&mut self, pool: &Pool, x: &[f32], m: usize, weight: &Matrix) {
        let k = weight.k();
        assert_eq!(x.len(), m * k, "x is not {m} x {k}");
        self.kind = weight.record_kind();
        (self.m, self.k) = (m, k);
        let Some(kind) = self.kind else { return };
        let put = weight.target.put_records(kind.wide);
        let record = record_bytes(kind.wide);
        let blocks = k / 32;
        self.records.resize(m * blocks * record);
        let base = Shared(self.records.bytes_mut().as_mut_ptr());
        // A part is some 8 K values, whole tiles of rows.
        let step = (8192 / k.max(1)).next_multiple_of(kind.tile).max(kind.tile);
        pool.run(m.div_ceil(step), &|part| {
            for row in part * step..((part + 1) * step).min(m) {
                // Rows that do not fill a tile follow each other.
                let first = row / kind.tile * kind.tile;
                let (height, inside) = if first + kind.tile <= m { (kind.tile, row - first) } else { (1, 0) };
                let start = if height == 1 { row } else { first } * blocks * record + inside * record;
                // SAFETY: the records of this row lie inside the buffer and belong to this part alone; the weight was
                // packed for instructions that this machine has.
                unsafe { put(&x[row * k..][..k], base.pointer().add(start), height * record) };
            }
        });
    }

    /// Whether this is an `x` of this size in this form.
    pub(crate) fn holds(&self, kind: Option<RecordKind>, m: usize, k: usize) -> bool {
        self.kind == kind && self.m == m && self.k == k
    }

    /// The records.
    pub(crate) fn records(&self) -> &[u8] {
        self.records.bytes()
    }
}

/// Rounds to the nearest integer, ties to even, for magnitudes up to 127: the low mantissa bits of a sum with 3 * 2^22.
#[inline(always)]
fn nearest(x: f32) -> i32 {
    ((x + 12_582_912.0).to_bits() as i32).wrapping_sub(0x4b40_0000)
}

/// Writes the records of a row, `stride` bytes from each to the next.
pub(crate) type PutRecords = unsafe fn(&[f32], *mut u8, usize);

/// See [`PutRecords`].
///
/// # Safety
/// All records may be written.
#[inline(always)]
pub(crate) unsafe fn put_records<const WIDE: bool>(row: &[f32], out: *mut u8, stride: usize) {
    for (block, x) in row.as_chunks::<32>().0.iter().enumerate() {
        // SAFETY: the caller's promise.
        let record = unsafe { std::slice::from_raw_parts_mut(out.add(block * stride), record_bytes(WIDE)) };
        put::<WIDE>(x, record);
    }
}

/// Writes the record of 32 values. The scale of values one of which is not a number is not a number.
#[inline(always)]
fn put<const WIDE: bool>(x: &[f32; 32], record: &mut [u8]) {
    // The order of magnitudes is the order of their bits; what is not a number comes last.
    let mut largest = 0;
    for x in x {
        largest = largest.max(x.to_bits() & 0x7fff_ffff);
    }
    let largest = f32::from_bits(largest);
    let scale = largest * (1.0 / 127.0);
    let inverse = if largest > 1e-30 { 127.0 / largest } else { 0.0 };
    // Loops, because closures do not inherit the instructions of the function that they are in.
    let mut q = [0i32; 32];
    for (q, x) in q.iter_mut().zip(x) {
        *q = nearest(x * inverse);
    }
    let (numbers, tail) = record.split_at_mut(record.len() - RECORD_TAIL);
    if WIDE {
        for (out, q) in numbers.as_chunks_mut::<2>().0.iter_mut().zip(q) {
            *out = (q as i16).to_ne_bytes();
        }
    } else {
        for (out, q) in numbers.iter_mut().zip(q) {
            *out = q as u8;
        }
    }
    let (first, last) = (sum(&q, 0), sum(&q, 16));
    let both = first.wrapping_add(last);
    let value = |sum: i32| (sum as f32 * scale).to_bits();
    let words = [scale.to_bits(), value(both), value(first), value(last), both.wrapping_mul(-128) as u32];
    for (out, word) in tail.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *out = word.to_ne_bytes();
    }
}

/// The sum of 16 integers; of anything, if a value was not a number.
#[inline(always)]
fn sum(q: &[i32; 32], start: usize) -> i32 {
    let mut sum = 0i32;
    for q in &q[start..start + 16] {
        sum = sum.wrapping_add(*q);
    }
    sum
}
