//! What a node costs: floating point operations and bytes moved.

use crate::{Error, Graph, MatMul, Node, NodeId, Op, Side, Symbols};

/// The cost of one node in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating point operations; a multiply-add counts as two.
    pub flops: u64,
    /// Bytes of activations read and written, at four a value.
    pub activation_bytes: u64,
    /// Weight values read (bytes depend on the quant type).
    pub weight_values: u64,
}

impl Graph {
    /// The cost of a node under `symbols`.
    ///
    /// # Errors
    /// A symbol is unbound.
    pub fn cost(&self, id: NodeId, symbols: &Symbols) -> Result<Cost, Error> {
        let node = self.node(id);
        if matches!(node.op, Op::Input { .. } | Op::Weight(_) | Op::Const(_) | Op::Reshape(_)) {
            return Ok(Cost::default());
        }
        let size = |shape: &crate::Shape| shape.elements().eval(symbols).map(|n| n as u64);
        let outputs = node.outputs.iter().map(|o| size(&o.shape)).sum::<Result<u64, _>>()?;
        let mut cost = Cost { activation_bytes: 4 * outputs, ..Cost::default() };
        for port in &node.inputs {
            let values = size(&self.value(*port).shape)?;
            match self.node(port.node).op {
                Op::Weight(_) if node.op == Op::GatherRows => cost.weight_values += outputs,
                Op::Weight(_) => cost.weight_values += values,
                _ => cost.activation_bytes += 4 * values,
            }
        }
        cost.flops = match &node.op {
            Op::Linear { .. } => 2 * outputs * self.inner(node, 1, symbols)?,
            Op::MatMul(MatMul { a, .. }) => {
                2 * outputs * self.inner(node, if *a == Side::Plain { 1 } else { 2 }, symbols)?
            }
            Op::Depthwise { window, .. } => 2 * outputs * window.taps() as u64,
            Op::Attention(_) | Op::AttentionGrad { .. } => {
                let keys = self.value(node.inputs[1]).shape[1].eval(symbols)? as u64;
                // Two products forward; backward those two again and three for the gradients.
                let products = if matches!(node.op, Op::Attention(_)) { 2 } else { 5 };
                2 * products * size(&node.outputs[0].shape)? * keys
            }
            Op::Update { .. } => outputs.max(cost.activation_bytes / 4),
            _ => outputs,
        };
        Ok(cost)
    }

    /// The size of an axis of the first input, counted from the last.
    fn inner(&self, node: &Node, back: usize, symbols: &Symbols) -> Result<u64, Error> {
        let shape = &self.value(node.inputs[0]).shape;
        let dim = shape.len().checked_sub(back).and_then(|axis| shape.get(axis));
        dim.map_or(Ok(0), |dim| dim.eval(symbols).map(|n| n as u64))
    }

    /// The cost of one run.
    ///
    /// # Errors
    /// A symbol is unbound.
    pub fn total_cost(&self, symbols: &Symbols) -> Result<Cost, Error> {
        self.iter().try_fold(Cost::default(), |sum, (id, _)| {
            let cost = self.cost(id, symbols)?;
            Ok(Cost {
                flops: sum.flops + cost.flops,
                activation_bytes: sum.activation_bytes + cost.activation_bytes,
                weight_values: sum.weight_values + cost.weight_values,
            })
        })
    }
}
