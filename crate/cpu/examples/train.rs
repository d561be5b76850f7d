//! Times whole training steps of a small language model: `train [threads] [LxDxH:ctx:batch[:k] …]`, for example
//! `train 2 4x256x4:256:16`. With `k`, only what goes from one group of `k` blocks to the next is kept for the backward
//! pass, and the rest computed again.
//!
//! The model is a GPT with learned positions, layer norms, GELU and an output layer of its own, vocabulary 4096, in
//! single precision; a step is the forward pass, the backward pass and AdamW. It prints the loss of each step and tokens
//! a second.

use std::sync::Arc;
use std::time::Instant;

use dynasty_cpu::{Engine, Error, Weights};
use graph::{
    Act, Attention, Bias, Builder, Checkpointing, DType, Dim, Graph, Reduce, Scope, Taps, Tensor, Training, Update, Var,
};

const VOCABULARY: usize = 4096;

/// Sizes of a model and of a step.
struct Sizes {
    layers: usize,
    width: usize,
    heads: usize,
    tokens: usize,
    batch: usize,
    checkpointing: Checkpointing,
}

impl Sizes {
    fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<usize>> = text.split(['x', ':']).map(|number| number.parse().ok()).collect();
        let (&[layers, width, heads, tokens, batch], every) = numbers.as_ref()?.split_first_chunk()?;
        let checkpointing = every.first().map_or(Checkpointing::None, |k| Checkpointing::Every(*k));
        Some(Self { layers, width, heads, tokens, batch, checkpointing })
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let threads = arguments.next().and_then(|threads| threads.parse().ok()).unwrap_or(2);
    let mut specs: Vec<String> = arguments.collect();
    if specs.is_empty() {
        specs.push("4x256x4:256:16".into());
    }
    for spec in specs {
        let Some(sizes) = Sizes::parse(&spec) else { panic!("{spec} is not LxDxH:ctx:batch[:k]") };
        if let Err(error) = time(threads, &sizes) {
            panic!("{spec}: {error}");
        }
    }
}

fn time(threads: usize, sizes: &Sizes) -> Result<(), Error> {
    let graph = Arc::new(step(sizes)?);
    let mut weights = Weights::new();
    let mut numbers = Numbers(1);
    for spec in &graph.weights {
        weights.insert_trainable(&spec.name, &spec.shape, values(&spec.name, &spec.shape, &mut numbers))?;
    }
    let engine = Engine::new(threads);
    let mut program = engine.prepare(graph, &weights)?;
    let n = sizes.batch * sizes.tokens;
    let mut ids = || (0..n).map(|_| numbers.below(VOCABULARY) as i32).collect::<Vec<_>>();
    let input = Tensor::i32([sizes.batch, sizes.tokens], ids())?;
    let targets = Tensor::i32([sizes.batch, sizes.tokens], ids())?;
    let places = (0..n).map(|i| (i % sizes.tokens) as i32).collect();
    let places = Tensor::i32([sizes.batch, sizes.tokens], places)?;
    let mut speeds = Vec::new();
    for step in 1..=7 {
        let correct = |beta: f32| 1.0 - beta.powi(step);
        let hyper = Tensor::f32([4], vec![3e-4, 0.01, correct(0.9), correct(0.999)])?;
        let start = Instant::now();
        let inputs = [("ids", &input), ("places", &places), ("targets", &targets), ("hyper", &hyper)];
        let out = engine.run(&mut program, None, &inputs)?;
        let seconds = start.elapsed().as_secs_f64();
        println!("step {step}: loss {:.4}, {:.0} tokens/s", out[0].as_f32()?[0], n as f64 / seconds);
        speeds.push(n as f64 / seconds);
    }
    speeds.remove(0);
    speeds.sort_by(f64::total_cmp);
    let megabytes = |bytes: usize| bytes / 1_000_000;
    println!(
        "{threads} threads: median {:.0} tokens/s, best {:.0}; buffers {} MB, weights and moments {} MB",
        speeds[speeds.len() / 2],
        speeds[speeds.len() - 1],
        megabytes(program.bytes()),
        megabytes(weights.bytes()),
    );
    Ok(())
}

