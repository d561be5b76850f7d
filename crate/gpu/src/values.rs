//! Where each value of a graph lives: symbols play no part here.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Dim, Graph, NodeId, Op, Port, StateId, Symbol, WeightId};

use crate::kernels::scratch;
use crate::units::Unit;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In an arena: the slot's number.
    Slot(usize),
    /// In the store.
    Weight(WeightId),
    /// A constant: the node's place.
    Const(u32),
}

/// A piece of arena memory: one computed value, until its last reader has run, or what the dispatches of a node leave
/// for each other.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// The node that writes it.
    pub node: NodeId,
    /// Words.
    pub elements: Dim,
    /// The unit that writes it; inputs are written before all units.
    pub first: usize,
    /// The last unit that reads it, `usize::MAX` for results.
    pub last: usize,
    /// Whether it never leaves its node: the node's dispatches read and write it beside results.
    pub scratch: bool,
}

/// The homes of all values.
pub(crate) struct Values {
    homes: BTreeMap<Port, Home>,
    pub slots: Vec<Slot>,
    scratch: BTreeMap<(NodeId, u8), usize>,
    /// Symbols that occur in the shape of a slot: what plans depend on.
    pub symbols: BTreeSet<Symbol>,
    /// Weights that are read as plain values and not as matrix or table.
    pub dense_weights: BTreeSet<u32>,
}

impl Values {
    /// The homes of a graph's values when it runs by `units`.
    pub fn new(graph: &Graph, units: &[Unit]) -> Self {
        let mut position = vec![0; graph.nodes.len()];
        let mut inside: BTreeSet<NodeId> = BTreeSet::new();
        for (i, unit) in units.iter().enumerate() {
            unit.nodes().iter().for_each(|id| position[id.0 as usize] = i);
            inside.extend(unit.inside());
        }
        let mut values = Self {
            homes: BTreeMap::new(),
            slots: Vec::new(),
            scratch: BTreeMap::new(),
            symbols: BTreeSet::new(),
            dense_weights: BTreeSet::new(),
        };
        let dense_views = dense_views(graph);
        for (id, node) in graph.iter() {
            for output in 0..node.outputs.len() as u8 {
                let port = Port { node: id, output };
                let home = match &node.op {
                    Op::Weight(weight) => Some(Home::Weight(*weight)),
                    Op::Const(_) => Some(Home::Const(id.0)),
                    Op::Reshape(_) if !is_copied(graph, id, values.home(node.inputs[0])) => values.home(node.inputs[0]),
                    Op::KvAppend(_) if !dense_views.contains(&port) => None,
                    _ if inside.contains(&id) => None,
                    _ => {
                        let here = position[id.0 as usize];
                        let first = if matches!(node.op, Op::Input { .. }) { 0 } else { here };
                        let shape = &graph.value(port).shape;
                        values.symbols.extend(shape.iter().flat_map(|d| d.symbols().collect::<Vec<_>>()));
                        let slot = Slot { node: id, elements: shape.elements(), first, last: here, scratch: false };
                        Some(Home::Slot(values.push(slot)))
                    }
                };
                if let Some(home) = home {
                    values.homes.insert(port, home);
                }
            }
            // Behind the results, so that it is placed apart from them.
            for (i, elements) in (0..).zip(scratch(graph, node)) {
                let here = position[id.0 as usize];
                let slot = values.push(Slot { node: id, elements, first: here, last: here, scratch: true });
                values.scratch.insert((id, i), slot);
            }
            for (i, port) in node.inputs.iter().enumerate() {
                values.note_use(position[id.0 as usize], *port);
                let keeps_format = matches!((&node.op, i), (Op::GatherRows, 0) | (Op::Linear { .. }, 1));
                if let (Some(Home::Weight(weight)), false) = (values.home(*port), keeps_format) {
                    values.dense_weights.insert(weight.0);
                }
            }
        }
        for output in &graph.outputs {
            values.note_use(usize::MAX, output.port);
            if let Some(Home::Weight(weight)) = values.home(output.port) {
                values.dense_weights.insert(weight.0);
            }
        }
        values
    }

    /// Where a value is; nowhere if it is a view of the cache that only attention reads, or never leaves its unit.
    pub fn home(&self, port: Port) -> Option<Home> {
        self.homes.get(&port).copied()
    }

    /// Where a node's scratch number `i` is.
    pub fn scratch(&self, node: NodeId, i: u8) -> Option<usize> {
        self.scratch.get(&(node, i)).copied()
    }

    fn push(&mut self, slot: Slot) -> usize {
        self.slots.push(slot);
        self.slots.len() - 1
    }

    fn note_use(&mut self, unit: usize, port: Port) {
        if let Some(Home::Slot(slot)) = self.home(port) {
            let last = &mut self.slots[slot].last;
            *last = (*last).max(unit);
        }
    }
}

/// Whether another shape of a weight is a copy of its own: where a later node changes the weight.
pub(crate) fn is_copied(graph: &Graph, reshape: NodeId, home: Option<Home>) -> bool {
    let Some(Home::Weight(id)) = home else { return false };
    let changes = |op: &Op| matches!(op, Op::Update { weights, .. } if weights.contains(&id));
    graph.iter().skip(reshape.0 as usize).any(|(_, node)| changes(&node.op))
}

/// The state whose pages an attention reads in place of dense keys and values.
pub(crate) fn paged(graph: &Graph, inputs: &[Port]) -> Option<StateId> {
    let (k, v) = (inputs[1], inputs[2]);
    match graph.node(k.node).op {
        Op::KvAppend(state) if v.node == k.node && (k.output, v.output) == (0, 1) => Some(state),
        _ => None,
    }
}

/// Cached keys and values that something else than attention reads: they are gathered into dense values.
fn dense_views(graph: &Graph) -> BTreeSet<Port> {
    let mut dense = BTreeSet::new();
    let is_view = |port: &Port| matches!(graph.node(port.node).op, Op::KvAppend(_));
    for (_, node) in graph.iter() {
        let skip =
            if matches!(node.op, Op::Attention(_)) && paged(graph, &node.inputs).is_some() { 1..3 } else { 0..0 };
        let read = node.inputs.iter().enumerate().filter(|(i, _)| !skip.contains(i));
        dense.extend(read.map(|(_, port)| *port).filter(is_view));
    }
    dense.extend(graph.outputs.iter().map(|o| o.port).filter(is_view));
    dense
}
