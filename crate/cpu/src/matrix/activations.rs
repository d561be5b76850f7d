//! The 8-bit form of `x`.
//!
//! 32 columns of a row make a record: 32 integers from −127 to 127 (8 bits, or 16 for kernels that multiply those),
//! their scale, and three sums of the values that they stand for: of all 32, of the first and of the last 16. The
//! sums serve weights with a minimum or an offset. The records of a tile of rows alternate, block by block.
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
                for (block, x) in x[row * k..][..k].as_chunks::<32>().0.iter().enumerate() {
                    // SAFETY: the record of this row and block lies inside the buffer and belongs to this part alone.
                    let record = unsafe {
                        let at = base.pointer().add(start + block * height * record);
                        std::slice::from_raw_parts_mut(at, record)
                    };
                    put(x, record);
                }
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

/// Rounds to the nearest integer, ties to even, for magnitudes below 2^22; the low byte of the result's bits is the
/// low byte of the integer.
#[inline(always)]
fn nearest_bits(x: f32) -> u32 {
    (x + 12_582_912.0).to_bits()
}

/// Writes the record of 32 values. The scale of values one of which is not a number is not a number.
fn put(x: &[f32; 32], record: &mut [u8]) {
    let mut largest = 0;
    for x in x {
        // The order of magnitudes is the order of their bits; what is not a number comes last.
        largest = largest.max(x.to_bits() & 0x7fff_ffff);
    }
    let largest = f32::from_bits(largest);
    let scale = largest / 127.0;
    let inverse = if largest > 1e-30 { 127.0 / largest } else { 0.0 };
    let mut q = [0i8; 32];
    for (q, x) in q.iter_mut().zip(x) {
        *q = nearest_bits(x * inverse) as i8;
    }
    let (numbers, tail) = record.split_at_mut(record.len() - RECORD_TAIL);
    if let Some((numbers, _)) = numbers.split_first_chunk_mut::<64>() {
        for (out, q) in numbers.as_chunks_mut::<2>().0.iter_mut().zip(q) {
            *out = i16::from(q).to_ne_bytes();
        }
    } else {
        for (out, q) in numbers.iter_mut().zip(q) {
            *out = q as u8;
        }
    }
    let sum = |q: &[i8]| q.iter().map(|&q| i32::from(q)).sum::<i32>() as f32 * scale;
    let (first, last) = (sum(&q[..16]), sum(&q[16..]));
    for (out, value) in tail.as_chunks_mut::<4>().0.iter_mut().zip([scale, sum(&q), first, last]) {
        *out = value.to_ne_bytes();
    }
}
