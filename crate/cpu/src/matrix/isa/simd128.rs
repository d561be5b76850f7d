//! WebAssembly with 128-bit vectors, relaxed or not: four rows.
//!
//! Relaxed, nibbles and 6-bit numbers go through `i16x8.relaxed_dot_i8x16_i7x16`, one instruction on x86 processors;
//! its result is exact, because its second operand is always below 128 and the sums of pairs fit 16 bits. Numbers of
//! 8 bits do not fit 7, so they are widened to 16 bits at the load and go through `i32x4.dot_i16x8`, which costs less
//! than moving signs from one operand to the other.
#![expect(unsafe_code, reason = "vectors are loaded through pointers")]

use std::arch::wasm32::*;

use super::Isa;

/// 128-bit vectors.
#[derive(Clone, Copy)]
pub(crate) struct Simd128;

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

impl Isa for Simd128 {
    const LANES: usize = 4;
    const TILE: usize = 4;
    const BIASED: bool = false;
    const WIDE: bool = true;
    const SIX: usize = small::SIX;
    type Scale = f32;
    type F = v128;
    type I = v128;
    type W = v128;
    // Rows 0 and 1, rows 2 and 3, in 16 bits.
    type W8 = (v128, v128);
    type P = small::P;
    // Two sums a row, of even and of odd pairs.
    type P8 = (v128, v128);

    #[inline(always)]
    fn counted(vectors: usize) -> usize {
        std::hint::black_box(vectors)
    }

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self::W {
        // SAFETY: see Isa.
        unsafe { v128_load(p.cast()) }
    }

    #[inline(always)]
    unsafe fn low(w: Self::W) -> Self::W {
        v128_and(w, u8x16_splat(15))
    }

    #[inline(always)]
    unsafe fn high(w: Self::W) -> Self::W {
        v128_and(u16x8_shr(w, 4), u8x16_splat(15))
    }

    #[inline(always)]
    unsafe fn six(w: Self::W, high: Self::W, i: usize) -> Self::W {
        let moved = match i {
            0 => i16x8_shl(high, 4),
            1 => i16x8_shl(high, 2),
            2 => high,
            _ => u16x8_shr(high, 2),
        };
        v128_or(w, v128_and(moved, u8x16_splat(0x30)))
    }

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
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P {
        // SAFETY: see Isa.
        small::dot(p, w, unsafe { v128_load32_splat(x.cast()) })
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> Self::I {
        small::finish(p)
    }

    #[inline(always)]
    unsafe fn zero_p8() -> Self::P8 {
        (i32x4_splat(0), i32x4_splat(0))
    }

    #[inline(always)]
    unsafe fn dot8((a, b): Self::P8, (first, second): Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: see Isa; `x` has 16 bits here.
        let x = unsafe { v128_load64_splat(x.cast()) };
        (i32x4_add(a, i32x4_dot_i16x8(first, x)), i32x4_add(b, i32x4_dot_i16x8(second, x)))
    }

    #[inline(always)]
    unsafe fn finish8((a, b): Self::P8) -> Self::I {
        add_neighbours(a, b)
    }

    #[inline(always)]
    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I {
        i32x4_add(a, b)
    }

    #[inline(always)]
    unsafe fn to_f(i: Self::I) -> Self::F {
        f32x4_convert_i32x4(i)
    }

    #[inline(always)]
    unsafe fn load_i8(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        let bytes = unsafe { v128_load32_zero(p.cast()) };
        f32x4_convert_i32x4(i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(bytes)))
    }

    #[inline(always)]
    unsafe fn load_scale(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { v128_load(p.cast()) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self::F {
        f32x4_splat(0.0)
    }

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self::F {
        f32x4_splat(v)
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        #[cfg(target_feature = "relaxed-simd")]
        return f32x4_relaxed_madd(a, b, c);
        #[cfg(not(target_feature = "relaxed-simd"))]
        return f32x4_add(f32x4_mul(a, b), c);
    }

    #[inline(always)]
    unsafe fn load_f32(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { v128_load(p.cast()) }
    }

    /// The bits of the halves, whose signs come along by the load, in their new places, times 2^112 for the other
    /// bias of the exponent.
    #[inline(always)]
    unsafe fn load_f16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        let halves = unsafe { i32x4_load_extend_i16x4(p.cast()) };
        let moved = v128_and(i32x4_shl(halves, 13), u32x4_splat(0x8fff_ffff));
        f32x4_mul(moved, i32x4_splat((112 + 127) << 23))
    }

    #[inline(always)]
    unsafe fn load_bf16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        i32x4_shl(unsafe { u32x4_load_extend_u16x4(p.cast()) }, 16)
    }

    #[inline(always)]
    unsafe fn store(v: Self::F, p: *mut f32) {
        // SAFETY: see Isa.
        unsafe { v128_store(p.cast(), v) }
    }
}
