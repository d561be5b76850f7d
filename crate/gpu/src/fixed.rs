//! What a program reads and never writes: joined weights, weights as plain values, constants.

use std::collections::BTreeMap;
use std::sync::Arc;

use graph::{Data, Graph, NodeId, Tensor, WeightId};

use crate::engine::Gpu;
use crate::kernels::gather_shader;
use crate::program::data_bytes;
use crate::shaders::Shader;
use crate::units::{self, Unit};
use crate::weights::{Role, Weight};
use crate::{Error, Weights};

/// Lays the weights of joined projections behind each other, and their biases.
pub(crate) fn join_projections(
    gpu: &Gpu,
    graph: &Graph,
    units: &[Unit],
    store: &Weights,
    weights: &mut [Arc<Weight>],
) -> Result<BTreeMap<NodeId, wgpu::Buffer>, Error> {
    let mut biases = BTreeMap::new();
    for unit in units {
        let nodes = unit.joined();
        if nodes.is_empty() {
            continue;
        }
        let ids: Vec<WeightId> = nodes.iter().filter_map(|id| units::projection_weight(graph, *id)).collect();
        let names: Vec<&str> = ids.iter().map(|id| graph.weights[id.0 as usize].name.as_str()).collect();
        store.join(&names, weights, &ids)?;
        let ids: Vec<WeightId> = nodes.iter().filter_map(|id| units::bias_weight(graph, *id)).collect();
        let added: Vec<Arc<Weight>> = ids.iter().map(|id| weights[id.0 as usize].clone()).collect();
        for (id, weight) in ids.iter().zip(&added) {
            weights[id.0 as usize] = store.assign(&graph.weights[id.0 as usize].name, weight, Role::Shared);
        }
        if !added.is_empty() {
            biases.insert(nodes[0], joined_bias(gpu, &added)?);
        }
    }
    Ok(biases)
}

/// Vectors behind each other; vectors are always held as f32.
fn joined_bias(gpu: &Gpu, vectors: &[Arc<Weight>]) -> Result<wgpu::Buffer, Error> {
    let bytes = |w: &Weight| 4 * w.cols() as u64;
    let buffer = gpu.storage("joined bias", vectors.iter().map(|w| bytes(w)).sum())?;
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut offset = 0;
    for vector in vectors {
        encoder.copy_buffer_to_buffer(&vector.parts[0].buffer, 0, &buffer, offset, Some(bytes(vector)));
        offset += bytes(vector);
    }
    gpu.queue.submit([encoder.finish()]);
    Ok(buffer)
}

/// A buffer with these values.
pub(crate) fn constant(gpu: &Gpu, tensor: &Tensor) -> Result<wgpu::Buffer, Error> {
    let bytes = data_bytes(&tensor.data);
    let buffer = gpu.storage("constant", bytes.len() as u64)?;
    if !bytes.is_empty() {
        gpu.queue.write_buffer(&buffer, 0, bytes);
    }
    Ok(buffer)
}

/// The plain values of a weight: its own buffer, or all its rows gathered by the kernel of its format.
pub(crate) fn dense_weight(gpu: &Gpu, name: &str, weight: &Weight) -> Result<wgpu::Buffer, Error> {
    if let Some(buffer) = weight.plain() {
        return Ok(buffer.clone());
    }
    let (rows, cols) = (weight.rows(), weight.cols());
    let (bytes, limit) = (4 * (rows * cols) as u64, gpu.max_binding());
    if bytes > limit {
        let what = format!("weight {name} as plain values");
        return Err(Error::Limit { what, bytes, limit, name: "maxStorageBufferBindingSize" });
    }
    let out = gpu.storage(name, bytes)?;
    let ids: Vec<i32> = (0..rows as i32).collect();
    let ids = constant(gpu, &Tensor { shape: vec![rows], data: Data::I32(ids) })?;
    for part in &weight.parts {
        let params = [rows, cols, rows, weight.stride, part.first, part.start, part.rows].map(|v| v as u32);
        gather_once(gpu, gather_shader(weight.format), &params, [&part.buffer, &ids, &out]);
    }
    gpu.check()?;
    Ok(out)
}

/// One dispatch outside all plans.
fn gather_once(gpu: &Gpu, shader: Shader, params: &[u32; 7], buffers: [&wgpu::Buffer; 3]) {
    let uniform = gpu.buffer(&wgpu::BufferDescriptor {
        label: Some("parameters"),
        size: 256,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&uniform, 0, bytemuck::cast_slice(params));
    let pipeline = gpu.pipeline(shader);
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() }];
    entries
        .extend((1..).zip(buffers).map(|(i, b)| wgpu::BindGroupEntry { binding: i, resource: b.as_entire_binding() }));
    let group = gpu.bind_group(&wgpu::BindGroupDescriptor {
        label: Some("plain values"),
        layout: &pipeline.layout,
        entries: &entries,
    });
    let groups = crate::kernels::threads(params[0] as usize * (params[1] as usize).div_ceil(4));
    let x = groups.clamp(1, 65_535) as u32;
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(&pipeline.pipeline);
    pass.set_bind_group(0, &group, &[0]);
    pass.dispatch_workgroups(x, groups.div_ceil(u64::from(x)) as u32, 1);
    drop(pass);
    gpu.queue.submit([encoder.finish()]);
}
