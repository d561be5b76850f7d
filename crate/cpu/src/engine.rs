//! What others call: an engine prepares graphs and runs them.

use std::sync::Arc;

use format::QuantType;
use graph::{Graph, StateSpec, Tensor};

use crate::matrix::Packer;
use crate::pool::Pool;
use crate::program::Program;
use crate::{Error, Session, Weights};

/// The processor with a number of threads.
///
/// ```
/// use std::sync::Arc;
/// use dynasty_cpu::{Engine, Weights};
/// use graph::{Act, Builder, DType, Dim, Taps, Tensor};
/// let g = Builder::new(Taps::none());
/// let x = g.input("x", DType::F32, [Dim::from('T')]); // [T]
/// g.output("y", x.act(Act::Relu));
/// let engine = Engine::new(1);
/// let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &Weights::new()).unwrap();
/// let x = Tensor::f32([2], vec![-1.0, 2.0]).unwrap();
/// let y = engine.run(&mut program, None, &[("x", &x)]).unwrap();
/// assert_eq!(y[0].as_f32().unwrap(), [0.0, 2.0]);
/// ```
pub struct Engine {
    pool: Pool,
}

/// A matrix of which some rows are packed.
pub struct Begun {
    name: String,
    packer: Packer,
}

impl Begun {
    /// Rows come in multiples of this.
    pub const ROWS: usize = 16;
}

impl Engine {
    /// An engine in which `threads` threads work, the caller being one of them.
    pub fn new(threads: usize) -> Self {
        Self { pool: Pool::new(threads.max(1)) }
    }

    /// How many threads work.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Adds a weight as [`Weights::insert`] does, with the engine's threads.
    ///
    /// # Errors
    /// As [`Weights::insert`].
    pub fn insert(
        &self,
        weights: &mut Weights,
        name: &str,
        shape: &[usize],
        ty: QuantType,
        data: &[u8],
    ) -> Result<(), Error> {
        weights.insert_on(&self.pool, name, shape, ty, data)
    }

    /// Begins a matrix [n, k] whose rows are read and packed in parts; nothing if its type does not allow that.
    ///
    /// # Errors
    /// The rows are not whole blocks.
    pub fn begin(&self, name: &str, ty: QuantType, n: usize, k: usize) -> Result<Option<Begun>, Error> {
        let packer = Weights::packer(name, ty, n, k)?;
        Ok(packer.map(|packer| Begun { name: name.to_string(), packer }))
    }

    /// Packs the next rows of a matrix: a multiple of [`Begun::ROWS`], but for the last ones.
    pub fn push(&self, begun: &mut Begun, rows: &[u8]) {
        begun.packer.push(&self.pool, rows);
    }

    /// Adds a matrix all of whose rows were pushed.
    ///
    /// # Errors
    /// Rows are missing.
    pub fn end(&self, weights: &mut Weights, begun: Begun) -> Result<(), Error> {
        weights.insert_packed(&begun.name, begun.packer)
    }

    /// Makes a graph ready to run with these weights.
    ///
    /// # Errors
    /// A weight is missing or has another shape, or the graph uses states in a way that is not supported.
    pub fn prepare(&self, graph: Arc<Graph>, weights: &Weights) -> Result<Program, Error> {
        Program::new(graph, weights)
    }

    /// Empty states for `rows` rows of up to `capacity` tokens.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn session(&self, states: &[StateSpec], rows: usize, capacity: usize) -> Result<Session, Error> {
        Session::new(states, rows, capacity)
    }

    /// Runs a program; the outputs are in the graph's order.
    ///
    /// # Errors
    /// An input is missing or does not fit, the session does not hold what the call builds on or is full, or there is
    /// not enough memory. The session is as before then, but for tokens that the call was to replace.
    pub fn run(
        &self,
        program: &mut Program,
        session: Option<&mut Session>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        program.run(&self.pool, session, inputs)
    }
}
