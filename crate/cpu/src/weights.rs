//! Named weights as the kernels read them, shared by programs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use format::QuantType;

use crate::Error;
use crate::matrix::{Matrix, Target};
use crate::pool::Pool;

/// One weight.
pub(crate) struct Weight {
    pub shape: Vec<usize>,
    kind: Kind,
    /// The values of a matrix, made when something other than a product or a look-up reads it.
    dense: OnceLock<Vec<f32>>,
}

enum Kind {
    Matrix(Matrix),
    Dense(Vec<f32>),
}

impl Weight {
    /// The packed matrix, if there are two axes.
    pub fn matrix(&self) -> Option<&Matrix> {
        match &self.kind {
            Kind::Matrix(matrix) => Some(matrix),
            Kind::Dense(_) => None,
        }
    }

    /// The values in row-major order.
    pub fn dense(&self) -> &[f32] {
        match &self.kind {
            Kind::Dense(values) => values,
            Kind::Matrix(matrix) => self.dense.get_or_init(|| {
                let mut values = vec![0.0; matrix.n() * matrix.k()];
                for (row, out) in values.chunks_mut(matrix.k().max(1)).enumerate() {
                    matrix.row(row, out);
                }
                values
            }),
        }
    }

    fn bytes(&self) -> usize {
        let dense = self.dense.get().map_or(0, |values| values.len() * 4);
        dense
            + match &self.kind {
                Kind::Matrix(matrix) => matrix.bytes(),
                Kind::Dense(values) => values.len() * 4,
            }
    }
}

/// Weights by name. A clone shares them.
#[derive(Clone, Default)]
pub struct Weights(Arc<BTreeMap<String, Arc<Weight>>>);

impl Weights {
    /// No weight yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a weight from its encoded bytes, replacing one of the same name. Two axes make a packed matrix, any other
    /// number of axes plain floats.
    ///
    /// # Errors
    /// The bytes do not fit shape and type, or there is not enough memory.
    pub fn insert(&mut self, name: &str, shape: &[usize], ty: QuantType, data: Vec<u8>) -> Result<(), Error> {
        self.insert_on(&Pool::new(1), name, shape, ty, &data)
    }

    /// As [`Weights::insert`], with the threads of a pool.
    pub(crate) fn insert_on(
        &mut self,
        pool: &Pool,
        name: &str,
        shape: &[usize],
        ty: QuantType,
        data: &[u8],
    ) -> Result<(), Error> {
        let kind = if let [n, k] = *shape {
            let packed = Matrix::pack_for(Target::best(), pool, ty, n, k, data);
            Kind::Matrix(packed.map_err(|source| Error::Matrix { name: name.to_string(), source })?)
        } else {
            Kind::Dense(decode(name, shape, ty, data)?)
        };
        let weight = Weight { shape: shape.to_vec(), kind, dense: OnceLock::new() };
        Arc::make_mut(&mut self.0).insert(name.to_string(), Arc::new(weight));
        Ok(())
    }

    /// Whether there is a weight of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.0.values().map(|weight| weight.bytes()).sum()
    }

    /// The matrix kernels that run, each once, such as `q8_0 avx2`.
    pub fn kernels(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.0.values().filter_map(|weight| weight.matrix()).map(Matrix::kernel).collect();
        names.into_iter().map(str::to_string).collect()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Weight>> {
        self.0.get(name)
    }
}

fn decode(name: &str, shape: &[usize], ty: QuantType, data: &[u8]) -> Result<Vec<f32>, Error> {
    let fail = |reason: String| Error::Weight { name: name.to_string(), reason };
    let count = shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
    let count = count.filter(|count| ty.row_bytes(*count) == Some(data.len()));
    let count = count.ok_or_else(|| fail(format!("{} bytes are no {ty} values of shape {shape:?}", data.len())))?;
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| Error::Memory { what: "a weight", count })?;
    values.resize(count, 0.0);
    format::decode(ty, data, &mut values).map_err(|source| fail(source.to_string()))?;
    Ok(values)
}
