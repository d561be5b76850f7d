//! Products of weights, quantized or not, and activations: `out = act(x · weightᵀ + bias)`.
//!
//! A weight is packed once for the machine's instructions: rows interleaved, numbers in as many bits as the file has
//! or the next of 4, 6 and 8, so that a product reads hardly more bytes than the file's. Quantized weights multiply an
//! 8-bit form of `x` with a scale for each 32 columns; floats multiply `x` itself. Every result is one sum over the
//! columns in their order, so it depends neither on the number of threads nor on how many rows `x` has.
//!
//! ```
//! use dynasty_cpu::{matrix::{Activations, Matrix, matmul}, pool::Pool};
//! use format::QuantType;
//! let bytes: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
//! let weight = Matrix::pack(QuantType::F32, 2, 2, bytes).unwrap();
//! let mut out = [0.0; 2];
//! matmul(&Pool::new(1), &weight, &[1.0, 10.0], 1, &mut Activations::new(), &mut out, None, None);
//! assert_eq!(out, [21.0, 43.0]);
//! ```
#![expect(unsafe_code, reason = "kernels are called on packed memory")]

pub(crate) mod act;
mod activations;
mod block;
mod buffer;
mod dispatch;
mod error;
mod float;
mod form;
#[cfg(target_os = "linux")]
mod huge;
mod isa;
mod kernel;
mod pack;
mod packer;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use format::QuantType;
use graph::Act;

pub use activations::Activations;
pub(crate) use buffer::Buffer;
pub use dispatch::Target;
pub use error::Error;
pub(crate) use packer::Packer;

use crate::pool::Pool;
use activations::{RecordKind, Shared};
use form::FormKind;
use kernel::{Kernel, Product};
use pack::{Packed, Packing};

/// A weight `[n, k]` as the kernels read it.
pub struct Matrix {
    ty: QuantType,
    /// The type of floats in memory.
    stored: QuantType,
    n: usize,
    k: usize,
    form: Option<FormKind>,
    target: Target,
    kernel: Kernel,
    packed: Packed,
}

impl Matrix {
    /// Packs `n` rows of `k` columns from the file's bytes, for the best instructions of this machine.
    ///
    /// # Errors
    /// If the rows are not whole blocks of the type, or the bytes are not as many as the shape asks for.
    pub fn pack(ty: QuantType, n: usize, k: usize, bytes: Vec<u8>) -> Result<Matrix, Error> {
        Matrix::pack_for(Target::best(), &Pool::new(1), ty, n, k, &bytes)
    }

    /// Packs for given instructions, one of [`Target::available`], with the threads of a pool.
    ///
    /// # Errors
    /// As [`Matrix::pack`].
    ///
    /// # Panics
    /// If this machine has not the instructions.
    pub fn pack_for(
        target: Target,
        pool: &Pool,
        ty: QuantType,
        n: usize,
        k: usize,
        bytes: &[u8],
    ) -> Result<Matrix, Error> {
        assert!(Target::available().any(|available| available == target), "no {} here", target.name());
        let row = ty.row_bytes(k).ok_or(Error::Blocks { ty, n, k, block: ty.block_len() })?;
        // Rows are padded to a group of 16; a shape that has as many bytes as are in memory does not overflow then.
        if row.checked_mul(n) != Some(bytes.len()) || (n > 0 && k == 0) {
            return Err(Error::Length { ty, n, k, found: bytes.len() });
        }
        let (mut stored, mut bytes) = (ty, Cow::Borrowed(bytes));
        if ty == QuantType::F16 && !pack::finite_halves(&bytes) {
            (stored, bytes) = (QuantType::F32, Cow::Owned(pack::widened_halves(&bytes)));
        }
        let mut packer = Packer::new(target, (ty, stored), n, k);
        packer.push(pool, &bytes);
        Ok(packer.matrix)
    }

    /// Rows: results for each row of `x`.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Columns: values in a row of `x`.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The type that the file had.
    pub fn ty(&self) -> QuantType {
        self.ty
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.packed.quants.len() + self.packed.scales.len()
    }

    /// The kernel that multiplies it, as in `q8_0 avx2`.
    pub fn kernel(&self) -> &'static str {
        self.target.kernel_name(self.ty)
    }

    /// Writes the values of a row.
    ///
    /// # Panics
    /// If there is no such row, or `out` has not the length of a row.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.n && out.len() == self.k, "row {row} of {} x {} into {}", self.n, self.k, out.len());
        match self.form {
            Some(form) => Packing::new(form, self.target, self.k).row(&self.packed, row, out),
            None => self.float_row(row, out),
        }
    }

    fn float_row(&self, row: usize, out: &mut [f32]) {
        let (lanes, size) = (self.target.lanes(), self.stored.block_bytes());
        let start = (row / lanes * lanes * self.k + row % lanes) * size;
        let values = self.packed.quants.bytes()[start..].chunks(size).step_by(lanes);
        for (out, value) in out.iter_mut().zip(values) {
            *out = match (self.stored, value) {
                (QuantType::F16, &[a, b]) => format::f16_to_f32(u16::from_ne_bytes([a, b])),
                (QuantType::BF16, &[a, b]) => format::bf16_to_f32(u16::from_ne_bytes([a, b])),
                (_, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
                _ => 0.0,
            };
        }
    }

    /// The form of `x` that the kernel takes; none for `x` itself.
    pub(crate) fn record_kind(&self) -> Option<RecordKind> {
        let form = self.form?;
        Some(RecordKind { wide: self.target.wide() && form.traits().bits == 8, tile: self.target.tile() })
    }
}

