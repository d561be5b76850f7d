//! The rule of each operation.

use graph::Side::{Plain, Transposed};
use graph::{
    Act, Attention, Bias, BinaryOp, Checkpointing, Corners, DType, Dim, Interpolation, MatMul, Op, Reduce, Rope,
    RopeLayout, Tensor, Training, UnaryOp, Var, Window,
};

use crate::suite::{Draft, check, check_with};

/// All of them.
pub const ALL: [fn(); 13] = [
    gather_rows,
    sizes_of_a_run,
    linear,
    matmul,
    norms,
    rope,
    attention,
    elementwise,
    reductions,
    movement,
    pictures,
    losses,
    dropout,
];

#[test]
fn gather_rows() {
    check("repeated ids", |d| {
        d.mixed(d.weight("table", [5, 7]).gather_rows(d.integers([2, 4], &[0, 3, 3, 4, 1, 2, 3, 0])))
    });
    check("scattered rows", |d| {
        let rows = d
            .g
            .push(Op::ScatterAddRows { rows: 6.into() }, &[d.integers([4], &[5, 0, 5, 2]), d.weight("values", [4, 3])]);
        d.mixed(rows * rows)
    });
}

/// Sizes that only a run knows: T rows of a table are themselves a table, are joined, cut and averaged.
#[test]
fn sizes_of_a_run() {
    let ids = Tensor::i32([4], vec![3, 0, 3, 5]).unwrap();
    let ends = Tensor::i32([3], vec![1, 3, 1]).unwrap();
    let play = |name: &str, write: &dyn for<'g> Fn(Var<'g>, &Draft<'g>) -> Var<'g>| {
        let inputs = [("ids", &ids), ("ends", &ends)];
        check_with(name, Training::default(), Checkpointing::None, &inputs, &|d| {
            let [ids, ends] =
                [("ids", 'T'), ("ends", 'R')].map(|(name, n)| d.g.input(name, DType::I32, [Dim::from(n)]));
            let rows = d.weight("table", [6, 5]).gather_rows(ids); // [T, 5]
            let y = write(rows, d) + d.weight("rest", [6, 5]).gather_rows(ends).sum_to([1, 5]);
            // Rows count as their squares do, columns by a factor each.
            (y * y * d.floats([5], &[0.3, -1.2, 0.7, 2.0, -0.4])).sum_to([1, 1]).reshape([1])
        });
    };
    play("rows of rows", &|rows, d| rows.gather_rows(d.integers([3], &[1, 3, 1])));
    play("sums of rows", &|rows, d| {
        let places = d.g.constant(Tensor::i32([1], vec![0]).unwrap());
        let first = rows.slice(0, 0, 1);
        d.g.push(Op::ScatterAddRows { rows: 'T'.into() }, &[places, first]) + rows
    });
    play("joined rows", &|rows, d| {
        let joined = rows.concat(&[d.weight("more", [2, 5]), rows.silu()], 0); // [2T + 2, 5]
        joined.slice(0, 1, Dim::from('T') + 2.into())
    });
    play("rows behind others", &|rows, d| {
        let joined = d.weight("more", [6, 5]).concat(&[rows.silu(), rows], 0); // [2T + 6, 5]
        joined.slice(0, Dim::from('T'), Dim::from('T'))
    });
    play("padded rows", &|rows, _| rows.pad(0, Dim::from('T') - 2.into(), Dim::from('T') * 2.into()));
    play("means of columns", &|rows, d| {
        let mean = rows.permute([1, 0]).silu().reduce(Reduce::Mean).permute([1, 0]); // [1, 5]
        mean + d.weight("more", [1, 5])
    });
}

#[test]
fn linear() {
    for act in [None, Some(Act::GeluTanh), Some(Act::Silu)] {
        check(&format!("linear, {act:?}"), |d| {
            let x = d.weight("x", [2, 3, 9]);
            let at = d.g.weights().at("proj");
            d.mixed(act.map_or_else(|| x.linear(&at, 5, Bias::Add), |act| x.linear_act(&at, 5, Bias::Add, act)))
        });
    }
    check("an activation inside", |d| {
        let weights = [d.weight("x", [4, 6]), d.weight("w", [3, 6]), d.weight("b", [3])];
        d.mixed(d.g.push(Op::Linear { bias: Bias::Add, act: Some(Act::Gelu) }, &weights))
    });
    check("a tied table", |d| {
        let table = d.weight("table", [7, 5]);
        d.mixed(table.gather_rows(d.integers([3], &[1, 6, 1])).linear_with(table))
    });
}

