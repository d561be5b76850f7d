//! Attention, dense and through the cache, against plain scalar code.

use std::sync::Arc;

use crate::common::{Dense, Random, attention, both, check, f32s, i32s};
use dynasty_gpu::{Engine, Program, Session};
use graph::*;

const SPEC: Attention = Attention::new(0.3);

#[test]
fn dense_masks() {
    both(|engine| {
        let specs = [
            SPEC,
            Attention { causal: true, ..SPEC },
            Attention { causal: true, window: Some(3), ..SPEC },
            Attention { soft_cap: Some(2.0), ..SPEC },
        ];
        for (spec, sizes) in
            specs.iter().flat_map(|s| [[1, 1, 1, 1, 3, 1], [2, 5, 4, 2, 8, 70], [1, 3, 2, 1, 130, 9]].map(|z| (s, z)))
        {
            let [b, t, h, gr, d, s] = sizes;
            for (k_batch, past, taps) in [(b, false, false), (1, true, true)] {
                let taps = if taps { Taps::new(["a.probs"]) } else { Taps::none() };
                let probs = taps.wants("a.probs");
                let (q, k, v) = (
                    Random(1).floats(b * t * h * d, 1.0),
                    Random(2).floats(k_batch * s * gr * d, 1.0),
                    Random(3).floats(k_batch * s * gr * d, 1.0),
                );
                let lengths: Vec<i32> = (0..b).map(|b| if past { b as i32 + 1 } else { 0 }).collect();
                let g = Builder::new(taps);
                let past_input = past.then(|| g.input("past", DType::I32, [b]));
                let kv = (g.input("k", DType::F32, [k_batch, s, gr, d]), g.input("v", DType::F32, [k_batch, s, gr, d]));
                g.output(
                    "y",
                    g.input("q", DType::F32, [b, t, h, d]).attention("a", kv, past_input, None, spec.clone()),
                );
                let dense =
                    Dense { q: &q, k: &k, v: &v, sizes, k_batch, past: lengths.clone(), bias: &|_, _, _, _| 0.0 };
                let (wanted, wanted_probs) = attention(&dense, spec);
                let (q, k, v) = (
                    f32s(&[b, t, h, d], q.clone()),
                    f32s(&[k_batch, s, gr, d], k.clone()),
                    f32s(&[k_batch, s, gr, d], v.clone()),
                );
                let lengths = i32s(&[b], lengths);
                let mut inputs = vec![("q", &q), ("k", &k), ("v", &v)];
                if past {
                    inputs.push(("past", &lengths));
                }
                let out = crate::common::run(engine, g.finish().unwrap(), &[], &inputs);
                check(&format!("{spec:?} {sizes:?}"), &out[0], &wanted);
                if probs {
                    check(&format!("probs {spec:?} {sizes:?}"), &out[1], &wanted_probs);
                }
            }
        }
    });
}

#[test]
fn a_bias_hides_keys_and_a_query_that_sees_none_gives_zeros() {
    both(|engine| {
        let sizes = [2, 3, 2, 2, 4, 5];
        let [b, t, h, gr, d, s] = sizes;
        // Row 1 hides all keys of query 2.
        let bias: Vec<f32> =
            (0..b * t * s).map(|i| if i / s == t + 2 || i % 4 == 1 { -1e30 } else { (i % 3) as f32 - 1.0 }).collect();
        let (q, k, v) = (
            Random(1).floats(b * t * h * d, 1.0),
            Random(2).floats(b * s * gr * d, 1.0),
            Random(3).floats(b * s * gr * d, 1.0),
        );
        let g = Builder::new(Taps::new(["a.probs"]));
        let kv = (g.input("k", DType::F32, [b, s, gr, d]), g.input("v", DType::F32, [b, s, gr, d]));
        let added = g.input("bias", DType::F32, [b, 1, t, s]);
        g.output("y", g.input("q", DType::F32, [b, t, h, d]).attention("a", kv, None, Some(added), SPEC));
        let at = |b: usize, _: usize, t_at: usize, s_at: usize| bias[(b * t + t_at) * s + s_at];
        let dense = Dense { q: &q, k: &k, v: &v, sizes, k_batch: b, past: vec![0; b], bias: &at };
        let (wanted, probs) = attention(&dense, &SPEC);
        let inputs = [
            ("q", &f32s(&[b, t, h, d], q.clone())),
            ("k", &f32s(&[b, s, gr, d], k.clone())),
            ("v", &f32s(&[b, s, gr, d], v.clone())),
            ("bias", &f32s(&[b, 1, t, s], bias.clone())),
        ];
        let out = crate::common::run(engine, g.finish().unwrap(), &[], &inputs);
        check("bias", &out[0], &wanted);
        check("probs", &out[1], &probs);
        assert_eq!(out[0].as_f32().unwrap()[(t + 2) * h * d..(t + 3) * h * d], [0.0; 8]);
    });
}

const H: usize = 4;
const G: usize = 2;
const D: usize = 8;

/// Attention over a cache; keys and values also as results if `observed`.
fn cached(observed: bool) -> Graph {
    let g = Builder::new(Taps::new(if observed { vec!["a.probs"] } else { vec![] }));
    let (b, t) = (Dim::from('B'), Dim::from('T'));
    let input = |name: &str, heads: usize| g.input(name, DType::F32, [b.clone(), t.clone(), heads.into(), D.into()]);
    let past = g.input("past", DType::I32, [b.clone()]);
    let (q, k, v) = (input("q", H), input("k", G), input("v", G));
    let (keys, values) = g.cache("cache", G, D).append(k, v, past);
    g.output("y", q.attention("a", (keys, values), Some(past), None, Attention { causal: true, ..SPEC }));
    if observed {
        g.output("keys", keys);
        g.output("values", values.reshape([b * (Dim::from('P') + t), (G * D).into()]));
    }
    g.finish().unwrap()
}

