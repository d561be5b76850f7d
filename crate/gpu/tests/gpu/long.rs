//! Sizes at which a software adapter would end an invocation in silence: it grants 65,535 turns of all loops together.

use std::sync::Arc;

use crate::common::{Dense, Random, attention, both, check, f32s, i32s};
use graph::*;

const SPEC: Attention = Attention::new(0.3);

#[test]
fn attention_over_many_keys() {
    both(|engine| {
        for (d, s, taps) in [(64, 5000, false), (64, 20_000, false), (64, 20_000, true), (33, 6000, true)] {
            let (q, k, v) = (Random(1).floats(d, 1.0), Random(2).floats(s * d, 1.0), Random(3).floats(s * d, 1.0));
            let g = Builder::new(if taps { Taps::new(["a.probs"]) } else { Taps::none() });
            let kv = (g.input("k", DType::F32, [1, s, 1, d]), g.input("v", DType::F32, [1, s, 1, d]));
            g.output("y", g.input("q", DType::F32, [1, 1, 1, d]).attention("a", kv, None, None, SPEC));
            let sizes = [1, 1, 1, 1, d, s];
            let dense = Dense { q: &q, k: &k, v: &v, sizes, k_batch: 1, past: vec![0], bias: &|_, _, _, _| 0.0 };
            let (wanted, probs) = attention(&dense, &SPEC);
            let inputs = [
                ("q", &f32s(&[1, 1, 1, d], q.clone())),
                ("k", &f32s(&[1, s, 1, d], k.clone())),
                ("v", &f32s(&[1, s, 1, d], v.clone())),
            ];
            let out = crate::common::run(engine, g.finish().unwrap(), &[], &inputs);
            check(&format!("{s} keys of {d}"), &out[0], &wanted);
            if taps {
                check(&format!("probs of {s} keys of {d}"), &out[1], &probs);
            }
        }
    });
}

/// The cache grows beyond what one thread can see while its program lives: the plan changes with it.
#[test]
fn attention_over_a_long_cache() {
    const D: usize = 8;
    both(|engine| {
        for taps in [false, true] {
            let g = Builder::new(if taps { Taps::new(["a.probs"]) } else { Taps::none() });
            let past = g.input("past", DType::I32, [1]);
            let new = |name: &str| g.input(name, DType::F32, [1.into(), Dim::from('T'), 1.into(), D.into()]);
            let kv = g.cache("cache", 1, D).append(new("k"), new("v"), past);
            g.output("y", g.input("q", DType::F32, [1, 1, 1, D]).attention("a", kv, None, None, SPEC));
            let graph = g.finish().unwrap();
            let mut session = engine.session(&graph.states, 1, 12_100).unwrap();
            let mut program = engine.prepare(Arc::new(graph), &engine.weights()).unwrap();
            let q = Random(7).floats(D, 1.0);
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for (i, t) in [1000, 11_000, 1].into_iter().enumerate() {
                let held = keys.len() / D;
                let (k, v) = (Random(10 + i as u64).floats(t * D, 1.0), Random(20 + i as u64).floats(t * D, 1.0));
                keys.extend_from_slice(&k);
                values.extend_from_slice(&v);
                let inputs = [
                    ("past", &i32s(&[1], vec![held as i32])),
                    ("q", &f32s(&[1, 1, 1, D], q.clone())),
                    ("k", &f32s(&[1, t, 1, D], k)),
                    ("v", &f32s(&[1, t, 1, D], v)),
                ];
                let out = pollster::block_on(engine.run(&mut program, Some(&mut session), &inputs)).unwrap();
                let sizes = [1, 1, 1, 1, D, held + t];
                let (past, bias) = (vec![0], &|_: usize, _: usize, _: usize, _: usize| 0.0);
                let dense = Dense { q: &q, k: &keys, v: &values, sizes, k_batch: 1, past, bias };
                let (wanted, probs) = attention(&dense, &SPEC);
                check(&format!("{} keys", held + t), &out[0], &wanted);
                if taps {
                    check(&format!("probs of {} keys", held + t), &out[1], &probs);
                }
            }
        }
    });
}

#[test]
fn many_of_the_largest_of_a_long_row() {
    both(|engine| {
        let (cols, k) = (151_936, 300);
        let mut values = Random(9).floats(cols, 1.0);
        values[cols - 2] = 3.0;
        values[5] = f32::NAN;
        let g = Builder::new(Taps::none());
        let (top, places) = g.input("x", DType::F32, [1, cols]).top_k(k);
        g.output("values", top);
        g.output("places", places);
        let x = f32s(&[1, cols], values.clone());
        let out = crate::common::run(engine, g.finish().unwrap(), &[], &[("x", &x)]);
        let mut order: Vec<usize> = (0..cols).filter(|i| !values[*i].is_nan()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        assert_eq!(out[1].as_i32().unwrap(), order[..k].iter().map(|i| *i as i32).collect::<Vec<_>>());
        assert_eq!(out[0].as_f32().unwrap(), order[..k].iter().map(|i| values[*i]).collect::<Vec<_>>());
    });
}
