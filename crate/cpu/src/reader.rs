//! Values of one run, by port.

use std::ops::Range;
use std::sync::Arc;

use graph::{Data, Dim, Graph, Op, Port, Symbols, Tensor};

use crate::Error;
use crate::layout::Pieces;
use crate::matrix::Matrix;
use crate::plan::{Place, Plan};
use crate::weights::Weight;

/// Sizes of every value in one run. The memory is kept for the next one.
#[derive(Default)]
pub(crate) struct Measured {
    symbols: Symbols,
    /// The value of each dim.
    dims: Vec<usize>,
    /// All shapes, one after another.
    shapes: Vec<usize>,
    /// Where each value's shape is.
    places: Vec<Range<usize>>,
    /// How many elements each value has.
    lens: Vec<usize>,
}

impl Measured {
    /// Takes the sizes of a run.
    ///
    /// # Errors
    /// A dim has no value, or a value has more elements than there can be.
    pub fn fill(&mut self, plan: &Plan, symbols: Symbols) -> Result<(), Error> {
        self.dims.clear();
        self.shapes.clear();
        self.places.clear();
        self.lens.clear();
        for dim in &plan.dims {
            self.dims.push(dim.eval(&symbols)?);
        }
        for value in &plan.values {
            let start = self.shapes.len();
            let mut len = Some(1usize);
            for dim in &value.shape {
                let size = self.dims[*dim as usize];
                self.shapes.push(size);
                // Zero sizes count as one, so that a partial product does not overflow either.
                len = len.and_then(|len| len.checked_mul(size.max(1)));
            }
            let range = start..self.shapes.len();
            let len = len.filter(|len| *len <= isize::MAX as usize / 4);
            let len = len.ok_or(Error::Memory { what: "a value", count: usize::MAX })?;
            self.lens.push(if self.shapes[range.clone()].contains(&0) { 0 } else { len });
            self.places.push(range);
        }
        self.symbols = symbols;
        Ok(())
    }

    /// The sizes of a value.
    pub fn shape(&self, value: usize) -> &[usize] {
        &self.shapes[self.places[value].clone()]
    }

    /// The number of elements of each value.
    pub fn lens(&self) -> &[usize] {
        &self.lens
    }

    /// The number of elements of a value.
    pub fn len(&self, value: usize) -> usize {
        self.lens[value]
    }
}

/// Reads values.
pub(crate) struct Reader<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub measured: &'a Measured,
    pub weights: &'a [Arc<Weight>],
    pub given: &'a [&'a Tensor],
    /// Where values begin.
    pub offsets: &'a [usize],
    /// Memory that is not being written.
    pub memory: Pieces<'a>,
}

impl<'a> Reader<'a> {
    /// The sizes.
    pub fn shape(&self, port: Port) -> &'a [usize] {
        self.measured.shape(self.plan.index(port))
    }

    /// The value of a dim that an operation names.
    pub fn size(&self, dim: &Dim) -> Result<usize, Error> {
        Ok(dim.eval(&self.measured.symbols)?)
    }

    /// The last size and the product of the others.
    pub fn rows(&self, port: Port) -> (usize, usize) {
        let (width, outer) = self.shape(port).split_last().map_or((1, &[][..]), |(width, outer)| (*width, outer));
        (outer.iter().product(), width)
    }

    /// Floats.
    pub fn f32(&self, port: Port) -> Result<&'a [f32], Error> {
        match self.place(port) {
            Place::Buffer(buffer) => self.buffer(buffer, port),
            Place::Weight(weight) => Ok(self.weights[weight as usize].dense()),
            Place::Const(_) | Place::Input(_) => Ok(self.tensor(port)?.as_f32()?),
            Place::Pages => Err(self.fail(port, "is in pages")),
        }
    }

    /// Integers.
    pub fn i32(&self, port: Port) -> Result<&'a [i32], Error> {
        match self.place(port) {
            Place::Buffer(buffer) => Ok(bytemuck::cast_slice(self.buffer(buffer, port)?)),
            Place::Const(_) | Place::Input(_) => Ok(self.tensor(port)?.as_i32()?),
            Place::Weight(_) => Err(self.fail(port, "is a weight, not integers")),
            Place::Pages => Err(self.fail(port, "is in pages")),
        }
    }

    /// The packed weight, if that is what the value is, in the shape that the value has.
    pub fn matrix(&self, port: Port) -> Option<&'a Matrix> {
        let Place::Weight(weight) = self.place(port) else { return None };
        let weight = &self.weights[weight as usize];
        weight.matrix().filter(|_| weight.shape == self.shape(port))
    }

    /// What tells one value from another within a run.
    pub fn place(&self, port: Port) -> Place {
        self.plan.values[self.plan.index(port)].place
    }

    fn buffer(&self, buffer: u32, port: Port) -> Result<&'a [f32], Error> {
        let len = self.measured.len(self.plan.index(port));
        self.memory.get(self.offsets[buffer as usize], len).ok_or_else(|| self.fail(port, "is not computed"))
    }

    fn tensor(&self, port: Port) -> Result<&'a Tensor, Error> {
        match self.place(port) {
            Place::Input(input) => self.given.get(input as usize).copied(),
            Place::Const(node) => match &self.graph.node(node).op {
                Op::Const(tensor) => Some(&**tensor),
                _ => None,
            },
            Place::Buffer(_) | Place::Weight(_) | Place::Pages => None,
        }
        .ok_or_else(|| self.fail(port, "is not given"))
    }

    fn fail(&self, port: Port, reason: &str) -> Error {
        let node = self.graph.node(port.node);
        Error::Node {
            node: port.node.0,
            op: node.op.name(),
            reason: reason.to_string(),
            inputs: self.shapes(&node.inputs),
        }
    }

    /// Shapes for an error.
    pub fn shapes(&self, ports: &[Port]) -> String {
        ports.iter().map(|port| format!("{:?}", self.shape(*port))).collect::<Vec<_>>().join(" ")
    }

    /// Whether a value holds floats.
    pub fn is_f32(&self, port: Port) -> bool {
        self.graph.value(port).dtype == graph::DType::F32
    }
}

/// The integers of a tensor, if it holds any.
pub(crate) fn integers(tensor: &Tensor) -> Option<&[i32]> {
    match &tensor.data {
        Data::I32(values) => Some(values),
        Data::F32(_) => None,
    }
}
