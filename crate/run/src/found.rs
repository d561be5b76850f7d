//! Where the weights of a graph lie in a checkpoint, and their values as the graph sees them.

use std::ops::Range;

use format::{Checkpoint, Dtype, TensorInfo};
use graph::{Graph, Stored, WeightSpec};

use crate::{Error, Package};

/// Where a weight of the graph is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The checkpoint's name.
    pub name: String,
    /// Its rows, where the tensor holds those of others too.
    pub rows: Option<Range<usize>>,
    /// What is to be undone when it is read.
    pub stored: Stored,
    /// It is an adapter's.
    pub adapter: bool,
}

impl Package {
    /// Finds every weight of a graph in the checkpoint.
    ///
    /// # Errors
    /// A tensor is missing or has another shape than the configuration says.
    pub fn find(&self, graph: &Graph) -> Result<Vec<Found>, Error> {
        graph.weights.iter().map(|spec| self.find_one(graph, spec)).collect()
    }

    fn find_one(&self, graph: &Graph, spec: &WeightSpec) -> Result<Found, Error> {
        if let Some(adapter) = self.adapter().filter(|adapter| adapter.owns(spec)) {
            return adapter.find(spec);
        }
        let fail = |reason: String| self.unfit(spec, reason);
        let (name, rows, total) = self.place(graph, spec).ok_or_else(|| fail("is missing".into()))?;
        let info = self.checkpoint().tensor(&name).ok_or_else(|| fail("is missing".into()))?;
        if !matches!(info.dtype, Dtype::Quant(_) | Dtype::F64) {
            return Err(fail(format!("holds {}, expected floats", info.dtype)));
        }
        let turned = spec.stored == Stored::Transposed && self.files.turned();
        let stored = if turned { Stored::AsDeclared } else { spec.stored };
        let mut wanted = spec.shape.clone();
        if let (Some(total), Some(rows)) = (total, wanted.first_mut()) {
            *rows = total;
        }
        let wanted = stored.shape(&wanted);
        // A buffer of one row is a list, and so is a single number.
        let row = wanted.len() == 1 && (info.shape == [1, wanted[0]] || info.shape.is_empty() && wanted == [1]);
        if info.shape != wanted && !row {
            return Err(fail(format!("has shape {:?}, the configuration says {wanted:?}", info.shape)));
        }
        Ok(Found { name, rows, stored, adapter: false })
    }

    /// The tensor that holds a weight, with its rows and all rows of that tensor where it holds others too.
    fn place(&self, graph: &Graph, spec: &WeightSpec) -> Option<(String, Option<Range<usize>>, Option<usize>)> {
        let held = |name: &str| self.checkpoint().tensor(name).is_some();
        if let Some(name) = models::resolve(&spec.name, held) {
            return Some((name, None, None));
        }
        // A table that the head reads too may be stored under the head's name only.
        let declared = |name: &String| graph.weights.iter().any(|spec| spec.name == *name);
        let others = models::spellings(&spec.name);
        let shared: Vec<String> = others.into_iter().filter(|name| !declared(name)).collect();
        if let Some(name) = shared.iter().find_map(|name| models::resolve(name, held)) {
            return Some((name, None, None));
        }
        let (whole, parts) = models::joined(&spec.name).filter(|_| spec.shape.len() == 2)?;
        let name = models::resolve(&whole, held)?;
        let rows = |name: &String| graph.weights.iter().find(|spec| spec.name == *name).map_or(0, |spec| spec.shape[0]);
        let first = parts.iter().take_while(|part| **part != spec.name).map(rows).sum();
        Some((name, Some(first..first + spec.shape[0]), Some(parts.iter().map(rows).sum())))
    }

    /// An error about a weight.
    fn unfit(&self, spec: &WeightSpec, reason: String) -> Error {
        Error::Tensor { file: self.checkpoint().name().into(), tensor: spec.name.clone(), reason }
    }

    /// The file that holds a weight.
    pub(crate) fn holder(&self, found: &Found) -> &Checkpoint {
        match self.adapter() {
            Some(adapter) if found.adapter => adapter.checkpoint(),
            Some(_) | None => self.checkpoint(),
        }
    }

    /// Where the bytes of a weight begin: file and offset; those of adapters follow.
    pub(crate) fn start(&self, found: &Found) -> Option<(bool, usize, u64)> {
        let info = self.holder(found).tensor(&found.name)?;
        let before = found.rows.as_ref().map_or(0, |rows| rows.start * info.row_bytes());
        Some((found.adapter, info.file, info.offset + before as u64))
    }

    /// How many bytes a weight has in the checkpoint.
    pub(crate) fn stored_bytes(&self, found: &Found) -> u64 {
        let info = self.holder(found).tensor(&found.name);
        info.map_or(0, |info| found.rows.as_ref().map_or(info.bytes, |rows| (rows.len() * info.row_bytes()) as u64))
    }

    /// The encoded bytes of a weight as they are stored.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn read(&self, found: &Found) -> Result<Vec<u8>, Error> {
        Ok(match &found.rows {
            Some(rows) => self.holder(found).read_rows(&found.name, rows.clone()).await?,
            None => self.holder(found).read(&found.name).await?,
        })
    }

    /// The values of a weight as the graph sees it.
    ///
    /// # Errors
    /// They cannot be read or decoded.
    pub async fn values(&self, spec: &WeightSpec, found: &Found) -> Result<Vec<f32>, Error> {
        let missing = || self.unfit(spec, "is missing".into());
        let info = self.holder(found).tensor(&found.name).ok_or_else(missing)?;
        let values = decode(info, spec.shape.iter().product(), &self.read(found).await?)?;
        Ok(found.stored.loaded(&spec.shape, values))
    }
}

/// Values of a tensor of floats.
pub(crate) fn decode(info: &TensorInfo, elements: usize, bytes: &[u8]) -> Result<Vec<f32>, Error> {
    match info.dtype {
        Dtype::Quant(ty) => {
            let mut values = vec![0.0; elements];
            format::decode(ty, bytes, &mut values)?;
            Ok(values)
        }
        Dtype::F64 => Ok(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()),
        Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::Bool => Err(Error::Tensor {
            file: String::new(),
            tensor: info.name.clone(),
            reason: format!("holds {}, expected floats", info.dtype),
        }),
    }
}

/// [K, N] → [N, K].
pub(crate) fn transposed(values: &[f32], n: usize, k: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..n {
        out.extend((0..k).map(|row| values[row * n + column]));
    }
    out
}
