//! Where values live: which buffer each one takes, planned once from which node reads it last.

use std::collections::BTreeMap;

use graph::{Dim, Graph, Node, NodeId, Op, Port, Symbol, Symbols};

/// Where a value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a buffer of the program.
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
    /// How many buffers.
    pub buffers: usize,
}

impl Plan {
    /// The place of a value in [`Plan::values`].
    pub fn index(&self, port: Port) -> usize {
        self.first[port.node.0 as usize] as usize + usize::from(port.output)
    }

    /// Plans a graph. `paged` says of a `kv_append` node that nobody reads its results but through pages.
    pub fn new(graph: &Graph, paged: impl Fn(NodeId) -> bool) -> Self {
        let mut plan = Self { values: Vec::new(), first: Vec::new(), dims: Vec::new(), buffers: 0 };
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

    fn place(&mut self, graph: &Graph, paged: impl Fn(NodeId) -> bool) {
        let last = last_reads(graph, self);
        let mut buffers = Buffers::default();
        let symbols = typical(graph);
        let mut inputs = 0;
        for (id, node) in graph.iter() {
            let index = self.first[id.0 as usize] as usize;
            for output in 0..node.outputs.len() {
                self.values[index + output].place = match &node.op {
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
                        let size = node.outputs[output].shape.elements().eval(&symbols).unwrap_or(0);
                        Place::Buffer(buffers.take(size))
                    }
                };
            }
            for value in self.ending(graph, node, id, &last) {
                if let Place::Buffer(buffer) = self.values[value].place {
                    buffers.give(buffer);
                }
            }
        }
        self.buffers = buffers.sizes.len();
    }

    /// Values that nobody reads after a node, each buffer once.
    fn ending(&self, graph: &Graph, node: &Node, id: NodeId, last: &[Option<NodeId>]) -> Vec<usize> {
        let outputs = (0..node.outputs.len() as u8).map(|output| Port { node: id, output });
        let mut roots: Vec<usize> =
            node.inputs.iter().copied().chain(outputs).map(|port| self.index(root(graph, port))).collect();
        roots.sort_unstable();
        roots.dedup();
        roots.retain(|root| last[*root] == Some(id));
        roots
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

/// Sizes by which buffers are matched: a chunk of a prompt.
fn typical(graph: &Graph) -> Symbols {
    let used = graph.nodes.iter().flat_map(|n| &n.outputs).flat_map(|o| o.shape.iter()).flat_map(Dim::symbols);
    let mut symbols = Symbols::new();
    for symbol in used {
        symbols.bind(symbol, if symbol == Symbol('T') || symbol == Symbol('P') { 256 } else { 1 });
    }
    symbols
}

/// Buffers by their typical size, and which are free.
#[derive(Default)]
struct Buffers {
    sizes: Vec<usize>,
    free: Vec<u32>,
}

impl Buffers {
    /// The smallest free buffer that is large enough, else the largest free one, else a new one.
    fn take(&mut self, size: usize) -> u32 {
        let fit = |buffer: u32| {
            let held = self.sizes[buffer as usize];
            if held >= size { (0, held) } else { (1, usize::MAX - held) }
        };
        let best = (0..self.free.len()).min_by_key(|i| fit(self.free[*i]));
        match best {
            Some(i) => {
                let buffer = self.free.swap_remove(i);
                self.sizes[buffer as usize] = self.sizes[buffer as usize].max(size);
                buffer
            }
            None => {
                self.sizes.push(size);
                self.sizes.len() as u32 - 1
            }
        }
    }

    fn give(&mut self, buffer: u32) {
        self.free.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use graph::{Builder, DType, Taps};

    #[test]
    fn a_chain_needs_two_buffers_and_results_are_kept() {
        let g = Builder::new(Taps::none());
        let mut x = g.input("x", DType::F32, [Dim::from('T'), Dim::from(8)]);
        for _ in 0..5 {
            x = x.silu();
        }
        g.output("y", x);
        let plan = Plan::new(&g.finish().unwrap(), |_| false);
        assert_eq!((plan.buffers, plan.dims.len()), (2, 2));

        let g = Builder::new(Taps::none());
        let mut x = g.input("x", DType::F32, [Dim::from('T'), Dim::from(8)]);
        for _ in 0..5 {
            x = x.silu();
            g.output("y", x);
        }
        assert_eq!(Plan::new(&g.finish().unwrap(), |_| false).buffers, 5);
    }
}
