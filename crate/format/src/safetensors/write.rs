//! Writing safetensors.

use super::{Dtype, QuantType};
use crate::Error;
use serde_json::{Map, Value, json};

/// One tensor to write.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Dimensions, outermost first.
    pub shape: &'a [usize],
    /// Any type but those with blocks.
    pub dtype: Dtype,
    /// Its values, little-endian.
    pub data: &'a [u8],
}

/// The name of a type in safetensors, which has no blocks.
fn dtype_name(dtype: Dtype) -> Option<&'static str> {
    Some(match dtype {
        Dtype::Quant(QuantType::F32) => "F32",
        Dtype::Quant(QuantType::F16) => "F16",
        Dtype::Quant(QuantType::BF16) => "BF16",
        Dtype::Quant(_) => return None,
        Dtype::F64 => "F64",
        Dtype::I64 => "I64",
        Dtype::I32 => "I32",
        Dtype::U8 => "U8",
        Dtype::Bool => "BOOL",
    })
}

/// A whole safetensors file.
///
/// # Errors
/// [`Error::Tensor`] if a type has no name in this format, a shape does not fit its data, or a name comes twice.
pub fn write(entries: &[Entry<'_>]) -> Result<Vec<u8>, Error> {
    let mut header = Map::new();
    let mut end = 0;
    for entry in entries {
        let failed = |reason: String| Error::tensor("safetensors output", entry.name, reason);
        let dtype = dtype_name(entry.dtype).ok_or_else(|| failed(format!("{} has no name here", entry.dtype)))?;
        if entry.dtype.tensor_bytes(entry.shape) != Some(entry.data.len() as u64) {
            let bytes = entry.data.len();
            return Err(failed(format!("shape {:?} of {} does not fit {bytes} bytes", entry.shape, entry.dtype)));
        }
        let start = end;
        end += entry.data.len();
        let value = json!({ "dtype": dtype, "shape": entry.shape, "data_offsets": [start, end] });
        if header.insert(entry.name.to_string(), value).is_some() {
            return Err(failed("the name comes twice".into()));
        }
    }
    let mut text = Value::Object(header).to_string();
    // Spaces up to the next multiple of eight, so that readers can map the values in place.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut file = Vec::with_capacity(8 + text.len() + end);
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text.as_bytes());
    for entry in entries {
        file.extend(entry.data);
    }
    Ok(file)
}

/// A whole safetensors file of f32 tensors: name, shape (outermost first), values.
///
/// # Errors
/// [`Error::Tensor`] if a shape does not fit its values or a name comes twice.
pub fn write_safetensors(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Result<Vec<u8>, Error> {
    let data: Vec<Vec<u8>> = tensors.iter().map(|(_, _, v)| v.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let dtype = Dtype::Quant(QuantType::F32);
    let entries = tensors.iter().zip(&data);
    let entries = entries.map(|((name, shape, _), data)| Entry { name, shape, dtype, data });
    write(&entries.collect::<Vec<_>>())
}