/// The cache of each row in plain vectors.
#[derive(Default, Clone)]
struct Rows(Vec<(Vec<f32>, Vec<f32>)>);

fn step(
    engine: &Engine,
    program: &mut Program,
    session: &mut Session,
    rows: &mut Rows,
    past: &[i32],
    t: usize,
    seed: u64,
) {
    let b = past.len();
    let (q, k, v) = (
        Random(seed).floats(b * t * H * D, 1.0),
        Random(seed + 1).floats(b * t * G * D, 1.0),
        Random(seed + 2).floats(b * t * G * D, 1.0),
    );
    let longest = *past.iter().max().unwrap() as usize + t;
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for (i, row) in rows.0.iter_mut().enumerate() {
        let kept = past[i] as usize * G * D;
        let new = i * t * G * D..(i + 1) * t * G * D;
        for (held, new, all) in [(&mut row.0, &k[new.clone()], &mut keys), (&mut row.1, &v[new.clone()], &mut values)] {
            held.truncate(kept);
            held.extend_from_slice(new);
            all.extend_from_slice(held);
            all.resize((i + 1) * longest * G * D, 0.0);
        }
    }
    let inputs = [
        ("q", &f32s(&[b, t, H, D], q.clone())),
        ("k", &f32s(&[b, t, G, D], k.clone())),
        ("v", &f32s(&[b, t, G, D], v.clone())),
        ("past", &i32s(&[b], past.to_vec())),
    ];
    let out = pollster::block_on(engine.run(program, Some(session), &inputs)).unwrap();
    let dense = Dense {
        q: &q,
        k: &keys,
        v: &values,
        sizes: [b, t, H, G, D, longest],
        k_batch: b,
        past: past.to_vec(),
        bias: &|_, _, _, _| 0.0,
    };
    let (wanted, probs) = attention(&dense, &Attention { causal: true, ..SPEC });
    check(&format!("past {past:?} t {t}"), &out[0], &wanted);
    if let [_, got_keys, got_values, got_probs] = &out[..] {
        check("keys", got_keys, &keys);
        check("values", got_values, &values);
        check("probs", got_probs, &probs);
        assert_eq!(got_keys.shape, [b, longest, G, D]);
    }
}

#[test]
fn the_cache_grows_is_cut_and_is_shared() {
    both(|engine| {
        for observed in [false, true] {
            let graph = cached(observed);
            let mut session = engine.session(&graph.states, 2, 300).unwrap();
            let mut program = engine.prepare(Arc::new(graph), &engine.weights()).unwrap();
            let mut rows = Rows(vec![Default::default(); 2]);
            step(engine, &mut program, &mut session, &mut rows, &[0, 0], 120, 1);
            for i in 0..12 {
                step(engine, &mut program, &mut session, &mut rows, &[120 + i, 120 + i], 1, 10 + 3 * i as u64);
            }
            // Rows of different lengths; row 1 forgets most of what it held.
            step(engine, &mut program, &mut session, &mut rows, &[131, 40], 5, 100);
            assert_eq!((session.len(0), session.len(1)), (136, 45));
            // Both rows continue row 0: its last page is copied when they write.
            session.reorder(&[0, 0]);
            rows.0[1] = rows.0[0].clone();
            step(engine, &mut program, &mut session, &mut rows, &[136, 136], 1, 200);
            step(engine, &mut program, &mut session, &mut rows, &[137, 130], 3, 210);
        }
    });
}

#[test]
fn a_wrong_past_and_a_full_session_are_errors() {
    let engine = crate::common::engine(dynasty_gpu::Kernels::Auto);
    let graph = cached(false);
    let mut session = engine.session(&graph.states, 1, 128).unwrap();
    let mut program = engine.prepare(Arc::new(graph), &engine.weights()).unwrap();
    let mut run = |past: i32, t: usize, session: Option<&mut Session>| {
        let (q, k) = (f32s(&[1, t, H, D], vec![0.0; t * H * D]), f32s(&[1, t, G, D], vec![0.0; t * G * D]));
        let inputs = [("q", &q), ("k", &k), ("v", &k), ("past", &i32s(&[1], vec![past]))];
        pollster::block_on(engine.run(&mut program, session, &inputs)).map_err(|e| e.to_string())
    };
    assert!(run(3, 1, Some(&mut session)).unwrap_err().contains("holds 0 tokens"));
    assert!(run(-1, 1, Some(&mut session)).is_err());
    assert!(run(0, 1, None).unwrap_err().contains("needs one"));
    assert!(run(0, 129, Some(&mut session)).unwrap_err().contains("room for 128"));
    assert!(run(0, 128, Some(&mut session)).is_ok());
    assert!(run(128, 1, Some(&mut session)).is_err());
    let specs = [StateSpec { name: "big".into(), n_kv_head: 8, head_dim: 128 }];
    let refused = engine.session(&specs, 1, 1 << 17).err().map(|e| e.to_string());
    assert!(refused.unwrap_or_default().contains("134217728"));
}
