//! One edge for all executors: the only place that asks which device this is.

use std::sync::Arc;

use format::QuantType;
pub use gpu::Precision;
use graph::{Graph, StateSpec, Tensor};

use crate::Error;

/// Which device is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The faster one by a short trial.
    #[default]
    Auto,
    /// The processor; no GPU is opened.
    Cpu,
    /// The GPU, or an error.
    Gpu,
}

/// An opened device.
pub enum Device {
    /// The processor.
    Cpu(cpu::Engine),
    /// A GPU through wgpu.
    Gpu(gpu::Engine),
}

/// Weights on a device.
#[derive(Clone)]
pub enum Weights {
    /// On the processor.
    Cpu(cpu::Weights),
    /// On the GPU.
    Gpu(gpu::Weights),
}

/// A graph prepared for a device.
pub enum Program {
    /// For the processor.
    Cpu(Box<cpu::Program>),
    /// For the GPU.
    Gpu(Box<gpu::Program>),
}

/// What one run of a program costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RunCost {
    /// Kernels started on a GPU.
    pub dispatches: usize,
    /// Lists of commands given to a GPU.
    pub submits: usize,
    /// Bytes of weights read.
    pub weight_bytes: u64,
    /// Bytes copied back from a GPU.
    pub readback_bytes: u64,
}

impl Program {
    /// Bytes of the buffers that it keeps from run to run.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Cpu(program) => program.bytes() as u64,
            Self::Gpu(program) => program.bytes(),
        }
    }

    /// What the last run cost.
    pub fn cost(&self) -> RunCost {
        match self {
            Self::Cpu(program) => RunCost { weight_bytes: program.weight_bytes() as u64, ..RunCost::default() },
            Self::Gpu(program) => {
                let gpu::Stats { dispatches, submits, weight_bytes, readback_bytes } = program.stats();
                RunCost { dispatches, submits, weight_bytes, readback_bytes }
            }
        }
    }
}

/// The states of a session on a device.
pub enum State {
    /// On the processor.
    Cpu(cpu::Session),
    /// On the GPU.
    Gpu(gpu::Session),
}

impl State {
    /// Row `i` goes on from what row `parents[i]` holds; no key is copied.
    ///
    /// # Errors
    /// There are more or fewer parents than rows, or a parent does not exist.
    pub fn reorder(&mut self, parents: &[usize]) -> Result<(), Error> {
        match self {
            Self::Cpu(session) => Ok(session.reorder(parents)?),
            Self::Gpu(session) => {
                session.reorder(parents);
                Ok(())
            }
        }
    }
}

impl Device {
    /// Opens the processor with a number of threads.
    pub fn cpu(threads: usize) -> Self {
        Self::Cpu(cpu::Engine::new(threads.max(1)))
    }

    /// Opens the GPU.
    ///
    /// # Errors
    /// There is no adapter, or it refuses WebGPU's default limits.
    pub async fn gpu() -> Result<Self, Error> {
        Self::gpu_in(Precision::F32).await
    }

    /// Opens the GPU to train in numbers of this precision, or in 32 bits if it has no smaller ones.
    ///
    /// # Errors
    /// As [`Device::gpu`].
    pub async fn gpu_in(precision: Precision) -> Result<Self, Error> {
        let options = gpu::Options { precision, ..gpu::Options::default() };
        Ok(Self::Gpu(gpu::Engine::new(options).await?))
    }

    /// In what numbers products of training are computed.
    pub fn precision(&self) -> Precision {
        match self {
            Self::Cpu(_) => Precision::F32,
            Self::Gpu(engine) => engine.precision(),
        }
    }

