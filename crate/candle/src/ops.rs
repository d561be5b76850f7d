//! Each operation in a few lines of candle.

use std::collections::BTreeMap;

use candle_core::{D, DType, Tensor as Value};
use graph::{
    Act, Bias, BinaryOp, Dim, Graph, MatMul, Node, Op, Port, Reduce, Rope, RopeLayout, Side, Symbols, Tensor, UnaryOp,
    WeightId,
};

use crate::{Engine, Error, Session, attention, backward, update, vision};

type Values = Result<Vec<Value>, Error>;

/// One run.
pub(crate) struct Play<'a> {
    pub graph: &'a Graph,
    pub engine: &'a Engine,
    pub symbols: Symbols,
    pub weights: &'a mut BTreeMap<String, Value>,
    pub inputs: &'a [(&'a str, &'a Tensor)],
    pub session: &'a mut Session,
    pub values: Vec<Vec<Value>>,
}

impl Play<'_> {
    pub fn value(&self, port: Port) -> Result<&Value, Error> {
        let outputs = self.values.get(port.node.0 as usize).and_then(|outputs| outputs.get(port.output as usize));
        outputs.ok_or_else(|| Error::Session(format!("value %{}.{} is not computed", port.node.0, port.output)))
    }

    pub fn node(&mut self, node: &Node) -> Values {
        let x = node.inputs.iter().map(|port| self.value(*port).cloned()).collect::<Result<Vec<_>, _>>()?;
        let one = |value: Value| Ok(vec![value]);
        match &node.op {
            Op::Input { name } => one(self.input(name)?),
            Op::Weight(id) => one(self.weight(&self.graph.weights[id.0 as usize].name)?),
            Op::Const(tensor) => one(self.engine.to_device(tensor)?),
            Op::GatherRows => one(gather_rows(&x[0], &x[1])?),
            Op::Linear { bias, act } => one(linear(&x, *bias, *act)?),
            Op::MatMul(spec) => one(matmul(&x[0], &x[1], *spec)?),
            Op::RmsNorm { eps } => one(rms_norm(&x[0], &x[1], f64::from(*eps))?),
            Op::LayerNorm { eps, .. } => one(layer_norm(&x[0], &x[1], x.get(2), f64::from(*eps))?),
            Op::Rope(spec) => one(rope(&x[0], &x[1], &x[2], spec)?),
            Op::KvAppend(state) => {
                let past = x[2].to_vec1::<i64>()?;
                let (k, v) = self.session.append(state.0 as usize, &x[0], &x[1], &past)?;
                Ok(vec![k, v])
            }
            Op::Attention(spec) => {
                let past = if spec.past { x[3].to_vec1::<i64>()? } else { Vec::new() };
                let bias = spec.bias.then(|| x[3 + usize::from(spec.past)].clone());
                let bias = match (bias, spec.axial) {
                    (Some(tables), Some(columns)) => Some(vision::spread(&tables, columns)?),
                    (bias, _) => bias,
                };
                let [out, probs, lse] = attention::attention(spec, (&x[0], &x[1], &x[2]), &past, bias.as_ref())?;
                let rest = [spec.probs.then_some(probs), spec.lse.then_some(lse)];
                Ok(std::iter::once(out).chain(rest.into_iter().flatten()).collect())
            }
            Op::Unary(op) => one(unary(&x[0], *op)?),
            Op::Binary(op) => one(binary(&x[0], &x[1], *op)?),
            Op::Affine { factor, offset } => one(x[0].affine(f64::from(*factor), f64::from(*offset))?),
            Op::Gated(gate) => one((act(&x[0], gate.act)? * &x[1])?),
            Op::Softmax => one(softmax(&x[0])?),
            Op::Reduce(op) => one(match op {
                Reduce::Sum => x[0].sum_keepdim(D::Minus1)?,
                Reduce::Mean => x[0].mean_keepdim(D::Minus1)?,
                Reduce::Max => x[0].max_keepdim(D::Minus1)?,
            }),
            Op::ArgMax => {
                let (_, indices) = top_k(&x[0], 1)?;
                one(indices.squeeze(D::Minus1)?)
            }
            Op::TopK { k } => top_k(&x[0], *k).map(|(values, indices)| vec![values, indices]),
            Op::Reshape(shape) => one(x[0].contiguous()?.reshape(shape.eval(&self.symbols)?)?),
            Op::Permute(axes) => one(x[0].permute(axes.as_slice())?.contiguous()?),
            Op::Slice { axis, start, len } => {
                one(x[0].narrow(*axis, self.size(start)?, self.size(len)?)?.contiguous()?)
            }
            Op::Concat { axis } => one(Value::cat(&x, *axis)?),
            Op::Expand(shape) => one(x[0].broadcast_as(shape.eval(&self.symbols)?)?.contiguous()?),
            Op::SumTo(shape) => one(sum_to(&x[0], &shape.eval(&self.symbols)?)?),
            Op::Pad { axis, start, size } => one(pad(&x[0], *axis, self.size(start)?, self.size(size)?)?),
            Op::Unfold(window) => one(vision::unfold(&x[0], window)?),
            Op::Fold { window, size } => one(vision::fold(&x[0], window, *size)?),
            Op::Depthwise { window, act, .. } => {
                let out = vision::depthwise(&x[0], &x[1], x.get(2), window)?;
                one(act.map_or(Ok(out.clone()), |kind| self::act(&out, kind))?)
            }
            Op::Dropout(dropout) => one(backward::dropout(&x[0], &x[1], *dropout)?),
            Op::ScatterAddRows { rows } => one(backward::scatter_add_rows(&x[0], &x[1], self.size(rows)?)?),
            Op::SoftmaxCrossEntropy { smoothing } => backward::cross_entropy(&x[0], &x[1], f64::from(*smoothing)),
            Op::SoftmaxCrossEntropyGrad { smoothing } => one(backward::cross_entropy_grad(&x, f64::from(*smoothing))?),
            Op::UnaryGrad(op) => one((&x[1] * backward::derivative(&x[0], *op)?)?),
            Op::GatedGrad(gate) => {
                let (slope, value) = (backward::derivative(&x[0], UnaryOp::Act(gate.act))?, act(&x[0], gate.act)?);
                Ok(vec![((&x[2] * &x[1])? * slope)?, (&x[2] * value)?])
            }
            Op::RmsNormGrad { eps } => backward::rms_norm_grad(&x[0], &x[1], &x[2], f64::from(*eps)),
            Op::LayerNormGrad { eps } => backward::layer_norm_grad(&x[0], &x[1], &x[2], f64::from(*eps)),
            Op::AttentionGrad { spec, scores } => {
                let gradients = backward::attention_grad(spec, &x)?;
                Ok(gradients.into_iter().take(if *scores { 4 } else { 3 }).collect())
            }
            Op::Update { rule, weights } => {
                let names = weights.iter().map(|id| self.graph.weights[id.0 as usize].name.as_str());
                update::update(*rule, &names.collect::<Vec<_>>(), self.weights, &x)?;
                self.read_again(weights)?;
                Ok(Vec::new())
            }
        }
    }

    fn input(&self, name: &str) -> Result<Value, Error> {
        let given = self.inputs.iter().find(|(given, _)| *given == name);
        self.engine.to_device(given.ok_or_else(|| Error::Session(format!("input {name} is not given")))?.1)
    }

    fn size(&self, dim: &Dim) -> Result<usize, Error> {
        Ok(dim.eval(&self.symbols)?)
    }

    /// Nodes behind a change read the new values.
    fn read_again(&mut self, changed: &[WeightId]) -> Result<(), Error> {
        for (place, node) in self.graph.nodes.iter().take(self.values.len()).enumerate() {
            if let Op::Weight(id) = &node.op
                && changed.contains(id)
            {
                self.values[place] = vec![self.weight(&self.graph.weights[id.0 as usize].name)?];
            }
        }
        Ok(())
    }

    fn weight(&self, name: &str) -> Result<Value, Error> {
        self.weights.get(name).cloned().ok_or_else(|| Error::Weight(name.to_string()))
    }
}

