//! What a node costs: floating point operations and bytes moved.

use crate::{Error, Graph, NodeId, Op, Symbols};

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
            Op::Linear { .. } | Op::MatMul => {
                let inner = self.value(node.inputs[0]).shape.last().map_or(Ok(0), |d| d.eval(symbols))?;
                2 * outputs * inner as u64
            }
            Op::Attention(_) => {
                let keys = self.value(node.inputs[1]).shape[1].eval(symbols)? as u64;
                4 * size(&node.outputs[0].shape)? * keys
            }
            _ => outputs,
        };
        Ok(cost)
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
