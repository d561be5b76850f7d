//! The device: adapter choice, limits, pipelines by kernel, faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::made::Counters;
use crate::shaders::{Access, Binding, Shader};
use crate::{Error, Weights};

/// What is asked of the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// Exactly WebGPU's default limits and no feature: what every device has.
    #[default]
    Default,
    /// All that the adapter offers.
    Adapter,
}

/// Which kernels run where there is a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernels {
    /// Those without barriers on software adapters, those for GPUs elsewhere.
    #[default]
    Auto,
    /// Those without barriers.
    Plain,
    /// Those for GPUs.
    Wide,
}

/// In what numbers products of many rows with f32 weights, and products between values, are computed: those of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Factors in 16 bits and sums in 32, where the adapter has `shader-f16`; 32 bits where it has not.
    F16,
}

/// How an engine is built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What is asked of the device.
    pub limits: Limits,
    /// Which kernels run.
    pub kernels: Kernels,
    /// In what numbers training's products are computed.
    pub precision: Precision,
}

/// What the device reported on its own.
#[derive(Debug, Default)]
struct Faults {
    error: Option<Error>,
    lost: Option<String>,
}

/// A compiled kernel.
pub(crate) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// The device and what is shared by everything that was built on it.
pub(crate) struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub limits: wgpu::Limits,
    pub kernels: Kernels,
    /// What was asked for, or less where the adapter lacks it.
    pub precision: Precision,
    /// Bound where a kernel takes a buffer that a node does not have.
    pub nothing: wgpu::Buffer,
    /// Bound where a kernel writes a result that a node does not have.
    nowhere: wgpu::Buffer,
    name: String,
    faults: Arc<Mutex<Faults>>,
    pub counters: Counters,
    pipelines: Mutex<HashMap<Shader, Arc<Pipeline>>>,
    layouts: Mutex<HashMap<Vec<Binding>, wgpu::BindGroupLayout>>,
}

/// Locks even after a panic elsewhere: what is guarded here is valid at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The GPU executor.
#[derive(Clone)]
pub struct Engine {
    pub(crate) gpu: Arc<Gpu>,
    software: bool,
}

impl Engine {
    /// Opens the system's preferred adapter: WebGPU in a page, Vulkan, Metal or DX12 natively.
    ///
    /// # Errors
    /// There is no adapter or it gives no device.
    pub async fn new(options: Options) -> Result<Self, Error> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let wanted = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = instance.request_adapter(&wanted).await.map_err(|e| Error::Adapter { reason: e.to_string() })?;
        let info = adapter.get_info();
        let software = is_software(&info);
        let name = describe(&info, software);
        let (limits, features) = match options.limits {
            Limits::Default => (wgpu::Limits::default(), wgpu::Features::empty()),
            Limits::Adapter => (adapter.limits(), adapter.features() & wgpu::Features::SUBGROUP),
        };
        let half = options.precision == Precision::F16 && adapter.features().contains(wgpu::Features::SHADER_F16);
        let (features, precision) = match half {
            true => (features | wgpu::Features::SHADER_F16, Precision::F16),
            false => (features, Precision::F32),
        };
        let description = wgpu::DeviceDescriptor {
            label: Some("dynasty"),
            required_features: features,
            required_limits: limits.clone(),
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = adapter
            .request_device(&description)
            .await
            .map_err(|e| Error::Device { adapter: name.clone(), reason: e.to_string() })?;
        let kernels = match options.kernels {
            Kernels::Auto if software => Kernels::Plain,
            Kernels::Auto | Kernels::Wide => Kernels::Wide,
            Kernels::Plain => Kernels::Plain,
        };
        Ok(Self { gpu: Arc::new(Gpu::new(device, queue, (limits, kernels, precision), name)), software })
    }

    /// The adapter's name, its backend and whether it is software.
    pub fn adapter(&self) -> String {
        self.gpu.name.clone()
    }

    /// Whether the adapter is a program on the processor.
    pub fn software(&self) -> bool {
        self.software
    }

    /// In what numbers training's products are computed: less than was asked for where the adapter lacks it.
    pub fn precision(&self) -> Precision {
        self.gpu.precision
    }

    /// Whether the device is gone; a new engine is needed then.
    pub fn lost(&self) -> bool {
        lock(&self.gpu.faults).lost.is_some()
    }

    /// Kernels that have been compiled so far.
    pub fn pipelines(&self) -> usize {
        lock(&self.gpu.pipelines).len()
    }

    /// An empty store of weights on this device.
    pub fn weights(&self) -> Weights {
        Weights::new(self.gpu.clone())
    }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    let text = format!("{} {} {}", info.name, info.driver, info.driver_info).to_lowercase();
    info.device_type == wgpu::DeviceType::Cpu
        || ["swiftshader", "llvmpipe", "lavapipe", "basic render"].iter().any(|name| text.contains(name))
}

