//! A case while it is written: a graph, and random values for its inputs and weights.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use dynasty_tests::{Numbers, Stored};
use format::QuantType;
use graph::{Builder, Dim, Graph, Scope, Taps, Tensor, Var};

/// A graph being written, with the values of its inputs.
pub struct Draft {
    /// Writes the graph.
    pub g: Builder,
    inputs: RefCell<Vec<(String, Tensor)>>,
    outputs: Cell<usize>,
    numbers: RefCell<Numbers>,
    matrices: Cell<QuantType>,
    vectors: Cell<QuantType>,
}

/// A written case.
pub struct Drawn {
    /// What to compute.
    pub graph: Arc<Graph>,
    /// Values for every weight.
    pub weights: Vec<Stored>,
    /// Values for the inputs that have some.
    pub inputs: Vec<(String, Tensor)>,
    /// The numbers that come next.
    pub numbers: Numbers,
}

impl Draft {
    /// An empty case; the attention that is named `see` shows its probabilities.
    pub fn new(seed: u64) -> Self {
        Self {
            g: Builder::new(Taps::new(["see.probs"])),
            inputs: RefCell::default(),
            outputs: Cell::new(0),
            numbers: RefCell::new(Numbers::new(seed)),
            matrices: Cell::new(QuantType::F32),
            vectors: Cell::new(QuantType::F32),
        }
    }

    /// How weights with two axes and those with one are stored.
    pub fn stored(&self, matrices: QuantType, vectors: QuantType) {
        self.matrices.set(matrices);
        self.vectors.set(vectors);
    }

    /// The place of weights named `name`.
    pub fn at(&self, name: &str) -> Scope<'_> {
        self.g.weights().at(name)
    }

    /// An input with these values.
    pub fn given(&self, tensor: Tensor) -> Var<'_> {
        let shape: Vec<Dim> = tensor.shape.iter().map(|n| (*n).into()).collect();
        self.given_as(shape, tensor)
    }

    /// An input of about normal values whose number of rows only a run knows: T.
    pub fn rows(&self, [n, width]: [usize; 2]) -> Var<'_> {
        let values = self.numbers.borrow_mut().normals(n * width);
        self.given_as(vec!['T'.into(), width.into()], Tensor::f32([n, width], values).unwrap())
    }

    fn given_as(&self, shape: Vec<Dim>, tensor: Tensor) -> Var<'_> {
        let mut inputs = self.inputs.borrow_mut();
        let name = format!("x{}", inputs.len());
        let var = self.g.input(&name, tensor.dtype(), shape);
        inputs.push((name, tensor));
        var
    }

    /// An input with these floats.
    pub fn floats<const R: usize>(&self, shape: [usize; R], values: impl Into<Vec<f32>>) -> Var<'_> {
        self.given(Tensor::f32(shape, values.into()).unwrap())
    }

    /// An input with these integers.
    pub fn integers<const R: usize>(&self, shape: [usize; R], values: impl Into<Vec<i32>>) -> Var<'_> {
        self.given(Tensor::i32(shape, values.into()).unwrap())
    }

    /// An input of about normal values.
    pub fn normal<const R: usize>(&self, shape: [usize; R]) -> Var<'_> {
        let values = self.numbers.borrow_mut().normals(shape.iter().product());
        self.floats(shape, values)
    }

    /// An input of values evenly from `low` to `high`.
    pub fn uniform<const R: usize>(&self, shape: [usize; R], low: f32, high: f32) -> Var<'_> {
        let n = shape.iter().product();
        let values: Vec<f32> = (0..n).map(|_| self.numbers.borrow_mut().uniform(low, high)).collect();
        self.floats(shape, values)
    }

    /// An input of whole numbers from 0 to `end`.
    pub fn below<const R: usize>(&self, shape: [usize; R], end: usize) -> Var<'_> {
        let n = shape.iter().product();
        let values: Vec<i32> = (0..n).map(|_| self.numbers.borrow_mut().below(end) as i32).collect();
        self.integers(shape, values)
    }

    /// A result.
    pub fn out(&self, value: Var<'_>) {
        self.g.output(format!("out{}", self.outputs.get()), value);
        self.outputs.set(self.outputs.get() + 1);
    }

    /// Finishes the graph and draws the weights.
    pub fn draw(self) -> Result<Drawn, String> {
        let graph = self.g.finish().map_err(|error| error.to_string())?;
        let mut numbers = self.numbers.into_inner();
        let mut draw = |spec: &graph::WeightSpec| {
            let ty = if spec.shape.len() == 2 { self.matrices.get() } else { self.vectors.get() };
            let data = numbers.encoded(ty, spec.shape.iter().product());
            Stored { name: spec.name.clone(), shape: spec.shape.clone(), ty, data }
        };
        let weights = graph.weights.iter().map(&mut draw).collect();
        Ok(Drawn { graph: Arc::new(graph), weights, inputs: self.inputs.into_inner(), numbers })
    }
}
