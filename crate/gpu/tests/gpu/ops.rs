//! Every operation against plain scalar code, on both families of kernels, on whatever adapter there is.

use crate::common::{Random, both, check, f32s, i32s};
use graph::*;

#[test]
fn elementwise() {
    both(|engine| {
        for n in [1, 7, 64, 65, 1000] {
            let x = f32s(&[n], Random(n as u64).floats(n, 3.0));
            let g = Builder::new(Taps::none());
            let v = g.input("x", DType::F32, [n]);
            type Case = (UnaryOp, fn(f32) -> f32);
            let cases: [Case; 11] = [
                (UnaryOp::Act(Act::Relu), |x| x.max(0.0)),
                (UnaryOp::Act(Act::Silu), |x| x / (1.0 + (-x).exp())),
                (UnaryOp::Act(Act::GeluTanh), |x| 0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044715 * x * x * x)).tanh())),
                (UnaryOp::Act(Act::QuickGelu), |x| x / (1.0 + (-1.702 * x).exp())),
                (UnaryOp::Act(Act::Sigmoid), |x| 1.0 / (1.0 + (-x).exp())),
                (UnaryOp::Act(Act::Tanh), f32::tanh),
                (UnaryOp::Neg, |x| -x),
                (UnaryOp::Exp, f32::exp),
                (UnaryOp::Square, |x| x * x),
                (UnaryOp::Cos, f32::cos),
                (UnaryOp::Sin, f32::sin),
            ];
            for (op, _) in &cases {
                g.output(format!("{op:?}"), v.unary(*op));
            }
            g.output("affine", v.affine(2.0, -1.0));
            g.output("gated", v.gated(v.scale(0.5), Act::Silu));
            let x_values = x.as_f32().unwrap().to_vec();
            let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("x", &x)]);
            for ((op, f), got) in cases.iter().zip(&out) {
                check(&format!("{op:?} {n}"), got, &x_values.iter().map(|x| f(*x)).collect::<Vec<_>>());
            }
            check("affine", &out[11], &x_values.iter().map(|x| 2.0 * x - 1.0).collect::<Vec<_>>());
            check("gated", &out[12], &x_values.iter().map(|x| x / (1.0 + (-x).exp()) * 0.5 * x).collect::<Vec<_>>());
        }
    });
}

#[test]
fn erf_gelu_has_known_values() {
    both(|engine| {
        let x = f32s(&[5], vec![-3.0, -1.0, 0.0, 1.0, 3.0]);
        let g = Builder::new(Taps::none());
        g.output("y", g.input("x", DType::F32, [5]).act(Act::Gelu));
        let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("x", &x)]);
        check("gelu", &out[0], &[-0.004_049_7, -0.158_655_3, 0.0, 0.841_344_7, 2.995_950_3]);
    });
}

#[test]
fn broadcasting() {
    both(|engine| {
        let (a_len, b_len) = (2 * 3 * 5, 3);
        let a = f32s(&[2, 3, 5], Random(1).floats(a_len, 1.0));
        let b = f32s(&[3, 1], vec![0.5, 2.0, -4.0]);
        for op in [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Max, BinaryOp::Min] {
            let g = Builder::new(Taps::none());
            g.output("y", g.input("a", DType::F32, [2, 3, 5]).binary(op, g.input("b", DType::F32, [3, 1])));
            let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("a", &a), ("b", &b)]);
            let f = |a: f32, b: f32| match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                BinaryOp::Max => a.max(b),
                BinaryOp::Min => a.min(b),
                BinaryOp::Ge => f32::from(a >= b),
            };
            let (av, bv) = (a.as_f32().unwrap(), b.as_f32().unwrap());
            let wanted: Vec<f32> = (0..a_len).map(|i| f(av[i], bv[i / 5 % b_len])).collect();
            check(&format!("{op:?}"), &out[0], &wanted);
        }
    });
}

#[test]
fn movement() {
    both(|engine| {
        let x = f32s(&[2, 3, 4], (0..24).map(|i| i as f32).collect());
        let g = Builder::new(Taps::none());
        let v = g.input("x", DType::F32, [2, 3, 4]);
        g.output("permute", v.permute([2, 0, 1]));
        g.output("slice", v.slice(1, 1, 2));
        g.output("concat", v.concat(&[v.slice(1, 0, 1)], 1));
        g.output("reshape", v.reshape([4, 6]).permute([1, 0]));
        g.output("same", v.reshape([24]));
        let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("x", &x)]);
        let at = |b: usize, r: usize, c: usize| (b * 12 + r * 4 + c) as f32;
        let permuted: Vec<f32> = (0..24).map(|i| at(i / 3 % 2, i % 3, i / 6)).collect();
        check("permute", &out[0], &permuted);
        assert_eq!(out[0].shape, [4, 2, 3]);
        let sliced: Vec<f32> = (0..16).map(|i| at(i / 8, 1 + i / 4 % 2, i % 4)).collect();
        check("slice", &out[1], &sliced);
        let joined: Vec<f32> = (0..32).map(|i| at(i / 16, (i / 4 % 4) % 3, i % 4)).collect();
        check("concat", &out[2], &joined);
        check("reshape", &out[3], &(0..24).map(|i| (i % 4 * 6 + i / 4) as f32).collect::<Vec<_>>());
        check("same", &out[4], x.as_f32().unwrap());
    });
}

