//! Writing GGUF as a stream: the header first, then each tensor in the order of the header.

use super::{ALIGNMENT, ALIGNMENT_KEY, Array, MAGIC, Metadata, Value};
use crate::{Dtype, Error, QuantType};
use std::io::Write;

/// A tensor that will be written.
#[derive(Debug, Clone)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// Dimensions, outermost first; at most four.
    pub shape: Vec<usize>,
    /// Its type.
    pub dtype: Dtype,
}

/// Writes one GGUF file to any sink, an [`crate::AtomicFile`] for example. Memory does not grow with the file.
pub struct Writer<W: Write> {
    sink: W,
    /// For error messages.
    name: String,
    /// Name and byte length of each tensor.
    tensors: Vec<(String, u64)>,
    alignment: u64,
    /// The tensor that is being written.
    current: usize,
    /// How much of it has been.
    done: u64,
}

/// ggml's number of a type.
fn type_id(dtype: Dtype) -> Option<u32> {
    match dtype {
        Dtype::Quant(ty) => Some(ty.ggml_id()),
        Dtype::I32 => Some(26),
        Dtype::I64 => Some(27),
        Dtype::F64 => Some(28),
        Dtype::U8 | Dtype::Bool => None,
    }
}

/// The type of ggml's number.
pub(crate) fn dtype_of(type_id: u32) -> Option<Dtype> {
    match type_id {
        26 => Some(Dtype::I32),
        27 => Some(Dtype::I64),
        28 => Some(Dtype::F64),
        other => QuantType::from_ggml_id(other).map(Dtype::Quant),
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Writer<crate::AtomicFile> {
    /// Starts a file that appears at `path` when it is [committed](Writer::commit).
    ///
    /// # Errors
    /// As [`Writer::begin`], and [`Error::Io`] if the file cannot be made.
    pub fn create(
        path: impl AsRef<std::path::Path>,
        metadata: &Metadata,
        tensors: &[TensorSpec],
    ) -> Result<Self, Error> {
        let name = path.as_ref().display().to_string();
        Writer::begin(crate::AtomicFile::create(path)?, &name, metadata, tensors)
    }

    /// Checks that every tensor was written and gives the file its name.
    ///
    /// # Errors
    /// As [`Writer::finish`] and [`crate::AtomicFile::commit`]; no file is left then.
    pub fn commit(self) -> Result<(), Error> {
        self.finish()?.commit()
    }
}

impl<W: Write> Writer<W> {
    /// Writes the header. `name` is for error messages.
    ///
    /// # Errors
    /// [`Error::Tensor`] if a tensor cannot be stored: its type has no number in this format, it has more than four
    /// dimensions, its rows are not whole blocks or its name comes twice. [`Error::Io`] from the sink.
    pub fn begin(mut sink: W, name: &str, metadata: &Metadata, tensors: &[TensorSpec]) -> Result<Writer<W>, Error> {
        let alignment = match metadata.get(ALIGNMENT_KEY) {
            None => ALIGNMENT,
            Some(Value::U32(n)) if n.is_power_of_two() && *n >= 8 => u64::from(*n),
            Some(_) => return Err(Error::unsupported(name, format!("{ALIGNMENT_KEY} is no power of two from 8"))),
        };
        let mut header = Vec::from(MAGIC);
        header.extend(3u32.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((metadata.0.len() as u64).to_le_bytes());
        for (key, value) in &metadata.0 {
            put_string(&mut header, key);
            header.extend(value.type_id().to_le_bytes());
            put_value(&mut header, value);
        }
        let mut lengths = Vec::with_capacity(tensors.len());
        let mut names = std::collections::HashSet::new();
        let mut offset = 0u64;
        for tensor in tensors {
            if !names.insert(&tensor.name) {
                return Err(Error::tensor(name, &tensor.name, "the name comes twice"));
            }
            let bytes = put_tensor(&mut header, tensor, offset).map_err(|r| Error::tensor(name, &tensor.name, r))?;
            lengths.push((tensor.name.clone(), bytes));
            offset = (offset + bytes).next_multiple_of(alignment);
        }
        header.resize(header.len().next_multiple_of(alignment as usize), 0);
        sink.write_all(&header).map_err(|error| Error::io(name, error))?;
        Ok(Writer { sink, name: name.to_string(), tensors: lengths, alignment, current: 0, done: 0 })
    }

    /// Writes the next bytes of tensor data, in parts of any size, tensor after tensor. One call must not reach from
    /// one tensor into the next.
    ///
    /// # Errors
    /// [`Error::Tensor`] if that is more than the current tensor has left; [`Error::Io`] from the sink.
    pub fn append(&mut self, data: &[u8]) -> Result<(), Error> {
        self.skip_empty();
        if data.is_empty() {
            return Ok(());
        }
        let Some((tensor, bytes)) = self.tensors.get(self.current) else {
            return Err(Error::io(&self.name, "more data than the header describes"));
        };
        if data.len() as u64 > bytes - self.done {
            let reason = format!("{} bytes were given, {} are left", data.len(), bytes - self.done);
            return Err(Error::tensor(&self.name, tensor, reason));
        }
        self.sink.write_all(data).map_err(|error| Error::io(&self.name, error))?;
        self.done += data.len() as u64;
        if self.done == *bytes {
            let padding = bytes.next_multiple_of(self.alignment) - bytes;
            let zeros = vec![0; padding as usize];
            self.sink.write_all(&zeros).map_err(|error| Error::io(&self.name, error))?;
            (self.current, self.done) = (self.current + 1, 0);
        }
        Ok(())
    }

    /// The sink, if every tensor was written.
    ///
    /// # Errors
    /// [`Error::Tensor`] that names the first one that was not.
    pub fn finish(mut self) -> Result<W, Error> {
        self.skip_empty();
        match self.tensors.get(self.current) {
            None => Ok(self.sink),
            Some((tensor, bytes)) => {
                let reason = format!("{} of {bytes} bytes were written", self.done);
                Err(Error::tensor(&self.name, tensor, reason))
            }
        }
    }

    /// Passes tensors without values.
    fn skip_empty(&mut self) {
        while self.tensors.get(self.current).is_some_and(|(_, bytes)| *bytes == 0) {
            self.current += 1;
        }
    }
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(v) => out.extend(v.to_le_bytes()),
        Value::I8(v) => out.extend(v.to_le_bytes()),
        Value::U16(v) => out.extend(v.to_le_bytes()),
        Value::I16(v) => out.extend(v.to_le_bytes()),
        Value::U32(v) => out.extend(v.to_le_bytes()),
        Value::I32(v) => out.extend(v.to_le_bytes()),
        Value::F32(v) => out.extend(v.to_le_bytes()),
        Value::Bool(v) => out.push(u8::from(*v)),
        Value::String(v) => put_string(out, v),
        Value::Array(v) => put_array(out, v),
        Value::U64(v) => out.extend(v.to_le_bytes()),
        Value::I64(v) => out.extend(v.to_le_bytes()),
        Value::F64(v) => out.extend(v.to_le_bytes()),
    }
}

/// Element type, count, elements.
fn put_list<T>(out: &mut Vec<u8>, type_id: u32, list: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.extend(type_id.to_le_bytes());
    out.extend((list.len() as u64).to_le_bytes());
    for item in list {
        put(out, item);
    }
}

fn put_array(out: &mut Vec<u8>, array: &Array) {
    match array {
        Array::U8(v) => put_list(out, 0, v, |out, v| out.push(*v)),
        Array::I8(v) => put_list(out, 1, v, |out, v| out.extend(v.to_le_bytes())),
        Array::U16(v) => put_list(out, 2, v, |out, v| out.extend(v.to_le_bytes())),
        Array::I16(v) => put_list(out, 3, v, |out, v| out.extend(v.to_le_bytes())),
        Array::U32(v) => put_list(out, 4, v, |out, v| out.extend(v.to_le_bytes())),
        Array::I32(v) => put_list(out, 5, v, |out, v| out.extend(v.to_le_bytes())),
        Array::F32(v) => put_list(out, 6, v, |out, v| out.extend(v.to_le_bytes())),
        Array::Bool(v) => put_list(out, 7, v, |out, v| out.push(u8::from(*v))),
        Array::String(v) => put_list(out, 8, v, |out, v| put_string(out, v)),
        Array::Array(v) => put_list(out, 9, v, put_array),
        Array::U64(v) => put_list(out, 10, v, |out, v| out.extend(v.to_le_bytes())),
        Array::I64(v) => put_list(out, 11, v, |out, v| out.extend(v.to_le_bytes())),
        Array::F64(v) => put_list(out, 12, v, |out, v| out.extend(v.to_le_bytes())),
    }
}

/// Appends the description of a tensor and gives its length in bytes, or why it cannot be stored.
fn put_tensor(out: &mut Vec<u8>, tensor: &TensorSpec, offset: u64) -> Result<u64, String> {
    let TensorSpec { name, shape, dtype } = tensor;
    let type_id = type_id(*dtype).ok_or_else(|| format!("GGUF has no type for {dtype}"))?;
    if shape.len() > 4 {
        return Err(format!("{} dimensions, GGUF has at most 4", shape.len()));
    }
    let bytes = dtype.tensor_bytes(shape).ok_or_else(|| format!("rows of shape {shape:?} are no {dtype} blocks"))?;
    put_string(out, name);
    out.extend((shape.len() as u32).to_le_bytes());
    for &dim in shape.iter().rev() {
        out.extend((dim as u64).to_le_bytes());
    }
    out.extend(type_id.to_le_bytes());
    out.extend(offset.to_le_bytes());
    Ok(bytes)
}
