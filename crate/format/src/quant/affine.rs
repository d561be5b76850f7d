//! Encoders of Q4_K and Q5_K, which differ only in a fifth bit.

use super::encode::{inverse, number, put_half};
use super::fit::{self, Offset};

pub(super) fn encode_q4(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<256>().0 {
        let q = numbers(x, 15.0, out);
        put_nibbles(&q, out);
    }
}

pub(super) fn encode_q5(values: &[f32], out: &mut Vec<u8>) {
    for x in values.as_chunks::<256>().0 {
        let q = numbers(x, 31.0, out);
        let groups = q.as_chunks::<32>().0;
        let fifths = |j: usize| (0..8).fold(0, |byte, group| byte | (groups[group][j] >> 4 & 1) << group);
        out.extend((0..32).map(fifths));
        put_nibbles(&q, out);
    }
}

/// Appends the nibbles of a block: a byte holds a value of one group of 32 and one of the next.
fn put_nibbles(q: &[u8; 256], out: &mut Vec<u8>) {
    for pair in q.as_chunks::<64>().0 {
        out.extend((0..32).map(|j| pair[j] & 15 | (pair[j + 32] & 15) << 4));
    }
}

/// Stores the scales and minima of a block and gives its numbers.
fn numbers(x: &[f32; 256], levels: f32, out: &mut Vec<u8>) -> [u8; 256] {
    let (mut scales, mut mins) = ([0.0f32; 8], [0.0f32; 8]);
    for (group, x) in x.as_chunks::<32>().0.iter().enumerate() {
        let (scale, offset) = fit::affine(x, levels, Offset::NotPositive);
        (scales[group], mins[group]) = (scale, -offset);
    }
    let d = put_half(scales.iter().copied().fold(0.0, f32::max) / 63.0, out);
    let dmin = put_half(mins.iter().copied().fold(0.0, f32::max) / 63.0, out);
    let scales = scales.map(|scale| number(scale, inverse(d), 0.0, 63.0) as u8);
    let mins = mins.map(|min| number(min, inverse(dmin), 0.0, 63.0) as u8);
    out.extend(pack(&scales, &mins));
    let mut q = [0; 256];
    for (group, (q, x)) in q.as_chunks_mut::<32>().0.iter_mut().zip(x.as_chunks::<32>().0).enumerate() {
        let inverse = inverse(d * f32::from(scales[group]));
        let min = dmin * f32::from(mins[group]);
        *q = x.map(|x| number(x + min, inverse, 0.0, levels) as u8);
    }
    q
}

/// Eight scales and eight minima of six bits in twelve bytes: the first four of each whole, the low nibbles of the
/// others after them, and their two high bits above the first four.
fn pack(scales: &[u8; 8], mins: &[u8; 8]) -> [u8; 12] {
    let mut packed = [0; 12];
    for j in 0..4 {
        packed[j] = scales[j] | scales[j + 4] >> 4 << 6;
        packed[j + 4] = mins[j] | mins[j + 4] >> 4 << 6;
        packed[j + 8] = scales[j + 4] & 15 | (mins[j + 4] & 15) << 4;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::kblock::scale_and_min;

    #[test]
    fn packed_scales_come_back() {
        let scales = [0, 63, 17, 32, 63, 0, 48, 15];
        let mins = [63, 1, 2, 3, 16, 63, 0, 33];
        let packed = pack(&scales, &mins);
        for group in 0..8 {
            assert_eq!(scale_and_min(&packed, group), (scales[group], mins[group]));
        }
    }
}
