//! The store of weights on the device.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use format::QuantType;
use graph::WeightId;

use crate::Error;
use crate::engine::{Gpu, lock};
use crate::repack::Format;

/// Rows of a weight that share a binding.
#[derive(Clone)]
pub(crate) struct Part {
    pub buffer: wgpu::Buffer,
    /// The first row in the buffer, which may hold other weights too.
    pub first: usize,
    /// The first row in the weight.
    pub start: usize,
    /// How many.
    pub rows: usize,
}

/// Who holds a weight's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// This buffer alone.
    Own,
    /// A program too, in a layout of its own, or a fork of the store: they cannot change any more.
    Shared,
    /// This buffer alone, and programs change it in place.
    Trained,
}

/// A weight on the device: rows of words, in as many parts as the binding limit asks for.
pub(crate) struct Weight {
    pub shape: Vec<usize>,
    pub format: Format,
    /// The type that the checkpoint gave.
    pub given: QuantType,
    /// Words of a row.
    pub stride: usize,
    pub parts: Vec<Part>,
    pub role: Role,
}

impl Weight {
    /// All axes but the last.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|p| p.rows).sum()
    }

    /// The last axis.
    pub fn cols(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Its buffer, where that is its plain values.
    pub fn plain(&self) -> Option<&wgpu::Buffer> {
        match &self.parts[..] {
            [part] if self.format == Format::F32 && part.first == 0 => Some(&part.buffer),
            _ => None,
        }
    }

    pub fn bytes(&self) -> u64 {
        4 * (self.rows() * self.stride) as u64
    }
}

/// Named weights on one device. A clone is the same store.
#[derive(Clone)]
pub struct Weights {
    pub(crate) gpu: Arc<Gpu>,
    pub(crate) named: Arc<Mutex<BTreeMap<String, Arc<Weight>>>>,
}

impl Weights {
    pub(crate) fn new(gpu: Arc<Gpu>) -> Self {
        Self { gpu, named: Arc::default() }
    }

    /// Copies a weight to the device, quantized as it is where a kernel reads its type.
    ///
    /// # Errors
    /// The bytes are not those of the shape and type, or memory ran out.
    pub fn insert(&mut self, name: &str, shape: &[usize], ty: QuantType, data: Vec<u8>) -> Result<(), Error> {
        let fail = |reason: String| Error::Weight { name: name.to_string(), reason };
        let (cols, outer) = shape.split_last().map_or((1, &[][..]), |(cols, outer)| (*cols, outer));
        let rows = outer.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
        let row_bytes =
            ty.row_bytes(cols).ok_or_else(|| fail(format!("{cols} columns are no whole blocks of {ty}")))?;
        let wanted = rows.and_then(|rows| rows.checked_mul(row_bytes));
        let (Some(rows), true) = (rows, wanted == Some(data.len())) else {
            return Err(fail(format!("{} bytes given for {shape:?} of {ty}", data.len())));
        };
        let (format, target) = Format::of(ty, shape);
        let stride = format.stride(cols);
        let mut weight =
            Weight { shape: shape.to_vec(), format, given: ty, stride, parts: Vec::new(), role: Role::Own };
        let rows_a_part = (self.gpu.max_binding() / 4).checked_div(stride as u64).unwrap_or(u64::MAX);
        if rows_a_part == 0 {
            return Err(fail(format!("a row of {cols} values is larger than a binding may be")));
        }
        for start in (0..rows.max(1)).step_by(usize::try_from(rows_a_part).unwrap_or(usize::MAX)) {
            let count = (rows_a_part.min((rows - start) as u64)) as usize;
            let bytes = &data[start * row_bytes..(start + count) * row_bytes];
            let words = pack(format, (ty, target), cols, bytes).map_err(fail)?;
            let buffer = self.gpu.storage(name, 4 * words.len() as u64)?;
            self.gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
            // Releases the staging memory of this write before the next weight comes.
            self.gpu.queue.submit([]);
            weight.parts.push(Part { buffer, first: 0, start, rows: count });
        }
        self.gpu.check()?;
        lock(&self.named).insert(name.to_string(), Arc::new(weight));
        Ok(())
    }