#[test]
fn matmul() {
    for a in [Plain, Transposed] {
        for b in [Plain, Transposed] {
            check(&format!("matmul {a:?} {b:?}"), |d| {
                let left = d.weight("a", if a == Plain { [2, 3, 5] } else { [2, 5, 3] });
                let right = d.weight("b", if b == Plain { [2, 5, 4] } else { [2, 4, 5] });
                d.mixed(left.matmul_as(MatMul { a, b }, right))
            });
        }
    }
}

#[test]
fn norms() {
    check("rms_norm", |d| d.mixed(d.weight("x", [3, 33]).rms_norm(&d.g.weights().at("n"), 1e-5)));
    check("layer_norm", |d| d.mixed(d.weight("x", [3, 33]).layer_norm(&d.g.weights().at("n"), 1e-5, Bias::Add)));
    check("layer_norm without bias", |d| {
        d.mixed(d.weight("x", [3, 33]).layer_norm(&d.g.weights().at("n"), 1e-5, Bias::None))
    });
}

#[test]
fn rope() {
    for layout in [RopeLayout::Half, RopeLayout::Interleaved] {
        check(&format!("rope {layout:?}"), |d| {
            let (positions, inv_freq) = (d.integers([2, 3], &[0, 1, 2, 5, 6, 7]), d.floats([3], &[1.0, 0.3, 0.1]));
            d.mixed(d.weight("x", [2, 3, 2, 8]).rope(positions, inv_freq, Rope { layout, scale: 1.2 }))
        });
    }
}

#[test]
fn attention() {
    let causal = Attention { causal: true, ..Attention::new(0.4) };
    let specs = [
        Attention::new(0.4),
        causal.clone(),
        Attention { window: Some(3), ..causal.clone() },
        Attention { soft_cap: Some(1.5), ..causal.clone() },
    ];
    for spec in specs {
        check(&format!("attention {spec:?}"), |d| d.mixed(attend(d, [2, 6, 4, 2, 8], &spec, None)));
    }
    for shape in [[1, 1, 1, 6], [1, 4, 6, 6], [2, 4, 1, 6]] {
        check(&format!("attention with bias {shape:?}"), |d| {
            d.mixed(attend(d, [2, 6, 4, 2, 8], &causal, Some(d.weight("bias", shape))))
        });
    }
    check("attention written without its logarithms", |d| {
        let qkv = ["q", "k", "v"].map(|name| d.weight(name, [1, 5, 2, 4]));
        d.mixed(d.g.push(Op::Attention(Attention::new(0.5)), &qkv))
    });
}

fn attend<'g>(
    d: &Draft<'g>,
    [b, t, h, g, width]: [usize; 5],
    spec: &Attention,
    bias: Option<graph::Var<'g>>,
) -> graph::Var<'g> {
    let q = d.weight("q", [b, t, h, width]);
    q.attention("a", (d.weight("k", [b, t, g, width]), d.weight("v", [b, t, g, width])), None, bias, spec.clone())
}

#[test]
fn elementwise() {
    for act in [Act::Relu, Act::Silu, Act::Gelu, Act::GeluTanh, Act::QuickGelu, Act::Sigmoid, Act::Tanh] {
        check(&format!("activation {act:?}"), |d| d.mixed(d.weight("x", [5, 13]).act(act)));
        check(&format!("gated {act:?}"), |d| d.mixed(d.weight("gate", [5, 13]).gated(d.weight("up", [5, 13]), act)));
    }
    for op in [UnaryOp::Neg, UnaryOp::Exp, UnaryOp::Square, UnaryOp::Cos, UnaryOp::Sin] {
        check(&format!("{op:?}"), |d| d.mixed(d.weight("x", [3, 7]).unary(op)));
    }
    // Vectors are drawn near one.
    for op in [UnaryOp::Log, UnaryOp::Sqrt, UnaryOp::Recip] {
        check(&format!("{op:?}"), |d| d.mixed(d.weight("x", [37]).unary(op)));
    }
    for op in [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Max, BinaryOp::Min] {
        check(&format!("{op:?}"), |d| d.mixed(d.weight("a", [2, 3, 1]).binary(op, d.weight("b", [3, 5]))));
    }
    check("Div", |d| d.mixed(d.weight("a", [3, 5]) / d.weight("b", [5])));
    check("affine", |d| d.mixed(d.weight("x", [3, 5]).affine(-2.5, 1.0)));
    check("a value used twice", |d| {
        let x = d.weight("x", [3, 5]);
        d.mixed(x * x + x.silu())
    });
}

