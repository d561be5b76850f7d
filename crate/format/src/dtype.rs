//! Element types: floats, quantized blocks, integers.

/// A way to store weights, named as in ggml. Quantized types store `block_len` values in `block_bytes` bytes.
#[expect(non_camel_case_types, reason = "the field writes these names so")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QuantType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a single-precision number.
    BF16,
    /// 8 bits, one scale for 32 values.
    Q8_0,
    /// 4 bits, one scale for 32 values.
    Q4_0,
    /// 4 bits, scale and minimum for 32 values.
    Q4_1,
    /// 5 bits, one scale for 32 values.
    Q5_0,
    /// 5 bits, scale and minimum for 32 values.
    Q5_1,
    /// 2 bits, 4-bit scales and minima for 16 values, 256 values a block.
    Q2_K,
    /// 3 bits, 6-bit scales for 16 values, 256 values a block.
    Q3_K,
    /// 4 bits, 6-bit scales and minima for 32 values, 256 values a block.
    Q4_K,
    /// 5 bits, 6-bit scales and minima for 32 values, 256 values a block.
    Q5_K,
    /// 6 bits, 8-bit scales for 16 values, 256 values a block.
    Q6_K,
}

/// What there is to know about a quant type: the type, its name, ggml's number, values and bytes of a block.
type Row = (QuantType, &'static str, u32, usize, usize);

/// In the order of the enum.
const TABLE: [Row; 13] = [
    (QuantType::F32, "f32", 0, 1, 4),
    (QuantType::F16, "f16", 1, 1, 2),
    (QuantType::BF16, "bf16", 30, 1, 2),
    (QuantType::Q8_0, "q8_0", 8, 32, 34),
    (QuantType::Q4_0, "q4_0", 2, 32, 18),
    (QuantType::Q4_1, "q4_1", 3, 32, 20),
    (QuantType::Q5_0, "q5_0", 6, 32, 22),
    (QuantType::Q5_1, "q5_1", 7, 32, 24),
    (QuantType::Q2_K, "q2_k", 10, 256, 84),
    (QuantType::Q3_K, "q3_k", 11, 256, 110),
    (QuantType::Q4_K, "q4_k", 12, 256, 144),
    (QuantType::Q5_K, "q5_k", 13, 256, 176),
    (QuantType::Q6_K, "q6_k", 14, 256, 210),
];

impl QuantType {
    /// All types.
    pub fn all() -> impl Iterator<Item = QuantType> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Values in a block.
    pub fn block_len(self) -> usize {
        self.row().3
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.row().4
    }

    /// The name in lower case, as in `q4_k`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The type of that name, in upper or lower case.
    pub fn parse(name: &str) -> Option<QuantType> {
        TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(name)).map(|row| row.0)
    }

    /// The number that GGUF uses.
    pub fn ggml_id(self) -> u32 {
        self.row().2
    }

    /// The type of that number in GGUF.
    pub fn from_ggml_id(id: u32) -> Option<QuantType> {
        TABLE.iter().find(|row| row.2 == id).map(|row| row.0)
    }

    /// Bytes of a row of `cols` values, if whole blocks fill it.
    pub fn row_bytes(self, cols: usize) -> Option<usize> {
        if !cols.is_multiple_of(self.block_len()) {
            return None;
        }
        (cols / self.block_len()).checked_mul(self.block_bytes())
    }
}

impl std::fmt::Display for QuantType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The element type of a stored tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// Floats, plain or in quantized blocks.
    Quant(QuantType),
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 8 bits.
    U8,
    /// One byte, 0 or 1.
    Bool,
    /// IEEE double precision.
    F64,
}

impl Dtype {
    /// The name in lower case, as in `i64`.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::Quant(ty) => ty.name(),
            Dtype::I64 => "i64",
            Dtype::I32 => "i32",
            Dtype::U8 => "u8",
            Dtype::Bool => "bool",
            Dtype::F64 => "f64",
        }
    }

    /// Values in a block, 1 for plain types.
    pub fn block_len(self) -> usize {
        match self {
            Dtype::Quant(ty) => ty.block_len(),
            Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::Bool | Dtype::F64 => 1,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Dtype::Quant(ty) => ty.block_bytes(),
            Dtype::I64 | Dtype::F64 => 8,
            Dtype::I32 => 4,
            Dtype::U8 | Dtype::Bool => 1,
        }
    }

    /// Bytes of a row of `cols` values, if whole blocks fill it.
    pub fn row_bytes(self, cols: usize) -> Option<usize> {
        if !cols.is_multiple_of(self.block_len()) {
            return None;
        }
        (cols / self.block_len()).checked_mul(self.block_bytes())
    }

    /// Bytes of a tensor of this shape, if its rows are whole blocks and nothing overflows (not even the product of
    /// the dimensions other than zero, so that a caller may multiply them in any order).
    pub fn tensor_bytes(self, shape: &[usize]) -> Option<u64> {
        let (cols, outer) = shape.split_last().map_or((1, &[][..]), |(cols, outer)| (*cols, outer));
        let mut bytes = self.row_bytes(cols)?.max(1);
        let mut elements = cols.max(1);
        for &dim in outer {
            bytes = bytes.checked_mul(dim.max(1))?;
            elements = elements.checked_mul(dim.max(1))?;
        }
        Some(if shape.contains(&0) { 0 } else { bytes as u64 })
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, ty) in QuantType::all().enumerate() {
            assert_eq!(ty as usize, index);
            assert_eq!(QuantType::parse(&ty.name().to_uppercase()), Some(ty));
            assert_eq!(QuantType::from_ggml_id(ty.ggml_id()), Some(ty));
        }
    }

    #[test]
    fn rows_are_whole_blocks() {
        assert_eq!(QuantType::Q4_K.row_bytes(512), Some(288));
        assert_eq!(QuantType::Q4_K.row_bytes(128), None);
        assert_eq!(Dtype::Quant(QuantType::Q8_0).tensor_bytes(&[3, 64]), Some(3 * 68));
        assert_eq!(Dtype::I64.tensor_bytes(&[]), Some(8));
        assert_eq!(Dtype::I64.tensor_bytes(&[usize::MAX, 2]), None);
        assert_eq!(Dtype::I64.tensor_bytes(&[0, 2]), Some(0));
        assert_eq!(Dtype::I64.tensor_bytes(&[usize::MAX, usize::MAX, 0]), None);
    }
}