#[test]
fn rows() {
    both(|engine| {
        for (rows, cols) in [(1, 1), (3, 7), (65, 64), (2, 1000)] {
            let values = Random(cols as u64).floats(rows * cols, 2.0);
            let x = f32s(&[rows, cols], values.clone());
            let (w, b) = (Random(2).floats(cols, 1.0), Random(3).floats(cols, 1.0));
            let g = Builder::new(Taps::none());
            let v = g.input("x", DType::F32, [rows, cols]);
            g.output("rms", v.rms_norm(&g.weights().at("n"), 1e-5));
            g.output("ln", v.layer_norm(&g.weights().at("n"), 1e-5, Bias::Add));
            g.output("softmax", v.softmax());
            for reduce in [Reduce::Sum, Reduce::Mean, Reduce::Max] {
                g.output(format!("{reduce:?}"), v.reduce(reduce));
            }
            let weights = [("n.weight", vec![cols], w.clone()), ("n.bias", vec![cols], b.clone())];
            let out = crate::common::run(engine, g.finish().unwrap(), &weights, &[("x", &x)]);
            let n = cols as f32;
            let by_row = |f: &dyn Fn(&[f32]) -> Vec<f32>| values.chunks(cols).flat_map(f).collect::<Vec<f32>>();
            check(
                "rms",
                &out[0],
                &by_row(&|r| {
                    let s = (r.iter().map(|x| x * x).sum::<f32>() / n + 1e-5).sqrt();
                    r.iter().zip(&w).map(|(x, w)| x / s * w).collect()
                }),
            );
            check(
                "ln",
                &out[1],
                &by_row(&|r| {
                    let mean = r.iter().sum::<f32>() / n;
                    let s = (r.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n + 1e-5).sqrt();
                    r.iter().zip(w.iter().zip(&b)).map(|(x, (w, b))| (x - mean) / s * w + b).collect()
                }),
            );
            check(
                "softmax",
                &out[2],
                &by_row(&|r| {
                    let top = r.iter().copied().fold(f32::MIN, f32::max);
                    let sum: f32 = r.iter().map(|x| (x - top).exp()).sum();
                    r.iter().map(|x| (x - top).exp() / sum).collect()
                }),
            );
            check("sum", &out[3], &by_row(&|r| vec![r.iter().sum()]));
            check("mean", &out[4], &by_row(&|r| vec![r.iter().sum::<f32>() / n]));
            check("max", &out[5], &by_row(&|r| vec![r.iter().copied().fold(f32::MIN, f32::max)]));
        }
    });
}

#[test]
fn the_lowest_index_wins_a_tie() {
    both(|engine| {
        for cols in [5, 64, 300] {
            let values: Vec<f32> = (0..3 * cols).map(|i| ((i * 7 + i / cols) % 11) as f32 - 5.0).collect();
            let x = f32s(&[3, cols], values.clone());
            let g = Builder::new(Taps::none());
            let v = g.input("x", DType::F32, [3, cols]);
            g.output("arg_max", v.arg_max());
            let (top, index) = v.top_k(4);
            g.output("values", top);
            g.output("indices", index);
            let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("x", &x)]);
            let mut wanted = Vec::new();
            for row in values.chunks(cols) {
                let mut order: Vec<usize> = (0..cols).collect();
                order.sort_by(|a, b| row[*b].total_cmp(&row[*a]).then(a.cmp(b)));
                wanted.extend(order[..4].iter().map(|i| *i as i32));
            }
            assert_eq!(out[2].as_i32().unwrap(), wanted, "{cols}");
            assert_eq!(out[0].as_i32().unwrap(), wanted.iter().step_by(4).copied().collect::<Vec<_>>());
            let picked: Vec<f32> =
                wanted.iter().enumerate().map(|(i, at)| values[i / 4 * cols + *at as usize]).collect();
            check("top_k", &out[1], &picked);
        }
    });
}

#[test]
fn rows_longer_than_a_software_adapter_loops() {
    both(|engine| {
        let cols = 151_936;
        let mut values = Random(9).floats(cols, 1.0);
        values[cols - 2] = 3.0;
        values[5] = f32::NAN;
        let x = f32s(&[1, cols], values.clone());
        let g = Builder::new(Taps::none());
        let v = g.input("x", DType::F32, [1, cols]);
        g.output("arg_max", v.arg_max());
        g.output("indices", v.top_k(40).1);
        g.output("softmax", v.slice(1, 6, cols - 6).softmax());
        let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("x", &x)]);
        assert_eq!(out[0].as_i32().unwrap(), [cols as i32 - 2]);
        let mut order: Vec<usize> = (0..cols).filter(|i| !values[*i].is_nan()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        assert_eq!(out[1].as_i32().unwrap(), order[..40].iter().map(|i| *i as i32).collect::<Vec<_>>());
        let sum: f64 = values[6..].iter().map(|x| f64::from(x - 3.0).exp()).sum();
        let wanted: Vec<f32> = values[6..].iter().map(|x| (f64::from(x - 3.0).exp() / sum) as f32).collect();
        check("softmax", &out[2], &wanted);
    });
}

