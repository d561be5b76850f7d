//! Decoding of the types with 256 values a block, whose scales are quantized themselves.

use super::{each_block, half_at};

/// 16 bytes of scale and minimum nibbles; 64 bytes of 2-bit numbers; scale and minimum of the block.
/// A byte of numbers holds values 32 apart, so 32 bytes hold 128 values.
pub(super) fn decode_q2(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 84], values: &mut [f32; 256]| {
        let (d, dmin) = (half_at(block, 80), half_at(block, 82));
        for (group, values) in values.chunks_exact_mut(16).enumerate() {
            let (half, shift) = (group / 8, group % 8 / 2 * 2);
            let (scale, min) = (d * f32::from(block[group] & 15), dmin * f32::from(block[group] >> 4));
            let q = &block[16 + half * 32 + group % 2 * 16..][..16];
            for (value, &q) in values.iter_mut().zip(q) {
                *value = scale * f32::from(q >> shift & 3) - min;
            }
        }
    });
}

/// The scale of 16 values in a Q3_K block: four low bits and two high bits, less 32.
fn q3_scale(scales: &[u8], group: usize) -> f32 {
    let low = if group < 8 { scales[group] & 15 } else { scales[group - 8] >> 4 };
    let high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    f32::from(low | high << 4) - 32.0
}

/// 32 bytes of third bits; 64 bytes of low bits as in Q2_K; 12 bytes of scales; the scale of the block.
pub(super) fn decode_q3(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 110], values: &mut [f32; 256]| {
        let d = half_at(block, 108);
        for (group, values) in values.chunks_exact_mut(16).enumerate() {
            let (half, shift) = (group / 8, group % 8 / 2 * 2);
            let scale = d * q3_scale(&block[96..108], group);
            let low = &block[32 + half * 32 + group % 2 * 16..][..16];
            let high = &block[group % 2 * 16..][..16];
            for ((value, &low), &high) in values.iter_mut().zip(low).zip(high) {
                let q = low >> shift & 3 | (high >> (group / 2) & 1) << 2;
                *value = scale * (f32::from(q) - 4.0);
            }
        }
    });
}

/// The 6-bit scale and minimum of 32 values in a Q4_K or Q5_K block.
pub(super) fn scale_and_min(packed: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        let both = packed[group + 4];
        (both & 15 | packed[group - 4] >> 6 << 4, both >> 4 | packed[group] >> 6 << 4)
    }
}

/// Scale and minimum of the block; 12 bytes of packed scales and minima; 128 bytes of nibbles: 32 bytes hold the 32
/// values of one group in their low nibbles and those of the next in their high ones.
pub(super) fn decode_q4(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 144], values: &mut [f32; 256]| {
        let (d, dmin) = (half_at(block, 0), half_at(block, 2));
        for (group, values) in values.chunks_exact_mut(32).enumerate() {
            let (scale, min) = scale_and_min(&block[4..16], group);
            let (scale, min) = (d * f32::from(scale), dmin * f32::from(min));
            let (q, shift) = (&block[16 + group / 2 * 32..][..32], group % 2 * 4);
            for (value, &q) in values.iter_mut().zip(q) {
                *value = scale * f32::from(q >> shift & 15) - min;
            }
        }
    });
}

/// As Q4_K, with 32 bytes of fifth bits before the nibbles, one bit of each byte for each group.
pub(super) fn decode_q5(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 176], values: &mut [f32; 256]| {
        let (d, dmin) = (half_at(block, 0), half_at(block, 2));
        for (group, values) in values.chunks_exact_mut(32).enumerate() {
            let (scale, min) = scale_and_min(&block[4..16], group);
            let (scale, min) = (d * f32::from(scale), dmin * f32::from(min));
            let (q, shift) = (&block[48 + group / 2 * 32..][..32], group % 2 * 4);
            for ((value, &q), &fifth) in values.iter_mut().zip(q).zip(&block[16..48]) {
                let q = q >> shift & 15 | (fifth >> group & 1) << 4;
                *value = scale * f32::from(q) - min;
            }
        }
    });
}

/// 128 bytes of nibbles; 64 bytes of two high bits; 16 signed scales; the scale of the block. Half a block, 128
/// values, takes 64 and 32 of those bytes. A number stands for itself less 32.
pub(super) fn decode_q6(src: &[u8], out: &mut [f32]) {
    each_block(src, out, |block: &[u8; 210], values: &mut [f32; 256]| {
        let d = half_at(block, 208);
        for (group, values) in values.chunks_exact_mut(16).enumerate() {
            let (half, quarter, side) = (group / 8, group % 8 / 2, group % 2 * 16);
            let scale = d * f32::from(block[192 + group] as i8);
            let low = &block[half * 64 + quarter % 2 * 32 + side..][..16];
            let high = &block[128 + half * 32 + side..][..16];
            for ((value, &low), &high) in values.iter_mut().zip(low).zip(high) {
                let q = low >> (quarter / 2 * 4) & 15 | (high >> (quarter * 2) & 3) << 4;
                *value = scale * (f32::from(q) - 32.0);
            }
        }
    });
}
