//! The codecs of the quant types: blocks of bytes to values and back.
//!
//! Layouts are those of ggml (`ggml-common.h`, `ggml-quants.c`); the encoders are our own: a grid search over scales
//! with weighted least squares, scales rounded to their stored precision before the values are.

mod affine;
mod decode;
mod encode;
mod fit;
mod float;
mod kblock;

use crate::{Error, QuantType};

pub use float::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};

/// Decodes whole blocks: `src` holds exactly the blocks of `out`.
///
/// # Errors
/// [`Error::Codec`] if the lengths do not fit each other.
///
/// ```
/// use dynasty_format::{QuantType, decode};
/// let mut block = vec![0x00, 0x38]; // The scale, 0.5.
/// block.extend([2u8; 32]);
/// let mut values = [0.0; 32];
/// decode(QuantType::Q8_0, &block, &mut values).unwrap();
/// assert_eq!(values, [1.0; 32]);
/// ```
pub fn decode(ty: QuantType, src: &[u8], out: &mut [f32]) -> Result<(), Error> {
    if ty.row_bytes(out.len()) != Some(src.len()) {
        let reason = format!("{} bytes cannot be {} values", src.len(), out.len());
        return Err(Error::Codec { ty: ty.name(), reason });
    }
    match ty {
        QuantType::F32 => decode::f32(src, out),
        QuantType::F16 => decode::f16(src, out),
        QuantType::BF16 => decode::bf16(src, out),
        QuantType::Q8_0 => decode::q8_0(src, out),
        QuantType::Q4_0 => decode::q4_0(src, out),
        QuantType::Q4_1 => decode::q4_1(src, out),
        QuantType::Q5_0 => decode::q5_0(src, out),
        QuantType::Q5_1 => decode::q5_1(src, out),
        QuantType::Q2_K => kblock::decode_q2(src, out),
        QuantType::Q3_K => kblock::decode_q3(src, out),
        QuantType::Q4_K => kblock::decode_q4(src, out),
        QuantType::Q5_K => kblock::decode_q5(src, out),
        QuantType::Q6_K => kblock::decode_q6(src, out),
    }
    Ok(())
}

/// Encodes values into whole blocks, appended to `out`.
///
/// # Errors
/// [`Error::Codec`] if the values do not fill whole blocks, if one of them is not finite and the type has scales, or
/// if the type is only read (Q2_K, Q3_K).
pub fn encode(ty: QuantType, values: &[f32], out: &mut Vec<u8>) -> Result<(), Error> {
    let failed = |reason: String| Err(Error::Codec { ty: ty.name(), reason });
    let Some(bytes) = ty.row_bytes(values.len()) else {
        return failed(format!("{} values do not fill blocks of {}", values.len(), ty.block_len()));
    };
    if ty.block_len() > 1
        && let Some(index) = values.iter().position(|value| !value.is_finite())
    {
        return failed(format!("value {index} is {}, which has no scale", values[index]));
    }
    out.reserve(bytes);
    match ty {
        QuantType::F32 => encode::f32(values, out),
        QuantType::F16 => encode::f16(values, out),
        QuantType::BF16 => encode::bf16(values, out),
        QuantType::Q8_0 => encode::q8_0(values, out),
        QuantType::Q4_0 => encode::q4_0(values, out),
        QuantType::Q4_1 => encode::q4_1(values, out),
        QuantType::Q5_0 => encode::q5_0(values, out),
        QuantType::Q5_1 => encode::q5_1(values, out),
        QuantType::Q4_K => affine::encode_q4(values, out),
        QuantType::Q5_K => affine::encode_q5(values, out),
        QuantType::Q6_K => encode::q6_k(values, out),
        QuantType::Q2_K | QuantType::Q3_K => return failed("written nowhere, only read".into()),
    }
    Ok(())
}

/// Applies `f` to each block of `B` bytes and the `N` values that it holds.
fn each_block<const B: usize, const N: usize>(src: &[u8], out: &mut [f32], f: impl Fn(&[u8; B], &mut [f32; N])) {
    let (blocks, _) = src.as_chunks::<B>();
    let (values, _) = out.as_chunks_mut::<N>();
    for (block, values) in blocks.iter().zip(values) {
        f(block, values);
    }
}

/// The half-precision number in two bytes of a block.
fn half_at(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}
