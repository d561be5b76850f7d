//! Products of quantized weights and 8-bit `x`, written once for every form and instruction set.
#![expect(unsafe_code, reason = "the kernels read packed memory through pointers")]
#![expect(clippy::needless_range_loop, reason = "counted loops over the rows of a tile unroll for certain")]

use std::ops::Range;

use super::form::{Form, Layout};
use super::isa::Isa;

/// Bytes after the numbers of a record of `x`: its scale, its sum, the sums of its halves, and where the sums of
/// products with biased numbers start.
pub(crate) const RECORD_TAIL: usize = 20;

/// Bytes from the tail of a record to that start.
const START: usize = 16;

/// The packed weight, the 8-bit `x` and the result of one product.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    /// The numbers of the weight.
    pub(crate) quants: *const u8,
    /// Its scales, or null for floats.
    pub(crate) scales: *const u8,
    /// The records of `x`, or for floats `x` itself.
    pub(crate) x: *const u8,
    /// The result, `[m, n]`.
    pub(crate) out: *mut f32,
    /// Rows of the weight.
    pub(crate) n: usize,
    /// Columns of both.
    pub(crate) k: usize,
}

// SAFETY: the pointers are to memory that outlives the call they are made for; parts write disjoint results.
unsafe impl Send for Product {}
// SAFETY: as above.
unsafe impl Sync for Product {}

/// A kernel: the results of some groups of rows of the weight for some rows of `x`, which begin at a tile.
pub(crate) type Kernel = unsafe fn(&Product, Range<usize>, Range<usize>);

/// Bytes of a record of 32 columns of `x`.
pub(crate) const fn record_bytes(wide: bool) -> usize {
    (if wide { 64 } else { 32 }) + RECORD_TAIL
}

/// Whether a form takes 16-bit `x` on an instruction set.
const fn wide<S: Isa, F: Form>() -> bool {
    S::WIDE && F::BITS == 8
}

/// Bytes of numbers that stay in the first level of cache while rows of `x` pass.
const NEAR_BYTES: usize = 16 * 1024;

/// How far ahead a single row of `x` asks for numbers: beyond the page, at whose end the machine's own guess ends.
const AHEAD_BYTES: usize = 4096;

/// The kernel of a form on an instruction set.
///
/// # Safety
/// The machine has the instructions, and the product describes memory packed for them.
#[inline(always)]
pub(crate) unsafe fn quantized<S: Isa, F: Form, const TILE: usize>(
    product: &Product,
    groups: Range<usize>,
    rows: Range<usize>,
) {
    let group_bytes = product.k / 32 * const { layout::<S, F>() }.quant_bytes;
    let step = (NEAR_BYTES / group_bytes.max(1)).max(1);
    for start in groups.clone().step_by(step) {
        let near = start..(start + step).min(groups.end);
        let mut row = rows.start;
        // SAFETY: the caller's promise; offsets stay inside what was packed for these groups and rows.
        unsafe {
            while row + TILE <= rows.end {
                row_of_tiles::<S, F, TILE>(product, near.clone(), row);
                row += TILE;
            }
            while row < rows.end {
                row_of_tiles::<S, F, 1>(product, near.clone(), row);
                row += 1;
            }
        }
    }
}

/// Some groups of rows of the weight and `M` rows of `x`.
///
/// # Safety
/// As for [`quantized`].
#[inline(always)]
unsafe fn row_of_tiles<S: Isa, F: Form, const M: usize>(product: &Product, groups: Range<usize>, row: usize) {
    let layout = const { layout::<S, F>() };
    let blocks = product.k / 32;
    for group in groups {
        // SAFETY: passed on.
        unsafe {
            let quants = product.quants.add(group * blocks * layout.quant_bytes);
            let scales = product.scales.add(group * layout.group_scales(F::SUPER, blocks));
            let x = product.x.add(row * blocks * const { record_bytes(wide::<S, F>()) });
            put::<S, M>(product, group, row, tile::<S, F, M>(quants, scales, x, blocks));
        }
    }
}

const fn layout<S: Isa, F: Form>() -> Layout {
    Layout::new(F::BITS, F::GROUP, F::SUPER, F::MIN, S::LANES, size_of::<S::Scale>())
}

