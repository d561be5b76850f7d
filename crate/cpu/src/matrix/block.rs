//! Reading the file's blocks as integers and scales, 32 columns at a time.

use format::QuantType;

/// 32 values of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The numbers as the form keeps them: unsigned for 4 and 6 bits, signed for 8.
    pub(crate) q: [u8; 32],
    /// Half-precision scale, of these values or of the 256 that they belong to.
    pub(crate) scale: u16,
    /// Half-precision minimum, likewise; it is added.
    pub(crate) min: u16,
    /// With supers: small integers for the scale.
    pub(crate) sub_scale: [i8; 2],
    /// With supers: small integers for the minimum.
    pub(crate) sub_min: [i8; 2],
}

/// The half whose bytes begin at `at`.
fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Block `index` (of 32 columns) of a row of the file's bytes.
pub(crate) fn read(ty: QuantType, row: &[u8], index: usize) -> Block {
    let size = ty.block_bytes();
    let per_block = ty.block_len() / 32;
    let (outer, inner) = (index / per_block.max(1), index % per_block.max(1));
    let bytes = &row[outer * size..][..size];
    match ty {
        QuantType::Q8_0 => {
            let mut block = Block { scale: half(bytes, 0), ..Block::default() };
            block.q.copy_from_slice(&bytes[2..34]);
            block
        }
        QuantType::Q4_0 => Block { q: nibbles(&bytes[2..]), scale: half(bytes, 0), ..Block::default() },
        QuantType::Q4_1 => {
            Block { q: nibbles(&bytes[4..]), scale: half(bytes, 0), min: half(bytes, 2), ..Block::default() }
        }
        QuantType::Q5_0 => {
            let q = fives(&bytes[2..]).map(|q| q.wrapping_sub(16));
            Block { q, scale: half(bytes, 0), ..Block::default() }
        }
        QuantType::Q5_1 => {
            Block { q: fives(&bytes[4..]), scale: half(bytes, 0), min: half(bytes, 2), ..Block::default() }
        }
        QuantType::Q2_K => read_q2(bytes, inner),
        QuantType::Q3_K => read_q3(bytes, inner),
        QuantType::Q4_K | QuantType::Q5_K => read_q45(ty, bytes, inner),
        QuantType::Q6_K => read_q6(bytes, inner),
        QuantType::F32 | QuantType::F16 | QuantType::BF16 => Block::default(),
    }
}

/// Sixteen bytes: low nibbles, then high ones.
fn nibbles(bytes: &[u8]) -> [u8; 32] {
    let mut q = [0; 32];
    let (low, high) = q.split_at_mut(16);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[..16]) {
        (*low, *high) = (byte & 15, byte >> 4);
    }
    q
}

/// 32 fifth bits, then nibbles.
fn fives(bytes: &[u8]) -> [u8; 32] {
    let fifth = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut q = nibbles(&bytes[4..]);
    for (j, q) in q.iter_mut().enumerate() {
        *q |= ((fifth >> j & 1) as u8) << 4;
    }
    q
}

/// Flips the sign of a half: the file's minima are subtracted, ours are added.
fn negated(half: u16) -> u16 {
    half ^ 0x8000
}

fn read_q2(bytes: &[u8], inner: usize) -> Block {
    let (at, shift) = (16 + inner / 4 * 32, inner % 4 * 2);
    Block {
        q: std::array::from_fn(|j| bytes[at + j] >> shift & 3),
        scale: half(bytes, 80),
        min: negated(half(bytes, 82)),
        sub_scale: [0, 1].map(|side| (bytes[inner * 2 + side] & 15) as i8),
        sub_min: [0, 1].map(|side| (bytes[inner * 2 + side] >> 4) as i8),
    }
}

/// The scale of 16 values in a Q3_K block: four low bits and two high bits, less 32.
fn q3_scale(scales: &[u8], group: usize) -> i8 {
    let low = if group < 8 { scales[group] & 15 } else { scales[group - 8] >> 4 };
    let high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    (low | high << 4) as i8 - 32
}

