//! AVX-512 with VNNI: sixteen rows, four products summed in 32 bits by one instruction.
#![expect(unsafe_code, reason = "intrinsics")]

use std::arch::x86_64::*;

use super::Isa;

/// AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

impl Isa for Avx512 {
    const LANES: usize = 16;
    const TILE: usize = 8;
    const BIASED: bool = true;
    const WIDE: bool = false;
    const SIX: usize = 4;
    type Scale = u16;
    type F = __m512;
    type I = __m512i;
    type W = __m512i;
    type W8 = __m512i;
    type P = __m512i;
    type P8 = __m512i;

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: see Isa.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self::W {
        // SAFETY: see Isa.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }

    #[inline(always)]
    unsafe fn low(w: Self::W) -> Self::W {
        // SAFETY: see Isa.
        unsafe { _mm512_and_si512(w, _mm512_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn high(w: Self::W) -> Self::W {
        // SAFETY: see Isa.
        unsafe { _mm512_and_si512(_mm512_srli_epi16::<4>(w), _mm512_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn six(w: Self::W, high: Self::W, i: usize) -> Self::W {
        // SAFETY: see Isa.
        unsafe {
            let moved = match i {
                0 => _mm512_slli_epi16::<4>(high),
                1 => _mm512_slli_epi16::<2>(high),
                2 => high,
                _ => _mm512_srli_epi16::<2>(high),
            };
            _mm512_or_si512(w, _mm512_and_si512(moved, _mm512_set1_epi8(0x30)))
        }
    }

    #[inline(always)]
    unsafe fn load8(p: *const u8) -> Self::W8 {
        // SAFETY: see Isa.
        unsafe { Self::load(p) }
    }

    #[inline(always)]
    unsafe fn zero_p() -> Self::P {
        // SAFETY: see Isa.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P {
        // SAFETY: see Isa.
        unsafe { _mm512_dpbusd_epi32(p, w, _mm512_set1_epi32(x.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn start8(start: *const i32) -> Self::P8 {
        // SAFETY: see Isa.
        unsafe { _mm512_set1_epi32(start.read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot8(p: Self::P8, w: Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: see Isa. The numbers are stored unsigned.
        unsafe { Self::dot(p, w, x) }
    }

    #[inline(always)]
    unsafe fn finish8(p: Self::P8) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: see Isa.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn to_f(i: Self::I) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_cvtepi32_ps(i) }
    }

    #[inline(always)]
    unsafe fn load_i8(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p.cast()))) }
    }

    #[inline(always)]
    unsafe fn load_scale(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::load_f16(p) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_set1_ps(v) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn load_f32(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_loadu_ps(p.cast()) }
    }

    #[inline(always)]
    unsafe fn load_f16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(p.cast())) }
    }

    #[inline(always)]
    unsafe fn load_bf16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
    }

    #[inline(always)]
    unsafe fn store(v: Self::F, p: *mut f32) {
        // SAFETY: see Isa.
        unsafe { _mm512_storeu_ps(p, v) }
    }
}