fn gather_rows(table: &Value, ids: &Value) -> Result<Value, Error> {
    let rows = table.dims()[0] as i64;
    let flat = ids.flatten_all()?;
    let inside = (flat.ge(0i64)?.to_dtype(DType::F64)? * flat.lt(rows)?.to_dtype(DType::F64)?)?;
    let safe = flat.clamp(0i64, rows - 1)?;
    let picked = table.index_select(&safe, 0)?;
    let picked = picked.broadcast_mul(&inside.to_dtype(table.dtype())?.unsqueeze(1)?)?;
    let mut shape = ids.dims().to_vec();
    shape.push(table.dims()[1]);
    Ok(picked.reshape(shape)?)
}

fn linear(x: &[Value], bias: Bias, activation: Option<Act>) -> Result<Value, Error> {
    let (rows, inner) = (x[0].elem_count() / x[1].dims()[1], x[1].dims()[1]);
    let mut out = x[0].contiguous()?.reshape((rows, inner))?.matmul(&x[1].t()?)?;
    if bias == Bias::Add {
        out = out.broadcast_add(&x[2])?;
    }
    if let Some(activation) = activation {
        out = act(&out, activation)?;
    }
    let mut shape = x[0].dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = x[1].dims()[0];
    }
    Ok(out.reshape(shape)?)
}

