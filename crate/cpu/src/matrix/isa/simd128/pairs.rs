//! Products in 16 bits, added in pairs: what every engine has.
//!
//! Relaxed, nibbles and 6-bit numbers go through `i16x8.relaxed_dot_i8x16_i7x16`, one instruction on x86 processors;
//! its result is exact, because its second operand is always below 128 and the sums of pairs fit 16 bits. Numbers of
//! 8 bits do not fit 7, so they are widened to 16 bits at the load and go through `i32x4.dot_i16x8`, which costs less
//! than moving signs from one operand to the other.

use super::*;

/// Products in 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct Pairs;

/// Adds neighbours: lanes 0 and 1 of `a`, 2 and 3 of `a`, and so of `b`.
#[inline(always)]
fn add_neighbours(a: v128, b: v128) -> v128 {
    i32x4_add(i32x4_shuffle::<0, 2, 4, 6>(a, b), i32x4_shuffle::<1, 3, 5, 7>(a, b))
}

/// Sums of products in 16 bits.
#[cfg(target_feature = "relaxed-simd")]
mod small {
    use super::*;

    // 2 * 63 * 127 = 16002 for a pair of products; two of them fit 16 bits.
    pub(super) const SIX: usize = 2;
    /// A sum of pairs in each 16-bit lane; 8 * 2 * 15 * 127 = 30480 for nibbles.
    pub(super) type P = v128;

    #[inline(always)]
    pub(super) fn zero() -> P {
        i16x8_splat(0)
    }

    #[inline(always)]
    pub(super) fn dot(p: P, w: v128, x: v128) -> P {
        i16x8_add(p, i16x8_relaxed_dot_i8x16_i7x16(x, w))
    }

    #[inline(always)]
    pub(super) fn finish(p: P) -> v128 {
        i32x4_extadd_pairwise_i16x8(p)
    }
}

/// Sums of products in 16 bits.
#[cfg(not(target_feature = "relaxed-simd"))]
mod small {
    use super::*;

    // 4 * 63 * 127 = 32004.
    pub(super) const SIX: usize = 4;
    /// A sum of products in each 16-bit lane, four lanes a row; 8 * 15 * 127 = 15240 for nibbles.
    pub(super) type P = (v128, v128);

    #[inline(always)]
    pub(super) fn zero() -> P {
        (i16x8_splat(0), i16x8_splat(0))
    }

    #[inline(always)]
    pub(super) fn dot((a, b): P, w: v128, x: v128) -> P {
        (i16x8_add(a, i16x8_extmul_low_i8x16(w, x)), i16x8_add(b, i16x8_extmul_high_i8x16(w, x)))
    }

    #[inline(always)]
    pub(super) fn finish((a, b): P) -> v128 {
        add_neighbours(i32x4_extadd_pairwise_i16x8(a), i32x4_extadd_pairwise_i16x8(b))
    }
}

impl Dot for Pairs {
    const BIASED: bool = false;
    const WIDE: bool = true;
    const SIX: usize = small::SIX;
    // Rows 0 and 1, rows 2 and 3, in 16 bits.
    type W8 = (v128, v128);
    type P = small::P;
    // Two sums a row, of even and of odd pairs.
    type P8 = (v128, v128);

    #[inline(always)]
    unsafe fn load8(p: *const u8) -> Self::W8 {
        // SAFETY: see Isa.
        unsafe { (i16x8_load_extend_i8x8(p.cast()), i16x8_load_extend_i8x8(p.add(8).cast())) }
    }

    #[inline(always)]
    unsafe fn zero_p() -> Self::P {
        small::zero()
    }

    #[inline(always)]
    unsafe fn dot(p: Self::P, w: v128, x: *const u8) -> Self::P {
        // SAFETY: see Isa.
        small::dot(p, w, unsafe { v128_load32_splat(x.cast()) })
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> v128 {
        small::finish(p)
    }

    #[inline(always)]
    unsafe fn start8(_: *const i32) -> Self::P8 {
        (i32x4_splat(0), i32x4_splat(0))
    }

    #[inline(always)]
    unsafe fn dot8((a, b): Self::P8, (first, second): Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: see Isa; `x` has 16 bits here.
        let x = unsafe { v128_load64_splat(x.cast()) };
        (i32x4_add(a, i32x4_dot_i16x8(first, x)), i32x4_add(b, i32x4_dot_i16x8(second, x)))
    }

    #[inline(always)]
    unsafe fn finish8((a, b): Self::P8) -> v128 {
        add_neighbours(a, b)
    }
}
