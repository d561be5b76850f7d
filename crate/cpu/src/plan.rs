//! Where values live, and how long: from the node that computes them to the one that reads them last.

use std::collections::BTreeMap;

use graph::{Dim, Graph, NodeId, Op, Port};

/// Where a value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the memory of the program, by the first of the values that share a place.
    Buffer(u32),
    /// A weight, by its place in the graph.
    Weight(u32),
    /// The tensor of a constant node.
    Const(NodeId),
    /// A tensor given at each run, by its place among the inputs.
    Input(u32),
    /// Only in the session's pages.
    Pages,
}

/// A value of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// Where it lives.
    pub place: Place,
    /// Its sizes, as places in [`Plan::dims`].
    pub shape: Vec<u32>,
}

/// Where all values live.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Every value, a node's outputs next to each other.
    pub values: Vec<Value>,
    /// The first value of each node.
    first: Vec<u32>,
    /// The different dims.
    pub dims: Vec<Dim>,
    /// Of each value that has memory of its own.
    lives: Vec<Option<Lifetime>>,
}

/// The nodes during which a value is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    first: u32,
    last: u32,
}

impl Lifetime {
    /// Whether both are needed at some time.
    pub fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether the value is needed when another begins.
    #[cfg(test)]
    pub fn holds_start(self, other: Self) -> bool {
        (self.first..=self.last).contains(&other.first)
    }
}

impl Plan {
    /// The place of a value in [`Plan::values`].
    pub fn index(&self, port: Port) -> usize {
        self.first[port.node.0 as usize] as usize + usize::from(port.output)
    }

    /// Plans a graph. `paged` says of a `kv_append` node that nobody reads its results but through pages.
    pub fn new(graph: &Graph, paged: impl Fn(NodeId) -> bool) -> Self {
        let mut plan = Self { values: Vec::new(), first: Vec::new(), dims: Vec::new(), lives: Vec::new() };
        let mut known: BTreeMap<Dim, u32> = BTreeMap::new();
        for node in &graph.nodes {
            plan.first.push(plan.values.len() as u32);
            for output in &node.outputs {
                let mut place = |dim: &Dim| {
                    *known.entry(dim.clone()).or_insert_with(|| {
                        plan.dims.push(dim.clone());
                        plan.dims.len() as u32 - 1
                    })
                };
                let shape = output.shape.iter().map(&mut place).collect();
                plan.values.push(Value { place: Place::Pages, shape });
            }
        }
        plan.place(graph, paged);
        plan
    }

    /// Values with memory of their own, and how long each is needed.
    pub fn lifetimes(&self) -> impl Iterator<Item = (usize, Lifetime)> {
        self.lives.iter().enumerate().filter_map(|(value, life)| Some((value, (*life)?)))
    }

    fn place(&mut self, graph: &Graph, paged: impl Fn(NodeId) -> bool) {
        let last = last_reads(graph, self);
        self.lives = vec![None; self.values.len()];
        let mut inputs = 0;
        for (id, node) in graph.iter() {
            let index = self.first[id.0 as usize] as usize;
            for output in 0..node.outputs.len() {
                let value = index + output;
                self.values[value].place = match &node.op {
                    Op::Input { .. } => {
                        inputs += 1;
                        Place::Input(inputs - 1)
                    }
                    Op::Weight(weight) => Place::Weight(weight.0),
                    Op::Const(_) => Place::Const(id),
                    Op::Reshape(_) => self.values[self.index(node.inputs[0])].place,
                    Op::KvAppend(_) if paged(id) => Place::Pages,
                    op => {
                        debug_assert!(computes(op));
                        // Results of the graph are needed to the end.
                        self.lives[value] =
                            Some(Lifetime { first: id.0, last: last[value].map_or(u32::MAX, |id| id.0) });
                        Place::Buffer(value as u32)
                    }
                };
            }
        }
    }
}

/// Whether an operation writes its results into buffers.
pub(crate) fn computes(op: &Op) -> bool {
    !matches!(op, Op::Input { .. } | Op::Weight(_) | Op::Const(_) | Op::Reshape(_))
}

/// The value whose elements a value shares: reshaping copies nothing.
pub(crate) fn root(graph: &Graph, mut port: Port) -> Port {
    while let Op::Reshape(_) = graph.node(port.node).op {
        port = graph.node(port.node).inputs[0];
    }
    port
}

/// The node that reads each root last; the node itself if none does, nothing if it is a result of the graph.
fn last_reads(graph: &Graph, plan: &Plan) -> Vec<Option<NodeId>> {
    let mut last = vec![None; plan.values.len()];
    for (id, node) in graph.iter() {
        for output in 0..node.outputs.len() as u8 {
            last[plan.index(root(graph, Port { node: id, output }))] = Some(id);
        }
        for port in &node.inputs {
            last[plan.index(root(graph, *port))] = Some(id);
        }
    }
    for output in &graph.outputs {
        last[plan.index(root(graph, output.port))] = None;
    }
    last
}
