//! What the tests share: seeded numbers, engines of both kernel families, scalar references.

use std::sync::Arc;

use dynasty_gpu::{Engine, Kernels, Options};
use format::QuantType;
use graph::{Attention, Graph, Tensor, nmse};

/// A small generator (xorshift) so that every run sees the same numbers.
pub struct Random(pub u64);

impl Random {
    /// `n` floats in `-scale..scale`.
    pub fn floats(&mut self, n: usize, scale: f32) -> Vec<f32> {
        self.0 = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 40) as f32 / (1 << 24) as f32
        };
        (0..n).map(|_| (2.0 * next() - 1.0) * scale).collect()
    }
}

pub fn f32s(shape: &[usize], values: Vec<f32>) -> Tensor {
    Tensor::f32(shape, values).unwrap()
}

pub fn i32s(shape: &[usize], values: Vec<i32>) -> Tensor {
    Tensor::i32(shape, values).unwrap()
}

pub fn engine(kernels: Kernels) -> Engine {
    pollster::block_on(Engine::new(Options { kernels, ..Options::default() })).unwrap()
}

/// Runs a test on the plain and on the wide kernels.
pub fn both(test: impl Fn(&Engine)) {
    for kernels in [Kernels::Plain, Kernels::Wide] {
        let engine = engine(kernels);
        println!("{kernels:?} kernels on {}", engine.adapter());
        test(&engine);
    }
}

/// Runs a graph once with f32 weights.
pub fn run(
    engine: &Engine,
    graph: Graph,
    weights: &[(&str, Vec<usize>, Vec<f32>)],
    inputs: &[(&str, &Tensor)],
) -> Vec<Tensor> {
    let mut store = engine.weights();
    for (name, shape, values) in weights {
        store.insert(name, shape, QuantType::F32, bytes(values)).unwrap();
    }
    let mut program = engine.prepare(Arc::new(graph), &store).unwrap();
    pollster::block_on(engine.run(&mut program, None, inputs)).unwrap()
}

pub fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Compares with a bound of 1e-9 on the normalised mean squared error.
pub fn check(what: &str, got: &Tensor, wanted: &[f32]) {
    check_to(what, got, wanted, 1e-9);
}

pub fn check_to(what: &str, got: &Tensor, wanted: &[f32], bound: f64) {
    let error = nmse(got.as_f32().unwrap(), wanted);
    assert!(error <= bound, "{what}: error {error:e}\n got {:?}\nwant {wanted:?}", got.as_f32().unwrap());
}

/// `x Wᵀ`
pub fn linear(x: &[f32], w: &[f32], k: usize) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32;
    x.chunks(k).flat_map(|x| w.chunks(k).map(move |w| dot(x, w))).collect()
}

/// Attention over dense keys: [B, T, H, D] and [B, H, T, S]; `k` and `v` have batch `k_batch`.
pub struct Dense<'a> {
    pub q: &'a [f32],
    pub k: &'a [f32],
    pub v: &'a [f32],
    /// B, T, H, G, D, S
    pub sizes: [usize; 6],
    pub k_batch: usize,
    pub past: Vec<i32>,
    /// The bias of b, h, t, s.
    pub bias: &'a dyn Fn(usize, usize, usize, usize) -> f32,
}

pub fn attention(a: &Dense<'_>, spec: &Attention) -> (Vec<f32>, Vec<f32>) {
    let [b_n, t_n, h_n, g_n, d_n, s_n] = a.sizes;
    let mut out = vec![0.0; b_n * t_n * h_n * d_n];
    let mut probs = vec![0.0; b_n * h_n * t_n * s_n];
    for (b, t, h) in (0..b_n).flat_map(|b| (0..t_n).flat_map(move |t| (0..h_n).map(move |h| (b, t, h)))) {
        let place = a.past[b] as usize + t;
        let q = &a.q[((b * t_n + t) * h_n + h) * d_n..][..d_n];
        let key = |s: usize| (((b % a.k_batch) * s_n + s) * g_n + h / (h_n / g_n)) * d_n;
        let score = |s: usize| {
            let hidden = spec.causal && (s > place || spec.window.is_some_and(|w| place - s >= w));
            let bias = (a.bias)(b, h, t, s);
            if hidden || bias <= -1e30 {
                return None;
            }
            let x = spec.scale * q.iter().zip(&a.k[key(s)..]).map(|(a, b)| a * b).sum::<f32>();
            Some(spec.soft_cap.map_or(x, |cap| cap * (x / cap).tanh()) + bias)
        };
        let scores: Vec<Option<f32>> = (0..s_n).map(score).collect();
        let top = scores.iter().flatten().copied().fold(f32::MIN, f32::max);
        let total: f32 = scores.iter().flatten().map(|x| (x - top).exp()).sum();
        for (s, x) in scores.iter().enumerate().filter_map(|(s, x)| Some((s, (*x)?))) {
            let p = (x - top).exp() / total;
            probs[((b * h_n + h) * t_n + t) * s_n + s] = p;
            for d in 0..d_n {
                out[((b * t_n + t) * h_n + h) * d_n + d] += p * a.v[key(s) + d];
            }
        }
    }
    (out, probs)
}
