//! The finished graph: nodes in execution order, weights and states by name.

use std::collections::BTreeMap;

use crate::{DType, Error, Op, Shape, Stored, Symbols, Tensor};

/// The place of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// The place of a weight in [`Graph::weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WeightId(pub u32);

/// The place of a state in [`Graph::states`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId(pub u32);

/// One output of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub output: u8,
}

/// Shape and element type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueType {
    /// The shape.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

/// One operation with its inputs and what it yields.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From which values.
    pub inputs: Vec<Port>,
    /// The types of the outputs.
    pub outputs: Vec<ValueType>,
}

/// A weight that the graph reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightSpec {
    /// The checkpoint's name.
    pub name: String,
    /// Sizes as the graph sees them, outermost first.
    pub shape: Vec<usize>,
    /// How the checkpoint stores it.
    pub stored: Stored,
}

/// A key-value cache that belongs to a session: pages of [`crate::PAGE`] tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSpec {
    /// Its name, such as `blocks.0.attn.cache`.
    pub name: String,
    /// Key-value heads, G.
    pub n_kv_head: usize,
    /// Width of a head, D.
    pub head_dim: usize,
}

/// A named result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The name in the run's results.
    pub name: String,
    /// The value.
    pub port: Port,
}

/// A finished graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// In execution order: a node's inputs come before it.
    pub nodes: Vec<Node>,
    /// Every weight that a node reads.
    pub weights: Vec<WeightSpec>,
    /// Every state that a node writes.
    pub states: Vec<StateSpec>,
    /// The results, taps after outputs.
    pub outputs: Vec<Output>,
}

impl Graph {
    /// A node by its place.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The type of a value.
    pub fn value(&self, port: Port) -> &ValueType {
        &self.node(port.node).outputs[port.output as usize]
    }

    /// Nodes with their places.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, n)| (NodeId(i as u32), n))
    }

    /// Names and types of the inputs, in order.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &ValueType)> {
        self.nodes.iter().filter_map(|node| match &node.op {
            Op::Input { name } => Some((name.as_str(), &node.outputs[0])),
            _ => None,
        })
    }

    /// Binds symbols from the given inputs' sizes, added to those already bound, and checks every input.
    ///
    /// # Errors
    /// An input is missing, has another rank or type, or contradicts a size.
    pub fn bind(&self, mut symbols: Symbols, given: &[(&str, &Tensor)]) -> Result<Symbols, Error> {
        let given: BTreeMap<&str, &Tensor> = given.iter().copied().collect();
        for (name, ty) in self.inputs() {
            let fail = |reason: String| Error::Input { name: name.to_string(), reason };
            let tensor = given.get(name).ok_or_else(|| fail("is not given".into()))?;
            if tensor.dtype() != ty.dtype {
                return Err(fail(format!("is {:?}, expected {:?}", tensor.dtype(), ty.dtype)));
            }
            if tensor.shape.len() != ty.shape.len() {
                return Err(fail(format!("has shape {:?}, expected {}", tensor.shape, ty.shape)));
            }
            for (size, dim) in tensor.shape.iter().zip(ty.shape.iter()) {
                if let Some(symbol) = dim.symbol().filter(|s| symbols.value(*s).is_none()) {
                    symbols.bind(symbol, *size);
                }
                if dim.eval(&symbols)? != *size {
                    return Err(fail(format!("has shape {:?}, expected {}", tensor.shape, ty.shape)));
                }
            }
        }
        Ok(symbols)
    }

    /// The same graph with every computed value as an output, named by its node, for comparing executors.
    #[must_use]
    pub fn observed(&self) -> Graph {
        let mut graph = self.clone();
        graph.outputs = self
            .iter()
            .filter(|(_, node)| !matches!(node.op, Op::Input { .. } | Op::Weight(_) | Op::Const(_)))
            .flat_map(|(id, node)| {
                (0..node.outputs.len() as u8).map(move |output| Output {
                    name: format!("%{}.{output} {}", id.0, node.op.name()),
                    port: Port { node: id, output },
                })
            })
            .collect();
        graph
    }
}
