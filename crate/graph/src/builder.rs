//! Writing a graph.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId, Output, Port, StateId, StateSpec, Stored, ValueType, WeightId, WeightSpec};
use crate::rules::{self, Tables};
use crate::{DType, Error, Op, Shape, Taps, Tensor, Var};

#[derive(Default)]
struct Writing {
    graph: Graph,
    tapped: Vec<Output>,
    weight_vars: BTreeMap<String, Port>,
    error: Option<Error>,
}

/// Collects nodes. The first broken shape rule is kept, with the caller's line, and returned by [`Builder::finish`];
/// what follows it is not checked.
pub struct Builder {
    writing: RefCell<Writing>,
    taps: Taps,
}

impl Builder {
    /// An empty graph whose builder honours `taps`.
    pub fn new(taps: Taps) -> Self {
        Self { writing: RefCell::default(), taps }
    }

    /// A value given at each run.
    #[track_caller]
    pub fn input(&self, name: &str, dtype: DType, shape: impl Into<Shape>) -> Var<'_> {
        let ty = ValueType { shape: shape.into(), dtype };
        self.append(Op::Input { name: name.to_string() }, Vec::new(), vec![ty])
    }

    /// A value fixed now.
    #[track_caller]
    pub fn constant(&self, tensor: Tensor) -> Var<'_> {
        self.push(Op::Const(Arc::new(tensor)), &[])
    }

    /// The root of the weights' names.
    pub fn weights(&self) -> Scope<'_> {
        Scope { builder: self, path: String::new() }
    }

    /// A key-value cache of the session.
    pub fn cache(&self, name: impl Into<String>, n_kv_head: usize, head_dim: usize) -> Cache<'_> {
        let states = &mut self.writing.borrow_mut().graph.states;
        states.push(StateSpec { name: name.into(), n_kv_head, head_dim });
        Cache { builder: self, id: StateId(states.len() as u32 - 1) }
    }

    /// Names a result.
    pub fn output(&self, name: impl Into<String>, value: Var<'_>) {
        self.writing.borrow_mut().graph.outputs.push(Output { name: name.into(), port: value.port });
    }

    /// Whether somebody asked for this tap.
    pub fn wants(&self, name: &str) -> bool {
        self.taps.wants(name)
    }

    /// Shows a value to whoever asked for this tap.
    pub fn tap(&self, name: &str, value: Var<'_>) {
        if self.wants(name) {
            self.writing.borrow_mut().tapped.push(Output { name: name.to_string(), port: value.port });
        }
    }

    /// The finished graph, taps after the outputs.
    ///
    /// # Errors
    /// The first shape rule that was broken, at the line that broke it.
    pub fn finish(&self) -> Result<Graph, Error> {
        let mut writing = self.writing.take();
        if let Some(error) = writing.error {
            return Err(error);
        }
        writing.graph.outputs.append(&mut writing.tapped);
        Ok(writing.graph)
    }

    /// Adds a node by its rule.
    #[track_caller]
    pub(crate) fn push(&self, op: Op, inputs: &[Var<'_>]) -> Var<'_> {
        let ports: Vec<Port> = inputs.iter().map(|v| v.port).collect();
        let outputs = {
            let mut writing = self.writing.borrow_mut();
            let types: Vec<ValueType> = ports.iter().map(|p| writing.graph.value(*p).clone()).collect();
            let tables = Tables { weights: &writing.graph.weights, states: &writing.graph.states };
            rules::infer(&op, &types, &tables).unwrap_or_else(|reason| {
                let shapes: Vec<String> = types.iter().map(|t| t.shape.to_string()).collect();
                let error = Error::Shape {
                    op: op.name(),
                    reason,
                    inputs: shapes.join(" "),
                    place: Location::caller().to_string(),
                };
                writing.error.get_or_insert(error);
                // Enough outputs for any operation, so that a model needs no error handling of its own.
                let ty = types.into_iter().next().unwrap_or(ValueType { shape: Shape::default(), dtype: DType::F32 });
                vec![ty.clone(), ty]
            })
        };
        self.append(op, ports, outputs)
    }

    fn append(&self, op: Op, inputs: Vec<Port>, outputs: Vec<ValueType>) -> Var<'_> {
        let nodes = &mut self.writing.borrow_mut().graph.nodes;
        nodes.push(Node { op, inputs, outputs });
        let node = NodeId(nodes.len() as u32 - 1);
        Var { builder: self, port: Port { node, output: 0 } }
    }

    pub(crate) fn value(&self, port: Port) -> ValueType {
        self.writing.borrow().graph.value(port).clone()
    }

    fn weight(&self, spec: WeightSpec) -> Var<'_> {
        let known = self.writing.borrow().weight_vars.get(&spec.name).copied();
        if let Some(port) = known {
            let mut writing = self.writing.borrow_mut();
            let Op::Weight(id) = writing.graph.node(port.node).op else { return Var { builder: self, port } };
            let first = writing.graph.weights[id.0 as usize].shape.clone();
            if first != spec.shape {
                writing.error.get_or_insert(Error::Weight { name: spec.name, first, second: spec.shape });
            }
            return Var { builder: self, port };
        }
        let (name, id) = {
            let weights = &mut self.writing.borrow_mut().graph.weights;
            weights.push(spec.clone());
            (spec.name, WeightId(weights.len() as u32 - 1))
        };
        let var = self.push(Op::Weight(id), &[]);
        self.writing.borrow_mut().weight_vars.insert(name, var.port);
        var
    }
}

/// A place in the tree of weight names, such as `model.layers.0.self_attn`.
#[derive(Clone)]
pub struct Scope<'g> {
    builder: &'g Builder,
    path: String,
}

impl<'g> Scope<'g> {
    /// One level down.
    #[must_use]
    pub fn at(&self, name: impl Display) -> Scope<'g> {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Scope { builder: self.builder, path }
    }

    /// The tensor `weight` here.
    pub fn weight(&self, shape: impl Into<Vec<usize>>) -> Var<'g> {
        self.tensor("weight", shape, Stored::AsDeclared)
    }

    /// The tensor `bias` here.
    pub fn bias(&self, n: usize) -> Var<'g> {
        self.tensor("bias", [n], Stored::AsDeclared)
    }

    /// A tensor here, by its last name.
    pub fn tensor(&self, name: &str, shape: impl Into<Vec<usize>>, stored: Stored) -> Var<'g> {
        self.builder.weight(WeightSpec { name: self.at(name).path, shape: shape.into(), stored })
    }
}

/// A key-value cache while a graph is written.
#[derive(Clone, Copy)]
pub struct Cache<'g> {
    builder: &'g Builder,
    id: StateId,
}

impl<'g> Cache<'g> {
    /// Writes new keys and values behind those of each row; yields all of them.
    ///
    /// # Shapes
    /// `k`, `v` [B, T, G, D], `past` [B] i32 → two of [B, P+T, G, D].
    #[track_caller]
    pub fn append(self, k: Var<'g>, v: Var<'g>, past: Var<'g>) -> (Var<'g>, Var<'g>) {
        let keys = self.builder.push(Op::KvAppend(self.id), &[k, v, past]);
        (keys, keys.output(1))
    }
}
