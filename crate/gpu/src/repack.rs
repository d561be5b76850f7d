//! From the bytes of a checkpoint to rows of words as the kernels read them; each layout is described in
//! `/shaders/shared/weight_*.wgsl`.

use format::QuantType;

/// How a row lies in GPU memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// One value a word.
    F32,
    /// Two values a word.
    F16,
    /// Two values a word.
    Bf16,
    /// Quants, then scales.
    Q8_0,
    /// Quants, then scales.
    Q4_0,
    /// As in GGUF.
    Q4K,
    /// Blocks padded to whole words.
    Q6K,
}

impl Format {
    /// The format of a tensor of type `ty`, and the type it is brought to first.
    pub fn of(ty: QuantType, shape: &[usize]) -> (Format, QuantType) {
        let odd = shape.len() < 2 || shape.last().is_some_and(|cols| cols % 2 == 1);
        match ty {
            QuantType::F32 => (Format::F32, ty),
            // Vectors are read by kernels that know f32 only.
            _ if shape.len() < 2 => (Format::F32, QuantType::F32),
            QuantType::F16 | QuantType::BF16 if odd => (Format::F32, QuantType::F32),
            QuantType::F16 => (Format::F16, ty),
            QuantType::BF16 => (Format::Bf16, ty),
            QuantType::Q4_0 => (Format::Q4_0, ty),
            QuantType::Q4_K => (Format::Q4K, ty),
            QuantType::Q6_K => (Format::Q6K, ty),
            QuantType::Q8_0
            | QuantType::Q4_1
            | QuantType::Q5_0
            | QuantType::Q5_1
            | QuantType::Q2_K
            | QuantType::Q3_K
            | QuantType::Q5_K => (Format::Q8_0, QuantType::Q8_0),
        }
    }

    /// The name, as of the type that it holds.
    pub fn name(self) -> &'static str {
        match self {
            Format::F32 => "f32",
            Format::F16 => "f16",
            Format::Bf16 => "bf16",
            Format::Q8_0 => "q8_0",
            Format::Q4_0 => "q4_0",
            Format::Q4K => "q4_k",
            Format::Q6K => "q6_k",
        }
    }

    /// Words of a row of `cols` values, which are whole blocks.
    pub fn stride(self, cols: usize) -> usize {
        match self {
            Format::F32 => cols,
            Format::F16 | Format::Bf16 => cols / 2,
            Format::Q8_0 => cols / 4 + (cols / 32).div_ceil(2),
            Format::Q4_0 => cols / 8 + (cols / 32).div_ceil(2),
            Format::Q4K => cols / 256 * 36,
            Format::Q6K => cols / 256 * 53,
        }
    }

    /// Appends one row to `out`.
    pub fn pack(self, row: &[u8], out: &mut Vec<u32>) {
        match self {
            Format::F32 | Format::F16 | Format::Bf16 | Format::Q4K => out.extend(words(row)),
            Format::Q8_0 => split(row, 34, out),
            Format::Q4_0 => split(row, 18, out),
            Format::Q6K => row.chunks_exact(210).for_each(|block| out.extend(words(block))),
        }
    }
}

/// Little-endian words, the last one padded with zeros.
fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    })
}

/// Blocks of an f16 scale and quants: all quants of the row, then all scales.
fn split(row: &[u8], block: usize, out: &mut Vec<u32>) {
    for block in row.chunks_exact(block) {
        out.extend(words(&block[2..]));
    }
    let scales: Vec<u8> = row.chunks_exact(block).flat_map(|block| [block[0], block[1]]).collect();
    out.extend(words(&scales));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_length_of_their_stride() {
        for (ty, cols) in [(QuantType::Q8_0, 96), (QuantType::Q4_0, 32), (QuantType::Q4_K, 512), (QuantType::Q6_K, 256)]
        {
            let (format, same) = Format::of(ty, &[1, cols]);
            assert_eq!(ty, same);
            let mut out = Vec::new();
            format.pack(&vec![0; ty.row_bytes(cols).unwrap()], &mut out);
            assert_eq!(out.len(), format.stride(cols), "{ty}");
        }
    }
}
