//! Encoders of plain floats, of the types with 32 values a block, and of Q6_K.

use super::fit::{self, Offset, nearest};
use super::{f16_to_f32, f32_to_bf16, f32_to_f16};

pub(super) fn f32(values: &[f32], out: &mut Vec<u8>) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

pub(super) fn f16(values: &[f32], out: &mut Vec<u8>) {
    out.extend(values.iter().flat_map(|&value| f32_to_f16(value).to_le_bytes()));
}

pub(super) fn bf16(values: &[f32], out: &mut Vec<u8>) {
    out.extend(values.iter().flat_map(|&value| f32_to_bf16(value).to_le_bytes()));
}

/// Appends a scale in half precision, at most the largest finite one, and gives the value that was stored.
pub(super) fn put_half(value: f32, out: &mut Vec<u8>) -> f32 {
    let bits = f32_to_f16(value.clamp(-65504.0, 65504.0));
    out.extend(bits.to_le_bytes());
    f16_to_f32(bits)
}

/// One over a scale, or zero where the scale is zero.
pub(super) fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// The number nearest to `x / scale` within bounds.
pub(super) fn number(x: f32, inverse: f32, least: f32, most: f32) -> f32 {
    let q = nearest((x * inverse).clamp(least, most));
    // Zero times an infinite inverse of a subnormal scale is not a number.
    if q.is_nan() { 0.0 } else { q }
}

/// Never −128, so that a product of two such numbers, and of a negated one, fits signed 16 bits.
pub(super) fn q8_0(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<32>().0 {
        let largest = x.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let inverse = inverse(put_half(largest / 127.0, out));
        out.extend(x.map(|x| number(x, inverse, -127.0, 127.0) as i8 as u8));
    }
}

/// Appends 32 numbers of four bits: the first 16 in low nibbles, the others in high ones.
fn put_nibbles(q: &[u8; 32], out: &mut Vec<u8>) {
    for j in 0..16 {
        out.push(q[j] & 15 | (q[j + 16] & 15) << 4);
    }
}

/// Appends 32 numbers of five bits: 32 fifth bits, then nibbles.
fn put_fives(q: &[u8; 32], out: &mut Vec<u8>) {
    let mut fifth = 0u32;
    for (j, &q) in q.iter().enumerate() {
        fifth |= u32::from(q >> 4 & 1) << j;
    }
    out.extend(fifth.to_le_bytes());
    put_nibbles(q, out);
}

/// Stores a symmetric scale and gives the numbers, shifted to be unsigned.
fn symmetric_numbers(x: &[f32; 32], levels: f32, out: &mut Vec<u8>) -> [u8; 32] {
    let inverse = inverse(put_half(fit::symmetric(x, levels), out));
    x.map(|x| (number(x, inverse, -levels, levels - 1.0) + levels) as u8)
}

/// Stores a scale and a minimum and gives the numbers.
fn affine_numbers(x: &[f32; 32], levels: f32, out: &mut Vec<u8>) -> [u8; 32] {
    let (scale, offset) = fit::affine(x, levels, Offset::Free);
    let inverse = inverse(put_half(scale, out));
    let offset = put_half(offset, out);
    x.map(|x| number(x - offset, inverse, 0.0, levels) as u8)
}

pub(super) fn q4_0(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<32>().0 {
        let q = symmetric_numbers(x, 8.0, out);
        put_nibbles(&q, out);
    }
}

pub(super) fn q4_1(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<32>().0 {
        let q = affine_numbers(x, 15.0, out);
        put_nibbles(&q, out);
    }
}

pub(super) fn q5_0(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<32>().0 {
        let q = symmetric_numbers(x, 16.0, out);
        put_fives(&q, out);
    }
}

pub(super) fn q5_1(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<32>().0 {
        let q = affine_numbers(x, 31.0, out);
        put_fives(&q, out);
    }
}

pub(super) fn q6_k(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<256>().0 {
        q6_k_block(x, out);
    }
}

/// One Q6_K block; the layout is described at its decoder.
fn q6_k_block(x: &[f32; 256], out: &mut Vec<u8>) {
    let mut scales = [0.0; 16];
    for (scale, x) in scales.iter_mut().zip(x.as_chunks::<16>().0) {
        *scale = fit::symmetric(x, 32.0);
    }
    let extreme = scales.iter().fold(0.0f32, |m, &s| if s.abs() > m.abs() { s } else { m });
    let mut half = Vec::with_capacity(2);
    let d = put_half(-extreme / 128.0, &mut half);
    let codes = scales.map(|scale| number(scale, inverse(d), -128.0, 127.0));
    let mut q = [0u8; 256];
    for ((q, x), code) in q.as_chunks_mut::<16>().0.iter_mut().zip(x.as_chunks::<16>().0).zip(codes) {
        let inverse = inverse(d * code);
        *q = x.map(|x| (number(x, inverse, -32.0, 31.0) + 32.0) as u8);
    }
    for half in q.as_chunks::<128>().0 {
        out.extend((0..64).map(|j| half[j] & 15 | (half[j + 64] & 15) << 4));
    }
    for half in q.as_chunks::<128>().0 {
        let high = |j: usize, quarter: usize| half[j + quarter * 32] >> 4 << (quarter * 2);
        out.extend((0..32).map(|j| high(j, 0) | high(j, 1) | high(j, 2) | high(j, 3)));
    }
    out.extend(codes.map(|code| code as i8 as u8));
    out.extend(half);
}
