//! Where each value of a graph lives: symbols play no part here.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Graph, NodeId, Op, Port, StateId, Symbol, WeightId};

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

/// A piece of arena memory: one computed value, until its last reader has run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The value as its node gives it.
    pub port: Port,
    /// The unit that writes it; inputs are written before all units.
    pub first: usize,
    /// The last unit that reads it, `usize::MAX` for results.
    pub last: usize,
}

/// The homes of all values.
pub(crate) struct Values {
    homes: BTreeMap<Port, Home>,
    pub slots: Vec<Slot>,
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
                    Op::Reshape(_) => values.home(node.inputs[0]),
                    Op::KvAppend(_) if !dense_views.contains(&port) => None,
                    _ if inside.contains(&id) => None,
                    _ => {
                        let here = position[id.0 as usize];
                        let first = if matches!(node.op, Op::Input { .. }) { 0 } else { here };
                        values.slots.push(Slot { port, first, last: here });
                        values
                            .symbols
                            .extend(graph.value(port).shape.iter().flat_map(|d| d.symbols().collect::<Vec<_>>()));
                        Some(Home::Slot(values.slots.len() - 1))
                    }
                };
                if let Some(home) = home {
                    values.homes.insert(port, home);
                }
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

    fn note_use(&mut self, unit: usize, port: Port) {
        if let Some(Home::Slot(slot)) = self.home(port) {
            let last = &mut self.slots[slot].last;
            *last = (*last).max(unit);
        }
    }
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
