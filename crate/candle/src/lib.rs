//! The candle-core executor: each operation in candle's own words, in f64 or f32.
//!
//! In f64 it is the reference that every kernel and every whole model is compared with. It is written for clarity and
//! plays each node by itself; its autograd is the oracle of gradients.

mod attention;
mod backward;
mod error;
mod ops;
mod session;
mod update;
mod vision;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType as Precision, Device, Tensor as Value, Var};
use graph::{Data, Graph, Op, Port, Symbols, Tensor};

pub use error::Error;
pub use session::Session;

/// Runs graphs node by node on one candle device.
pub struct Engine {
    device: Device,
    precision: Precision,
}

/// Named weights in the engine's precision. A clone is the same store.
#[derive(Clone, Default)]
pub struct Weights(Arc<Mutex<BTreeMap<String, Value>>>);

impl Weights {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The values of a weight.
    ///
    /// # Errors
    /// There is no weight of this name.
    pub fn read(&self, name: &str) -> Result<Tensor, Error> {
        to_host(self.lock().get(name).ok_or_else(|| Error::Weight(name.to_string()))?)
    }
}

impl Engine {
    /// The reference: f64 on the processor.
    pub fn reference() -> Self {
        Self { device: Device::Cpu, precision: Precision::F64 }
    }

    /// Single precision on the processor.
    pub fn single() -> Self {
        Self { device: Device::Cpu, precision: Precision::F32 }
    }

    /// Adds a weight.
    ///
    /// # Errors
    /// The number of values is not the product of the sizes.
    pub fn insert(&self, weights: &mut Weights, name: &str, shape: &[usize], values: &[f32]) -> Result<(), Error> {
        let value = Value::from_slice(values, shape, &self.device)?.to_dtype(self.precision)?;
        weights.lock().insert(name.to_string(), value);
        Ok(())
    }

    /// Plays the graph and returns its outputs in order.
    ///
    /// # Errors
    /// An input or weight is missing or does not fit, or candle refuses an operation.
    pub fn run(
        &self,
        graph: &Graph,
        weights: &Weights,
        session: Option<&mut Session>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        let outputs = self.play(graph, &mut weights.lock(), session, inputs)?;
        outputs.iter().map(to_host).collect()
    }

    /// The first output, which holds one number, in the engine's precision.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn number(&self, graph: &Graph, weights: &Weights, inputs: &[(&str, &Tensor)]) -> Result<f64, Error> {
        let outputs = self.play(graph, &mut weights.lock(), None, inputs)?;
        let first = outputs.first().ok_or_else(|| Error::Session("the graph has no output".into()))?;
        Ok(first.to_dtype(Precision::F64)?.flatten_all()?.squeeze(0)?.to_scalar()?)
    }

    /// The gradients of the first output, which holds one number, by candle's own backward pass: for each weight of
    /// the graph, in order, none where the output does not depend on it.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn gradients(
        &self,
        graph: &Graph,
        weights: &Weights,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Option<Tensor>>, Error> {
        let held = weights.lock().clone();
        let vars = held.iter().map(|(name, value)| Ok((name.clone(), Var::from_tensor(value)?)));
        let vars: BTreeMap<String, Var> = vars.collect::<Result<_, Error>>()?;
        let mut values = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        let outputs = self.play(graph, &mut values, None, inputs)?;
        let gradients = outputs.first().ok_or_else(|| Error::Session("the graph has no output".into()))?.backward()?;
        let of = |name: &String| vars.get(name).and_then(|var| gradients.get(var.as_tensor()));
        graph.weights.iter().map(|spec| of(&spec.name).map(to_host).transpose()).collect()
    }

    fn play(
        &self,
        graph: &Graph,
        weights: &mut BTreeMap<String, Value>,
        session: Option<&mut Session>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Value>, Error> {
        let symbols = graph.bind(Symbols::new().with('P', past_tokens(graph, inputs)?), inputs)?;
        let mut empty = Session::default();
        let mut play = ops::Play {
            graph,
            engine: self,
            symbols,
            weights,
            inputs,
            session: session.unwrap_or(&mut empty),
            values: Vec::with_capacity(graph.nodes.len()),
        };
        for (id, node) in graph.iter() {
            let outputs = play.node(node).map_err(|source| source.at(id, node.op.name()))?;
            play.values.push(outputs);
        }
        graph.outputs.iter().map(|output| play.value(output.port).cloned()).collect()
    }

    pub(crate) fn to_device(&self, tensor: &Tensor) -> Result<Value, Error> {
        let shape = tensor.shape.as_slice();
        Ok(match &tensor.data {
            Data::F32(values) => Value::from_slice(values, shape, &self.device)?.to_dtype(self.precision)?,
            Data::I32(values) => {
                let wide: Vec<i64> = values.iter().map(|v| i64::from(*v)).collect();
                Value::from_vec(wide, shape, &self.device)?
            }
        })
    }
}

/// The largest number of cached tokens among the rows: the value of P.
fn past_tokens(graph: &Graph, inputs: &[(&str, &Tensor)]) -> Result<usize, Error> {
    let past: Option<Port> = graph.nodes.iter().find(|n| matches!(n.op, Op::KvAppend(_))).map(|n| n.inputs[2]);
    let Some(Op::Input { name }) = past.map(|port| &graph.node(port.node).op) else { return Ok(0) };
    let Some((_, tensor)) = inputs.iter().find(|(given, _)| given == name) else { return Ok(0) };
    let largest = tensor.as_i32()?.iter().copied().max().unwrap_or(0);
    Ok(usize::try_from(largest).unwrap_or(0))
}

fn to_host(value: &Value) -> Result<Tensor, Error> {
    let shape = value.dims().to_vec();
    let flat = value.flatten_all()?;
    Ok(match value.dtype() {
        Precision::I64 => Tensor::i32(shape, flat.to_vec1::<i64>()?.into_iter().map(|v| v as i32).collect())?,
        _ => Tensor::f32(shape, flat.to_dtype(Precision::F32)?.to_vec1()?)?,
    })
}
