//! Instruction sets, as the kernels see them.
//!
//! Rows of a weight are interleaved, so that one lane of a vector belongs to one row: a vector of `4 * LANES` bytes
//! holds four columns of `LANES` rows. Four columns of `x` are broadcast to all lanes, products are summed inside each
//! lane, and no sum over lanes is ever needed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use portable::Portable;
#[cfg(test)]
pub(crate) use portable::Sixteen;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Simd128;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub(crate) use simd128::{Bytes, DotSigned, DotUnsigned};

/// The type of a stored scale.
pub(crate) trait Scale: Copy + 'static {
    /// Writes the scale with these half-precision bits.
    fn put(half: u16, out: &mut [u8]);
    /// Reads a scale back.
    fn read(bytes: &[u8]) -> f32;
}

impl Scale for u16 {
    fn put(half: u16, out: &mut [u8]) {
        out.copy_from_slice(&half.to_ne_bytes());
    }

    fn read(bytes: &[u8]) -> f32 {
        format::f16_to_f32(u16::from_ne_bytes([bytes[0], bytes[1]]))
    }
}

impl Scale for f32 {
    fn put(half: u16, out: &mut [u8]) {
        out.copy_from_slice(&format::f16_to_f32(half).to_ne_bytes());
    }

    fn read(bytes: &[u8]) -> f32 {
        f32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

/// What the kernels ask of an instruction set.
///
/// # Safety
/// The functions may be called only where the machine has the instructions. Pointers must be readable (writable for
/// stores) for a vector of the element that the function's name says: `4 * LANES` bytes for numbers, `LANES` elements
/// otherwise, four elements for the columns of `x`. No alignment is asked for.
pub(crate) trait Isa: Copy + 'static {
    /// Rows of a weight in a vector.
    const LANES: usize;
    /// Rows of `x` in a tile of the quantized kernels.
    const TILE: usize;
    /// Numbers of 8 bits are stored as unsigned ones, too high by 128; what that adds is taken away at the start.
    const BIASED: bool;
    /// Numbers of 8 bits are multiplied by 16-bit `x`.
    const WIDE: bool;
    /// How many chunks of four 6-bit numbers a partial sum takes before it must be finished.
    const SIX: usize;
    /// A stored scale.
    type Scale: Scale;
    /// `LANES` floats.
    type F: Copy;
    /// `LANES` 32-bit integers.
    type I: Copy;
    /// `4 * LANES` bytes.
    type W: Copy;
    /// The same, prepared for many products of 8-bit numbers.
    type W8: Copy;
    /// Sums of products of numbers of up to 6 bits.
    type P: Copy;
    /// Sums of products of 8-bit numbers.
    type P8: Copy;

    /// How often a loop over vectors of numbers runs for a tile of rows. An instruction set with few registers hides
    /// the number, so that the loop stays one: unrolled, it would be reordered row by row, and the vectors of all
    /// columns would wait in memory.
    #[inline(always)]
    fn counted(vectors: usize) -> usize {
        vectors
    }

    /// Asks for a line of memory; nothing is read, so any address will do.
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}

    unsafe fn load(p: *const u8) -> Self::W;
    /// The low nibbles.
    unsafe fn low(w: Self::W) -> Self::W;
    /// The high nibbles.
    unsafe fn high(w: Self::W) -> Self::W;
    /// Bits `2 * i` and the next of each byte of `high`, moved to bits 4 and 5 and joined to the nibbles `w`.
    unsafe fn six(w: Self::W, high: Self::W, i: usize) -> Self::W;
    /// Loads numbers of 8 bits, prepared for several products.
    unsafe fn load8(p: *const u8) -> Self::W8;

    unsafe fn zero_p() -> Self::P;
    /// Adds the products of unsigned numbers and four columns of 8-bit `x`.
    unsafe fn dot(p: Self::P, w: Self::W, x: *const u8) -> Self::P;
    unsafe fn finish(p: Self::P) -> Self::I;

    /// The sums before the first product. `start` is a 32-bit integer of `x` that belongs to `BIASED` numbers.
    unsafe fn start8(start: *const i32) -> Self::P8;
    /// Adds the products of 8-bit numbers and four columns of `x`, of 16 bits if `WIDE`.
    unsafe fn dot8(p: Self::P8, w: Self::W8, x: *const u8) -> Self::P8;
    unsafe fn finish8(p: Self::P8) -> Self::I;

    unsafe fn add_i(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn to_f(i: Self::I) -> Self::F;
    /// Signed bytes as floats.
    unsafe fn load_i8(p: *const u8) -> Self::F;
    unsafe fn load_scale(p: *const u8) -> Self::F;

    unsafe fn zero() -> Self::F;
    unsafe fn splat(v: f32) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once or twice.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    unsafe fn load_f32(p: *const u8) -> Self::F;
    /// Finite halves.
    unsafe fn load_f16(p: *const u8) -> Self::F;
    unsafe fn load_bf16(p: *const u8) -> Self::F;
    unsafe fn store(v: Self::F, p: *mut f32);
}