/// Stores a tile; the last group may have fewer rows than lanes.
///
/// # Safety
/// As for [`quantized`].
#[inline(always)]
pub(crate) unsafe fn put<S: Isa, const M: usize>(product: &Product, group: usize, row: usize, tile: [S::F; M]) {
    let column = group * S::LANES;
    for (m, sums) in tile.into_iter().enumerate() {
        // SAFETY: the row is below `m` and the columns that are written below `n`.
        unsafe {
            let out = product.out.add((row + m) * product.n + column);
            if column + S::LANES <= product.n {
                S::store(sums, out);
            } else {
                let mut lanes = [0.0f32; 16];
                S::store(sums, lanes.as_mut_ptr());
                out.copy_from_nonoverlapping(lanes.as_ptr(), product.n - column);
            }
        }
    }
}

/// The sums of one group of rows and `M` rows of `x`.
///
/// In wasm it is a function of its own, because V8 optimises small functions first.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn tile<S: Isa, F: Form, const M: usize>(
    mut quants: *const u8,
    scales: *const u8,
    mut x: *const u8,
    blocks: usize,
) -> [S::F; M] {
    let layout = const { layout::<S, F>() };
    let record = const { record_bytes(wide::<S, F>()) };
    // SAFETY: all pointers stay inside the group's numbers and scales and the tile's records.
    unsafe {
        let mut sums = [S::zero(); M];
        // Vectors of numbers that share a scale.
        let vectors = F::GROUP * F::BITS / 32;
        let vectors = if M > 1 { S::counted(vectors) } else { vectors };
        for block in 0..blocks {
            if M == 1 {
                for line in 0..layout.quant_bytes / 64 {
                    S::prefetch(quants.wrapping_add(AHEAD_BYTES + line * 64));
                }
            }
            for half in 0..32 / F::GROUP {
                let (scale, min) = scale::<S, F>(scales, block, half);
                let products = products::<S, F, M>(quants, x, half, vectors);
                for m in 0..M {
                    let tail = x.add(m * record + record - RECORD_TAIL).cast::<f32>();
                    let scale = S::mul(scale, S::splat(tail.read()));
                    sums[m] = S::fma(S::to_f(products[m]), scale, sums[m]);
                    if has_min::<F>() {
                        let sum = if F::GROUP == 32 { 1 } else { 2 + half };
                        sums[m] = S::fma(min, S::splat(tail.add(sum).read()), sums[m]);
                    }
                }
            }
            quants = quants.add(layout.quant_bytes);
            x = x.add(M * record);
        }
        sums
    }
}

const fn has_min<F: Form>() -> bool {
    F::MIN || F::OFFSET != 0
}

/// Scale and minimum of a group of columns.
///
/// # Safety
/// As for [`quantized`].
#[inline(always)]
unsafe fn scale<S: Isa, F: Form>(scales: *const u8, block: usize, half: usize) -> (S::F, S::F) {
    let layout = const { layout::<S, F>() };
    let lane_scales = S::LANES * layout.scale_bytes;
    // SAFETY: inside the group's scales.
    unsafe {
        let (scale, mut min);
        if F::SUPER {
            let scales = scales.add(block / 8 * layout.scale_stride);
            let sub = scales.add(layout.sub_start + block % 8 * layout.sub_stride + half * S::LANES);
            scale = S::mul(S::load_scale(scales), S::load_i8(sub));
            min = S::zero();
            if F::MIN {
                let sub = sub.add(32 / F::GROUP * S::LANES);
                min = S::mul(S::load_scale(scales.add(lane_scales)), S::load_i8(sub));
            }
        } else {
            let scales = scales.add(block * layout.scale_stride);
            scale = S::load_scale(scales);
            min = if F::MIN { S::load_scale(scales.add(lane_scales)) } else { S::zero() };
        }
        if F::OFFSET != 0 {
            min = S::fma(scale, S::splat(-(F::OFFSET as f32)), min);
        }
        (scale, min)
    }
}

