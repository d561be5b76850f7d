//! AVX2 with FMA and F16C: eight rows, sums of byte products in 16 bits.
#![expect(unsafe_code, reason = "intrinsics")]

use std::arch::x86_64::*;

use super::Isa;

/// AVX2, FMA and F16C.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// Four bytes to every lane.
#[inline(always)]
unsafe fn columns(x: *const u8) -> __m256i {
    // SAFETY: see Isa.
    unsafe { _mm256_set1_epi32(x.cast::<i32>().read_unaligned()) }
}

impl Isa for Avx2 {
    const LANES: usize = 8;
    const TILE: usize = 4;
    const BIASED: bool = false;
    const WIDE: bool = false;
    // 2 * 63 * 127 = 16002 for a pair of products; two of them fit 16 bits.
    const SIX: usize = 2;
    type Scale = u16;
    type F = __m256;
    type I = __m256i;
    type W = __m256i;
    // Magnitudes and the numbers themselves.
    type W8 = (__m256i, __m256i);
    // Sixteen sums of 16 bits; 8 * 2 * 15 * 127 = 30480 for nibbles.
    type P = __m256i;
    type P8 = __m256i;

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: see Isa.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self::W {
        // SAFETY: see Isa.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }

    #[inline(always)]
    unsafe fn low(w: Self::W) -> Self::W {
        // SAFETY: see Isa.
        unsafe { _mm256_and_si256(w, _mm256_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn high(w: Self::W) -> Self::W {
        // SAFETY: see Isa.
        unsafe { _mm256_and_si256(_mm256_srli_epi16::<4>(w), _mm256_set1_epi8(15)) }
    }

    #[inline(always)]
    unsafe fn six(w: Self::W, high: Self::W, i: usize) -> Self::W {
        // SAFETY: see Isa.
        unsafe {
            let moved = match i {
                0 => _mm256_slli_epi16::<4>(high),
                1 => _mm256_slli_epi16::<2>(high),
                2 => high,
                _ => _mm256_srli_epi16::<2>(high),
            };
            _mm256_or_si256(w, _mm256_and_si256(moved, _mm256_set1_epi8(0x30)))
        }
    }

    #[inline(always)]
    unsafe fn load8(p: *const u8) -> Self::W8 {
        // SAFETY: see Isa.
        unsafe {
            let w = Self::load(p);
            (_mm256_abs_epi8(w), w)
        }
    }

    #[inline(always)]
    unsafe fn zero_p() -> Self::P {
        // SAFETY: see Isa.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P {
        // SAFETY: see Isa.
        unsafe { _mm256_add_epi16(p, _mm256_maddubs_epi16(w, columns(x))) }
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> Self::I {
        // SAFETY: see Isa.
        unsafe { _mm256_madd_epi16(p, _mm256_set1_epi16(1)) }
    }

    #[inline(always)]
    unsafe fn start8(_: *const i32) -> Self::P8 {
        // SAFETY: see Isa.
        unsafe { _mm256_setzero_si256() }
    }

    /// The magnitude, at most 128, times `x` with the number's sign: at most 2 * 128 * 127 = 32512 for a pair.
    #[inline(always)]
    unsafe fn dot8(p: Self::P8, (magnitude, w): Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: see Isa.
        unsafe {
            let pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(columns(x), w));
            _mm256_add_epi32(p, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    unsafe fn finish8(p: Self::P8) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: see Isa.
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn to_f(i: Self::I) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_cvtepi32_ps(i) }
    }

    #[inline(always)]
    unsafe fn load_i8(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast()))) }
    }

    #[inline(always)]
    unsafe fn load_scale(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::load_f16(p) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_set1_ps(v) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn load_f32(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_loadu_ps(p.cast()) }
    }

    #[inline(always)]
    unsafe fn load_f16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(p.cast())) }
    }

    #[inline(always)]
    unsafe fn load_bf16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe {
            let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
        }
    }

    #[inline(always)]
    unsafe fn store(v: Self::F, p: *mut f32) {
        // SAFETY: see Isa.
        unsafe { _mm256_storeu_ps(p, v) }
    }
}
