//! Word vectors in a GGUF file: the words as a list of strings, the vectors as one tensor of any quant type.

use super::WordTable;
use crate::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use crate::{Bytes, Checkpoint, Dtype, Error, QuantType, decode, encode};
use std::io::Write;
use std::rc::Rc;

/// What `general.architecture` says.
const ARCHITECTURE: &str = "word2vec";
/// The key of the words.
const WORDS: &str = "word2vec.words";
/// The tensor, [words, dim].
const VECTORS: &str = "vectors";

pub(super) async fn read(file: Rc<dyn Bytes>) -> Result<WordTable, Error> {
    let checkpoint = Checkpoint::gguf(file.clone()).await?;
    let unsupported = |reason: String| Error::unsupported(file.name(), reason);
    let architecture = checkpoint.architecture().unwrap_or_default();
    if architecture != ARCHITECTURE {
        return Err(unsupported(format!(
            "no word vectors: its architecture is {architecture:?}, not {ARCHITECTURE:?}"
        )));
    }
    let words = checkpoint.metadata.as_ref().and_then(|metadata| metadata.strings(WORDS));
    let words = words.ok_or_else(|| unsupported(format!("the list of strings {WORDS} is missing")))?;
    let fail = |reason: String| Error::tensor(file.name(), VECTORS, reason);
    let info = checkpoint.tensor(VECTORS).ok_or_else(|| fail("missing".into()))?;
    let (Dtype::Quant(ty), [count, dim]) = (info.dtype, &info.shape[..]) else {
        return Err(fail(format!("holds {} of shape {:?}, expected floats [words, dim]", info.dtype, info.shape)));
    };
    if *count != words.len() || *dim == 0 || *count == 0 || *dim > super::WIDEST {
        return Err(fail(format!("has shape {:?}, for {} words", info.shape, words.len())));
    }
    let mut table = WordTable::new(*dim);
    let mut vector = vec![0.0; *dim];
    for (at, group) in words.chunks(ROWS).enumerate() {
        let first = at * ROWS;
        let bytes = checkpoint.read_rows(VECTORS, first..first + group.len()).await?;
        for ((word, row), index) in group.iter().zip(bytes.chunks(info.row_bytes())).zip(first..) {
            decode(ty, row, &mut vector).map_err(|error| fail(error.to_string()))?;
            table.push(word, &vector).map_err(|reason| fail(format!("row {}: {reason}", index + 1)))?;
        }
    }
    Ok(table)
}

/// Rows that are read or written at once.
const ROWS: usize = 1024;

impl WordTable {
    /// Writes a GGUF file into `sink`. `name` is for error messages; `about` is added to the metadata.
    ///
    /// # Errors
    /// [`Error::Tensor`] if vectors are not whole blocks of the type; [`Error::Io`] from the sink.
    pub fn write_gguf<W: Write>(&self, sink: W, name: &str, ty: QuantType, about: &Metadata) -> Result<W, Error> {
        let mut metadata = Metadata::default();
        metadata.insert("general.architecture", Value::String(ARCHITECTURE.into()));
        for (key, value) in &about.0 {
            metadata.insert(key.clone(), value.clone());
        }
        metadata.insert(WORDS, Value::Array(Array::String(self.words.iter().cloned().collect())));
        let shape = vec![self.words.len(), self.dim];
        let spec = TensorSpec { name: VECTORS.into(), shape, dtype: Dtype::Quant(ty) };
        let mut writer = Writer::begin(sink, name, &metadata, &[spec])?;
        let mut bytes = Vec::new();
        for rows in self.values.chunks(ROWS * self.dim.max(1)) {
            bytes.clear();
            encode(ty, rows, &mut bytes)?;
            writer.append(&bytes)?;
        }
        writer.finish()
    }
}
