//! Packing: rows of the file interleaved for the kernels, and back.

use format::QuantType;

use super::block::{self, Block};
use super::buffer::Buffer;
use super::dispatch::Target;
use super::form::{FormKind, Layout, Traits};
use super::isa::{Isa, Scale};
use crate::parts::{Shared, pieces};
use crate::pool::Pool;

/// A packed weight's memory.
#[derive(PartialEq)]
pub(crate) struct Packed {
    /// Numbers, or floats.
    pub(crate) quants: Buffer,
    /// Scales; empty for floats.
    pub(crate) scales: Buffer,
}

/// Bytes of the file that make a part for a thread.
const PART: usize = 64 * 1024;

/// Packs rows of a quantized weight from group `first` on. `bytes` are whole rows of whole blocks.
pub(crate) fn quantized(
    pool: &Pool,
    ty: QuantType,
    packing: &Packing,
    packed: &mut Packed,
    first: usize,
    bytes: &[u8],
) {
    let (group_quants, group_scales) = (packing.group_quants(), packing.group_scales());
    let group_bytes = ty.row_bytes(packing.blocks * 32).unwrap_or(0).max(1) * packing.target.lanes();
    let (groups, step) = (bytes.len().div_ceil(group_bytes), (PART / group_bytes).max(1));
    let all_scales = Shared::new(&mut packed.scales.bytes_mut()[first * group_scales..]);
    let quants = &mut packed.quants.bytes_mut()[first * group_quants..(first + groups) * group_quants];
    pieces(pool, quants, step * group_quants, |at, quants| {
        let first = at / group_quants;
        let count = quants.len() / group_quants;
        // SAFETY: parts have different groups.
        let scales = unsafe { all_scales.slice(first * group_scales, count * group_scales) };
        let rows = &bytes[first * group_bytes..bytes.len().min((first + count) * group_bytes)];
        let parts = rows.chunks(group_bytes).zip(quants.chunks_exact_mut(group_quants));
        for ((rows, quants), scales) in parts.zip(scales.chunks_exact_mut(group_scales)) {
            (packing.target.packer())(packing, ty, rows, quants, scales);
        }
    });
}

/// Packs the rows of one group.
pub(crate) type PackGroup = fn(&Packing, QuantType, &[u8], &mut [u8], &mut [u8]);

/// [`PackGroup`] for an instruction set, whose number of lanes and scales the compiler then knows.
pub(crate) fn group<S: Isa>(packing: &Packing, ty: QuantType, rows: &[u8], quants: &mut [u8], scales: &mut [u8]) {
    let lanes = S::LANES;
    let row_bytes = ty.row_bytes(packing.blocks * 32).unwrap_or(0).max(1);
    let traits = packing.traits;
    let layout = Layout::of(traits, lanes, size_of::<S::Scale>());
    let flip = if traits.bits == 8 && S::BIASED { 0x8080_8080 } else { 0 };
    for (lane, row) in rows.chunks_exact(row_bytes).enumerate() {
        for (index, quants) in quants.chunks_exact_mut(layout.quant_bytes).enumerate() {
            let block = block::read(ty, row, index);
            put_numbers(traits.bits, lanes, flip, &block, quants, lane);
            put_scales::<S::Scale>(traits, layout, &block, scales, index, lane);
        }
    }
}

/// Puts the numbers of a block into its lane, four of them in a word.
#[inline(always)]
fn put_numbers(bits: usize, lanes: usize, flip: u32, block: &Block, quants: &mut [u8], lane: usize) {
    let quants = quants.as_chunks_mut::<4>().0;
    let mut put = |at: usize, word: u32| quants[at * lanes + lane] = word.to_le_bytes();
    let mut words = [0u32; 8];
    for (word, q) in words.iter_mut().zip(block.q.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*q);
    }
    if bits == 8 {
        return words.into_iter().enumerate().for_each(|(chunk, word)| put(chunk, word ^ flip));
    }
    for (pair, words) in words.as_chunks::<2>().0.iter().enumerate() {
        put(pair, words[0] & 0x0f0f_0f0f | (words[1] & 0x0f0f_0f0f) << 4);
    }
    if bits == 6 {
        for (half, words) in words.as_chunks::<4>().0.iter().enumerate() {
            let [a, b, c, d] = words.map(|word| word >> 4 & 0x0303_0303);
            put(4 + half, a | b << 2 | c << 4 | d << 6);
        }
    }
}

/// Puts the scales of block `index` into its lane.
#[inline(always)]
fn put_scales<S: Scale>(traits: Traits, layout: Layout, block: &Block, scales: &mut [u8], index: usize, lane: usize) {
    let Layout { lanes, scale_bytes, scale_stride, sub_start, sub_stride, .. } = layout;
    let outer = if traits.supers { index / 8 } else { index };
    let scales = &mut scales[outer * scale_stride..][..scale_stride];
    S::put(block.scale, &mut scales[lane * scale_bytes..][..scale_bytes]);
    if traits.min {
        S::put(block.min, &mut scales[(lanes + lane) * scale_bytes..][..scale_bytes]);
    }
    if !traits.supers {
        return;
    }
    let subs = &mut scales[sub_start + index % 8 * sub_stride..][..sub_stride];
    let sides = 32 / traits.group;
    for side in 0..sides {
        subs[side * lanes + lane] = block.sub_scale[side] as u8;
        if traits.min {
            subs[(sides + side) * lanes + lane] = block.sub_min[side] as u8;
        }
    }
}

/// Where the parts of a block go.
pub(crate) struct Packing {
    traits: Traits,
    target: Target,
    layout: Layout,
    blocks: usize,
}

