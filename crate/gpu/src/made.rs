//! What was made on a device since it was opened. Steady work makes nothing: a token replays a plan.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::{Engine, Gpu};

/// How many things were made on a device since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Compiled kernels.
    pub pipelines: usize,
    /// Buffers.
    pub buffers: usize,
    /// Groups of bindings.
    pub bind_groups: usize,
}

/// The counters behind [`Made`].
#[derive(Default)]
pub(crate) struct Counters {
    pipelines: AtomicUsize,
    buffers: AtomicUsize,
    bind_groups: AtomicUsize,
}

impl Engine {
    /// How many things were made on the device so far.
    pub fn made(&self) -> Made {
        let Counters { pipelines, buffers, bind_groups } = &self.gpu.counters;
        let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        Made { pipelines: read(pipelines), buffers: read(buffers), bind_groups: read(bind_groups) }
    }
}

impl Gpu {
    /// Makes a buffer.
    pub fn buffer(&self, description: &wgpu::BufferDescriptor<'_>) -> wgpu::Buffer {
        self.counters.buffers.fetch_add(1, Ordering::Relaxed);
        self.device.create_buffer(description)
    }

    /// Makes a group of bindings.
    pub fn bind_group(&self, description: &wgpu::BindGroupDescriptor<'_>) -> wgpu::BindGroup {
        self.counters.bind_groups.fetch_add(1, Ordering::Relaxed);
        self.device.create_bind_group(description)
    }

    /// Compiles a kernel.
    pub fn compute_pipeline(&self, description: &wgpu::ComputePipelineDescriptor<'_>) -> wgpu::ComputePipeline {
        self.counters.pipelines.fetch_add(1, Ordering::Relaxed);
        self.device.create_compute_pipeline(description)
    }
}
