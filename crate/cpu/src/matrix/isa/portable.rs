//! Plain Rust, for every machine. The loops over lanes are short enough for the compiler to make vectors of them.
#![expect(unsafe_code, reason = "the kernels' pointers are read here")]

use super::Isa;

/// Plain Rust with so many lanes.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<const L: usize, const BIASED: bool>;

/// Four lanes, as most machines have.
pub(crate) type Portable = Lanes<4, false>;

/// What AVX-512 is to the kernels, for machines that do not have it.
#[cfg(test)]
pub(crate) type Sixteen = Lanes<16, true>;

impl<const L: usize, const BIASED: bool> Lanes<L, BIASED> {
    #[inline(always)]
    unsafe fn read<T: Copy>(p: *const u8) -> T {
        // SAFETY: the caller gives a pointer that is readable for the vector.
        unsafe { p.cast::<T>().read_unaligned() }
    }
}

impl<const L: usize, const BIASED: bool> Isa for Lanes<L, BIASED> {
    const LANES: usize = L;
    const TILE: usize = if L > 8 { 8 } else { 4 };
    const BIASED: bool = BIASED;
    const WIDE: bool = false;
    const SIX: usize = 4;
    type Scale = f32;
    type F = [f32; L];
    type I = [i32; L];
    type W = [[u8; 4]; L];
    type W8 = [[i32; 4]; L];
    type P = [i32; L];
    type P8 = [i32; L];

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self::W {
        // SAFETY: see Isa.
        unsafe { Self::read(p) }
    }

    #[inline(always)]
    unsafe fn low(w: Self::W) -> Self::W {
        w.map(|w| w.map(|w| w & 15))
    }

    #[inline(always)]
    unsafe fn high(w: Self::W) -> Self::W {
        w.map(|w| w.map(|w| w >> 4))
    }

    #[inline(always)]
    unsafe fn six(w: Self::W, high: Self::W, i: usize) -> Self::W {
        std::array::from_fn(|lane| std::array::from_fn(|j| w[lane][j] | (high[lane][j] >> (2 * i) & 3) << 4))
    }

    #[inline(always)]
    unsafe fn load8(p: *const u8) -> Self::W8 {
        // SAFETY: see Isa.
        let w: [[u8; 4]; L] = unsafe { Self::read(p) };
        w.map(|w| w.map(|w| if BIASED { i32::from(w) } else { i32::from(w as i8) }))
    }

    #[inline(always)]
    unsafe fn zero_p() -> Self::P {
        [0; L]
    }

    #[inline(always)]
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P {
        // SAFETY: see Isa.
        unsafe { Self::dot8(p, w.map(|w| w.map(i32::from)), x) }
    }

    #[inline(always)]
    unsafe fn finish(p: Self::P) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn start8(start: *const i32) -> Self::P8 {
        // SAFETY: see Isa.
        [if BIASED { unsafe { start.read_unaligned() } } else { 0 }; L]
    }

    #[inline(always)]
    unsafe fn dot8(p: Self::P8, w: Self::W8, x: *const u8) -> Self::P8 {
        // SAFETY: see Isa.
        let x: [i8; 4] = unsafe { Self::read(x) };
        std::array::from_fn(|lane| {
            let product = |j: usize| w[lane][j] * i32::from(x[j]);
            p[lane] + ((product(0) + product(1)) + (product(2) + product(3)))
        })
    }

    #[inline(always)]
    unsafe fn finish8(p: Self::P8) -> Self::I {
        p
    }

    #[inline(always)]
    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn to_f(i: Self::I) -> Self::F {
        i.map(|i| i as f32)
    }

    #[inline(always)]
    unsafe fn load_i8(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::read::<[i8; L]>(p) }.map(f32::from)
    }

    #[inline(always)]
    unsafe fn load_scale(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::read(p) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self::F {
        [0.0; L]
    }

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self::F {
        [v; L]
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    unsafe fn load_f32(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::read(p) }
    }

    #[inline(always)]
    unsafe fn load_f16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::read::<[u16; L]>(p) }.map(half_to_f32)
    }

    #[inline(always)]
    unsafe fn load_bf16(p: *const u8) -> Self::F {
        // SAFETY: see Isa.
        unsafe { Self::read::<[u16; L]>(p) }.map(|bits| f32::from_bits(u32::from(bits) << 16))
    }

    #[inline(always)]
    unsafe fn store(v: Self::F, p: *mut f32) {
        // SAFETY: see Isa.
        unsafe { p.cast::<Self::F>().write_unaligned(v) }
    }
}

/// A finite half as a float: its bits in their new places, times 2^112 for the other bias of the exponent, which also
/// makes subnormal numbers normal.
#[inline(always)]
fn half_to_f32(bits: u16) -> f32 {
    let moved = (i32::from(bits as i16) << 13) as u32 & 0x8fff_ffff;
    f32::from_bits(moved) * f32::from_bits((112 + 127) << 23)
}