impl Packed {
    /// Memory for `n` rows of a quantized weight.
    pub(crate) fn numbers(packing: &Packing, n: usize) -> Packed {
        let groups = n.div_ceil(packing.target.lanes());
        let quants = Buffer::zeroed(groups * packing.group_quants());
        Packed { quants, scales: Buffer::zeroed(groups * packing.group_scales()) }
    }

    /// Memory for `n` rows of floats of `size` bytes.
    pub(crate) fn floats(lanes: usize, n: usize, k: usize, size: usize) -> Packed {
        Packed { quants: Buffer::zeroed(n.next_multiple_of(lanes) * k * size), scales: Buffer::default() }
    }
}

impl Packing {
    /// The packing of rows of `k` columns.
    pub(crate) fn new(form: FormKind, target: Target, k: usize) -> Packing {
        let traits = form.traits();
        let layout = Layout::of(traits, target.lanes(), target.scale_bytes());
        Packing { traits, target, layout, blocks: k / 32 }
    }

    fn group_quants(&self) -> usize {
        self.blocks * self.layout.quant_bytes
    }

    fn group_scales(&self) -> usize {
        self.layout.group_scales(self.traits.supers, self.blocks)
    }

    /// What a stored byte is XORed with.
    fn flip(&self) -> u8 {
        if self.traits.bits == 8 && self.target.biased() { 0x80 } else { 0 }
    }

    /// Block `index` of a row, back from the packed memory.
    fn block(&self, packed: &Packed, row: usize, index: usize) -> ([u8; 32], [(f32, f32); 2]) {
        let Layout { lanes, quant_bytes, scale_bytes, scale_stride, sub_start, sub_stride, .. } = self.layout;
        let (group, lane) = (row / lanes, row % lanes);
        let vector = 4 * lanes;
        let quants = &packed.quants.bytes()[group * self.group_quants() + index * quant_bytes..][..quant_bytes];
        let at = |vector_index: usize, j: usize| quants[vector_index * vector + lane * 4 + j];
        let q = std::array::from_fn(|column| {
            let (chunk, j) = (column / 4, column % 4);
            if self.traits.bits == 8 {
                return at(chunk, j) ^ self.flip();
            }
            let low = at(chunk / 2, j) >> (chunk % 2 * 4) & 15;
            let high = if self.traits.bits == 6 { at(4 + chunk / 4, j) >> (chunk % 4 * 2) & 3 } else { 0 };
            low | high << 4
        });
        let outer = if self.traits.supers { index / 8 } else { index };
        let scales = &packed.scales.bytes()[group * self.group_scales() + outer * scale_stride..][..scale_stride];
        let scale = |at: usize| self.target.scale(&scales[at * scale_bytes..][..scale_bytes]);
        let sides = 32 / self.traits.group;
        let sub = |part: usize, side: usize| match self.traits.supers {
            true => {
                let at = sub_start + index % 8 * sub_stride + (part * sides + side % sides) * lanes + lane;
                f32::from(scales[at] as i8)
            }
            false => 1.0,
        };
        let sides = [0, 1].map(|side| {
            let min = if self.traits.min { scale(lanes + lane) * sub(1, side) } else { 0.0 };
            (scale(lane) * sub(0, side), min)
        });
        (q, sides)
    }

    /// The values of a row.
    pub(crate) fn row(&self, packed: &Packed, row: usize, out: &mut [f32]) {
        for (index, out) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
            let (q, sides) = self.block(packed, row, index);
            for (j, (out, q)) in out.iter_mut().zip(q).enumerate() {
                let (scale, min) = sides[if self.traits.group == 16 { j / 16 } else { 0 }];
                let q = match self.traits.bits {
                    8 => f32::from(q as i8),
                    _ => f32::from(q) - self.traits.offset as f32,
                };
                *out = if self.traits.min { scale * q + min } else { scale * q };
            }
        }
    }
}

/// Interleaves rows of floats of `SIZE` bytes from group `first` on.
pub(crate) fn floats<const SIZE: usize>(
    pool: &Pool,
    lanes: usize,
    k: usize,
    packed: &mut Packed,
    first: usize,
    bytes: &[u8],
) {
    let group = lanes * k;
    let rows = bytes.as_chunks::<SIZE>().0;
    let step = (PART / (group * SIZE).max(1)).max(1) * group;
    let values = rows.len().next_multiple_of(group.max(1));
    let out = &mut packed.quants.bytes_mut().as_chunks_mut::<SIZE>().0[first * group..][..values];
    pieces(pool, out, step, |at, out| {
        let rows = &rows[at..rows.len().min(at + out.len())];
        for (rows, out) in rows.chunks(group).zip(out.chunks_exact_mut(group)) {
            for (lane, row) in rows.chunks_exact(k).enumerate() {
                for (value, out) in row.iter().zip(out[lane..].iter_mut().step_by(lanes)) {
                    *out = *value;
                    if cfg!(target_endian = "big") {
                        out.reverse();
                    }
                }
            }
        }
    });
}

/// Whether no half is infinite or not a number: kernels convert finite ones alone.
pub(crate) fn finite_halves(bytes: &[u8]) -> bool {
    bytes.as_chunks::<2>().0.iter().all(|&half| u16::from_le_bytes(half) & 0x7c00 != 0x7c00)
}

/// Halves as floats.
pub(crate) fn widened_halves(bytes: &[u8]) -> Vec<u8> {
    let halves = bytes.as_chunks::<2>().0.iter();
    halves.flat_map(|&half| format::f16_to_f32(u16::from_le_bytes(half)).to_le_bytes()).collect()
}
