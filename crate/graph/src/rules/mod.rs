//! The shape rule of each operation.

mod backward;
mod vision;

use crate::graph::{StateSpec, ValueType, WeightSpec};
use crate::{Attention, Bias, DType, Dim, MatMul, Op, Shape, Side};

/// What a rule may look up.
pub(crate) struct Tables<'a> {
    pub weights: &'a [WeightSpec],
    pub states: &'a [StateSpec],
}

type Rule = Result<Vec<ValueType>, String>;

/// The output types of `op` on `inputs`, or why there are none. Inputs and weights are typed by the builder.
pub(crate) fn infer(op: &Op, inputs: &[ValueType], tables: &Tables<'_>) -> Rule {
    match op {
        Op::Input { name } => Err(format!("input {name} carries its own type")),
        Op::Weight(id) => one(Shape::new(tables.weights[id.0 as usize].shape.iter().copied()), DType::F32),
        Op::Const(tensor) => one(Shape::new(tensor.shape.iter().copied()), tensor.dtype()),
        Op::GatherRows => gather_rows(inputs),
        Op::Linear { bias, .. } => linear(inputs, *bias),
        Op::MatMul(spec) => matmul(inputs, *spec),
        Op::RmsNorm { .. } => norm(inputs, Bias::None),
        Op::LayerNorm { bias, .. } => norm(inputs, *bias),
        Op::Rope(_) => rope(inputs),
        Op::KvAppend(id) => kv_append(inputs, &tables.states[id.0 as usize]),
        Op::Attention(spec) => attention(inputs, spec),
        Op::Unary(_) | Op::Affine { .. } | Op::Softmax => floats(inputs, 1).map(|v| vec![v[0].clone()]),
        Op::Binary(_) => binary(inputs),
        Op::Gated(_) => gated(inputs),
        Op::Reduce(_) => floats(inputs, 1).and_then(|v| one(ranked(&v[0].shape, 1)?.with_last(1), DType::F32)),
        Op::ArgMax => floats(inputs, 1).and_then(|v| one(without_last(&v[0].shape)?, DType::I32)),
        Op::TopK { k } => top_k(inputs, *k),
        Op::Reshape(shape) => reshape(inputs, shape),
        Op::Permute(axes) => permute(inputs, axes),
        Op::Slice { axis, start, len } => slice(inputs, *axis, start, len),
        Op::Concat { axis } => concat(inputs, *axis),
        Op::Expand(shape) => expand(inputs, shape),
        Op::SumTo(shape) => sum_to(inputs, shape),
        Op::Pad { axis, start, size } => pad(inputs, *axis, start, size),
        Op::Unfold(window) => vision::unfold(inputs, window),
        Op::Fold { window, size } => vision::fold(inputs, window, *size),
        Op::Depthwise { window, bias, .. } => vision::depthwise(inputs, window, *bias),
        Op::Dropout(_) => dropout(inputs),
        Op::ScatterAddRows { rows } => backward::scatter_add_rows(inputs, rows),
        Op::SoftmaxCrossEntropy { .. } => backward::softmax_cross_entropy(inputs),
        Op::UnaryGrad(_) => backward::alike(inputs, 2, 1),
        Op::GatedGrad(_) => backward::alike(inputs, 3, 2),
        Op::RmsNormGrad { .. } => backward::norm_grad(inputs, 2),
        Op::LayerNormGrad { .. } => backward::norm_grad(inputs, 3),
        Op::AttentionGrad { spec, scores } => backward::attention_grad(inputs, spec, *scores),
        Op::SoftmaxCrossEntropyGrad { .. } => backward::softmax_cross_entropy_grad(inputs),
        Op::Update { rule, weights } => backward::update(inputs, *rule, weights, tables.weights),
    }
}

fn one(shape: Shape, dtype: DType) -> Rule {
    Ok(vec![ValueType { shape, dtype }])
}

