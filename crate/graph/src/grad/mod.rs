//! Gradients: a pass that reads the graph so far and writes the nodes of its derivative behind it.
//!
//! Nodes are visited from the last to the first. Each has a rule (`rules.rs`) that emits operations from what it read
//! and yielded and from the gradients of what it yielded. With [`Checkpointing`] a rule finds, instead of a value from
//! inside a block, the same nodes written once more from the block's beginning, so that the first ones need not be kept
//! (Chen et al. 2016, arXiv:1604.06174).

mod rules;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::graph::{Node, NodeId, Port};
use crate::{Builder, DType, Error, Op, Tensor, Var};

/// Which activations the backward pass computes again instead of keeping them. Blocks begin where a model taps
/// `hidden.N`, or that of one of its parts such as `encoder.hidden.N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpointing {
    /// None: everything is kept.
    #[default]
    None,
    /// Those inside a block; what goes from block to block is kept.
    EveryBlock,
    /// Those inside `k` blocks in a row.
    Every(usize),
}

impl Builder {
    /// The gradients of `loss` [1] with respect to each of the values `of`, in their order and shapes.
    ///
    /// If an operation on the way has none, or the loss does not depend on a value, [`Builder::finish`] says so.
    #[track_caller]
    pub fn gradients<'g>(&'g self, loss: Var<'g>, of: &[Var<'g>], keep: Checkpointing) -> Vec<Var<'g>> {
        let mut pass = Pass::new(self, of, keep);
        let one = Tensor { shape: vec![1], data: crate::Data::F32(vec![1.0]) };
        pass.add(loss.port, self.constant(one).reshape(loss.shape()));
        for id in (0..=loss.port.node.0).rev().map(NodeId) {
            if let Err(reason) = pass.node(id) {
                self.fail(Error::NoGradient { op: pass.nodes[id.0 as usize].op.name(), reason });
                return of.to_vec();
            }
        }
        of.iter().map(|var| pass.gradient_of(*var)).collect()
    }
}

/// The state of one backward pass.
struct Pass<'g> {
    builder: &'g Builder,
    /// The nodes before the pass.
    nodes: Vec<Node>,
    /// Whether a node depends on what is differentiated by.
    needed: Vec<bool>,
    /// The kept block beginnings.
    kept: Vec<NodeId>,
    gradients: BTreeMap<Port, Var<'g>>,
    /// Nodes that were written again.
    again: RefCell<BTreeMap<NodeId, NodeId>>,
}

impl<'g> Pass<'g> {
    fn new(builder: &'g Builder, of: &[Var<'g>], keep: Checkpointing) -> Self {
        let nodes = builder.nodes();
        let mut needed = vec![false; nodes.len()];
        of.iter().for_each(|var| needed[var.port.node.0 as usize] = true);
        for (i, node) in nodes.iter().enumerate() {
            needed[i] |= node.inputs.iter().any(|port| needed[port.node.0 as usize]);
        }
        let every = match keep {
            Checkpointing::None => usize::MAX,
            Checkpointing::EveryBlock => 1,
            Checkpointing::Every(k) => k.max(1),
        };
        let all = builder.boundaries();
        let mut kept: Vec<NodeId> = all.iter().copied().step_by(every).collect();
        // What follows the last block is needed at once.
        kept.extend(all.last().copied().filter(|last| every != usize::MAX && kept.last() != Some(last)));
        Self { builder, nodes, needed, kept, gradients: BTreeMap::new(), again: RefCell::default() }
    }

    /// Emits what node `id` passes on to its inputs.
    fn node(&mut self, id: NodeId) -> Result<(), String> {
        let node = self.nodes[id.0 as usize].clone();
        let outputs = (0..node.outputs.len() as u8).map(|output| Port { node: id, output });
        let dy: Vec<Option<Var<'g>>> = outputs.map(|port| self.gradients.get(&port).copied()).collect();
        if !self.needed[id.0 as usize] || dy.iter().all(Option::is_none) {
            return Ok(());
        }
        let emitted = rules::rule(&rules::Site { pass: self, id, node: &node, dy: &dy })?;
        for (input, gradient) in emitted {
            self.add(node.inputs[input], gradient);
        }
        Ok(())
    }

    /// Whether the gradient of a value is passed on.
    fn wants(&self, port: Port) -> bool {
        self.needed[port.node.0 as usize]
            && self.nodes[port.node.0 as usize].outputs[port.output as usize].dtype == DType::F32
    }

    fn add(&mut self, port: Port, gradient: Var<'g>) {
        if self.wants(port) {
            let sum = self.gradients.get(&port).map_or(gradient, |before| *before + gradient);
            self.gradients.insert(port, sum);
        }
    }

    fn gradient_of(&self, var: Var<'g>) -> Var<'g> {
        self.gradients.get(&var.port).copied().unwrap_or_else(|| {
            let node = &self.nodes[var.port.node.0 as usize];
            let reason = format!("the loss does not depend on node {}", var.port.node.0);
            self.builder.fail(Error::NoGradient { op: node.op.name(), reason });
            var
        })
    }

    /// A value of the forward pass: itself, or what is computed again for it.
    fn value(&self, port: Port) -> Var<'g> {
        let node = self.again(port.node);
        Var { builder: self.builder, port: Port { node, ..port } }
    }

    fn again(&self, id: NodeId) -> NodeId {
        if !self.is_inside(id) {
            return id;
        }
        if let Some(again) = self.again.borrow().get(&id) {
            return *again;
        }
        let node = &self.nodes[id.0 as usize];
        let inputs: Vec<Var<'g>> = node.inputs.iter().map(|port| self.value(*port)).collect();
        let again = self.builder.push(node.op.clone(), &inputs).port.node;
        self.again.borrow_mut().insert(id, again);
        again
    }

    /// Whether a node's results are not kept.
    fn is_inside(&self, id: NodeId) -> bool {
        let (Some(first), Some(last)) = (self.kept.first(), self.kept.last()) else { return false };
        let source = matches!(self.nodes[id.0 as usize].op, Op::Input { .. } | Op::Weight(_) | Op::Const(_));
        !source && first < &id && &id < last && !self.kept.contains(&id)
    }
}
