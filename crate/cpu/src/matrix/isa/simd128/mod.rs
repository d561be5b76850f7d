//! WebAssembly with 128-bit vectors, relaxed or not: four rows.
#![expect(unsafe_code, reason = "vectors are loaded through pointers")]

#[cfg(target_feature = "relaxed-simd")]
mod fours;
mod pairs;

use std::arch::wasm32::*;
use std::marker::PhantomData;

use super::Isa;
#[cfg(target_feature = "relaxed-simd")]
pub(crate) use fours::{Bytes, Fours};
use pairs::Pairs;

/// 128-bit vectors, with sums of products as `D` makes them.
#[derive(Clone, Copy)]
pub(crate) struct Vectors<D>(PhantomData<D>);

/// What runs everywhere.
pub(crate) type Simd128 = Vectors<Pairs>;
/// One instruction for four products, the numbers of the weight unsigned.
#[cfg(target_feature = "relaxed-simd")]
pub(crate) type DotUnsigned = Vectors<Fours<true>>;
/// One instruction for four products, all numbers signed.
#[cfg(target_feature = "relaxed-simd")]
pub(crate) type DotSigned = Vectors<Fours<false>>;

/// Sums of products. Names and promises are those of [`Isa`].
pub(crate) trait Dot: Copy + 'static {
    const BIASED: bool;
    const WIDE: bool;
    const SIX: usize;
    type W8: Copy;
    type P: Copy;
    type P8: Copy;

    unsafe fn load8(p: *const u8) -> Self::W8;
    unsafe fn zero_p() -> Self::P;
    unsafe fn dot(p: Self::P, w: v128, x: *const u8) -> Self::P;
    unsafe fn finish(p: Self::P) -> v128;
    unsafe fn start8(start: *const i32) -> Self::P8;
    unsafe fn dot8(p: Self::P8, w: Self::W8, x: *const u8) -> Self::P8;
    unsafe fn finish8(p: Self::P8) -> v128;
}

impl<D: Dot> Isa for Vectors<D> {
    const LANES: usize = 4;
    const TILE: usize = 4;
    const BIASED: bool = D::BIASED;
    const WIDE: bool = D::WIDE;
    const SIX: usize = D::SIX;
    type Scale = f32;
    type F = v128;
    type I = v128;
    type W = v128;
    type W8 = D::W8;
    type P = D::P;
    type P8 = D::P8;

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
        // SAFETY: passed on.
        unsafe { D::load8(p) }
    }

    #[inline(always)]
    unsafe fn zero_p() -> Self::P {
        // SAFETY: passed on.
        unsafe { D::zero_p() }
    }

    #[inline(always)]
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P {
        // SAFETY: passed on.
        unsafe { D::dot(p, w, x) }
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> Self::I {
        // SAFETY: passed on.
        unsafe { D::finish(p) }
    }

    #[inline(always)]
    unsafe fn start8(start: *const i32) -> Self::P8 {
        // SAFETY: passed on.
        unsafe { D::start8(start) }
    }

    #[inline(always)]
    unsafe fn dot8(p: Self::P8, w: Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: passed on.
        unsafe { D::dot8(p, w, x) }
    }

    #[inline(always)]
    unsafe fn finish8(p: Self::P8) -> Self::I {
        // SAFETY: passed on.
        unsafe { D::finish8(p) }
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