/// `out = act(x · weightᵀ + bias)`, with a new 8-bit form of `x` if the weight is quantized.
///
/// # Shapes
/// `x` is `[m, k]`, `out` is `[m, n]`, `bias` is `[n]`; all rows follow each other.
///
/// # Panics
/// If the lengths are not those.
#[expect(clippy::too_many_arguments, reason = "one product has these operands")]
pub fn matmul(
    pool: &Pool,
    weight: &Matrix,
    x: &[f32],
    m: usize,
    activations: &mut Activations,
    out: &mut [f32],
    bias: Option<&[f32]>,
    act: Option<Act>,
) {
    activations.quantize(pool, x, m, weight);
    matmul_shared(pool, weight, x, m, activations, out, bias, act);
}

/// As [`matmul`], with the 8-bit form that [`Activations::quantize`] made last, which must have been of this `x`.
/// It is made anew if this weight takes another form than the weight it was made for.
///
/// # Panics
/// As [`matmul`].
#[expect(clippy::too_many_arguments, reason = "one product has these operands")]
pub fn matmul_shared(
    pool: &Pool,
    weight: &Matrix,
    x: &[f32],
    m: usize,
    activations: &mut Activations,
    out: &mut [f32],
    bias: Option<&[f32]>,
    act: Option<Act>,
) {
    let (n, k) = (weight.n, weight.k);
    assert_eq!(x.len(), m * k, "x is not {m} x {k}");
    assert_eq!(out.len(), m * n, "out is not {m} x {n}");
    assert!(bias.is_none_or(|bias| bias.len() == n), "the bias is not {n}");
    if m == 0 || n == 0 {
        return;
    }
    if !activations.holds(weight.record_kind(), m, k) {
        activations.quantize(pool, x, m, weight);
    }
    let records = if weight.form.is_some() { activations.records().as_ptr() } else { x.as_ptr().cast() };
    let product = Product {
        quants: weight.packed.quants.bytes().as_ptr(),
        scales: weight.packed.scales.bytes().as_ptr(),
        x: records,
        out: out.as_mut_ptr(),
        n,
        k,
    };
    let cut = Cut::new(weight, m, pool.threads());
    let out = Shared(out.as_mut_ptr());
    pool.run(cut.parts(), &|part| {
        let (groups, rows) = cut.part(part);
        // SAFETY: the weight was packed for this kernel and this machine has its instructions; `x` has the form that
        // the weight asks for; the parts' results do not overlap.
        unsafe { (weight.kernel)(&product, groups.clone(), rows.clone()) };
        let lanes = weight.target.lanes();
        let columns = groups.start * lanes..(groups.end * lanes).min(n);
        if bias.is_none() && act.is_none() {
            return;
        }
        for row in rows {
            // SAFETY: this part alone writes these columns of these rows.
            let out =
                unsafe { std::slice::from_raw_parts_mut(out.pointer().add(row * n + columns.start), columns.len()) };
            act::finish(out, bias.map(|bias| &bias[columns.clone()]), act);
        }
    });
}

/// How a product is cut into parts: some groups of rows of the weight times some tiles of rows of `x`.
struct Cut {
    groups: usize,
    group_step: usize,
    m: usize,
    row_step: usize,
}

/// Rows of `x` in a part at most: their 8-bit form stays in the second level of cache.
const PART_ROWS: usize = 128;

/// Products of two numbers below which another thread costs more than it saves.
const PART_PRODUCTS: usize = 32 * 1024;

impl Cut {
    fn new(weight: &Matrix, m: usize, threads: usize) -> Cut {
        let lanes = weight.target.lanes();
        let groups = weight.n.div_ceil(lanes);
        let row_step = m.min(PART_ROWS);
        let row_parts = m.div_ceil(row_step);
        // Several parts a thread, because threads are not equally fast.
        let wanted = if threads == 1 { 1 } else { (threads * 4).div_ceil(row_parts) };
        let least = (PART_PRODUCTS / (lanes * weight.k * row_step).max(1)).max(1);
        // Float kernels take four groups at a time.
        let multiple = if weight.form.is_some() { 1 } else { 4 };
        let group_step = groups.div_ceil(wanted).max(least).next_multiple_of(multiple).min(groups);
        Cut { groups, group_step, m, row_step }
    }

    fn parts(&self) -> usize {
        self.groups.div_ceil(self.group_step) * self.m.div_ceil(self.row_step)
    }

    fn part(&self, part: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let across = self.groups.div_ceil(self.group_step);
        let (group, row) = (part % across * self.group_step, part / across * self.row_step);
        (group..(group + self.group_step).min(self.groups), row..(row + self.row_step).min(self.m))
    }
}
