//! Every kind of attention against the plain formula in double precision.

use graph::{Attention, PAGE, StateSpec};

use super::*;
use crate::Session;
use crate::kernels::kv_append::append;

fn noise(seed: usize, count: usize) -> Vec<f32> {
    let mut state = seed as u64 * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn plain() -> Attention {
    Attention {
        scale: 0.3,
        causal: false,
        window: None,
        soft_cap: None,
        past: false,
        bias: false,
        axial: None,
        probs: true,
        lse: false,
    }
}

/// Results and probabilities by the formula.
fn formula(
    spec: &Attention,
    sizes: &Sizes,
    (q, k, v): (&[f32], &[f32], &[f32]),
    o: &Operands<'_>,
) -> (Vec<f32>, Vec<f32>) {
    let Sizes { batch, queries, n_head, n_kv_head, head_dim, keys } = *sizes;
    let k_batch = k.len() / (keys * n_kv_head * head_dim);
    let mut out = vec![0.0; q.len()];
    let mut all = vec![0.0; batch * n_head * queries * keys];
    for (b, h, t) in (0..batch * n_head * queries).map(|i| (i / (n_head * queries), i / queries % n_head, i % queries))
    {
        let place = o.past.map_or(0, |p| p[b] as i64) + t as i64;
        let at = |s: usize| (((b % k_batch) * keys + s) * n_kv_head + h / (n_head / n_kv_head)) * head_dim;
        let q_at = ((b * queries + t) * n_head + h) * head_dim;
        let score = |s: usize| -> f64 {
            let dot: f64 = (0..head_dim).map(|d| f64::from(q[q_at + d]) * f64::from(k[at(s) + d])).sum();
            let score = dot * f64::from(spec.scale);
            let score = spec.soft_cap.map_or(score, |c| f64::from(c) * (score / f64::from(c)).tanh());
            let steps = o.bias.map(|bias| (bias.values, bias.steps));
            let bias = steps.map_or(0.0, |(v, [x, y, z, w])| f64::from(v[b * x + h * y + t * z + s * w]));
            let hidden = (spec.causal && s as i64 > place)
                || spec.window.is_some_and(|w| place - s as i64 >= w as i64)
                || bias <= -1e30;
            if hidden { f64::NEG_INFINITY } else { score + bias }
        };
        let scores: Vec<f64> = (0..keys).map(score).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| if s.is_finite() { (s - most).exp() } else { 0.0 }).collect();
        let total: f64 = weights.iter().sum();
        for (s, weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            all[((b * n_head + h) * queries + t) * keys + s] = (weight / total) as f32;
            for d in 0..head_dim {
                out[q_at + d] += (weight / total * f64::from(v[at(s) + d])) as f32;
            }
        }
    }
    (out, all)
}

fn near(what: &str, found: &[f32], expected: &[f32]) {
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 1e-5, "{what} {i}: {a} not {b}");
    }
}

fn check(spec: &Attention, sizes: Sizes, k_batch: usize, past: Option<&[i32]>, bias: Option<Bias<'_>>) {
    let q = noise(1, sizes.batch * sizes.queries * sizes.n_head * sizes.head_dim);
    let count = k_batch * sizes.keys * sizes.n_kv_head * sizes.head_dim;
    let (k, v) = (noise(2, count), noise(3, count));
    let operands = Operands { q: &q, keys: Keys::Dense { k: &k, v: &v, batch: k_batch }, past, bias };
    let (expected, expected_probs) = formula(spec, &sizes, (&q, &k, &v), &operands);
    let mut first = Vec::new();
    for threads in [1, 3] {
        let pool = Pool::new(threads);
        let (mut out, mut weights) = (vec![7.0; expected.len()], vec![7.0; expected_probs.len()]);
        attention(&pool, spec, &sizes, &operands, &mut Partial::default(), &mut out, &mut []);
        probs(&pool, spec, &sizes, &operands, &mut weights);
        near(&format!("{spec:?} {sizes:?}"), &out, &expected);
        near("probs", &weights, &expected_probs);
        assert!(first.is_empty() || first == out, "results depend on the threads");
        first = out;
    }
}

fn sizes(batch: usize, queries: usize, n_head: usize, n_kv_head: usize, head_dim: usize, keys: usize) -> Sizes {
    Sizes { batch, queries, n_head, n_kv_head, head_dim, keys }
}

#[test]
fn against_the_formula() {
    let causal = Attention { causal: true, ..plain() };
    for (spec, past) in [
        (plain(), None),
        (causal.clone(), None),
        (causal.clone(), Some([3, 0])),
        (causal.clone(), Some([-2, 700])),
        (Attention { window: Some(5), ..causal.clone() }, Some([140, 2])),
        (Attention { soft_cap: Some(0.5), ..causal }, Some([9, 9])),
    ] {
        for size in [
            sizes(2, 1, 1, 1, 1, 1),
            sizes(2, 3, 4, 2, 8, 7),
            sizes(1, 33, 3, 1, 5, 129),
            sizes(2, 1, 6, 3, 16, 1100),
            sizes(1, 70, 2, 2, 64, 200),
            sizes(2, 300, 4, 2, 16, 7),
            sizes(1, 77, 2, 2, 33, 16),
            sizes(1, 64, 1, 1, 128, 1),
        ] {
            check(&spec, size, size.batch, past.as_ref().map(|p| &p[..]), None);
        }
    }
    check(&plain(), sizes(3, 2, 2, 1, 4, 9), 1, None, None);
    check(&plain(), sizes(3, 70, 2, 1, 4, 9), 1, None, None);
}

#[test]
fn a_bias_is_broadcast_and_hides() {
    let size = sizes(2, 3, 2, 1, 4, 5);
    let mut values = noise(9, 2 * 3 * 5);
    values[..15].iter_mut().take(5).for_each(|b| *b = f32::NEG_INFINITY);
    values[7] = -1e30;
    let spec = Attention { bias: true, ..plain() };
    check(&spec, size, 2, None, Some(Bias { values: &values, steps: [15, 0, 5, 1], axial: false }));
    check(&spec, size, 2, None, Some(Bias { values: &values, steps: [0, 0, 0, 1], axial: false }));
}

#[test]
fn pages_hold_what_plain_keys_do() {
    let (g, d, tokens) = (2, 8, 600);
    let state = StateSpec { name: "cache".into(), n_kv_head: g, head_dim: d };
    let mut session = Session::new(&[state], 2, tokens).unwrap();
    let (k, v) = (noise(2, 2 * tokens * g * d), noise(3, 2 * tokens * g * d));
    session.extend(&[0, 0], tokens).unwrap();
    append(&mut session.states[0], &session.table, &[0, 0], tokens, &k, &v);
    let spec = Attention { causal: true, ..plain() };
    for (queries, past) in [(1, [599, 599]), (40, [560, 560]), (40, [0, 130]), (2, [1, PAGE as i32])] {
        let size = sizes(2, queries, 4, g, d, tokens);
        let q = noise(1, 2 * queries * 4 * d);
        let run = |keys: Keys<'_>| {
            let mut out = vec![0.0; q.len()];
            let operands = Operands { q: &q, keys, past: Some(&past), bias: None };
            attention(&Pool::new(2), &spec, &size, &operands, &mut Partial::default(), &mut out, &mut []);
            out
        };
        let paged = run(Keys::Paged { state: &session.states[0], table: &session.table });
        assert_eq!(paged, run(Keys::Dense { k: &k, v: &v, batch: 2 }), "{queries} at {past:?}");
    }
}
