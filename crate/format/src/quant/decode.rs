//! Plain floats and the types with 32 values a block.

use super::{bf16_to_f32, each_block, f16_to_f32, half_at};

pub(super) fn f32(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |bytes: &[u8; 4], [value]: &mut [f32; 1]| *value = f32::from_le_bytes(*bytes));
}

pub(super) fn f16(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |bytes: &[u8; 2], [value]: &mut [f32; 1]| *value = f16_to_f32(u16::from_le_bytes(*bytes)));
}

pub(super) fn bf16(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |bytes: &[u8; 2], [value]: &mut [f32; 1]| *value = bf16_to_f32(u16::from_le_bytes(*bytes)));
}

/// Scale; 32 signed bytes.
pub(super) fn q8_0(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 34], values: &mut [f32; 32]| {
        let d = half_at(block, 0);
        for (value, &q) in values.iter_mut().zip(&block[2..]) {
            *value = d * f32::from(q as i8);
        }
    });
}

/// Scale; 16 bytes, the low nibbles first, then the high ones. A nibble stands for itself less 8.
pub(super) fn q4_0(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 18], values: &mut [f32; 32]| {
        let d = half_at(block, 0);
        let (low, high) = values.split_at_mut(16);
        for ((low, high), &q) in low.iter_mut().zip(high).zip(&block[2..]) {
            *low = d * (f32::from(q & 15) - 8.0);
            *high = d * (f32::from(q >> 4) - 8.0);
        }
    });
}

/// Scale; minimum; nibbles as in Q4_0.
pub(super) fn q4_1(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 20], values: &mut [f32; 32]| {
        let (d, m) = (half_at(block, 0), half_at(block, 2));
        let (low, high) = values.split_at_mut(16);
        for ((low, high), &q) in low.iter_mut().zip(high).zip(&block[4..]) {
            *low = d * f32::from(q & 15) + m;
            *high = d * f32::from(q >> 4) + m;
        }
    });
}

/// The 32 numbers of five bits: 32 fifth bits at `at`, nibbles after them.
fn fives<const B: usize>(block: &[u8; B], at: usize) -> [f32; 32] {
    let fifth = u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    let mut q = [0.0; 32];
    for (j, &nibbles) in block[at + 4..].iter().enumerate() {
        q[j] = (u32::from(nibbles & 15) | (fifth >> j & 1) << 4) as f32;
        q[j + 16] = (u32::from(nibbles >> 4) | (fifth >> (j + 16) & 1) << 4) as f32;
    }
    q
}

/// Scale; fifth bits; nibbles. A number stands for itself less 16.
pub(super) fn q5_0(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 22], values: &mut [f32; 32]| {
        let d = half_at(block, 0);
        for (value, q) in values.iter_mut().zip(fives(block, 2)) {
            *value = d * (q - 16.0);
        }
    });
}

/// Scale; minimum; fifth bits; nibbles.
pub(super) fn q5_1(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 24], values: &mut [f32; 32]| {
        let (d, m) = (half_at(block, 0), half_at(block, 2));
        for (value, q) in values.iter_mut().zip(fives(block, 4)) {
            *value = d * q + m;
        }
    });
}
