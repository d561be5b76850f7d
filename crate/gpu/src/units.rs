//! What runs as one dispatch: single nodes, and short runs of nodes for which there is a fused kernel.

use std::collections::BTreeMap;
use std::sync::Arc;

use graph::{BinaryOp, Graph, NodeId, Op, Port, WeightId};

use crate::weights::{Role, Weight};

/// Projections of one value that may share a dispatch.
const PROJECTIONS: usize = 3;

/// Nodes that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// One node.
    Node(NodeId),
    /// Projections of one value by weights that lie behind each other.
    Linears(Vec<NodeId>),
    /// A gate's projection, that of what it gates, and the gate.
    Gated {
        /// Those of the gate and of what it gates.
        projections: [NodeId; 2],
        /// The gate.
        gated: NodeId,
    },
    /// A sum and the norm of it.
    AddNorm {
        /// The binary node.
        add: NodeId,
        /// The norm.
        norm: NodeId,
    },
    /// Rotary embedding of queries and of keys that go to the cache only, and the keys' way there.
    RopeAppend {
        /// The rotary nodes of queries and keys.
        ropes: [NodeId; 2],
        /// The cache's.
        append: NodeId,
    },
}

impl Unit {
    /// The projections whose weights lie behind each other.
    pub fn joined(&self) -> &[NodeId] {
        match self {
            Unit::Linears(ids) => ids,
            Unit::Gated { projections, .. } => projections,
            Unit::Node(_) | Unit::AddNorm { .. } | Unit::RopeAppend { .. } => &[],
        }
    }

    /// The nodes whose results no other unit reads.
    pub fn inside(&self) -> &[NodeId] {
        match self {
            Unit::Gated { projections, .. } => projections,
            Unit::RopeAppend { ropes, .. } => &ropes[1..],
            Unit::Node(_) | Unit::Linears(_) | Unit::AddNorm { .. } => &[],
        }
    }

    /// The nodes in graph order.
    pub fn nodes(&self) -> Vec<NodeId> {
        match self {
            Unit::Node(id) => vec![*id],
            Unit::Linears(ids) => ids.clone(),
            Unit::Gated { projections: [gate, up], gated } => vec![*gate, *up, *gated],
            Unit::AddNorm { add, norm } => vec![*add, *norm],
            Unit::RopeAppend { ropes: [q, k], append } => vec![*q, *k, *append],
        }
    }
}

/// Which matrices can be laid behind each other, and their biases.
pub(crate) type CanJoin<'a> = &'a dyn Fn(&[WeightId], &[WeightId]) -> bool;

/// How often each value is read, results included.
fn uses(graph: &Graph) -> BTreeMap<Port, usize> {
    let mut counts = BTreeMap::new();
    let inputs = graph.nodes.iter().flat_map(|n| n.inputs.iter().copied());
    for port in inputs.chain(graph.outputs.iter().map(|o| o.port)) {
        *counts.entry(port).or_default() += 1;
    }
    counts
}

/// The units of a graph in execution order: each runs after what it reads and before what reads it.
pub(crate) fn units(graph: &Graph, can_join: CanJoin<'_>) -> Vec<Unit> {
    let uses = uses(graph);
    let mut taken = vec![false; graph.nodes.len()];
    let mut ropes = BTreeMap::new();
    for (id, _) in graph.iter() {
        if let Some(pair) = rope_append(graph, id, &uses) {
            pair.iter().for_each(|rope| taken[rope.0 as usize] = true);
            ropes.insert(id, pair);
        }
    }
    let mut units = Vec::new();
    // The weights that each one lies among; it cannot lie in two places.
    let mut laid: BTreeMap<WeightId, Vec<WeightId>> = BTreeMap::new();
    for (id, _) in graph.iter() {
        if taken[id.0 as usize] {
            continue;
        }
        let unit = match ropes.get(&id) {
            Some(ropes) => Unit::RopeAppend { ropes: *ropes, append: id },
            None => gated(graph, id, &uses, can_join)
                .or_else(|| projections(graph, id, can_join))
                .or_else(|| add_norm(graph, id))
                .filter(|unit| is_undisturbed(graph, &unit.nodes()) && can_lie(&laid, &joined_weights(graph, unit)))
                .unwrap_or(Unit::Node(id)),
        };
        let weights = joined_weights(graph, &unit);
        laid.extend(weights.iter().map(|weight| (*weight, weights.clone())));
        unit.nodes().iter().for_each(|node| taken[node.0 as usize] = true);
        units.push(unit);
    }
    units
}