#[test]
fn all_that_the_adapter_offers() {
    let options = dynasty_gpu::Options { limits: dynasty_gpu::Limits::Adapter, ..Default::default() };
    let engine = pollster::block_on(dynasty_gpu::Engine::new(options)).unwrap();
    let g = Builder::new(Taps::none());
    g.output("y", g.input("x", DType::F32, [3]).scale(2.0));
    let out = crate::common::run(&engine, g.finish().unwrap(), &[], &[("x", &f32s(&[3], vec![1.0, 2.0, 3.0]))]);
    check("scale", &out[0], &[2.0, 4.0, 6.0]);
    assert!(!engine.lost() && engine.adapter().contains('('));
}

#[test]
fn products() {
    both(|engine| {
        for (m, k, n) in [(1, 5, 3), (1, 64, 65), (3, 33, 7), (9, 40, 70), (37, 64, 33)] {
            let (x, w, b) = (Random(1).floats(m * k, 1.0), Random(2).floats(n * k, 1.0), Random(3).floats(n, 1.0));
            let g = Builder::new(Taps::none());
            let v = g.input("x", DType::F32, [m, k]);
            g.output("linear", v.linear(&g.weights().at("p"), n, Bias::None));
            g.output("bias", v.linear_act(&g.weights().at("p"), n, Bias::Add, Act::Relu));
            let other = g.weights().at("p").weight([n, k]).permute([1, 0]);
            g.output("matmul", v.matmul(other));
            g.output("computed", v.linear_with(g.weights().at("p").weight([n, k]).scale(2.0)));
            let weights = [("p.weight", vec![n, k], w.clone()), ("p.bias", vec![n], b.clone())];
            let out = crate::common::run(engine, g.finish().unwrap(), &weights, &[("x", &f32s(&[m, k], x.clone()))]);
            let plain = crate::common::linear(&x, &w, k);
            check("linear", &out[0], &plain);
            check("bias", &out[1], &plain.iter().enumerate().map(|(i, y)| (y + b[i % n]).max(0.0)).collect::<Vec<_>>());
            check("matmul", &out[2], &plain);
            check("computed", &out[3], &plain.iter().map(|y| 2.0 * y).collect::<Vec<_>>());
        }
    });
}

#[test]
fn ids_outside_the_table_give_zeros() {
    both(|engine| {
        let table = Random(4).floats(5 * 6, 1.0);
        let g = Builder::new(Taps::none());
        let ids = g.input("ids", DType::I32, [2, 2]);
        g.output("rows", g.weights().at("e").weight([5, 6]).gather_rows(ids));
        let ids = i32s(&[2, 2], vec![4, -1, 5, 0]);
        let out = crate::common::run(
            engine,
            g.finish().unwrap(),
            &[("e.weight", vec![5, 6], table.clone())],
            &[("ids", &ids)],
        );
        let wanted = [&table[24..30], &[0.0; 6], &[0.0; 6], &table[..6]].concat();
        check("gather_rows", &out[0], &wanted);
    });
}

#[test]
fn rotary_positions() {
    both(|engine| {
        let (b, t, h, d, half) = (2, 3, 2, 10, 4);
        let x = Random(5).floats(b * t * h * d, 1.0);
        let positions = vec![0, 1, 7, 3, 4, 900];
        let inv: Vec<f32> = (0..half).map(|i| 10000f32.powf(-(i as f32) / half as f32)).collect();
        for layout in [RopeLayout::Half, RopeLayout::Interleaved] {
            let g = Builder::new(Taps::none());
            let inv_freq = g.constant(f32s(&[half], inv.clone()));
            let pos = g.input("pos", DType::I32, [b, t]);
            g.output("y", g.input("x", DType::F32, [b, t, h, d]).rope(pos, inv_freq, Rope { layout, scale: 1.5 }));
            let mut wanted = x.clone();
            for (row, values) in wanted.chunks_mut(d).enumerate() {
                for (i, inv) in inv.iter().enumerate().take(half) {
                    let angle = positions[row / h] as f32 * inv;
                    let (p, q) = if layout == RopeLayout::Half { (i, i + half) } else { (2 * i, 2 * i + 1) };
                    let (a, b) = (values[p], values[q]);
                    values[p] = 1.5 * (a * angle.cos() - b * angle.sin());
                    values[q] = 1.5 * (b * angle.cos() + a * angle.sin());
                }
            }
            let given = [("x", &f32s(&[b, t, h, d], x.clone())), ("pos", &i32s(&[b, t], positions.clone()))];
            let out = crate::common::run(engine, g.finish().unwrap(), &[], &given);
            check(&format!("{layout:?}"), &out[0], &wanted);
        }
    });
}