#[test]
fn reductions() {
    for reduce in [Reduce::Sum, Reduce::Mean, Reduce::Max] {
        check(&format!("{reduce:?}"), |d| d.mixed(d.weight("x", [2, 3, 7]).reduce(reduce)));
    }
    check("softmax", |d| d.mixed(d.weight("x", [2, 9]).softmax()));
    check("sum_to", |d| d.mixed(d.weight("x", [2, 3, 5]).sum_to([3usize, 1]).silu()));
    check("expand", |d| d.mixed(d.weight("x", [3, 1]).expand([2usize, 3, 5]).silu()));
}

#[test]
fn movement() {
    check("permute", |d| d.mixed(d.weight("x", [2, 3, 5]).permute([2, 0, 1]).silu()));
    check("slice", |d| d.mixed(d.weight("x", [4, 7]).slice(1, 2, 3).silu()));
    check("pad", |d| d.mixed(d.weight("x", [4, 3]).pad(1, 2, 8).act(Act::Sigmoid)));
    check("concat", |d| d.mixed(d.weight("x", [2, 3]).concat(&[d.weight("y", [2, 4])], 1).silu()));
    check("reshape", |d| d.mixed(d.weight("x", [2, 6]).reshape([3usize, 4]).silu()));
}

#[test]
fn pictures() {
    let windows = [
        Window::square(2, 2, 0),
        Window::square(3, 1, 1),
        Window { kernel: [3, 2], stride: [2, 1], padding: [1, 2], dilation: [1, 3] },
    ];
    for window in windows {
        check(&format!("a convolution {window:?}"), |d| {
            let at = d.g.weights().at("proj");
            d.mixed(d.weight("x", [2, 6, 5, 3]).conv2d(&at, 4, window, Bias::Add, Some(Act::Gelu)))
        });
        check(&format!("each channel by itself {window:?}"), |d| {
            let at = d.g.weights().at("proj");
            d.mixed(d.weight("x", [2, 6, 5, 3]).depthwise(&at, window, Bias::Add, Some(Act::Silu)))
        });
        check(&format!("a transposed convolution {window:?}"), |d| {
            let at = d.g.weights().at("proj");
            d.mixed(d.weight("x", [2, 4, 5, 3]).conv_transpose2d(&at, 4, window, [0, 0], Bias::Add))
        });
    }
    check("groups", |d| {
        let at = d.g.weights().at("proj");
        d.mixed(d.weight("x", [1, 4, 5, 6]).grouped_conv2d(&at, 4, 2, Window::square(3, 1, 1), Bias::None))
    });
    for how in [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic] {
        for corners in [Corners::Cells, Corners::Aligned] {
            check(&format!("{how:?} {corners:?}"), |d| {
                d.mixed(d.weight("x", [2, 4, 5, 3]).interpolate([7, 3], how, corners))
            });
        }
    }
    check("windows and back", |d| {
        let x = d.weight("x", [2, 5, 7, 3]);
        d.mixed(x.partition(3).silu().unpartition(x.dim(0), [5, 7]))
    });
    check("axial attention", |d| {
        let spec = Attention { axial: Some(3), ..Attention::new(0.4) };
        d.mixed(attend(d, [2, 6, 4, 2, 8], &spec, Some(d.weight("tables", [2, 6, 4, 5]))))
    });
}

#[test]
fn losses() {
    for smoothing in [0.0, 0.1] {
        let training = Training { label_smoothing: smoothing, ..Training::default() };
        check_with(&format!("smoothing {smoothing}"), training, Checkpointing::None, &[], &|d| {
            let losses = d.weight("logits", [4, 9]).cross_entropy(d.integers([4], &[3, 0, -100, 8]));
            (losses * d.floats([4], &[0.5, 0.25, 1.0, 0.1])).reduce(Reduce::Sum)
        });
    }
}

#[test]
fn dropout() {
    let training = Training { dropout: 0.3, ..Training::default() };
    let rng = Tensor::i32([2], vec![11, 5]).unwrap();
    check_with("dropout", training, Checkpointing::None, &[("rng", &rng)], &|d| {
        let rng = d.g.input("rng", DType::I32, [2]);
        d.mixed(d.weight("x", [9, 11]).silu().dropout(Some(rng)))
    });
}
