//! Vectors of floats of each instruction set.
#![expect(unsafe_code, reason = "intrinsics")]

/// A vector of floats.
///
/// # Safety
/// Functions may be called only where the machine has the instructions; pointers are valid for [`Lanes::N`] floats.
pub(super) trait Lanes: Copy {
    /// Floats in a vector.
    const N: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self * factor + term`
    unsafe fn fma(self, factor: Self, term: Self) -> Self;
}

/// Asks for the line of cache in which values begin, where there is an instruction for that.
#[inline(always)]
pub(crate) fn prefetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: nothing is read, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(values.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    macro_rules! lanes {
        ($ty:ty, $n:literal, $splat:ident, $load:ident, $store:ident, $fma:ident) => {
            impl Lanes for $ty {
                const N: usize = $n;
                #[inline(always)]
                unsafe fn splat(value: f32) -> Self {
                    // SAFETY: see Lanes.
                    unsafe { $splat(value) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: see Lanes.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: see Lanes.
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn fma(self, factor: Self, term: Self) -> Self {
                    // SAFETY: see Lanes.
                    unsafe { $fma(self, factor, term) }
                }
            }
        };
    }

    lanes!(__m512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps);
    lanes!(__m256, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps);
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use super::Lanes;
    use std::arch::wasm32::*;

    impl Lanes for v128 {
        const N: usize = 4;
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            f32x4_splat(value)
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see Lanes.
            unsafe { v128_load(from.cast()) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see Lanes.
            unsafe { v128_store(to.cast(), self) }
        }
        #[inline(always)]
        unsafe fn fma(self, factor: Self, term: Self) -> Self {
            #[cfg(target_feature = "relaxed-simd")]
            return f32x4_relaxed_madd(self, factor, term);
            #[cfg(not(target_feature = "relaxed-simd"))]
            return f32x4_add(f32x4_mul(self, factor), term);
        }
    }
}

impl Lanes for [f32; 4] {
    const N: usize = 4;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see Lanes.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see Lanes.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, term: Self) -> Self {
        std::array::from_fn(|i| self[i] * factor[i] + term[i])
    }
}

/// One float, for what is left of a row.
#[derive(Clone, Copy)]
pub(super) struct Single(f32);

impl Lanes for Single {
    const N: usize = 1;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Single(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see Lanes.
        Single(unsafe { from.read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see Lanes.
        unsafe { to.write(self.0) }
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, term: Self) -> Self {
        Single(self.0 * factor.0 + term.0)
    }
}