fn matmul(a: &Value, b: &Value, spec: MatMul) -> Result<Value, Error> {
    let side = |x: &Value, side| if side == Side::Plain { x.contiguous() } else { x.t()?.contiguous() };
    Ok(side(a, spec.a)?.matmul(&side(b, spec.b)?)?)
}

/// The sum over the axes in which `x` is larger than `shape`.
fn sum_to(x: &Value, shape: &[usize]) -> Result<Value, Error> {
    let added = x.rank() - shape.len();
    let mut sum = x.clone();
    for (axis, size) in x.dims().iter().enumerate() {
        if axis < added || (shape[axis - added] == 1 && *size != 1) {
            sum = sum.sum_keepdim(axis)?;
        }
    }
    Ok(sum.reshape(shape)?)
}

fn pad(x: &Value, axis: usize, start: usize, size: usize) -> Result<Value, Error> {
    let after = size.checked_sub(start + x.dims()[axis]);
    let after = after.ok_or_else(|| Error::Session(format!("{:?} at {start} does not fit into {size}", x.dims())))?;
    Ok(x.pad_with_zeros(axis, start, after)?)
}

fn rms_norm(x: &Value, weight: &Value, eps: f64) -> Result<Value, Error> {
    let root = (x.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    Ok(x.broadcast_div(&root)?.broadcast_mul(weight)?)
}

fn layer_norm(x: &Value, weight: &Value, bias: Option<&Value>, eps: f64) -> Result<Value, Error> {
    let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let out = rms_norm(&x, weight, eps)?;
    Ok(match bias {
        Some(bias) => out.broadcast_add(bias)?,
        None => out,
    })
}

/// `x` [B, T, H, D] turned by `positions` [B, T] times `inv_freq` [R/2].
fn rope(x: &Value, positions: &Value, inv_freq: &Value, spec: &Rope) -> Result<Value, Error> {
    let (b, t, h, d) = x.dims4()?;
    let half = inv_freq.dims()[0];
    let angles = positions.to_dtype(x.dtype())?.unsqueeze(2)?.broadcast_mul(inv_freq)?.unsqueeze(2)?; // [B, T, 1, R/2]
    let scale = f64::from(spec.scale);
    let shape = (b, t, h, half);
    let (cos, sin) = ((angles.cos()? * scale)?.broadcast_as(shape)?, (angles.sin()? * scale)?.broadcast_as(shape)?);
    let turned = x.narrow(3, 0, 2 * half)?.contiguous()?;
    let (first, second) = match spec.layout {
        RopeLayout::Half => (turned.narrow(3, 0, half)?, turned.narrow(3, half, half)?),
        RopeLayout::Interleaved => {
            let pairs = turned.reshape((b, t, h, half, 2))?;
            (pairs.narrow(4, 0, 1)?.squeeze(4)?, pairs.narrow(4, 1, 1)?.squeeze(4)?)
        }
    };
    let a = ((&first * &cos)? - (&second * &sin)?)?;
    let c = ((&second * &cos)? + (&first * &sin)?)?;
    let turned = match spec.layout {
        RopeLayout::Half => Value::cat(&[a, c], 3)?,
        RopeLayout::Interleaved => Value::stack(&[a, c], 4)?.reshape((b, t, h, 2 * half))?,
    };
    Ok(if 2 * half == d { turned } else { Value::cat(&[turned, x.narrow(3, 2 * half, d - 2 * half)?], 3)? })
}

pub(crate) fn act(x: &Value, act: Act) -> Result<Value, Error> {
    let sigmoid = |x: &Value| -> Result<Value, Error> { Ok(((x.neg()?.exp()? + 1.0)?).recip()?) };
    Ok(match act {
        Act::Relu => x.relu()?,
        Act::Silu => (x * sigmoid(x)?)?,
        Act::Gelu => x.gelu_erf()?,
        Act::GeluTanh => {
            let inner = ((x + (x.sqr()?.mul(x)? * 0.044715)?)? * (2.0 / std::f64::consts::PI).sqrt())?;
            ((x * 0.5)? * (inner.tanh()? + 1.0)?)?
        }
        Act::QuickGelu => (x * sigmoid(&(x * 1.702)?)?)?,
        Act::Sigmoid => sigmoid(x)?,
        Act::Tanh => x.tanh()?,
    })
}

fn unary(x: &Value, op: UnaryOp) -> Result<Value, Error> {
    Ok(match op {
        UnaryOp::Act(a) => act(x, a)?,
        UnaryOp::Neg => x.neg()?,
        UnaryOp::Exp => x.exp()?,
        UnaryOp::Log => x.log()?,
        UnaryOp::Square => x.sqr()?,
        UnaryOp::Sqrt => x.sqrt()?,
        UnaryOp::Recip => x.recip()?,
        UnaryOp::Cos => x.cos()?,
        UnaryOp::Sin => x.sin()?,
    })
}

fn binary(a: &Value, b: &Value, op: BinaryOp) -> Result<Value, Error> {
    Ok(match op {
        BinaryOp::Add => a.broadcast_add(b)?,
        BinaryOp::Sub => a.broadcast_sub(b)?,
        BinaryOp::Mul => a.broadcast_mul(b)?,
        BinaryOp::Div => a.broadcast_div(b)?,
        BinaryOp::Max => a.broadcast_maximum(b)?,
        BinaryOp::Min => a.broadcast_minimum(b)?,
        BinaryOp::Ge => a.broadcast_ge(b)?.to_dtype(a.dtype())?,
    })
}

fn softmax(x: &Value) -> Result<Value, Error> {
    let exp = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    Ok(exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)?)
}

/// On the host, because ties go to the lowest index.
fn top_k(x: &Value, k: usize) -> Result<(Value, Value), Error> {
    let width = *x.dims().last().unwrap_or(&1);
    let flat: Vec<f64> = x.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?;
    let (mut values, mut indices) = (Vec::new(), Vec::new());
    for row in flat.chunks(width) {
        let mut order: Vec<usize> = (0..width).collect();
        // Adding zero makes the two zeros equal.
        let key = |i: &usize| if row[*i].is_nan() { f64::NEG_INFINITY } else { row[*i] + 0.0 };
        order.sort_by(|a, b| key(b).total_cmp(&key(a)).then(a.cmp(b)));
        values.extend(order[..k].iter().map(|i| row[*i]));
        indices.extend(order[..k].iter().map(|i| *i as i64));
    }
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = k;
    }
    let values = Value::from_vec(values, shape.as_slice(), x.device())?.to_dtype(x.dtype())?;
    Ok((values, Value::from_vec(indices, shape.as_slice(), x.device())?))
}
