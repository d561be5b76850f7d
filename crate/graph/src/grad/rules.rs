//! The gradient rule of each operation.

mod vision;

use super::Pass;
use crate::graph::{Node, NodeId, Port};
use crate::{Act, Attention, Bias, BinaryOp, Dim, MatMul, Op, Reduce, Shape, Side, UnaryOp, Var};

/// Inputs with their gradients.
type Emitted<'g> = Result<Vec<(usize, Var<'g>)>, String>;

/// A node while it is differentiated.
pub(super) struct Site<'a, 'g> {
    pub pass: &'a Pass<'g>,
    pub id: NodeId,
    pub node: &'a Node,
    /// Of each output, if it has any.
    pub dy: &'a [Option<Var<'g>>],
}

impl<'g> Site<'_, 'g> {
    /// What the node read.
    fn x(&self, i: usize) -> Var<'g> {
        self.pass.value(self.node.inputs[i])
    }

    /// What the node yielded.
    fn y(&self, output: u8) -> Var<'g> {
        self.pass.value(Port { node: self.id, output })
    }

    /// The gradient of the first output.
    fn dy(&self) -> Result<Var<'g>, String> {
        self.dy[0].ok_or_else(|| "only its first result has a gradient".into())
    }

    fn wants(&self, i: usize) -> bool {
        self.pass.wants(self.node.inputs[i])
    }

    /// The gradient of one input, if it is wanted.
    fn one(&self, i: usize, gradient: impl FnOnce() -> Var<'g>) -> Vec<(usize, Var<'g>)> {
        if self.wants(i) { vec![(i, gradient())] } else { Vec::new() }
    }
}

/// The nodes that pass the gradients of a node's results on to its inputs.
pub(super) fn rule<'g>(site: &Site<'_, 'g>) -> Emitted<'g> {
    let none = |reason: &str| Err(reason.to_string());
    match &site.node.op {
        Op::Input { .. } | Op::Weight(_) | Op::Const(_) => Ok(Vec::new()),
        Op::GatherRows => gather_rows(site),
        Op::Linear { bias, act } => linear(site, *bias, *act),
        Op::MatMul(spec) => matmul(site, *spec),
        Op::RmsNorm { eps } => norm(site, Op::RmsNormGrad { eps: *eps }),
        Op::LayerNorm { eps, .. } => norm(site, Op::LayerNormGrad { eps: *eps }),
        Op::Rope(rope) => {
            // The reverse of a rotation turns the other way.
            let dy = site.dy()?;
            Ok(site.one(0, || dy.rope(site.x(1), -site.x(2), *rope)))
        }
        Op::KvAppend(_) => none("a session's past is not trained through"),
        Op::Attention(spec) => attention(site, spec),
        Op::Unary(op) => {
            let dy = site.dy()?;
            Ok(site.one(0, || site.x(0).apply(Op::UnaryGrad(*op), &[dy])))
        }
        Op::Binary(op) => binary(site, *op),
        Op::Affine { factor, .. } => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.scale(*factor)))
        }
        Op::Gated(gate) => {
            let dgate = site.x(0).apply(Op::GatedGrad(*gate), &[site.x(1), site.dy()?]);
            Ok(vec![(0, dgate), (1, dgate.output(1))])
        }
        Op::Softmax => {
            let (y, dy) = (site.y(0), site.dy()?);
            Ok(site.one(0, || y * (dy - (y * dy).reduce(Reduce::Sum))))
        }
        Op::Reduce(op) => reduce(site, *op),
        Op::ArgMax => none("an index has no gradient"),
        Op::TopK { .. } => none("a choice has no gradient here; gather the chosen values instead"),
        Op::Reshape(_) => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.reshape(site.x(0).shape())))
        }
        Op::Permute(axes) => {
            let dy = site.dy()?;
            let mut back = vec![0; axes.len()];
            axes.iter().enumerate().for_each(|(to, from)| back[*from] = to);
            Ok(site.one(0, || dy.permute(back)))
        }
        Op::Slice { axis, start, .. } => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.pad(*axis, start.clone(), site.x(0).dim(*axis))))
        }
        Op::Concat { axis } => concat(site, *axis),
        Op::Expand(_) => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.sum_to(site.x(0).shape())))
        }
        Op::SumTo(_) => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.expand(site.x(0).shape())))
        }
        Op::Pad { axis, start, .. } => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.slice(*axis, start.clone(), site.x(0).dim(*axis))))
        }
        Op::Unfold(window) => vision::unfold(site, *window),
        Op::Fold { window, .. } => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.unfold(*window)))
        }
        Op::Depthwise { window, bias, act } => vision::depthwise(site, *window, *bias, *act),
        Op::ScatterAddRows { .. } => {
            let dy = site.dy()?;
            Ok(site.one(1, || dy.gather_rows(site.x(0))))
        }
        Op::Dropout(dropout) => {
            let dy = site.dy()?;
            Ok(site.one(0, || dy.apply(Op::Dropout(*dropout), &[site.x(1)])))
        }
        Op::SoftmaxCrossEntropy { smoothing } => cross_entropy(site, *smoothing),
        Op::UnaryGrad(_)
        | Op::GatedGrad(_)
        | Op::RmsNormGrad { .. }
        | Op::LayerNormGrad { .. }
        | Op::AttentionGrad { .. }
        | Op::SoftmaxCrossEntropyGrad { .. } => none("a gradient is not differentiated again"),
        Op::Update { .. } => none("a change of weights has no gradient"),
    }
}

