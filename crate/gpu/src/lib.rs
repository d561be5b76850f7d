//! The GPU executor: graphs on WebGPU in a page, on Vulkan, Metal and DX12 natively, by wgpu.
//!
//! An [`Engine`] is a device. [`Weights`] hold a model's tensors there, quantized as they are. A [`Program`] is a graph
//! bound to weights; a [`Session`] holds the key-value caches of one conversation. [`Engine::run`] replays a plan: one
//! submit and one readback. Everything keeps to WebGPU's default limits unless [`Limits::Adapter`] is asked for.
//!
//! Kernels are the files of `/shaders`; `build.rs` validates every variant.

mod arena;
mod engine;
mod error;
mod fixed;
mod kernels;
mod made;
mod plan;
mod program;
mod readback;
mod repack;
mod run;
mod session;
mod shaders;
mod trained;
mod units;
mod values;
mod weights;

pub use engine::{Engine, Kernels, Limits, Options, Precision};
pub use error::Error;
pub use made::Made;
pub use program::{Program, Stats};
pub use session::Session;
pub use weights::Weights;
