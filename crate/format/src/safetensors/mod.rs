//! Safetensors: eight bytes of header length, a JSON header, the tensors' bytes.
//!
//! Source: <https://github.com/huggingface/safetensors>, "Format". Read here without that library, so that a header
//! is bounded before it is read and streamed into a table without a tree of JSON values.

mod header;
mod write;

use crate::{Bytes, Dtype, Error, QuantType, TensorInfo};
use header::RawTensor;
use indexmap::IndexMap;

pub(crate) use header::{MAX_TENSORS, StringMap};
pub use write::{Entry, write, write_safetensors};

/// The longest header, as in the reference library.
const LONGEST_HEADER: u64 = 100_000_000;

/// Reads the header of a file and checks it; gives the tensors in the order of the header.
///
/// # Errors
/// [`Error::Damaged`] if the header's length lies or its JSON is broken; [`Error::Tensor`] if a tensor has a type that
/// is not read here, its shape does not fit its bytes, or the tensors do not fill the rest of the file exactly.
pub async fn read_header(file: &dyn Bytes, index: usize) -> Result<IndexMap<String, TensorInfo>, Error> {
    let name = file.name();
    if file.len() < 8 {
        let reason = if file.is_empty() { "the file is empty" } else { "too short for a safetensors header" };
        return Err(Error::damaged(name, 0, reason));
    }
    let length = file.read(0..8).await?;
    let length = length.try_into().map(u64::from_le_bytes).unwrap_or(0);
    if length > LONGEST_HEADER || length > file.len() - 8 {
        let reason = format!("the header claims {length} bytes, the file has {} after it", file.len() - 8);
        return Err(Error::damaged(name, 0, reason));
    }
    let json = file.read(8..8 + length).await?;
    parse(name, &json, file.len(), index)
}

/// Checks a header that follows eight bytes of length in a file of `file_len` bytes.
fn parse(name: &str, json: &[u8], file_len: u64, index: usize) -> Result<IndexMap<String, TensorInfo>, Error> {
    if json.first() != Some(&b'{') {
        return Err(Error::damaged(name, 8, "the header is not a JSON object"));
    }
    let raw = header::parse(json).map_err(|error| {
        let column = if error.line() == 1 { error.column() as u64 } else { 0 };
        Error::damaged(name, 8 + column, format!("the header is broken: {error}"))
    })?;
    let start = 8 + json.len() as u64;
    let mut tensors = IndexMap::with_capacity(raw.len());
    for (tensor, raw) in raw {
        let info = check(name, tensor, raw, start, file_len, index)?;
        tensors.insert(info.name.clone(), info);
    }
    check_tiling(name, &tensors, start, file_len)?;
    Ok(tensors)
}

/// The type of a safetensors name.
fn dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "F32" => Dtype::Quant(QuantType::F32),
        "F16" => Dtype::Quant(QuantType::F16),
        "BF16" => Dtype::Quant(QuantType::BF16),
        "F64" => Dtype::F64,
        "I64" => Dtype::I64,
        "I32" => Dtype::I32,
        "U8" => Dtype::U8,
        "BOOL" => Dtype::Bool,
        _ => return None,
    })
}

/// One tensor's description, with its place in the file.
fn check(
    file: &str,
    tensor: String,
    raw: RawTensor,
    start: u64,
    file_len: u64,
    index: usize,
) -> Result<TensorInfo, Error> {
    let failed = |reason: std::fmt::Arguments<'_>| Error::tensor(file, &tensor, reason);
    let dtype = dtype(&raw.dtype).ok_or_else(|| {
        failed(format_args!("element type {:?} is not supported (F64 F32 F16 BF16 I64 I32 U8 BOOL are)", raw.dtype))
    })?;
    let (from, to) = raw.data_offsets;
    if from > to || to > file_len - start {
        let room = file_len - start;
        return Err(failed(format_args!("offsets {from}..{to} do not lie in the {room} bytes after the header")));
    }
    let shape: Option<Vec<usize>> = raw.shape.0.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let bytes = shape.as_deref().and_then(|shape| dtype.tensor_bytes(shape));
    match (shape, bytes) {
        (Some(shape), Some(bytes)) if bytes == to - from => {
            Ok(TensorInfo { name: tensor, shape, dtype, file: index, offset: start + from, bytes })
        }
        _ => Err(failed(format_args!("shape {:?} of {dtype} does not fit {} bytes", raw.shape.0, to - from))),
    }
}

/// Whether the tensors fill the bytes after the header with neither overlap nor hole.
fn check_tiling(file: &str, tensors: &IndexMap<String, TensorInfo>, start: u64, file_len: u64) -> Result<(), Error> {
    let mut order: Vec<&TensorInfo> = tensors.values().collect();
    order.sort_by_key(|info| (info.offset, info.bytes));
    let mut end = start;
    for info in order {
        if info.offset != end {
            let what = if info.offset < end { "overlaps another" } else { "leaves a hole before it" };
            return Err(Error::tensor(file, &info.name, format!("starts at byte {} and {what}", info.offset)));
        }
        end = info.offset + info.bytes;
    }
    if end != file_len {
        return Err(Error::damaged(file, end, format!("{} bytes at the end belong to no tensor", file_len - end)));
    }
    Ok(())
}