/// The rotations of queries and keys that can wait for this cache: the keys are read by it alone, the queries behind it.
fn rope_append(graph: &Graph, append: NodeId, uses: &BTreeMap<Port, usize>) -> Option<[NodeId; 2]> {
    let node = graph.node(append);
    let keys = *node.inputs.first()?;
    let rope = graph.node(keys.node);
    if !matches!((&node.op, &rope.op), (Op::KvAppend(_), Op::Rope(_))) || uses.get(&keys) != Some(&1) {
        return None;
    }
    let width = |node: &graph::Node| node.outputs[0].shape.last().cloned();
    let twin = |id: NodeId, other: &graph::Node| {
        let same = other.op == rope.op && other.inputs[1..] == rope.inputs[1..] && width(other) == width(rope);
        same && id != keys.node && unread(graph, id, append)
    };
    let (query, _) = graph.iter().take(append.0 as usize).filter(|(id, other)| twin(*id, other)).last()?;
    is_undisturbed(graph, &[query, keys.node, append]).then_some([query, keys.node])
}

/// Whether no weight changes between the first and the last of these nodes, so that they may move.
fn is_undisturbed(graph: &Graph, nodes: &[NodeId]) -> bool {
    let (first, last) = (nodes.iter().min(), nodes.iter().max());
    let Some((first, last)) = first.zip(last) else { return true };
    let mut between = graph.iter().take(last.0 as usize).skip(first.0 as usize);
    !between.any(|(_, node)| matches!(node.op, Op::Update { .. }))
}

/// The weights that a unit reads behind each other.
fn joined_weights(graph: &Graph, unit: &Unit) -> Vec<WeightId> {
    unit.joined().iter().filter_map(|id| projection_weight(graph, *id)).collect()
}

/// Whether weights can lie behind each other in this order beside what is `laid` already.
fn can_lie(laid: &BTreeMap<WeightId, Vec<WeightId>>, weights: &[WeightId]) -> bool {
    weights.iter().all(|weight| laid.get(weight).is_none_or(|others| others == weights))
}

/// Whether no node before `until` reads node `id`.
fn unread(graph: &Graph, id: NodeId, until: NodeId) -> bool {
    let mut between = graph.iter().take(until.0 as usize).skip(id.0 as usize + 1);
    between.all(|(_, node)| node.inputs.iter().all(|port| port.node != id))
}

/// The weight of a projection that is read as it is stored.
pub(crate) fn projection_weight(graph: &Graph, id: NodeId) -> Option<WeightId> {
    let node = graph.node(id);
    match (&node.op, node.inputs.get(1).map(|p| &graph.node(p.node).op)) {
        (Op::Linear { .. }, Some(Op::Weight(weight))) => Some(*weight),
        _ => None,
    }
}

/// The bias of a projection, where it is a weight.
pub(crate) fn bias_weight(graph: &Graph, id: NodeId) -> Option<WeightId> {
    match graph.node(graph.node(id).inputs.get(2)?.node).op {
        Op::Weight(weight) => Some(weight),
        _ => None,
    }
}

fn projections(graph: &Graph, first: NodeId, can_join: CanJoin<'_>) -> Option<Unit> {
    let node = graph.node(first);
    let mut ids = vec![first];
    let mut weights = vec![projection_weight(graph, first)?];
    for (id, next) in graph.iter().skip(first.0 as usize + 1) {
        if ids.len() == PROJECTIONS {
            break;
        }
        let Some(weight) = projection_weight(graph, id) else { continue };
        let plain_bias = next.inputs.get(2).is_none_or(|p| matches!(graph.node(p.node).op, Op::Weight(_)));
        if next.op == node.op && next.inputs[0] == node.inputs[0] && plain_bias && !weights.contains(&weight) {
            weights.push(weight);
            ids.push(id);
        }
    }
    let biases: Vec<WeightId> = ids.iter().filter_map(|id| bias_weight(graph, *id)).collect();
    (ids.len() > 1 && can_join(&weights, &biases)).then_some(Unit::Linears(ids))
}

fn gated(graph: &Graph, first: NodeId, uses: &BTreeMap<Port, usize>, can_join: CanJoin<'_>) -> Option<Unit> {
    projection_weight(graph, first)?;
    let out = Port { node: first, output: 0 };
    let (id, gate) = graph.iter().skip(first.0 as usize + 1).find(|(_, next)| next.inputs.contains(&out))?;
    let (Op::Gated(_), [a, b]) = (&gate.op, &gate.inputs[..]) else { return None };
    let alone = [a, b].iter().all(|p| uses.get(p) == Some(&1));
    let (left, right) = (graph.node(a.node), graph.node(b.node));
    let plain = |op: &Op| matches!(op, Op::Linear { act: None, .. });
    let computed = |p: &Port| !matches!(graph.node(p.node).op, Op::Weight(_));
    let odd_bias = [left, right].iter().filter_map(|n| n.inputs.get(2)).any(computed);
    if !alone || odd_bias || !plain(&left.op) || left.op != right.op || left.inputs[0] != right.inputs[0] {
        return None;
    }
    let weights = [projection_weight(graph, a.node)?, projection_weight(graph, b.node)?];
    let projections = [a.node, b.node];
    let biases: Vec<WeightId> = projections.iter().filter_map(|id| bias_weight(graph, *id)).collect();
    (weights[0] != weights[1] && can_join(&weights, &biases)).then_some(Unit::Gated { projections, gated: id })
}

