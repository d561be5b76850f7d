//! Weights that change: put in as plain f32, read back, forked; a program that changes some claims them first.
//!
//! Every program on a store reads such a weight from its own buffer, so that each sees the change.

use std::sync::Arc;

use format::QuantType;
use graph::{Graph, Op, WeightId};

use crate::engine::lock;
use crate::fixed::dense_weight;
use crate::repack::Format;
use crate::weights::{Part, Role, Weight};
use crate::{Error, Weights, readback};

impl Weights {
    /// Puts a weight that programs may change in place, in plain f32.
    ///
    /// # Errors
    /// The number of values is not the product of the sizes, it is larger than a binding may be, or memory ran out.
    pub fn insert_trainable(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<(), Error> {
        self.insert(name, shape, QuantType::F32, bytemuck::cast_slice(values).to_vec())?;
        let Some(weight) = self.find(name) else { return Ok(()) };
        self.assign(name, trainable(name, &weight)?, Role::Trained);
        Ok(())
    }

    /// The values of a weight as they are now, decoded.
    ///
    /// # Errors
    /// There is no weight of this name, memory ran out, or the device is lost.
    pub async fn read(&self, name: &str) -> Result<Vec<f32>, Error> {
        let fail = |reason: &str| Error::Weight { name: name.to_string(), reason: reason.to_string() };
        let weight = self.find(name).ok_or_else(|| fail("is not loaded"))?;
        let row_bytes = 4 * weight.cols() as u64;
        let part = |p: &Part| (p.buffer.clone(), p.first as u64 * row_bytes, p.rows as u64 * row_bytes);
        let parts: Vec<(wgpu::Buffer, u64, u64)> = match weight.format {
            Format::F32 => weight.parts.iter().map(part).collect(),
            _ => vec![(dense_weight(&self.gpu, name, &weight)?, 0, weight.rows() as u64 * row_bytes)],
        };
        let mut values = Vec::with_capacity(weight.shape.iter().product());
        for (buffer, from, bytes) in parts.into_iter().filter(|(_, _, bytes)| *bytes > 0) {
            values.extend(self.read_range(&buffer, from, bytes).await?);
        }
        Ok(values)
    }

    async fn read_range(&self, buffer: &wgpu::Buffer, from: u64, bytes: u64) -> Result<Vec<f32>, Error> {
        let staging = self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("values of a weight"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.gpu.check()?;
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, from, &staging, 0, Some(bytes));
        self.gpu.queue.submit([encoder.finish()]);
        readback::read(&self.gpu, &staging, bytes, bytemuck::pod_collect_to_vec).await
    }

    /// Another store with the same values, such as the reference of a policy. What is trained is copied on the device;
    /// everything else is held once, and no program may change it from now on.
    ///
    /// # Errors
    /// Memory ran out.
    pub fn fork(&self) -> Result<Weights, Error> {
        let fork = Weights::new(self.gpu.clone());
        let held = lock(&self.named).clone();
        for (name, weight) in &held {
            if weight.role == Role::Trained {
                let part = Part { buffer: self.copied(name, &weight.parts[0].buffer)?, ..weight.parts[0].clone() };
                let copy = Weight { shape: weight.shape.clone(), parts: vec![part], ..**weight };
                lock(&fork.named).insert(name.clone(), Arc::new(copy));
            } else {
                let shared = self.assign(name, weight, Role::Shared);
                lock(&fork.named).insert(name.clone(), shared);
            }
        }
        Ok(fork)
    }

    fn copied(&self, name: &str, buffer: &wgpu::Buffer) -> Result<wgpu::Buffer, Error> {
        let copy = self.gpu.storage(name, buffer.size())?;
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, None);
        self.gpu.queue.submit([encoder.finish()]);
        Ok(copy)
    }
}

/// The weight, if a program may change it in place.
fn trainable<'w>(name: &str, weight: &'w Weight) -> Result<&'w Weight, Error> {
    let fail = |reason: String| Err(Error::Weight { name: name.to_string(), reason });
    if weight.format != Format::F32 {
        return fail(format!("is {}, only f32 can be trained", weight.format.name()));
    }
    if weight.parts.len() != 1 {
        return fail("is larger than a binding may be, so it cannot be trained".into());
    }
    if weight.role == Role::Shared {
        return fail("cannot change: a program or a fork holds its values too; put it in as trainable first".into());
    }
    Ok(weight)
}

/// Marks the weights that a graph changes, before anything copies them.
///
/// # Errors
/// One cannot change in place.
pub(crate) fn claim(graph: &Graph, store: &Weights, found: &mut [Arc<Weight>]) -> Result<(), Error> {
    for id in changed(graph) {
        let name = &graph.weights[id.0 as usize].name;
        let weight = found[id.0 as usize].clone();
        if weight.role != Role::Trained {
            found[id.0 as usize] = store.assign(name, trainable(name, &weight)?, Role::Trained);
        }
    }
    Ok(())
}

/// The weights that a graph changes.
fn changed(graph: &Graph) -> impl Iterator<Item = WeightId> + '_ {
    graph
        .nodes
        .iter()
        .flat_map(|node| match &node.op {
            Op::Update { weights, .. } => weights.as_slice(),
            _ => &[],
        })
        .copied()
}

#[cfg(test)]
mod tests;
