//! Runs of nodes that share a dispatch, against the same nodes one by one.

use std::sync::Arc;

use format::QuantType;
use graph::*;

use crate::common::{Random, both, bytes, check, f32s, i32s, linear};

#[test]
fn projections_of_one_value() {
    both(|engine| {
        for (m, k, widths) in [(1, 64, [32, 5, 7]), (3, 33, [1, 2, 64]), (40, 32, [64, 65, 3])] {
            let x = Random(1).floats(m * k, 1.0);
            let g = Builder::new(Taps::none());
            let v = g.input("x", DType::F32, [m, k]);
            let mut store = engine.weights();
            let mut wanted = Vec::new();
            for (i, n) in widths.into_iter().enumerate() {
                let (w, b) = (Random(10 + i as u64).floats(n * k, 1.0), Random(20 + i as u64).floats(n, 1.0));
                let name = format!("p{i}");
                g.output(name.as_str(), v.linear_act(&g.weights().at(&name), n, Bias::Add, Act::Relu));
                store.insert(&format!("{name}.weight"), &[n, k], QuantType::F32, bytes(&w)).unwrap();
                store.insert(&format!("{name}.bias"), &[n], QuantType::F32, bytes(&b)).unwrap();
                let y = linear(&x, &w, k).into_iter().enumerate().map(|(j, y)| (y + b[j % n]).max(0.0));
                wanted.push(y.collect::<Vec<f32>>());
            }
            let graph = Arc::new(g.finish().unwrap());
            let held = store.bytes();
            // The second program finds the weights as the first has laid them.
            for _ in 0..2 {
                let mut program = engine.prepare(graph.clone(), &store).unwrap();
                let x = f32s(&[m, k], x.clone());
                let out = pollster::block_on(engine.run(&mut program, None, &[("x", &x)])).unwrap();
                assert_eq!((program.stats().dispatches, program.stats().submits), (1, 1));
                for (i, wanted) in wanted.iter().enumerate() {
                    check(&format!("projection {i} of {m} rows"), &out[i], wanted);
                }
                assert_eq!(store.bytes(), held);
            }
        }
    });
}

#[test]
fn a_gate_and_what_it_gates() {
    both(|engine| {
        for ty in [
            QuantType::F32,
            QuantType::F16,
            QuantType::BF16,
            QuantType::Q8_0,
            QuantType::Q4_0,
            QuantType::Q4_K,
            QuantType::Q6_K,
        ] {
            for (m, n) in [(1, 7), (3, 2), (9, 33)] {
                let k = 256;
                let x = Random(1).floats(m * k, 0.2);
                let g = Builder::new(Taps::none());
                let v = g.input("x", DType::F32, [m, k]);
                let mut store = engine.weights();
                let mut plain = Vec::new();
                for (i, name) in ["gate", "up"].into_iter().enumerate() {
                    let mut blocks = Vec::new();
                    format::encode(ty, &Random(2 + i as u64).floats(n * k, 1.0), &mut blocks).unwrap();
                    let mut values = vec![0.0; n * k];
                    format::decode(ty, &blocks, &mut values).unwrap();
                    let bias = Random(4 + i as u64).floats(n, 1.0);
                    let y = linear(&x, &values, k).into_iter().enumerate().map(|(j, y)| y + bias[j % n]);
                    plain.push(y.collect::<Vec<f32>>());
                    store.insert(&format!("{name}.weight"), &[n, k], ty, blocks).unwrap();
                    store.insert(&format!("{name}.bias"), &[n], QuantType::F32, bytes(&bias)).unwrap();
                }
                let [gate, up] = ["gate", "up"].map(|name| v.linear(&g.weights().at(name), n, Bias::Add));
                g.output("y", gate.gated(up, Act::Silu));
                let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &store).unwrap();
                let x = f32s(&[m, k], x);
                let out = pollster::block_on(engine.run(&mut program, None, &[("x", &x)])).unwrap();
                assert_eq!(program.stats().dispatches, 1);
                let wanted: Vec<f32> =
                    plain[0].iter().zip(&plain[1]).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
                check(&format!("{ty} m {m} n {n}"), &out[0], &wanted);
            }
        }
    });
}

