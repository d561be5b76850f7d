//! Named weights as the kernels read them, shared by programs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use format::QuantType;

use crate::Error;
use crate::matrix::{Matrix, Packer, Target};
use crate::pool::Pool;

/// One weight.
#[derive(Default)]
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

impl Default for Kind {
    fn default() -> Self {
        Kind::Dense(Vec::new())
    }
}

impl Weight {
    fn plain(shape: &[usize], values: Vec<f32>) -> Self {
        Self { shape: shape.to_vec(), kind: Kind::Dense(values), dense: OnceLock::new() }
    }

    /// The packed matrix, if it is one.
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
            Kind::Matrix(matrix) => self.dense.get_or_init(|| unpacked(matrix)),
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let dense = self.dense.get().map_or(0, |values| values.len() * 4);
        dense
            + match &self.kind {
                Kind::Matrix(matrix) => matrix.bytes(),
                Kind::Dense(values) => values.len() * 4,
            }
    }
}

fn unpacked(matrix: &Matrix) -> Vec<f32> {
    let mut values = vec![0.0; matrix.n() * matrix.k()];
    for (row, out) in values.chunks_mut(matrix.k().max(1)).enumerate() {
        matrix.row(row, out);
    }
    values
}

/// Where a weight of a store is found: what it holds now may change from run to run.
pub(crate) struct Slot(Mutex<Arc<Weight>>);

impl Slot {
    fn new(weight: Arc<Weight>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(weight)))
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Weight>> {
        // A weight is whole at any time, so a panic elsewhere does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds now.
    pub fn current(&self) -> Arc<Weight> {
        self.lock().clone()
    }

    /// Turns a packed weight into plain values, which can change.
    pub fn unpack(&self) {
        let mut weight = self.lock();
        if weight.matrix().is_some() {
            let plain = Weight::plain(&weight.shape, weight.dense().to_vec());
            *weight = Arc::new(plain);
        }
    }

    /// A slot about to change. Whoever still reads the old values, a fork or another run, keeps them.
    pub fn open(&self) -> Open<'_> {
        Open(self.lock())
    }
}

/// A slot that nobody else reads.
pub(crate) struct Open<'a>(MutexGuard<'a, Arc<Weight>>);

impl Open<'_> {
    /// The values, to write.
    pub fn values(&mut self) -> &mut [f32] {
        if Arc::get_mut(&mut self.0).is_none() || self.0.matrix().is_some() {
            let own = Weight::plain(&self.0.shape, self.0.dense().to_vec());
            *self.0 = Arc::new(own);
        }
        match Arc::get_mut(&mut self.0).map(|weight| &mut weight.kind) {
            Some(Kind::Dense(values)) => values,
            Some(Kind::Matrix(_)) | None => &mut [],
        }
    }
}

/// Weights by name. A clone shares them: a change by a program shows in both.
#[derive(Clone, Default)]
pub struct Weights {
    slots: Arc<BTreeMap<String, Arc<Slot>>>,
    /// Held by a program while it changes weights, several of which may be locked then.
    turn: Arc<Mutex<()>>,
}

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
        self.put(name, Weight { shape: shape.to_vec(), kind, dense: OnceLock::new() });
        Ok(())
    }

    /// A matrix whose rows will come by and by, if its type allows it.
    pub(crate) fn packer(name: &str, ty: QuantType, n: usize, k: usize) -> Result<Option<Packer>, Error> {
        Packer::best(ty, n, k).map_err(|source| Error::Matrix { name: name.to_string(), source })
    }

    /// Adds a matrix all of whose rows have come, replacing one of the same name.
    pub(crate) fn insert_packed(&mut self, name: &str, packer: Packer) -> Result<(), Error> {
        let matrix = packer.finish().map_err(|source| Error::Matrix { name: name.to_string(), source })?;
        let shape = vec![matrix.n(), matrix.k()];
        self.put(name, Weight { shape, kind: Kind::Matrix(matrix), dense: OnceLock::new() });
        Ok(())
    }

    /// Adds a weight that programs change, replacing one of the same name: plain floats in row-major order.
    ///
    /// # Errors
    /// There are not as many values as the shape says.
    pub fn insert_trainable(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Result<(), Error> {
        if shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b)) != Some(values.len()) {
            let reason = format!("{} values are not of shape {shape:?}", values.len());
            return Err(Error::Weight { name: name.to_string(), reason });
        }
        self.put(name, Weight::plain(shape, values));
        Ok(())
    }

    fn put(&mut self, name: &str, weight: Weight) {
        Arc::make_mut(&mut self.slots).insert(name.to_string(), Slot::new(Arc::new(weight)));
    }

    /// The values that a weight has now, in row-major order.
    ///
    /// # Errors
    /// There is no such weight.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, Error> {
        let missing = || Error::Weight { name: name.to_string(), reason: "is not loaded".into() };
        let weight = self.slots.get(name).ok_or_else(missing)?.current();
        Ok(match &weight.kind {
            Kind::Dense(values) => values.clone(),
            Kind::Matrix(matrix) => unpacked(matrix),
        })
    }

    /// The same weights in a store of their own: later changes of one do not show in the other. Memory is shared until
    /// a weight changes.
    #[must_use]
    pub fn fork(&self) -> Self {
        let slots = self.slots.iter().map(|(name, slot)| (name.clone(), Slot::new(slot.current())));
        Self { slots: Arc::new(slots.collect()), turn: Arc::default() }
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.keys().map(String::as_str)
    }

    /// Whether there is a weight of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.slots.contains_key(name)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.slots.values().map(|slot| slot.current().bytes()).sum()
    }

    /// The matrix kernels that run, each once, such as `q8_0 avx2`.
    pub fn kernels(&self) -> Vec<String> {
        let name = |slot: &Arc<Slot>| slot.current().matrix().map(Matrix::kernel);
        let names: BTreeSet<&str> = self.slots.values().filter_map(name).collect();
        names.into_iter().map(str::to_string).collect()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Slot>> {
        self.slots.get(name)
    }

    /// What a program holds while it changes weights.
    pub(crate) fn turn(&self) -> &Arc<Mutex<()>> {
        &self.turn
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_in_clones_and_not_in_forks() {
        let mut weights = Weights::new();
        weights.insert_trainable("w", &[2, 1], vec![1.0, 2.0]).unwrap();
        assert!(weights.insert_trainable("w", &[3], vec![1.0]).is_err());
        let (clone, fork) = (weights.clone(), weights.fork());
        weights.find("w").unwrap().open().values()[0] = 5.0;
        assert_eq!(clone.read("w").unwrap(), [5.0, 2.0]);
        assert_eq!(fork.read("w").unwrap(), [1.0, 2.0]);
        assert_eq!(weights.names().collect::<Vec<_>>(), ["w"]);
    }

    #[test]
    fn a_packed_matrix_is_unpacked_to_change() {
        let mut weights = Weights::new();
        let bytes = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        weights.insert("w", &[2, 2], QuantType::F32, bytes).unwrap();
        weights.find("w").unwrap().unpack();
        assert!(weights.find("w").unwrap().current().matrix().is_none());
        assert_eq!(weights.read("w").unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
}