fn describe(info: &wgpu::AdapterInfo, software: bool) -> String {
    let name = [&info.name, &info.driver_info, &info.driver].into_iter().find(|n| !n.is_empty());
    let name = name.map_or("adapter", |n| n.as_str());
    format!("{name} ({}{})", info.backend, if software { ", software" } else { "" })
}

impl Gpu {
    fn new(
        device: wgpu::Device,
        queue: wgpu::Queue,
        (limits, kernels, precision): (wgpu::Limits, Kernels, Precision),
        name: String,
    ) -> Self {
        let faults = Arc::new(Mutex::new(Faults::default()));
        let seen = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&seen).error.get_or_insert(match error {
                wgpu::Error::OutOfMemory { source } => Error::Memory { reason: source.to_string() },
                wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                    Error::Refused { reason: one_line(&description) }
                }
            });
        }));
        let seen = faults.clone();
        device.set_device_lost_callback(move |reason, message| {
            lock(&seen).lost = Some(one_line(&format!("{reason:?} {message}")));
        });
        let dummy = |label| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: 512,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        };
        let (nothing, nowhere) = (dummy("nothing"), dummy("nowhere"));
        Self {
            device,
            queue,
            limits,
            kernels,
            precision,
            nothing,
            nowhere,
            name,
            faults,
            counters: Counters::default(),
            pipelines: Mutex::default(),
            layouts: Mutex::default(),
        }
    }

    /// Takes what the device reported since the last call.
    ///
    /// # Errors
    /// The device is lost, memory ran out, or a command was refused.
    pub fn check(&self) -> Result<(), Error> {
        if lock(&self.faults).error.is_some() {
            // What is refused by a lost device may be reported before the loss is. The answer is read below.
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        let mut faults = lock(&self.faults);
        if let Some(reason) = &faults.lost {
            return Err(Error::Lost { reason: reason.clone() });
        }
        faults.error.take().map_or(Ok(()), Err)
    }

    /// One of two halves that nobody reads.
    pub fn nowhere(&self, half: u64) -> wgpu::BindingResource<'_> {
        let size = wgpu::BufferSize::new(256);
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: &self.nowhere, offset: 256 * half, size })
    }

    /// The largest binding of storage.
    pub fn max_binding(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }

    /// A buffer of storage that can be copied from and to.
    ///
    /// # Errors
    /// It is larger than a buffer may be, or memory ran out (in a page this shows at the next run).
    pub fn storage(&self, what: &str, bytes: u64) -> Result<wgpu::Buffer, Error> {
        let limit = self.limits.max_buffer_size;
        if bytes > limit {
            return Err(Error::Limit { what: what.to_string(), bytes, limit, name: "maxBufferSize" });
        }
        let buffer = self.buffer(&wgpu::BufferDescriptor {
            label: Some(what),
            size: bytes.max(4).next_multiple_of(4),
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.check()?;
        Ok(buffer)
    }

    /// The compiled kernel; compiled at the first call.
    pub fn pipeline(&self, shader: Shader) -> Arc<Pipeline> {
        if let Some(known) = lock(&self.pipelines).get(&shader) {
            return known.clone();
        }
        let source = shader.source();
        let groups: Vec<wgpu::BindGroupLayout> =
            source.bindings.chunk_by(|a, b| a.group == b.group).map(|bindings| self.layout(bindings)).collect();
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(source.name),
            bind_group_layouts: &groups.iter().map(Some).collect::<Vec<_>>(),
            immediate_size: 0,
        });
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(source.name),
            source: wgpu::ShaderSource::Wgsl(source.code.into()),
        });
        let pipeline = self.compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(source.name),
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let made = Arc::new(Pipeline { pipeline, layout: groups[0].clone() });
        lock(&self.pipelines).insert(shader, made.clone());
        made
    }

    /// The layout of one bind group.
    pub fn layout(&self, bindings: &[Binding]) -> wgpu::BindGroupLayout {
        if let Some(known) = lock(&self.layouts).get(bindings) {
            return known.clone();
        }
        let entries: Vec<_> = bindings.iter().map(layout_entry).collect();
        let made =
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        lock(&self.layouts).insert(bindings.to_vec(), made.clone());
        made
    }
}

fn layout_entry(binding: &Binding) -> wgpu::BindGroupLayoutEntry {
    let ty = match binding.access {
        Access::Uniform => wgpu::BufferBindingType::Uniform,
        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
        Access::Write => wgpu::BufferBindingType::Storage { read_only: false },
    };
    wgpu::BindGroupLayoutEntry {
        binding: binding.binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: binding.access == Access::Uniform,
            min_binding_size: None,
        },
        count: None,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