    /// What it is, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Cpu(engine) => format!("cpu, {} threads", engine.threads()),
            Self::Gpu(engine) => match engine.precision() {
                Precision::F32 => format!("wgpu, {}", engine.adapter()),
                Precision::F16 => format!("wgpu, {}, 16-bit factors", engine.adapter()),
            },
        }
    }

    /// `cpu` or `wgpu`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Gpu(_) => "wgpu",
        }
    }

    /// Whether kernels are compiled when they first run.
    pub fn compiles(&self) -> bool {
        matches!(self, Self::Gpu(_))
    }

    /// An empty store of weights.
    pub fn weights(&self) -> Weights {
        match self {
            Self::Cpu(_) => Weights::Cpu(cpu::Weights::new()),
            Self::Gpu(engine) => Weights::Gpu(engine.weights()),
        }
    }

    /// Adds a weight in its encoded form.
    ///
    /// # Errors
    /// The bytes do not fit the shape, or there is not enough memory.
    pub fn insert(
        &self,
        weights: &mut Weights,
        name: &str,
        shape: &[usize],
        ty: QuantType,
        data: Vec<u8>,
    ) -> Result<(), Error> {
        match (self, weights) {
            (Self::Cpu(engine), Weights::Cpu(weights)) => Ok(engine.insert(weights, name, shape, ty, &data)?),
            (Self::Gpu(_), Weights::Gpu(weights)) => Ok(weights.insert(name, shape, ty, data)?),
            (Self::Cpu(_), Weights::Gpu(_)) | (Self::Gpu(_), Weights::Cpu(_)) => Err(Error::MixedDevices),
        }
    }

    /// Adds a weight that programs change: floats in row-major order.
    ///
    /// # Errors
    /// There are not as many values as the shape says, or there is not enough memory.
    pub fn insert_trainable(
        &self,
        weights: &mut Weights,
        name: &str,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<(), Error> {
        match (self, weights) {
            (Self::Cpu(_), Weights::Cpu(weights)) => Ok(weights.insert_trainable(name, shape, values)?),
            (Self::Gpu(_), Weights::Gpu(weights)) => Ok(weights.insert_trainable(name, shape, &values)?),
            (Self::Cpu(_), Weights::Gpu(_)) | (Self::Gpu(_), Weights::Cpu(_)) => Err(Error::MixedDevices),
        }
    }

    /// The values that a weight has now, in row-major order.
    ///
    /// # Errors
    /// There is no such weight, or the device is lost.
    pub async fn read(&self, weights: &Weights, name: &str) -> Result<Vec<f32>, Error> {
        match (self, weights) {
            (Self::Cpu(_), Weights::Cpu(weights)) => Ok(weights.read(name)?),
            (Self::Gpu(_), Weights::Gpu(weights)) => Ok(weights.read(name).await?),
            (Self::Cpu(_), Weights::Gpu(_)) | (Self::Gpu(_), Weights::Cpu(_)) => Err(Error::MixedDevices),
        }
    }

    /// Prepares a graph.
    ///
    /// # Errors
    /// A weight is missing or an operation is not supported.
    pub fn prepare(&self, graph: Graph, weights: &Weights) -> Result<Program, Error> {
        match (self, weights) {
            (Self::Cpu(engine), Weights::Cpu(weights)) => {
                Ok(Program::Cpu(Box::new(engine.prepare(Arc::new(graph), weights)?)))
            }
            (Self::Gpu(engine), Weights::Gpu(weights)) => {
                Ok(Program::Gpu(Box::new(engine.prepare(Arc::new(graph), weights)?)))
            }
            (Self::Cpu(_), Weights::Gpu(_)) | (Self::Gpu(_), Weights::Cpu(_)) => Err(Error::MixedDevices),
        }
    }

    /// Makes empty states for `rows` rows of `capacity` tokens.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn session(&self, states: &[StateSpec], rows: usize, capacity: usize) -> Result<State, Error> {
        Ok(match self {
            Self::Cpu(engine) => State::Cpu(engine.session(states, rows, capacity)?),
            Self::Gpu(engine) => State::Gpu(engine.session(states, rows, capacity)?),
        })
    }

    /// Keeps inputs on a GPU for the runs of a session, which then are not given them. On the processor inputs are read
    /// where they are: `false`.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn hold(&self, state: &mut State, inputs: &[(&str, &Tensor)]) -> Result<bool, Error> {
        match (self, state) {
            (Self::Cpu(_), State::Cpu(_)) => Ok(false),
            (Self::Gpu(engine), State::Gpu(state)) => {
                engine.hold(state, inputs)?;
                Ok(true)
            }
            (Self::Cpu(_) | Self::Gpu(_), _) => Err(Error::MixedDevices),
        }
    }

    /// Runs a program; outputs are in the graph's order.
    ///
    /// # Errors
    /// An input does not fit, the session is full, or the device is lost.
    pub async fn run(
        &self,
        program: &mut Program,
        state: Option<&mut State>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        match (self, program, state) {
            (Self::Cpu(engine), Program::Cpu(program), None) => Ok(engine.run(program, None, inputs)?),
            (Self::Cpu(engine), Program::Cpu(program), Some(State::Cpu(state))) => {
                Ok(engine.run(program, Some(state), inputs)?)
            }
            (Self::Gpu(engine), Program::Gpu(program), None) => Ok(engine.run(program, None, inputs).await?),
            (Self::Gpu(engine), Program::Gpu(program), Some(State::Gpu(state))) => {
                Ok(engine.run(program, Some(state), inputs).await?)
            }
            (Self::Cpu(_) | Self::Gpu(_), _, _) => Err(Error::MixedDevices),
        }
    }
}

impl Weights {
    /// Whether a weight is there.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Cpu(weights) => weights.contains(name),
            Self::Gpu(weights) => weights.contains(name),
        }
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Cpu(weights) => weights.bytes() as u64,
            Self::Gpu(weights) => weights.bytes(),
        }
    }

    /// The matrix kernels that will run, such as `q8_0 avx512-vnni`.
    pub fn kernels(&self) -> Vec<String> {
        match self {
            Self::Cpu(weights) => weights.kernels(),
            Self::Gpu(weights) => weights.kernels(),
        }
    }
}
