//! The store of a model's tensors: names, shapes and types from the headers, values as ranges of the files.

use crate::names::{self, Heads};
use crate::torch::Strides;
use crate::{Bytes, Dtype, Error, QuantType, decode, gguf};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// One tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The checkpoint's name, whatever the file calls it.
    pub name: String,
    /// Dimensions, outermost first: [out, in] for a linear layer.
    pub shape: Vec<usize>,
    /// The element type.
    pub dtype: Dtype,
    /// Which of the checkpoint's files it is in.
    pub file: usize,
    /// Where it starts in that file. The rows of some tensors are reordered when they are read, so read values with
    /// [`Checkpoint::read`] and not from here.
    pub offset: u64,
    /// Its length in the file.
    pub bytes: u64,
}

impl TensorInfo {
    /// The number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Values in a row: the innermost dimension.
    pub fn cols(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// The number of rows: the product of the other dimensions.
    pub fn rows(&self) -> usize {
        self.shape.split_last().map_or(1, |(_, outer)| outer.iter().product())
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.dtype.row_bytes(self.cols()).unwrap_or(0)
    }
}

/// How many heads the rows of query and key projections belong to, where those rows are in interleaved order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RopeHeads {
    pub(crate) query: usize,
    pub(crate) key: usize,
}

/// A model's tensors by name, in any number of files.
pub struct Checkpoint {
    files: Vec<Rc<dyn Bytes>>,
    tensors: IndexMap<String, TensorInfo>,
    /// The metadata of a GGUF file.
    pub metadata: Option<gguf::Metadata>,
    rope: Option<RopeHeads>,
    /// Tensors of PyTorch whose values do not follow each other.
    strides: HashMap<String, Strides>,
}

impl Checkpoint {
    /// A store of tensors that were checked to lie inside their files.
    pub(crate) fn new(files: Vec<Rc<dyn Bytes>>, tensors: IndexMap<String, TensorInfo>) -> Checkpoint {
        Checkpoint { files, tensors, metadata: None, rope: None, strides: HashMap::new() }
    }

    /// Says that query and key rows are in interleaved order.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the rows of one of them are not whole heads of even size.
    pub(crate) fn with_rope(mut self, rope: RopeHeads) -> Result<Checkpoint, Error> {
        self.rope = Some(rope);
        for info in self.tensors.values() {
            let Some(heads) = self.permuted_heads(&info.name) else { continue };
            let rows = info.shape.first().copied().unwrap_or(0);
            let whole = heads > 0 && rows > 0 && rows.is_multiple_of(2 * heads);
            if !whole || info.shape.len() > 2 || (info.shape.len() == 1 && info.dtype.block_len() > 1) {
                let reason = format!("shape {:?} of {} is not {heads} heads", info.shape, info.dtype);
                return Err(Error::tensor(self.file(info).name(), &info.name, reason));
            }
        }
        Ok(self)
    }

    /// Says which tensors have to be gathered when they are read.
    pub(crate) fn with_strides(mut self, strides: HashMap<String, Strides>) -> Checkpoint {
        self.strides = strides;
        self
    }

    /// The tensors, and those of them that have to be gathered.
    pub(crate) fn into_parts(self) -> (IndexMap<String, TensorInfo>, HashMap<String, Strides>) {
        (self.tensors, self.strides)
    }

    /// Adds a GGUF file's metadata.
    pub(crate) fn with_metadata(mut self, metadata: gguf::Metadata) -> Checkpoint {
        self.metadata = Some(metadata);
        self
    }

    /// The files, in the order of [`TensorInfo::file`].
    pub fn files(&self) -> &[Rc<dyn Bytes>] {
        &self.files
    }

