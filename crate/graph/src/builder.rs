//! Writing a graph.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;

use crate::graph::{Graph, Node, NodeId, Output, Port, StateId, StateSpec, ValueType, WeightId, WeightSpec};
use crate::rules::{self, Tables};
use crate::{Adapter, Adapters, DType, Error, Op, Shape, Stored, Taps, Tensor, Update, Var};

#[derive(Default)]
struct Writing {
    graph: Graph,
    tapped: Vec<Output>,
    /// The values of `hidden.*` and `*.hidden.*`, where blocks begin.
    boundaries: Vec<Port>,
    masks: u32,
    weight_vars: BTreeMap<String, Port>,
    error: Option<Error>,
}

/// Collects nodes. The first broken shape rule is kept, with the caller's line, and returned by [`Builder::finish`];
/// what follows it is not checked.
pub struct Builder {
    writing: RefCell<Writing>,
    taps: Taps,
    training: Option<Training>,
    adapters: Adapters,
}

/// What training adds to a model's graph.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Training {
    /// The share of values that [`Var::dropout`] drops.
    pub dropout: f32,
    /// Label smoothing of the loss.
    pub label_smoothing: f32,
}

impl Builder {
    /// An empty graph whose builder honours `taps`.
    pub fn new(taps: Taps) -> Self {
        Self { writing: RefCell::default(), taps, training: None, adapters: Adapters::default() }
    }

    /// An empty graph that will be differentiated: activations and attention keep what their gradients read.
    pub fn for_training(taps: Taps, training: Training) -> Self {
        Self { training: Some(training), ..Self::new(taps) }
    }

    /// The same with adapters beside the projections that they name.
    #[must_use]
    pub fn with_adapters(self, adapters: Adapters) -> Self {
        Self { adapters, ..self }
    }

    /// The adapter beside a projection, and the share of what it reads that is dropped.
    pub(crate) fn adapter(&self, at: &Scope<'_>) -> Option<(Adapter, f32)> {
        let adapter = self.adapters.places.get(&at.path)?;
        Some((*adapter, if self.training.is_some() { self.adapters.dropout } else { 0.0 }))
    }

    /// The input `rng` [2] i32: seed and step of all masks.
    pub fn rng(&self) -> Var<'_> {
        let known = {
            let nodes = &self.writing.borrow().graph.nodes;
            nodes.iter().position(|node| matches!(&node.op, Op::Input { name } if name == "rng"))
        };
        match known {
            Some(node) => Var { builder: self, port: Port { node: NodeId(node as u32), output: 0 } },
            None => self.input("rng", DType::I32, [2]),
        }
    }

    /// What training adds, if the graph is for training.
    pub fn training(&self) -> Option<Training> {
        self.training
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
        let mut writing = self.writing.borrow_mut();
        let place = name.rsplit_once('.').map_or("", |(place, _)| place);
        if place == "hidden" || place.ends_with(".hidden") {
            writing.boundaries.push(value.port);
        }
        if self.wants(name) {
            writing.tapped.push(Output { name: name.to_string(), port: value.port });
        }
    }

    /// A named result that was written before.
    pub fn result(&self, name: &str) -> Option<Var<'_>> {
        let writing = self.writing.borrow();
        let output = writing.graph.outputs.iter().find(|output| output.name == name)?;
        Some(Var { builder: self, port: output.port })
    }

    /// The weights that were declared so far, by name.
    pub fn declared(&self) -> Vec<(String, Var<'_>)> {
        let writing = self.writing.borrow();
        writing.weight_vars.iter().map(|(name, port)| (name.clone(), Var { builder: self, port: *port })).collect()
    }

    /// Changes weights in place; `inputs` as [`Update`] says.
    #[track_caller]
    pub fn update<'g>(&'g self, rule: Update, weights: &[Var<'g>], inputs: &[Var<'g>]) {
        let id = |var: &Var<'g>| match self.writing.borrow().graph.node(var.port.node).op {
            Op::Weight(id) => Some(id),
            _ => None,
        };
        match weights.iter().map(id).collect() {
            Some(weights) => {
                self.push(Op::Update { rule, weights }, inputs);
            }
            None => self.fail(Error::NoGradient { op: "update", reason: "only weights can change".into() }),
        }
    }

    /// A number that no other mask of this graph has.
    pub(crate) fn next_mask(&self) -> u32 {
        let masks = &mut self.writing.borrow_mut().masks;
        *masks += 1;
        *masks
    }

    /// The nodes so far.
    pub(crate) fn nodes(&self) -> Vec<Node> {
        self.writing.borrow().graph.nodes.clone()
    }

    /// Where blocks begin, in order.
    pub(crate) fn boundaries(&self) -> Vec<NodeId> {
        self.writing.borrow().boundaries.iter().map(|port| port.node).collect()
    }

    /// Keeps the first error.
    pub(crate) fn fail(&self, error: Error) {
        self.writing.borrow_mut().error.get_or_insert(error);
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

    /// Adds a node by its shape rule; yields its first output. Models write nodes by the methods of [`Var`].
    #[track_caller]
    pub fn push(&self, op: Op, inputs: &[Var<'_>]) -> Var<'_> {
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
                vec![ty; 4]
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
