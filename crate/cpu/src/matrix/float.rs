//! Products of float weights, kept in 32 or 16 bits, and `x`.
#![expect(unsafe_code, reason = "the kernels read packed memory through pointers")]
#![expect(clippy::needless_range_loop, reason = "counted loops over the rows of a tile unroll for certain")]

use std::ops::Range;

use super::isa::Isa;
use super::kernel::{Product, put};

/// How a weight's floats are kept.
pub(crate) trait Element: Copy + 'static {
    /// Bytes of one.
    const BYTES: usize;
    /// Loads a vector of them.
    ///
    /// # Safety
    /// As for [`Isa`].
    unsafe fn load<S: Isa>(p: *const u8) -> S::F;
}

/// Single precision.
#[derive(Clone, Copy)]
pub(crate) struct Single;
/// Half precision.
#[derive(Clone, Copy)]
pub(crate) struct Half;
/// The upper half of single precision.
#[derive(Clone, Copy)]
pub(crate) struct Brain;

impl Element for Single {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn load<S: Isa>(p: *const u8) -> S::F {
        // SAFETY: passed on.
        unsafe { S::load_f32(p) }
    }
}

impl Element for Half {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn load<S: Isa>(p: *const u8) -> S::F {
        // SAFETY: passed on.
        unsafe { S::load_f16(p) }
    }
}

impl Element for Brain {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn load<S: Isa>(p: *const u8) -> S::F {
        // SAFETY: passed on.
        unsafe { S::load_bf16(p) }
    }
}

/// The kernel of a float type on an instruction set. Each result is one sum in the order of the columns, whatever the
/// tile, so results do not depend on how the work is cut.
///
/// # Safety
/// The machine has the instructions, and the product describes memory packed for them.
#[inline(always)]
pub(crate) unsafe fn float<S: Isa, E: Element>(product: &Product, groups: Range<usize>, rows: Range<usize>) {
    let mut group = groups.start;
    // SAFETY: the caller's promise.
    unsafe {
        if rows.len() == 1 {
            while group + 4 <= groups.end {
                strip::<S, E, 1, 4>(product, group, rows.clone());
                group += 4;
            }
        }
        while group + 2 <= groups.end {
            strips::<S, E, 2>(product, group, rows.clone());
            group += 2;
        }
        if group < groups.end {
            strips::<S, E, 1>(product, group, rows);
        }
    }
}

/// `G` groups of rows of the weight and all rows of `x`.
#[inline(always)]
unsafe fn strips<S: Isa, E: Element, const G: usize>(product: &Product, group: usize, mut rows: Range<usize>) {
    // SAFETY: passed on.
    unsafe {
        let tall = rows.len() / 4 * 4;
        strip::<S, E, 4, G>(product, group, rows.start..rows.start + tall);
        rows.start += tall;
        strip::<S, E, 1, G>(product, group, rows);
    }
}

/// `G` groups of rows of the weight and rows of `x` in tiles of `M`.
#[inline(always)]
unsafe fn strip<S: Isa, E: Element, const M: usize, const G: usize>(
    product: &Product,
    group: usize,
    rows: Range<usize>,
) {
    for row in rows.step_by(M) {
        // SAFETY: the group's floats and the rows of `x` are inside what the product describes.
        unsafe {
            let w = product.quants.add(group * product.k * S::LANES * E::BYTES);
            let x = product.x.cast::<f32>().add(row * product.k);
            let tile = tile::<S, E, M, G>(w, x, product.k);
            for g in 0..G {
                let mut sums = [S::zero(); M];
                for m in 0..M {
                    sums[m] = tile[m][g];
                }
                put::<S, M>(product, group + g, row, sums);
            }
        }
    }
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn tile<S: Isa, E: Element, const M: usize, const G: usize>(
    w: *const u8,
    x: *const f32,
    k: usize,
) -> [[S::F; G]; M] {
    // SAFETY: `k` vectors in each group and `k` columns in each row.
    unsafe {
        let mut sums = [[S::zero(); G]; M];
        for column in 0..k {
            let mut vectors = [S::zero(); G];
            for g in 0..G {
                vectors[g] = E::load::<S>(w.add((g * k + column) * S::LANES * E::BYTES));
            }
            for m in 0..M {
                let x = S::splat(x.add(m * k + column).read());
                for g in 0..G {
                    sums[m][g] = S::fma(vectors[g], x, sums[m][g]);
                }
            }
        }
        sums
    }
}
