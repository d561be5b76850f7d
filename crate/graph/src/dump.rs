//! The text form of a graph: one line a node.

use std::fmt;

use crate::{Graph, Op, Port};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.iter() {
            write!(f, "%{} = {}", id.0, node.op.name())?;
            write_detail(self, &node.op, f)?;
            for port in &node.inputs {
                f.write_str(" ")?;
                write_port(*port, f)?;
            }
            f.write_str(" ->")?;
            for output in &node.outputs {
                write!(f, " {}", output.shape)?;
            }
            f.write_str("\n")?;
        }
        for output in &self.outputs {
            write!(f, "{} = ", output.name)?;
            write_port(output.port, f)?;
            f.write_str("\n")?;
        }
        Ok(())
    }
}

fn write_port(port: Port, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match port.output {
        0 => write!(f, "%{}", port.node.0),
        n => write!(f, "%{}.{n}", port.node.0),
    }
}

fn write_detail(graph: &Graph, op: &Op, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match op {
        Op::Input { name } => write!(f, " {name}"),
        Op::Weight(id) => write!(f, " {}", graph.weights[id.0 as usize].name),
        Op::KvAppend(id) => write!(f, " {}", graph.states[id.0 as usize].name),
        Op::Linear { act: Some(act), .. } => write!(f, " {act:?}"),
        Op::RmsNorm { eps } | Op::LayerNorm { eps, .. } | Op::RmsNormGrad { eps } | Op::LayerNormGrad { eps } => {
            write!(f, " eps={eps}")
        }
        Op::Attention(spec) | Op::AttentionGrad { spec, .. } => {
            write!(f, " scale={}{}", spec.scale, if spec.causal { " causal" } else { "" })?;
            spec.window.map_or(Ok(()), |w| write!(f, " window={w}"))
        }
        Op::Unary(op) => write!(f, " {op:?}"),
        Op::Binary(op) => write!(f, " {op:?}"),
        Op::Affine { factor, offset } => write!(f, " *{factor} +{offset}"),
        Op::Gated(gate) => write!(f, " {:?}", gate.act),
        Op::Reduce(reduce) => write!(f, " {reduce:?}"),
        Op::TopK { k } => write!(f, " k={k}"),
        Op::Permute(axes) => write!(f, " {axes:?}"),
        Op::Slice { axis, start, len } => write!(f, " axis={axis} {start}..{}", start.clone() + len.clone()),
        Op::Concat { axis } => write!(f, " axis={axis}"),
        Op::MatMul(spec) => write!(f, " {:?} {:?}", spec.a, spec.b),
        Op::Unfold(window) | Op::Fold { window, .. } | Op::Depthwise { window, .. } => {
            let [kernel, stride] = [window.kernel, window.stride].map(|[rows, columns]| format!("{rows}x{columns}"));
            write!(f, " {kernel} by {stride}")
        }
        Op::Pad { axis, start, .. } => write!(f, " axis={axis} at {start}"),
        Op::Dropout(dropout) => write!(f, " rate={}", dropout.rate),
        Op::SoftmaxCrossEntropy { smoothing } | Op::SoftmaxCrossEntropyGrad { smoothing } => {
            write!(f, " smoothing={smoothing}")
        }
        Op::UnaryGrad(op) => write!(f, " {op:?}"),
        Op::GatedGrad(gate) => write!(f, " {:?}", gate.act),
        Op::Update { rule, weights } => {
            write!(f, " {rule:?}")?;
            weights.iter().try_for_each(|id| write!(f, " {}", graph.weights[id.0 as usize].name))
        }
        Op::Const(_)
        | Op::GatherRows
        | Op::Linear { act: None, .. }
        | Op::Rope(_)
        | Op::Softmax
        | Op::ArgMax
        | Op::Reshape(_)
        | Op::Expand(_)
        | Op::SumTo(_)
        | Op::ScatterAddRows { .. } => Ok(()),
    }
}