/// Forward, backward and the change of every weight.
fn step(sizes: &Sizes) -> Result<Graph, graph::Error> {
    let g = Builder::for_training(Taps::none(), Training::default());
    let (b, t) = (Dim::from('B'), Dim::from('T'));
    let ids = g.input("ids", DType::I32, [b.clone(), t.clone()]);
    let targets = g.input("targets", DType::I32, [b, t]);
    let hyper = g.input("hyper", DType::F32, [4]);
    let w = g.weights();
    let places = g.input("places", DType::I32, [Dim::from('B'), Dim::from('T')]);
    let positions = w.at("wpe").weight([sizes.tokens, sizes.width]).gather_rows(places); // [B, T, C]
    let mut x = w.at("wte").weight([VOCABULARY, sizes.width]).gather_rows(ids) + positions; // [B, T, C]
    for layer in 0..sizes.layers {
        g.tap(&format!("hidden.{layer}"), x);
        x = block(x, &w.at(format!("h.{layer}")), sizes);
    }
    let logits = x.layer_norm(&w.at("ln_f"), 1e-5, Bias::Add).linear(&w.at("head"), VOCABULARY, Bias::None); // [B, T, V]
    let losses = logits.cross_entropy(targets); // [B, T]
    let n = sizes.batch * sizes.tokens;
    let loss = losses.reshape([Dim::from('B') * Dim::from('T')]).reduce(Reduce::Sum).scale(1.0 / n as f32); // [1]
    g.output("loss", loss);
    let of: Vec<Var<'_>> = g.declared().into_iter().map(|(_, weight)| weight).collect();
    let gradients = g.gradients(loss, &of, sizes.checkpointing);
    let one = g.constant(Tensor::f32([1], vec![1.0])?);
    let rule = Update::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    for (i, (weight, gradient)) in of.into_iter().zip(gradients).enumerate() {
        let shape: Vec<usize> = weight.shape().iter().filter_map(Dim::known).collect();
        let moment = |name: &str| w.at(format!("{name}.{i}")).weight(shape.clone());
        g.update(rule, &[weight, moment("m"), moment("v")], &[gradient, hyper, one]);
    }
    g.finish()
}

fn block<'g>(x: Var<'g>, w: &Scope<'g>, sizes: &Sizes) -> Var<'g> {
    let (c, h) = (sizes.width, sizes.heads);
    let y = x.layer_norm(&w.at("ln_1"), 1e-5, Bias::Add);
    let [q, k, v] = y.linear(&w.at("qkv"), 3 * c, Bias::Add).split_last([c, c, c]).map(|part| part.heads(h)); // [B, T, H, D]
    let spec = Attention { causal: true, ..Attention::new(1.0 / ((c / h) as f32).sqrt()) };
    let y = q.attention("attn", (k, v), None, None, spec).merge_heads();
    let x = x + y.linear(&w.at("proj"), c, Bias::Add); // [B, T, C]
    let y = x.layer_norm(&w.at("ln_2"), 1e-5, Bias::Add).linear(&w.at("up"), 4 * c, Bias::Add).act(Act::GeluTanh); // [B, T, F]
    x + y.linear(&w.at("down"), c, Bias::Add)
}

/// Norms begin at one, biases and moments at zero, matrices at small random values.
fn values(name: &str, shape: &[usize], numbers: &mut Numbers) -> Vec<f32> {
    let n = shape.iter().product();
    match () {
        () if name.starts_with("m.") || name.starts_with("v.") || name.ends_with("bias") => vec![0.0; n],
        () if name.contains("ln_") => vec![1.0; n],
        () => (0..n).map(|_| 0.07 * (numbers.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0)).collect(),
    }
}

/// Random numbers (Knuth's linear congruences).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}