/// Integer sums of products of the columns of one scale.
///
/// # Safety
/// As for [`quantized`].
#[inline(always)]
unsafe fn products<S: Isa, F: Form, const M: usize>(
    quants: *const u8,
    x: *const u8,
    half: usize,
    vectors: usize,
) -> [S::I; M] {
    // SAFETY: passed on.
    unsafe {
        match F::BITS {
            8 => eight::<S, F, M>(quants, x, vectors),
            6 => six::<S, F, M>(quants, x, half),
            _ => four::<S, F, M>(quants, x, half, vectors),
        }
    }
}

#[inline(always)]
unsafe fn eight<S: Isa, F: Form, const M: usize>(quants: *const u8, x: *const u8, vectors: usize) -> [S::I; M] {
    let record = const { record_bytes(wide::<S, F>()) };
    let chunk_bytes = if wide::<S, F>() { 8 } else { 4 };
    // SAFETY: eight chunks of numbers and of `x`, see `quantized`.
    unsafe {
        let start = x.add(record - RECORD_TAIL + START);
        let mut sums = [S::start8(start.cast()); M];
        for m in 1..M {
            sums[m] = S::start8(start.add(m * record).cast());
        }
        for chunk in 0..vectors {
            let w = S::load8(quants.add(chunk * 4 * S::LANES));
            for m in 0..M {
                sums[m] = S::dot8(sums[m], w, x.add(m * record + chunk * chunk_bytes));
            }
        }
        let mut out = [S::finish8(sums[0]); M];
        for m in 1..M {
            out[m] = S::finish8(sums[m]);
        }
        out
    }
}

#[inline(always)]
unsafe fn four<S: Isa, F: Form, const M: usize>(
    quants: *const u8,
    x: *const u8,
    half: usize,
    vectors: usize,
) -> [S::I; M] {
    let record = const { record_bytes(false) };
    // SAFETY: four pairs of chunks a block, see `quantized`.
    unsafe {
        let mut sums = [S::zero_p(); M];
        for pair in half * vectors..(half + 1) * vectors {
            let w = S::load(quants.add(pair * 4 * S::LANES));
            let (low, high) = (S::low(w), S::high(w));
            for m in 0..M {
                let x = x.add(m * record + pair * 8);
                sums[m] = S::dot(S::dot(sums[m], low, x), high, x.add(4));
            }
        }
        let mut out = [S::finish(sums[0]); M];
        for m in 1..M {
            out[m] = S::finish(sums[m]);
        }
        out
    }
}

#[inline(always)]
unsafe fn six<S: Isa, F: Form, const M: usize>(quants: *const u8, x: *const u8, half: usize) -> [S::I; M] {
    // SAFETY: four chunks a half block, see `quantized`.
    unsafe {
        let mut out = six_chunks::<S, M>(quants, x, half * (F::GROUP / 16));
        if F::GROUP == 32 {
            let second = six_chunks::<S, M>(quants, x, 1);
            for m in 0..M {
                out[m] = S::add_i(out[m], second[m]);
            }
        }
        out
    }
}

/// The four chunks of half a block of 6-bit numbers.
#[inline(always)]
unsafe fn six_chunks<S: Isa, const M: usize>(quants: *const u8, x: *const u8, half: usize) -> [S::I; M] {
    let record = const { record_bytes(false) };
    let vector = 4 * S::LANES;
    // SAFETY: four vectors of nibbles, then two of high bits, one for each half block.
    unsafe {
        let high = S::load(quants.add((4 + half) * vector));
        let (first, second) = (S::load(quants.add(2 * half * vector)), S::load(quants.add((2 * half + 1) * vector)));
        let w0 = S::six(S::low(first), high, 0);
        let w1 = S::six(S::high(first), high, 1);
        let w2 = S::six(S::low(second), high, 2);
        let w3 = S::six(S::high(second), high, 3);
        let mut out = [S::finish(S::zero_p()); M];
        for m in 0..M {
            let x = x.add(m * record + half * 16);
            let early = S::dot(S::dot(S::zero_p(), w0, x), w1, x.add(4));
            out[m] = if S::SIX == 2 {
                let late = S::dot(S::dot(S::zero_p(), w2, x.add(8)), w3, x.add(12));
                S::add_i(S::finish(early), S::finish(late))
            } else {
                S::finish(S::dot(S::dot(early, w2, x.add(8)), w3, x.add(12)))
            };
        }
        out
    }
}