/// Two blocks of a small decoder, the sums of the second watched.
fn decoder() -> Graph {
    let (h, kv, d, c) = (4, 2, 8, 32);
    let g = Builder::new(Taps::none());
    let (b, t) = (Dim::from('B'), Dim::from('T'));
    let mut x = g.input("x", DType::F32, [b.clone(), t.clone(), c.into()]);
    let past = g.input("past", DType::I32, [b.clone()]);
    let positions = g.input("positions", DType::I32, [b, t]);
    let inv_freq = g.constant(f32s(&[3], vec![1.0, 0.1, 0.01]));
    let spec = Attention { causal: true, ..Attention::new(0.3) };
    for (i, layout) in [RopeLayout::Half, RopeLayout::Interleaved].into_iter().enumerate() {
        let w = g.weights().at(i);
        let rope = Rope { layout, scale: 1.0 };
        let y = x.rms_norm(&w.at("n1"), 1e-5);
        let q = y.linear(&w.at("q"), h * d, Bias::None).heads(h).rope(positions, inv_freq, rope);
        let k = y.linear(&w.at("k"), kv * d, Bias::None).heads(kv).rope(positions, inv_freq, rope);
        let v = y.linear(&w.at("v"), kv * d, Bias::None).heads(kv);
        let cached = g.cache(format!("c{i}"), kv, d).append(k, v, past);
        let out = q.attention("a", cached, Some(past), None, spec.clone());
        x = x + out.merge_heads().linear(&w.at("o"), c, Bias::None);
        let y = x.rms_norm(&w.at("n2"), 1e-5);
        let (gate, up) = (y.linear(&w.at("gate"), 48, Bias::None), y.linear(&w.at("up"), 48, Bias::None));
        x = x + gate.gated(up, Act::Silu).linear(&w.at("down"), c, Bias::None);
    }
    g.output("y", x.rms_norm(&g.weights().at("n"), 1e-5));
    g.finish().unwrap()
}

#[test]
fn a_decoder_gives_the_same_with_every_value_watched() {
    both(|engine| {
        let graph = decoder();
        let mut store = engine.weights();
        for (i, spec) in graph.weights.iter().enumerate() {
            let values = Random(i as u64).floats(spec.shape.iter().product(), 0.3);
            store.insert(&spec.name, &spec.shape, QuantType::F32, bytes(&values)).unwrap();
        }
        let observed = Arc::new(graph.observed());
        let mut sessions = [0; 2].map(|_| engine.session(&graph.states, 2, 200).unwrap());
        let mut watched = engine.prepare(observed.clone(), &store).unwrap();
        let mut fused = engine.prepare(Arc::new(graph), &store).unwrap();
        for (past, t) in [(0, 130), (130, 1), (131, 1), (132, 5), (60, 1)] {
            let x = f32s(&[2, t, 32], Random(past as u64).floats(2 * t * 32, 1.0));
            let positions = i32s(&[2, t], (0..2 * t as i32).map(|i| past + i % t as i32).collect());
            let past = i32s(&[2], vec![past; 2]);
            let inputs = [("x", &x), ("past", &past), ("positions", &positions)];
            let [a, b] = &mut sessions;
            let got = pollster::block_on(engine.run(&mut fused, Some(a), &inputs)).unwrap();
            let all = pollster::block_on(engine.run(&mut watched, Some(b), &inputs)).unwrap();
            check("decoder", &got[0], all.last().unwrap().as_f32().unwrap());
            assert_eq!(all.len(), observed.outputs.len());
        }
        // Projections, rotations, attention, projection, sum and norm, gate, projection, sum and norm; the first norm.
        assert_eq!(fused.stats().dispatches, 2 * 8 + 1);
    });
}