/// A number of three bits is too high by 4; six bits are too high by 32, so 28 is added.
fn read_q3(bytes: &[u8], inner: usize) -> Block {
    let (at, shift) = (32 + inner / 4 * 32, inner % 4 * 2);
    Block {
        q: std::array::from_fn(|j| (bytes[at + j] >> shift & 3 | (bytes[j] >> inner & 1) << 2) + 28),
        scale: half(bytes, 108),
        sub_scale: [0, 1].map(|side| q3_scale(&bytes[96..108], inner * 2 + side)),
        ..Block::default()
    }
}

/// The 6-bit scale and minimum of 32 values in a Q4_K or Q5_K block.
fn scale_and_min(packed: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        let both = packed[group + 4];
        (both & 15 | packed[group - 4] >> 6 << 4, both >> 4 | packed[group] >> 6 << 4)
    }
}

fn read_q45(ty: QuantType, bytes: &[u8], inner: usize) -> Block {
    let (scale, min) = scale_and_min(&bytes[4..16], inner);
    let five = ty == QuantType::Q5_K;
    let (at, shift) = (if five { 48 } else { 16 } + inner / 2 * 32, inner % 2 * 4);
    let fifth = |j: usize| if five { (bytes[16 + j] >> inner & 1) << 4 } else { 0 };
    Block {
        q: std::array::from_fn(|j| bytes[at + j] >> shift & 15 | fifth(j)),
        scale: half(bytes, 0),
        min: negated(half(bytes, 2)),
        sub_scale: [scale as i8; 2],
        sub_min: [min as i8; 2],
    }
}

fn read_q6(bytes: &[u8], inner: usize) -> Block {
    let (part, quarter) = (inner / 4, inner % 4);
    let (low, high) = (part * 64 + quarter % 2 * 32, 128 + part * 32);
    let number = |j: usize| bytes[low + j] >> (quarter / 2 * 4) & 15 | (bytes[high + j] >> (quarter * 2) & 3) << 4;
    Block {
        q: std::array::from_fn(number),
        scale: half(bytes, 208),
        sub_scale: [0, 1].map(|side| bytes[192 + inner * 2 + side] as i8),
        ..Block::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::form::{FormKind, Traits};

    impl Block {
        /// The values, as a form understands the block.
        fn values(&self, form: FormKind, out: &mut [f32; 32]) {
            let Traits { bits, group, supers, offset, min, .. } = form.traits();
            let (scale, low) = (format::f16_to_f32(self.scale), format::f16_to_f32(self.min));
            for (j, out) in out.iter_mut().enumerate() {
                let side = j / group;
                let scale = if supers { scale * f32::from(self.sub_scale[side]) } else { scale };
                let low = if supers { low * f32::from(self.sub_min[side]) } else { low };
                let q = if bits == 8 { f32::from(self.q[j] as i8) } else { f32::from(self.q[j]) - offset as f32 };
                *out = if min { scale * q + low } else { scale * q };
            }
        }
    }

    /// Every type reads back, from random bytes, what the decoder of the format says.
    #[test]
    fn blocks_hold_what_the_decoder_says() {
        let mut random = 1u32;
        for ty in QuantType::all() {
            let Some(form) = FormKind::of(ty) else { continue };
            let mut bytes = vec![0u8; ty.row_bytes(512).unwrap()];
            for byte in &mut bytes {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // The high bit is kept low where it would make a scale infinite.
                *byte = (random >> 24) as u8 & 0xbf;
            }
            let mut expected = vec![0.0; 512];
            format::decode(ty, &bytes, &mut expected).unwrap();
            for (index, expected) in expected.as_chunks::<32>().0.iter().enumerate() {
                let mut found = [0.0; 32];
                read(ty, &bytes, index).values(form, &mut found);
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{ty}: {found} {expected}");
                }
            }
        }
    }
}