fn count(inputs: &[ValueType], wanted: usize) -> Result<(), String> {
    ensure(inputs.len() == wanted, || format!("takes {wanted} inputs, given {}", inputs.len()))
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

fn floats(inputs: &[ValueType], wanted: usize) -> Result<&[ValueType], String> {
    count(inputs, wanted)?;
    for (i, input) in inputs.iter().enumerate() {
        ensure(input.dtype == DType::F32, || format!("input {i} is {:?}, expected F32", input.dtype))?;
    }
    Ok(inputs)
}

fn integers(input: &ValueType, what: &str) -> Result<(), String> {
    ensure(input.dtype == DType::I32, || format!("{what} is {:?}, expected I32", input.dtype))
}

fn ranked(shape: &Shape, least: usize) -> Result<&Shape, String> {
    ensure(shape.len() >= least, || format!("{shape} has fewer than {least} axes"))?;
    Ok(shape)
}

fn exactly(shape: &Shape, rank: usize, what: &str) -> Result<(), String> {
    ensure(shape.len() == rank, || format!("{what} {shape} needs {rank} axes"))
}

fn same(a: &Dim, b: &Dim, what: &str) -> Result<(), String> {
    ensure(a == b, || format!("{what}: {a} is not {b}"))
}

fn without_last(shape: &Shape) -> Result<Shape, String> {
    ranked(shape, 1)?;
    Ok(Shape::from(shape[..shape.len() - 1].to_vec()))
}

fn gather_rows(inputs: &[ValueType]) -> Rule {
    count(inputs, 2)?;
    let (table, ids) = (&inputs[0], &inputs[1]);
    exactly(&table.shape, 2, "table")?;
    integers(ids, "ids")?;
    let mut dims = ids.shape.to_vec();
    dims.push(table.shape[1].clone());
    one(dims.into(), table.dtype)
}

fn linear(inputs: &[ValueType], bias: Bias) -> Rule {
    floats(inputs, if bias == Bias::Add { 3 } else { 2 })?;
    let (x, weight) = (ranked(&inputs[0].shape, 1)?, &inputs[1].shape);
    exactly(weight, 2, "weight")?;
    same(&x[x.len() - 1], &weight[1], "features of x and weight")?;
    if let Some(bias) = inputs.get(2) {
        exactly(&bias.shape, 1, "bias")?;
        same(&bias.shape[0], &weight[0], "features of bias and weight")?;
    }
    one(x.with_last(weight[0].clone()), DType::F32)
}

fn matmul(inputs: &[ValueType], spec: MatMul) -> Rule {
    floats(inputs, 2)?;
    let (a, b) = (ranked(&inputs[0].shape, 2)?, ranked(&inputs[1].shape, 2)?);
    let (outer, rank) = (a.len() - 2, a.len());
    ensure(b.len() == rank && a[..outer] == b[..outer], || "leading axes differ".into())?;
    let sides = |shape: &Shape, side| {
        let (first, second) = (shape[outer].clone(), shape[outer + 1].clone());
        if side == Side::Plain { (first, second) } else { (second, first) }
    };
    let ((m, k), (inner, n)) = (sides(a, spec.a), sides(b, spec.b));
    same(&k, &inner, "inner axes")?;
    one(Shape::from([&a[..outer], &[m, n]].concat()), DType::F32)
}

fn norm(inputs: &[ValueType], bias: Bias) -> Rule {
    floats(inputs, if bias == Bias::Add { 3 } else { 2 })?;
    let x = ranked(&inputs[0].shape, 1)?;
    for weight in &inputs[1..] {
        exactly(&weight.shape, 1, "weight")?;
        same(&weight.shape[0], &x[x.len() - 1], "features of weight and x")?;
    }
    one(x.clone(), DType::F32)
}

fn rope(inputs: &[ValueType]) -> Rule {
    count(inputs, 3)?;
    let (x, positions, inv_freq) = (&inputs[0].shape, &inputs[1], &inputs[2].shape);
    exactly(x, 4, "x")?;
    exactly(&positions.shape, 2, "positions")?;
    exactly(inv_freq, 1, "inv_freq")?;
    integers(positions, "positions")?;
    ensure(positions.shape[..] == x[..2], || format!("positions {} do not fit x {x}", positions.shape))?;
    let fits = inv_freq[0].known().zip(x[3].known()).is_some_and(|(half, width)| half * 2 <= width);
    ensure(fits, || format!("inv_freq {inv_freq} turns more than the head width of {x}"))?;
    one(x.clone(), DType::F32)
}

fn kv_append(inputs: &[ValueType], state: &StateSpec) -> Rule {
    count(inputs, 3)?;
    let (k, v, past) = (&inputs[0].shape, &inputs[1].shape, &inputs[2]);
    exactly(k, 4, "k")?;
    ensure(k == v, || format!("k {k} and v {v} differ"))?;
    integers(past, "past")?;
    ensure(past.shape[..] == k[..1], || format!("past {} does not fit k {k}", past.shape))?;
    same(&k[2], &state.n_kv_head.into(), "key-value heads")?;
    same(&k[3], &state.head_dim.into(), "head width")?;
    let mut dims = k.to_vec();
    dims[1] = Dim::from('P') + dims[1].clone();
    let keys = ValueType { shape: dims.into(), dtype: DType::F32 };
    Ok(vec![keys.clone(), keys])
}

fn attention(inputs: &[ValueType], spec: &Attention) -> Rule {
    count(inputs, 3 + usize::from(spec.past) + usize::from(spec.bias))?;
    let (q, k, v) = (&inputs[0].shape, &inputs[1].shape, &inputs[2].shape);
    exactly(q, 4, "q")?;
    ensure(k == v && k.len() == 4, || format!("k {k} and v {v} need four equal axes"))?;
    same(&q[3], &k[3], "head width of q and k")?;
    ensure(k[0] == q[0] || k[0] == Dim::from(1), || format!("batch of q {q} and k {k} differ"))?;
    let grouped = q[2].known().zip(k[2].known()).is_some_and(|(h, g)| g > 0 && h % g == 0);
    ensure(grouped, || format!("{} query heads are no multiple of {} key-value heads", q[2], k[2]))?;
    ensure(spec.axial.is_none() || spec.bias, || "axial tables are a bias".into())?;
    ensure(spec.window.is_none() || spec.causal, || "a window needs a causal mask".into())?;
    if spec.past {
        integers(&inputs[3], "past")?;
        ensure(inputs[3].shape[..] == q[..1], || format!("past {} does not fit q {q}", inputs[3].shape))?;
    }
    let scores = Shape::from(vec![q[0].clone(), q[2].clone(), q[1].clone(), k[1].clone()]);
    if spec.bias {
        let bias = &inputs[3 + usize::from(spec.past)];
        let fits = match spec.axial {
            Some(columns) => vision::is_axial(bias, &scores, columns),
            None => bias.shape.len() == 4 && bias.shape.broadcast(&scores).as_ref() == Some(&scores),
        };
        let fits = fits && bias.dtype == DType::F32;
        ensure(fits, || format!("bias {} does not broadcast to {scores}", bias.shape))?;
    }
    let mut outputs = vec![ValueType { shape: q.clone(), dtype: DType::F32 }];
    if spec.probs {
        outputs.push(ValueType { shape: scores.clone(), dtype: DType::F32 });
    }
    if spec.lse {
        outputs.push(ValueType { shape: Shape::from(scores[..3].to_vec()), dtype: DType::F32 });
    }
    Ok(outputs)
}

fn binary(inputs: &[ValueType]) -> Rule {
    let inputs = floats(inputs, 2)?;
    let (a, b) = (&inputs[0].shape, &inputs[1].shape);
    one(a.broadcast(b).ok_or_else(|| format!("{a} and {b} do not broadcast"))?, DType::F32)
}

fn gated(inputs: &[ValueType]) -> Rule {
    let inputs = floats(inputs, 2)?;
    ensure(inputs[0].shape == inputs[1].shape, || "gate and up differ".into())?;
    one(inputs[0].shape.clone(), DType::F32)
}

fn top_k(inputs: &[ValueType], k: usize) -> Rule {
    let x = ranked(&floats(inputs, 1)?[0].shape, 1)?;
    let enough = x.last_known().is_none_or(|n| k <= n) && k > 0;
    ensure(enough, || format!("k = {k} of {x}"))?;
    let shape = x.with_last(k);
    Ok(vec![ValueType { shape: shape.clone(), dtype: DType::F32 }, ValueType { shape, dtype: DType::I32 }])
}

fn reshape(inputs: &[ValueType], shape: &Shape) -> Rule {
    count(inputs, 1)?;
    let (from, to) = (inputs[0].shape.elements(), shape.elements());
    ensure(from == to, || format!("{} elements cannot become {shape}", from))?;
    one(shape.clone(), inputs[0].dtype)
}

fn permute(inputs: &[ValueType], axes: &[usize]) -> Rule {
    count(inputs, 1)?;
    let x = &inputs[0].shape;
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    ensure(sorted.iter().copied().eq(0..x.len()), || format!("{axes:?} is no order of the axes of {x}"))?;
    one(Shape::from(axes.iter().map(|a| x[*a].clone()).collect::<Vec<_>>()), inputs[0].dtype)
}

fn slice(inputs: &[ValueType], axis: usize, start: &Dim, len: &Dim) -> Rule {
    count(inputs, 1)?;
    let x = &inputs[0].shape;
    ranked(x, axis + 1)?;
    let end = start.clone() + len.clone();
    ensure(may_hold(&x[axis], &end), || format!("{start}..{end} of axis {axis} of {x}"))?;
    let mut dims = x.to_vec();
    dims[axis] = len.clone();
    one(dims.into(), inputs[0].dtype)
}

fn concat(inputs: &[ValueType], axis: usize) -> Rule {
    ensure(!inputs.is_empty(), || "needs an input".into())?;
    let first = &inputs[0];
    let mut dims = ranked(&first.shape, axis + 1)?.to_vec();
    for next in &inputs[1..] {
        let fits = next.dtype == first.dtype
            && next.shape.len() == dims.len()
            && (0..dims.len()).all(|i| i == axis || next.shape[i] == dims[i]);
        ensure(fits, || format!("{} does not join {}", next.shape, first.shape))?;
        dims[axis] = dims[axis].clone() + next.shape[axis].clone();
    }
    one(dims.into(), first.dtype)
}

fn expand(inputs: &[ValueType], shape: &Shape) -> Rule {
    let x = &floats(inputs, 1)?[0].shape;
    ensure(x.broadcast(shape).as_ref() == Some(shape), || format!("{x} does not expand to {shape}"))?;
    one(shape.clone(), DType::F32)
}

fn sum_to(inputs: &[ValueType], shape: &Shape) -> Rule {
    let x = &floats(inputs, 1)?[0].shape;
    ensure(shape.broadcast(x).as_ref() == Some(x), || format!("{x} is not {shape} repeated"))?;
    one(shape.clone(), DType::F32)
}

/// Whether `size` elements may reach up to `end`, as far as this is known when the graph is built.
fn may_hold(size: &Dim, end: &Dim) -> bool {
    size.known().zip(end.known()).is_none_or(|(size, end)| end <= size)
}

fn pad(inputs: &[ValueType], axis: usize, start: &Dim, size: &Dim) -> Rule {
    let x = ranked(&floats(inputs, 1)?[0].shape, axis + 1)?;
    ensure(may_hold(size, &(start.clone() + x[axis].clone())), || {
        format!("axis {axis} of {x} at {start} does not fit into {size}")
    })?;
    let mut dims = x.to_vec();
    dims[axis] = size.clone();
    one(dims.into(), DType::F32)
}

fn dropout(inputs: &[ValueType]) -> Rule {
    count(inputs, 2)?;
    integers(&inputs[1], "rng")?;
    ensure(inputs[1].shape == Shape::from([2]), || format!("rng {} needs two numbers", inputs[1].shape))?;
    floats(&inputs[..1], 1).map(|v| vec![v[0].clone()])
}