    /// Whether a weight of this name is held.
    pub fn contains(&self, name: &str) -> bool {
        lock(&self.named).contains_key(name)
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> u64 {
        lock(&self.named).values().map(|w| w.bytes()).sum()
    }

    /// What is held and how kernels read it, one line a kind: `q5_k as q8_0: 3 weights`.
    pub fn kernels(&self) -> Vec<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for weight in lock(&self.named).values() {
            let (given, held) = (weight.given.name(), weight.format.name());
            let kind = if given == held { held.to_string() } else { format!("{given} as {held}") };
            *counts.entry(kind).or_default() += 1;
        }
        counts.into_iter().map(|(kind, n)| format!("{kind}: {n} weights")).collect()
    }

    /// Lays weights behind each other in one buffer, in place of their own.
    ///
    /// # Errors
    /// Memory ran out.
    pub(crate) fn join(&self, names: &[&str], weights: &mut [Arc<Weight>], ids: &[WeightId]) -> Result<(), Error> {
        let row_bytes = 4 * weights[ids[0].0 as usize].stride as u64;
        if behind_each_other(weights, ids) {
            return Ok(());
        }
        let rows: usize = ids.iter().map(|id| weights[id.0 as usize].rows()).sum();
        let buffer = self.gpu.storage(names[0], row_bytes * rows as u64)?;
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut first = 0;
        for (id, name) in ids.iter().zip(names) {
            let old = weights[id.0 as usize].clone();
            let part = &old.parts[0];
            let (from, to) = (part.first as u64 * row_bytes, first as u64 * row_bytes);
            encoder.copy_buffer_to_buffer(&part.buffer, from, &buffer, to, Some(part.rows as u64 * row_bytes));
            let parts = vec![Part { buffer: buffer.clone(), first, start: 0, rows: part.rows }];
            first += part.rows;
            let joined = Arc::new(Weight { shape: old.shape.clone(), parts, role: Role::Shared, ..*old });
            weights[id.0 as usize] = joined.clone();
            lock(&self.named).insert((*name).to_string(), joined);
        }
        self.gpu.queue.submit([encoder.finish()]);
        Ok(())
    }

    /// Gives a weight another role, in this store and for the caller.
    pub(crate) fn assign(&self, name: &str, weight: &Weight, role: Role) -> Arc<Weight> {
        let weight = Weight { shape: weight.shape.clone(), parts: weight.parts.clone(), role, ..*weight };
        let weight = Arc::new(weight);
        lock(&self.named).insert(name.to_string(), weight.clone());
        weight
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Weight>> {
        lock(&self.named).get(name).cloned()
    }
}

/// Whether an earlier program has joined these weights in this order.
fn behind_each_other(weights: &[Arc<Weight>], ids: &[WeightId]) -> bool {
    let part = |id: &WeightId| &weights[id.0 as usize].parts[0];
    let adjacent = |pair: &[WeightId]| {
        let (a, b) = (part(&pair[0]), part(&pair[1]));
        a.buffer == b.buffer && a.first + a.rows == b.first
    };
    ids.windows(2).all(adjacent)
}

/// The words of whole rows, brought to `target` first.
fn pack(format: Format, (ty, target): (QuantType, QuantType), cols: usize, bytes: &[u8]) -> Result<Vec<u32>, String> {
    let row_bytes = ty.row_bytes(cols).unwrap_or(0).max(1);
    let mut out = Vec::with_capacity(bytes.len() / row_bytes * format.stride(cols));
    if ty == target {
        bytes.chunks_exact(row_bytes).for_each(|row| format.pack(row, &mut out));
        return Ok(out);
    }
    let mut values = vec![0.0; cols];
    let mut encoded = Vec::new();
    for row in bytes.chunks_exact(row_bytes) {
        format::decode(ty, row, &mut values).map_err(|e| e.to_string())?;
        encoded.clear();
        format::encode(target, &values, &mut encoded).map_err(|e| e.to_string())?;
        format.pack(&encoded, &mut out);
    }
    Ok(out)
}
