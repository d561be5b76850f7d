//! Four products summed in 32 bits by `i32x4.relaxed_dot_i8x16_i7x16_add`, where an engine has one instruction for it.
//!
//! The standard promises a result for second operands below 128 only. With larger ones an engine may take them as
//! unsigned (`vpdpbusd` of processors with AVX-VNNI) or as signed (`sdot` of ARM), or may lose what does not fit
//! 16 bits on the way (older processors). Which of these it is stays the same for as long as a module runs: the
//! standard makes it a constant of the engine. So a trial of the extremes, before the first weight is packed, says
//! whether whole bytes may be multiplied, and how. Where they may not, the instruction is three, and
//! [`Pairs`](super::pairs) is faster.

use std::hint::black_box;
use std::sync::OnceLock;

use super::*;

/// Sums in 32 bits; `BIASED` where the engine takes the numbers of a weight as unsigned.
#[derive(Clone, Copy)]
pub(crate) struct Fours<const BIASED: bool>;

/// How the engine's instruction takes bytes above 127 in its second operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// From 0 to 255.
    Unsigned,
    /// From −128 to 127.
    Signed,
    /// Neither exactly.
    Inexact,
}

impl Bytes {
    /// What this engine does, tried once with every byte and the extremes of the first operand.
    pub(crate) fn of_engine() -> Bytes {
        static FOUND: OnceLock<Bytes> = OnceLock::new();
        let like = |value: fn(u8) -> i32| {
            (0..=255).all(|w| [-127, -126, -1, 0, 1, 126, 127].into_iter().all(|x| sums_are(value, w, x)))
        };
        *FOUND.get_or_init(|| {
            if like(i32::from) {
                Bytes::Unsigned
            } else if like(|w| i32::from(w as i8)) {
                Bytes::Signed
            } else {
                Bytes::Inexact
            }
        })
    }
}

/// Whether sums of four products with `x` are exact, if a byte is worth its `value`: of the same byte four times, where
/// they are largest, and of different ones.
fn sums_are(value: fn(u8) -> i32, w: u8, x: i8) -> bool {
    const BEFORE: i32 = 1 << 20;
    let lanes = [[w; 4], [w, !w, w, 255], [127, 128, 127, 128], [0, w, 128, w.wrapping_add(85)]];
    let bytes = lanes.map(u32::from_le_bytes);
    let bytes = u32x4(bytes[0], bytes[1], bytes[2], bytes[3]);
    let x = i8x16_splat(x);
    let sums = i32x4_relaxed_dot_i8x16_i7x16_add(black_box(x), black_box(bytes), i32x4_splat(BEFORE));
    let x = i32::from(i8x16_extract_lane::<0>(x));
    let wanted = lanes.map(|lane| BEFORE + lane.map(|w| value(w) * x).iter().sum::<i32>());
    i32x4_all_true(i32x4_eq(sums, i32x4(wanted[0], wanted[1], wanted[2], wanted[3])))
}

impl<const BIASED: bool> Dot for Fours<BIASED> {
    const BIASED: bool = BIASED;
    const WIDE: bool = false;
    const SIX: usize = 4;
    type W8 = v128;
    type P = v128;
    type P8 = v128;

    #[inline(always)]
    unsafe fn load8(p: *const u8) -> v128 {
        // SAFETY: see Isa.
        unsafe { v128_load(p.cast()) }
    }

    #[inline(always)]
    unsafe fn zero_p() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn dot(p: v128, w: v128, x: *const u8) -> v128 {
        // SAFETY: see Isa.
        i32x4_relaxed_dot_i8x16_i7x16_add(unsafe { v128_load32_splat(x.cast()) }, w, p)
    }

    #[inline(always)]
    unsafe fn finish(p: v128) -> v128 {
        p
    }

    #[inline(always)]
    unsafe fn start8(start: *const i32) -> v128 {
        // SAFETY: see Isa.
        if BIASED { unsafe { v128_load32_splat(start.cast()) } } else { i32x4_splat(0) }
    }

    #[inline(always)]
    unsafe fn dot8(p: v128, w: v128, x: *const u8) -> v128 {
        // SAFETY: passed on.
        unsafe { Self::dot(p, w, x) }
    }

    #[inline(always)]
    unsafe fn finish8(p: v128) -> v128 {
        p
    }
}