fn add_norm(graph: &Graph, add: NodeId) -> Option<Unit> {
    let node = graph.node(add);
    let out = Port { node: add, output: 0 };
    let same = |p: &Port| graph.value(*p).shape == node.outputs[0].shape;
    if node.op != Op::Binary(BinaryOp::Add) || !node.inputs.iter().all(same) {
        return None;
    }
    let norm = graph.iter().skip(add.0 as usize + 1).find(|(_, next)| {
        matches!(next.op, Op::RmsNorm { .. })
            && next.inputs[0] == out
            && matches!(graph.node(next.inputs[1].node).op, Op::Weight(_))
    });
    norm.map(|(norm, _)| Unit::AddNorm { add, norm })
}

/// Whether these matrices can lie in one binding: one format, rows of one length, none split, and none that changes.
/// Nor may their biases change, which are copied.
pub(crate) fn joinable(weights: &[Arc<Weight>], ids: &[WeightId], biases: &[WeightId], max_binding: u64) -> bool {
    let first = &weights[ids[0].0 as usize];
    let all = || ids.iter().map(|id| &weights[id.0 as usize]);
    if all().chain(biases.iter().map(|id| &weights[id.0 as usize])).any(|w| w.role == Role::Trained) {
        return false;
    }
    let bytes: u64 = all().map(|w| w.bytes()).sum();
    bytes <= max_binding && all().all(|w| w.parts.len() == 1 && w.format == first.format && w.stride == first.stride)
}

#[cfg(test)]
mod tests {
    use graph::{Bias, Builder, DType, Dim, Rope, RopeLayout, Taps};

    use super::*;

    #[test]
    fn a_block_runs_in_few_units() {
        let g = Builder::new(Taps::none());
        let (b, t) = (Dim::from('B'), Dim::from('T'));
        let x = g.input("x", DType::F32, [b.clone(), t.clone(), 8.into()]);
        let past = g.input("past", DType::I32, [b.clone()]);
        let positions = g.input("positions", DType::I32, [b, t]);
        let inv_freq = g.input("inv_freq", DType::F32, [2]);
        let w = g.weights();
        let rope = Rope { layout: RopeLayout::Half, scale: 1.0 };
        let (k, v) = (x.linear(&w.at("k"), 8, Bias::None), x.linear(&w.at("v"), 8, Bias::None));
        let q = x.heads(2).rope(positions, inv_freq, rope);
        let k = k.heads(2).rope(positions, inv_freq, rope);
        let (keys, _) = g.cache("c", 2, 4).append(k, v.heads(2), past);
        let sum = x + v;
        g.output("y", sum.rms_norm(&w.at("n"), 1e-5));
        g.output("sum", sum);
        g.output("keys", keys);
        g.output("q", q);
        let graph = g.finish().unwrap();
        let all = units(&graph, &|_, _| true);
        let fused: Vec<&Unit> = all.iter().filter(|u| !matches!(u, Unit::Node(_))).collect();
        assert!(matches!(fused[..], [Unit::Linears(_), Unit::RopeAppend { .. }, Unit::AddNorm { .. }]), "{fused:?}");
        assert_eq!(all.iter().map(|u| u.nodes().len()).sum::<usize>(), graph.nodes.len());
        // A key that somebody watches is written on its own.
        assert!(!units(&graph.observed(), &|_, _| true).iter().any(|u| matches!(u, Unit::RopeAppend { .. })));
    }
    #[test]
    fn a_weight_lies_in_one_place() {
        let g = Builder::new(Taps::none());
        let [x, y, z] = ["x", "y", "z"].map(|name| g.input(name, DType::F32, [Dim::from('T'), 8.into()]));
        let project = |x: graph::Var<'_>, names: &[&str]| {
            let each = names.iter().map(|name| x.linear(&g.weights().at(*name), 8, Bias::None));
            g.output("sum", each.reduce(|a, b| a + b).unwrap());
        };
        project(x, &["q", "k"]);
        project(y, &["k", "v"]);
        project(z, &["q", "k"]);
        let graph = g.finish().unwrap();
        let all = units(&graph, &|_, _| true);
        let joined: Vec<&Unit> = all.iter().filter(|unit| matches!(unit, Unit::Linears(_))).collect();
        let [a, b] = joined[..] else { panic!("{joined:?}") };
        assert_eq!(joined_weights(&graph, a), joined_weights(&graph, b));
    }
}
