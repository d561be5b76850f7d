//! NEON: four rows, products of bytes in 16 bits, added in pairs to 32.
#![expect(unsafe_code, reason = "intrinsics")]

use std::arch::aarch64::*;

use super::Isa;

/// NEON.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

impl Isa for Neon {
    const LANES: usize = 4;
    const TILE: usize = 8;
    const BIASED: bool = false;
    const WIDE: bool = false;
    const SIX: usize = 4;
    type Scale = f32;
    type F = float32x4_t;
    type I = int32x4_t;
    type W = uint8x16_t;
    type W8 = int8x16_t;
    type P = int32x4_t;
    type P8 = int32x4_t;

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self::W {
        // SAFETY: see Isa.
        unsafe { vld1q_u8(p) }
    }

    #[inline(always)]
    unsafe fn low(w: Self::W) -> Self::W {
        // SAFETY: see Isa.
        unsafe { vandq_u8(w, vdupq_n_u8(15)) }
    }

    #[inline(always)]
    unsafe fn high(w: Self::W) -> Self::W {
        // SAFETY: see Isa.
        unsafe { vshrq_n_u8::<4>(w) }
    }

    #[inline(always)]
    unsafe fn six(w: Self::W, high: Self::W, i: usize) -> Self::W {
        // SAFETY: see Isa.
        unsafe {
            let moved = match i {
                0 => vshlq_n_u8::<4>(high),
                1 => vshlq_n_u8::<2>(high),
                2 => high,
                _ => vshrq_n_u8::<2>(high),
            };
            vorrq_u8(w, vandq_u8(moved, vdupq_n_u8(0x30)))
        }
    }

    #[inline(always)]
    unsafe fn load8(p: *const u8) -> Self::W8 {
        // SAFETY: see Isa.
        unsafe { vld1q_s8(p.cast()) }
    }

    #[inline(always)]
    unsafe fn zero_p() -> Self::P {
        // SAFETY: see Isa.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P {
        // SAFETY: see Isa. Numbers below 64 are the same signed.
        unsafe { Self::dot8(p, vreinterpretq_s8_u8(w), x) }
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn start8(_: *const i32) -> Self::P8 {
        // SAFETY: see Isa.
        unsafe { vdupq_n_s32(0) }
    }

    /// A pair of products is at most 2 * 128 * 127 = 32512.
    #[inline(always)]
    unsafe fn dot8(p: Self::P8, w: Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: see Isa.
        unsafe {
            let x = vreinterpretq_s8_s32(vdupq_n_s32(x.cast::<i32>().read_unaligned()));
            let first = vmull_s8(vget_low_s8(w), vget_low_s8(x));
            let second = vmull_high_s8(w, x);
            vpadalq_s16(p, vpaddq_s16(first, second))
        }
    }

    #[inline(always)]
    unsafe fn finish8(p: Self::P8) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: see Isa.
        unsafe { vaddq_s32(a, b) }
    }

    #[inline(always)]
    unsafe fn to_f(i: Self::I) -> Self::F {
        // SAFETY: see Isa.
        unsafe { vcvtq_f32_s32(i) }
    }

    #[inline(always)]
    unsafe fn load_i8(p: *const u8) -> Self::F {
        // SAFETY: see Isa; four bytes are read.
        unsafe {
            let bytes = vreinterpret_s8_s32(vdup_n_s32(p.cast::<i32>().read_unaligned()));
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))))
        }
    }

    #[inline(always)]
    unsafe fn load_scale(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::load_f32(p) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self::F {
        // SAFETY: see Isa.
        unsafe { vdupq_n_f32(0.0) }
    }

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self::F {
        // SAFETY: see Isa.
        unsafe { vdupq_n_f32(v) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: see Isa.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: see Isa.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    unsafe fn load_f32(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { vld1q_f32(p.cast()) }
    }

    /// The bits in their new places, times 2^112 for the other bias of the exponent.
    #[inline(always)]
    unsafe fn load_f16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe {
            let halves = vreinterpretq_u32_s32(vmovl_s16(vld1_s16(p.cast())));
            let moved = vandq_u32(vshlq_n_u32::<13>(halves), vdupq_n_u32(0x8fff_ffff));
            vmulq_f32(vreinterpretq_f32_u32(moved), vreinterpretq_f32_u32(vdupq_n_u32((112 + 127) << 23)))
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(vmovl_u16(vld1_u16(p.cast())))) }
    }

    #[inline(always)]
    unsafe fn store(v: Self::F, p: *mut f32) {
        // SAFETY: see Isa.
        unsafe { vst1q_f32(p, v) }
    }
}