    /// The name of the first file, for messages about the whole checkpoint.
    pub fn name(&self) -> &str {
        self.files.first().map_or("checkpoint", |file| file.name())
    }

    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name)
    }

    /// All tensors, in the order of the files.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.tensors.values()
    }

    /// The encoded bytes of all tensors.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors.values().map(|info| info.bytes).sum()
    }

    /// `general.architecture` of a GGUF file.
    pub fn architecture(&self) -> Option<&str> {
        self.metadata.as_ref()?.str("general.architecture")
    }

    /// A text file that `dynasty quantize` put into a GGUF file, such as `config.json`.
    pub fn embedded(&self, file: &str) -> Option<&str> {
        self.metadata.as_ref()?.str(&format!("dynasty.{file}"))
    }

    /// The encoded bytes of a tensor as the checkpoint has them: in its row order, norms without an added one.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name; whatever reading its file gives.
    pub async fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let info = self.find(name)?;
        if let Some(strides) = self.strides.get(name) {
            let data = self.file(info).read(info.offset..info.offset + strides.span).await?;
            return Ok(strides.gather(&info.shape, info.dtype.block_bytes(), &data));
        }
        let data = self.file(info).read(info.offset..info.offset + info.bytes).await?;
        self.restored(info, data)
    }

    /// The encoded bytes of some rows of a tensor (a row is the innermost dimension), in the checkpoint's row order.
    /// What is read grows with the rows, not with the tensor.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name, or it does not have these rows; whatever reading its file gives.
    pub async fn read_rows(&self, name: &str, rows: Range<usize>) -> Result<Vec<u8>, Error> {
        let info = self.find(name)?;
        if rows.start > rows.end || rows.end > info.rows() {
            let reason = format!("rows {}..{} were asked for, it has {}", rows.start, rows.end, info.rows());
            return Err(Error::tensor(self.file(info).name(), name, reason));
        }
        let row_bytes = info.row_bytes();
        if self.strides.contains_key(name) {
            let data = self.read(name).await?;
            return Ok(data[rows.start * row_bytes..rows.end * row_bytes].to_vec());
        }
        // Reordered rows are read by whole heads. A bias has one row, which is read whole.
        let step = match self.permuted_heads(name) {
            Some(heads) if info.shape.len() == 2 => info.shape[0] / heads,
            Some(_) | None => 1,
        };
        let (first, last) = (rows.start / step * step, rows.end.next_multiple_of(step));
        let at = |row: usize| info.offset + row as u64 * row_bytes as u64;
        let data = self.file(info).read(at(first)..at(last)).await?;
        let data = if rows.is_empty() { data } else { self.restored(info, data)? };
        if first == rows.start && last == rows.end {
            return Ok(data);
        }
        let skip = (rows.start - first) * row_bytes;
        let wanted = data.get(skip..skip + rows.len() * row_bytes);
        wanted.map(<[u8]>::to_vec).ok_or_else(|| Error::tensor(self.file(info).name(), name, "rows are missing"))
    }

    /// Shape and values of a tensor, decoded. Integers and truth values become numbers.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub async fn read_f32(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let info = self.find(name)?;
        let data = self.read(name).await?;
        let values = decode_f32(info.dtype, info.elements(), &data);
        let values = values.map_err(|error| Error::tensor(self.file(info).name(), name, error))?;
        Ok((info.shape.clone(), values))
    }

    /// Shape and values of a tensor of integers or truth values.
    ///
    /// # Errors
    /// [`Error::Tensor`] if it holds floats; else as [`Checkpoint::read`].
    pub async fn read_i64(&self, name: &str) -> Result<(Vec<usize>, Vec<i64>), Error> {
        let info = self.find(name)?;
        let data = self.read(name).await?;
        let values = match info.dtype {
            Dtype::I64 => data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect(),
            Dtype::I32 => data.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes).into()).collect(),
            Dtype::U8 | Dtype::Bool => data.iter().map(|&byte| byte.into()).collect(),
            Dtype::Quant(_) | Dtype::F64 => {
                let reason = format!("integers are needed, it holds {}", info.dtype);
                return Err(Error::tensor(self.file(info).name(), name, reason));
            }
        };
        Ok((info.shape.clone(), values))
    }

    fn find(&self, name: &str) -> Result<&TensorInfo, Error> {
        self.tensors.get(name).ok_or_else(|| Error::tensor(self.name(), name, "missing"))
    }

    fn file(&self, info: &TensorInfo) -> &dyn Bytes {
        &*self.files[info.file]
    }

    /// The number of heads of a tensor whose rows are in interleaved order.
    fn permuted_heads(&self, name: &str) -> Option<usize> {
        let rope = self.rope?;
        match names::rope_heads(name)? {
            Heads::Query => Some(rope.query),
            Heads::Key => Some(rope.key),
        }
    }

    /// Undoes what llama.cpp's converter did to a tensor.
    fn restored(&self, info: &TensorInfo, mut data: Vec<u8>) -> Result<Vec<u8>, Error> {
        if info.dtype == Dtype::Quant(QuantType::F32) && names::plus_one(self.architecture().unwrap_or(""), &info.name)
        {
            for value in data.as_chunks_mut::<4>().0 {
                *value = (f32::from_le_bytes(*value) - 1.0).to_le_bytes();
            }
        }
        self.reorder(info, data)
    }

    /// Whole heads of a tensor in the checkpoint's order.
    fn reorder(&self, info: &TensorInfo, data: Vec<u8>) -> Result<Vec<u8>, Error> {
        let Some(heads) = self.permuted_heads(&info.name) else { return Ok(data) };
        let row_bytes = if info.shape.len() == 2 { info.row_bytes() } else { info.dtype.block_bytes() };
        let reordered = names::unpermute(&data, info.shape[0] / heads, row_bytes);
        reordered.map_err(|error| Error::tensor(self.file(info).name(), &info.name, error))
    }
}

/// Values of any type as f32.
fn decode_f32(dtype: Dtype, elements: usize, data: &[u8]) -> Result<Vec<f32>, Error> {
    Ok(match dtype {
        Dtype::Quant(ty) => {
            let mut values = vec![0.0; elements];
            decode(ty, data, &mut values)?;
            values
        }
        Dtype::F64 => data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Dtype::I64 => data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f32).collect(),
        Dtype::I32 => data.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes) as f32).collect(),
        Dtype::U8 | Dtype::Bool => data.iter().map(|&byte| f32::from(byte)).collect(),
    })
}
