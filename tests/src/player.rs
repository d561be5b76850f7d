//! The executors behind one edge, the reference among them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use format::QuantType;
use graph::{Graph, Tensor};

/// An executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    /// candle in f64; not in a page.
    #[cfg(not(target_arch = "wasm32"))]
    Reference,
    /// The processor with a number of threads.
    Cpu(usize),
    /// The GPU with one kind of kernels, at WebGPU's default limits.
    Gpu(gpu::Kernels),
}

impl Executor {
    /// All that are compared with the reference.
    pub const TESTED: [Executor; 3] =
        [Executor::Cpu(1), Executor::Gpu(gpu::Kernels::Plain), Executor::Gpu(gpu::Kernels::Wide)];

    /// Whether this is a GPU.
    pub fn is_gpu(self) -> bool {
        matches!(self, Executor::Gpu(_))
    }
}

impl fmt::Display for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(not(target_arch = "wasm32"))]
            Executor::Reference => f.write_str("reference"),
            Executor::Cpu(threads) => write!(f, "cpu({threads})"),
            Executor::Gpu(kernels) => write!(f, "wgpu({kernels:?})"),
        }
    }
}

/// A weight in its encoded form.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Sizes as the graph sees them.
    pub shape: Vec<usize>,
    /// How it is encoded.
    pub ty: QuantType,
    /// The encoded values.
    pub data: Vec<u8>,
}

impl Stored {
    /// The values that the encoded bytes stand for.
    pub fn values(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.shape.iter().product()];
        format::decode(self.ty, &self.data, &mut values).unwrap();
        values
    }
}

/// A graph on an executor, with weights and a session.
pub enum Player {
    /// candle in f64.
    #[cfg(not(target_arch = "wasm32"))]
    Reference(candle::Engine, Arc<Graph>, candle::Weights, candle::Session),
    /// The processor.
    Cpu(cpu::Engine, Box<cpu::Program>, Option<cpu::Session>),
    /// The GPU.
    Gpu(gpu::Engine, Box<gpu::Program>, Option<gpu::Session>),
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// A device, or why there is none.
type Opened = Result<gpu::Engine, String>;

/// Opening a device is slow, so a process has one for each kind of kernels.
#[cfg(not(target_arch = "wasm32"))]
fn kept(kernels: gpu::Kernels, fresh: Option<Opened>) -> Option<Opened> {
    use std::sync::OnceLock;
    static PLAIN: OnceLock<Opened> = OnceLock::new();
    static WIDE: OnceLock<Opened> = OnceLock::new();
    let slot = if kernels == gpu::Kernels::Wide { &WIDE } else { &PLAIN };
    fresh.map(|fresh| slot.get_or_init(|| fresh).clone()).or_else(|| slot.get().cloned())
}

/// The same in a page, where a device stays with the thread that opened it.
#[cfg(target_arch = "wasm32")]
fn kept(kernels: gpu::Kernels, fresh: Option<Opened>) -> Option<Opened> {
    use std::cell::OnceCell;
    thread_local! {
        static PLAIN: OnceCell<Opened> = const { OnceCell::new() };
        static WIDE: OnceCell<Opened> = const { OnceCell::new() };
    }
    let slot = if kernels == gpu::Kernels::Wide { &WIDE } else { &PLAIN };
    slot.with(|slot| fresh.map(|fresh| slot.get_or_init(|| fresh).clone()).or_else(|| slot.get().cloned()))
}

async fn gpu_engine(kernels: gpu::Kernels) -> Opened {
    if let Some(opened) = kept(kernels, None) {
        return opened;
    }
    let options = gpu::Options { limits: gpu::Limits::Default, kernels, ..gpu::Options::default() };
    let opened = gpu::Engine::new(options).await;
    let opened = opened.map_err(|error| format!("{error}; on Debian: apt-get install mesa-vulkan-drivers"));
    kept(kernels, Some(opened.clone())).unwrap_or(opened)
}

/// What a device reports is not bound to a caller, so one test at a time uses it.
fn gpu_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Player {
    /// Prepares a graph. A graph with states gets a session of `rows` rows of `capacity` tokens.
    ///
    /// # Errors
    /// The executor refuses a weight or the graph, or there is no GPU.
    pub fn new(
        executor: Executor,
        graph: &Arc<Graph>,
        weights: &[Stored],
        room: (usize, usize),
    ) -> Result<Self, String> {
        pollster::block_on(Self::open(executor, graph, weights, room))
    }

    /// As [`Player::new`], in a page too.
    ///
    /// # Errors
    /// As [`Player::new`].
    #[expect(clippy::await_holding_lock, reason = "a test thread does nothing else, and a page has one thread")]
    pub async fn open(
        executor: Executor,
        graph: &Arc<Graph>,
        weights: &[Stored],
        (rows, capacity): (usize, usize),
    ) -> Result<Self, String> {
        let stateful = !graph.states.is_empty();
        match executor {
            #[cfg(not(target_arch = "wasm32"))]
            Executor::Reference => {
                let (engine, mut held) = (candle::Engine::reference(), candle::Weights::default());
                for w in weights {
                    engine.insert(&mut held, &w.name, &w.shape, &w.values()).map_err(text)?;
                }
                Ok(Self::Reference(engine, graph.clone(), held, candle::Session::new()))
            }
            Executor::Cpu(threads) => {
                let (engine, mut held) = (cpu::Engine::new(threads), cpu::Weights::new());
                for w in weights {
                    held.insert(&w.name, &w.shape, w.ty, w.data.clone()).map_err(text)?;
                }
                let program = engine.prepare(graph.clone(), &held).map_err(text)?;
                let session = stateful.then(|| engine.session(&graph.states, rows, capacity)).transpose();
                Ok(Self::Cpu(engine, Box::new(program), session.map_err(text)?))
            }
            Executor::Gpu(kernels) => {
                let _turn = gpu_turn();
                let engine = gpu_engine(kernels).await?;
                let mut held = engine.weights();
                for w in weights {
                    held.insert(&w.name, &w.shape, w.ty, w.data.clone()).map_err(text)?;
                }
                let program = engine.prepare(graph.clone(), &held).map_err(text)?;
                let session = stateful.then(|| engine.session(&graph.states, rows, capacity)).transpose();
                Ok(Self::Gpu(engine, Box::new(program), session.map_err(text)?))
            }
        }
    }

    /// Runs the graph; tokens behind the input `past` are forgotten first.
    ///
    /// # Errors
    /// Whatever the executor says.
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Tensor>, String> {
        pollster::block_on(self.answer(inputs))
    }

    /// As [`Player::run`], in a page too.
    ///
    /// # Errors
    /// As [`Player::run`].
    #[expect(clippy::await_holding_lock, reason = "a test thread does nothing else, and a page has one thread")]
    pub async fn answer(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Tensor>, String> {
        match self {
            #[cfg(not(target_arch = "wasm32"))]
            Self::Reference(engine, graph, weights, session) => {
                engine.run(graph, weights, Some(session), inputs).map_err(text)
            }
            Self::Cpu(engine, program, session) => engine.run(program, session.as_mut(), inputs).map_err(text),
            Self::Gpu(engine, program, session) => {
                let _turn = gpu_turn();
                engine.run(program, session.as_mut(), inputs).await.map_err(text)
            }
        }
    }
}