fn gather_rows<'g>(site: &Site<'_, 'g>) -> Emitted<'g> {
    let dy = site.dy()?;
    Ok(site.one(0, || site.x(1).apply(Op::ScatterAddRows { rows: site.x(0).dim(0) }, &[dy])))
}

/// All axes but the last as one.
fn flat(x: Var<'_>) -> Var<'_> {
    let shape = x.shape();
    let (last, outer) = shape.split_last().map_or((Dim::from(1), &[][..]), |(last, outer)| (last.clone(), outer));
    x.reshape([outer.iter().cloned().fold(Dim::from(1), |a, b| a * b), last])
}

fn linear<'g>(site: &Site<'_, 'g>, bias: Bias, act: Option<Act>) -> Emitted<'g> {
    let (x, weight) = (site.x(0), site.x(1));
    let mut dy = site.dy()?;
    if let Some(act) = act {
        let others: Vec<Var<'g>> = (1..site.node.inputs.len()).map(|i| site.x(i)).collect();
        let before = x.apply(Op::Linear { bias, act: None }, &others);
        dy = before.apply(Op::UnaryGrad(UnaryOp::Act(act)), &[dy]);
    }
    let dy = flat(dy); // [M, N]
    let mut emitted = site.one(0, || dy.matmul(weight).reshape(x.shape())); // [M, N] [N, K]
    let turned = MatMul { a: Side::Transposed, b: Side::Plain };
    emitted.extend(site.one(1, || dy.matmul_as(turned, flat(x)))); // [M, N]ᵀ [M, K]
    if bias == Bias::Add {
        emitted.extend(site.one(2, || dy.sum_to(site.x(2).shape())));
    }
    Ok(emitted)
}

fn matmul<'g>(site: &Site<'_, 'g>, spec: MatMul) -> Emitted<'g> {
    use Side::{Plain, Transposed};
    let (a, b, dy) = (site.x(0), site.x(1), site.dy()?);
    let other = |side| if side == Plain { Transposed } else { Plain };
    // With C = A B, dA = dC Bᵀ and dB = Aᵀ dC; a side that was read transposed gets the transpose of that.
    let mut emitted = site.one(0, || match spec.a {
        Plain => dy.matmul_as(MatMul { a: Plain, b: other(spec.b) }, b),
        Transposed => b.matmul_as(MatMul { a: spec.b, b: Transposed }, dy),
    });
    emitted.extend(site.one(1, || match spec.b {
        Plain => a.matmul_as(MatMul { a: other(spec.a), b: Plain }, dy),
        Transposed => dy.matmul_as(MatMul { a: Transposed, b: spec.a }, a),
    }));
    Ok(emitted)
}

fn norm<'g>(site: &Site<'_, 'g>, op: Op) -> Emitted<'g> {
    let dx = site.x(0).apply(op, &[site.x(1), site.dy()?]);
    Ok((0..site.node.inputs.len()).map(|i| (i, dx.output(i as u8))).collect())
}

fn attention<'g>(site: &Site<'_, 'g>, spec: &Attention) -> Emitted<'g> {
    let dout = site.dy()?;
    let mut inputs: Vec<Var<'g>> = (0..site.node.inputs.len()).map(|i| site.x(i)).collect();
    let plain = Attention { probs: false, lse: true, axial: None, ..spec.clone() };
    let at = 3 + usize::from(spec.past);
    if let Some(columns) = spec.axial {
        inputs[at] = vision::spread(inputs[at], columns);
    }
    let (out, lse) = if spec.lse {
        (site.y(0), site.y(1 + u8::from(spec.probs)))
    } else {
        let out = inputs[0].apply(Op::Attention(plain.clone()), &inputs[1..]);
        (out, out.output(1))
    };
    let bias = spec.bias.then_some(at).filter(|i| site.wants(*i));
    let op = Op::AttentionGrad { spec: plain, scores: bias.is_some() };
    let others = [&inputs[1..3], &[out, lse, dout], &inputs[3..]].concat();
    let dq = inputs[0].apply(op, &others);
    let mut emitted: Vec<(usize, Var<'g>)> = (0..3).map(|i| (i, dq.output(i as u8))).collect();
    emitted.extend(bias.map(|i| {
        let dscores = dq.output(3);
        let tables = |columns| vision::gather(dscores, site.x(i).dim(3), columns);
        (i, spec.axial.map_or_else(|| dscores.sum_to(inputs[i].shape()), tables))
    }));
    Ok(emitted)
}

fn binary<'g>(site: &Site<'_, 'g>, op: BinaryOp) -> Emitted<'g> {
    let (a, b, dy) = (site.x(0), site.x(1), site.dy()?);
    let first = || match op {
        BinaryOp::Add | BinaryOp::Sub => dy,
        BinaryOp::Mul => dy * b,
        BinaryOp::Div => dy / b,
        // On ties the first takes all.
        BinaryOp::Max => dy * a.binary(BinaryOp::Ge, b),
        BinaryOp::Min => dy * b.binary(BinaryOp::Ge, a),
        BinaryOp::Ge => dy.scale(0.0),
    };
    let second = || match op {
        BinaryOp::Add => dy,
        BinaryOp::Sub => -dy,
        BinaryOp::Mul => dy * a,
        BinaryOp::Div => -(dy * site.y(0) / b),
        BinaryOp::Max => dy * a.binary(BinaryOp::Ge, b).affine(-1.0, 1.0),
        BinaryOp::Min => dy * b.binary(BinaryOp::Ge, a).affine(-1.0, 1.0),
        BinaryOp::Ge => dy.scale(0.0),
    };
    let mut emitted = site.one(0, || first().sum_to(a.shape()));
    emitted.extend(site.one(1, || second().sum_to(b.shape())));
    Ok(emitted)
}

fn reduce<'g>(site: &Site<'_, 'g>, op: Reduce) -> Emitted<'g> {
    let (x, dy) = (site.x(0), site.dy()?);
    let shape: Shape = x.shape();
    Ok(site.one(0, || match op {
        Reduce::Sum => dy.expand(shape),
        Reduce::Mean => match shape.last_known() {
            Some(n) => dy.scale(1.0 / n as f32).expand(shape),
            // As many ones as the run has values.
            None => dy.expand(shape) / x.affine(0.0, 1.0).reduce(Reduce::Sum),
        },
        // Equal largest values share the gradient.
        Reduce::Max => {
            let largest = x.binary(BinaryOp::Ge, site.y(0));
            largest * (dy / largest.reduce(Reduce::Sum))
        }
    }))
}

fn concat<'g>(site: &Site<'_, 'g>, axis: usize) -> Emitted<'g> {
    let dy = site.dy()?;
    let (mut start, mut emitted) = (Dim::from(0), Vec::new());
    for i in 0..site.node.inputs.len() {
        let len = site.x(i).dim(axis);
        emitted.extend(site.one(i, || dy.slice(axis, start.clone(), len.clone())));
        start = start + len;
    }
    Ok(emitted)
}

fn cross_entropy<'g>(site: &Site<'_, 'g>, smoothing: f32) -> Emitted<'g> {
    let dloss = site.dy()?;
    let op = Op::SoftmaxCrossEntropyGrad { smoothing };
    Ok(site.one(0, || site.x(0).apply(op, &[site.x(1), site.y(1), dloss])))
}
