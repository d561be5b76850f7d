//! Whole programs: caches, views, shared work, errors.

use std::sync::Arc;

use format::QuantType;
use graph::{Attention, Bias, Builder, DType, Dim, Graph, Rope, RopeLayout, Symbol, Taps, Tensor, Var};

use crate::{Engine, Error, Session, Weights};

fn noise(seed: usize, count: usize) -> Vec<f32> {
    let mut state = seed as u64 * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn ints(shape: &[usize], values: impl IntoIterator<Item = i32>) -> Tensor {
    Tensor::i32(shape, values.into_iter().collect()).unwrap()
}

/// Weights of every name in the graph.
fn weights(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    for (i, spec) in graph.weights.iter().enumerate() {
        let values = noise(i, spec.shape.iter().product());
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        weights.insert(&spec.name, &spec.shape, QuantType::F32, bytes).unwrap();
    }
    weights
}

const WIDTH: usize = 32;
const HEADS: usize = 4;
const GROUPS: usize = 2;
const VOCABULARY: usize = 50;

/// Two blocks of attention with a cache; `dense` also shows the first cache's keys.
fn decoder(dense: bool) -> Arc<Graph> {
    let g = Builder::new(Taps::none());
    let tokens = [Dim::from('B'), Dim::from('T')];
    let (ids, positions) = (g.input("ids", DType::I32, tokens.clone()), g.input("positions", DType::I32, tokens));
    let past = g.input("past", DType::I32, [Dim::from('B')]);
    let (w, d) = (g.weights(), WIDTH / HEADS);
    let table = w.at("table").weight([VOCABULARY, WIDTH]);
    let inv_freq = g.constant(Tensor::f32([d / 2], vec![1.0, 0.5, 0.1, 0.01]).unwrap());
    let rope = Rope { layout: RopeLayout::Half, scale: 1.0 };
    let mut x = table.gather_rows(ids); // [B, T, C]
    for block in 0..2 {
        let w = w.at(block);
        let n = x.rms_norm(&w.at("norm"), 1e-5);
        let q = n.linear(&w.at("q"), WIDTH, Bias::Add).heads(HEADS).rope(positions, inv_freq, rope);
        let k = n.linear(&w.at("k"), GROUPS * d, Bias::None).heads(GROUPS).rope(positions, inv_freq, rope);
        let v = n.linear(&w.at("v"), GROUPS * d, Bias::None).heads(GROUPS);
        let (k, v) = g.cache(format!("cache.{block}"), GROUPS, d).append(k, v, past);
        if dense {
            g.output("keys", k);
        }
        let spec = Attention { causal: true, ..Attention::new(1.0) };
        let out = q.attention("attn", (k, v), Some(past), None, spec).merge_heads();
        x = x + out.linear(&w.at("o"), WIDTH, Bias::None);
    }
    g.output("logits", x.linear_with(table));
    Arc::new(g.finish().unwrap())
}

struct Player {
    engine: Engine,
    program: crate::Program,
    graph: Arc<Graph>,
}

impl Player {
    fn new(dense: bool, threads: usize) -> Self {
        let (engine, graph) = (Engine::new(threads), decoder(dense));
        let program = engine.prepare(graph.clone(), &weights(&graph)).unwrap();
        Self { engine, program, graph }
    }

    fn session(&self, rows: usize) -> Session {
        self.engine.session(&self.graph.states, rows, 300).unwrap()
    }

    /// The last logits of each row after `rows` of tokens that follow `past` ones.
    fn step(&mut self, session: &mut Session, past: &[i32], rows: &[Vec<i32>]) -> Result<Vec<Vec<f32>>, Error> {
        let (batch, tokens) = (rows.len(), rows[0].len());
        let ids = ints(&[batch, tokens], rows.iter().flatten().copied());
        let places = past.iter().flat_map(|past| (0..tokens as i32).map(move |t| past + t));
        let (positions, past) = (ints(&[batch, tokens], places), ints(&[batch], past.iter().copied()));
        let inputs = [("ids", &ids), ("positions", &positions), ("past", &past)];
        let outputs = self.engine.run(&mut self.program, Some(session), &inputs)?;
        let logits = outputs.last().unwrap().as_f32()?;
        Ok((1..=batch).map(|row| logits[(row * tokens - 1) * VOCABULARY..][..VOCABULARY].to_vec()).collect())
    }
}

fn text(seed: i32, len: i32) -> Vec<i32> {
    (0..len).map(|i| (i * 7 + seed * 13) % VOCABULARY as i32).collect()
}

fn near(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-4, "differs by {worst}");
}

#[test]
fn a_prompt_in_pieces_gives_what_the_whole_gives() {
    let mut player = Player::new(false, 2);
    let prompt = text(1, 280);
    let mut whole = player.session(1);
    let expected = player.step(&mut whole, &[0], std::slice::from_ref(&prompt)).unwrap();
    let mut session = player.session(1);
    let mut found = Vec::new();
    for piece in prompt.chunks(97) {
        let past = session.len(0) as i32;
        found = player.step(&mut session, &[past], &[piece.to_vec()]).unwrap();
    }
    near(&expected[0], &found[0]);
    // The last token again: what was behind is forgotten.
    let again = player.step(&mut session, &[279], &[vec![prompt[279]]]).unwrap();
    near(&expected[0], &again[0]);
    assert_eq!(session.len(0), 280);
}

#[test]
fn plain_keys_give_what_pages_give_on_any_number_of_threads() {
    let (mut pages, mut plain) = (Player::new(false, 1), Player::new(true, 3));
    let (mut a, mut b) = (pages.session(2), plain.session(2));
    for (past, len) in [([0, 0], 130), ([130, 50], 9), ([139, 59], 1)] {
        let rows = [text(1, len), text(2, len)];
        let first = pages.step(&mut a, &past, &rows).unwrap();
        assert_eq!(first, plain.step(&mut b, &past, &rows).unwrap());
    }
}

#[test]
fn rows_stand_for_themselves_and_follow_their_parents() {
    let mut player = Player::new(false, 2);
    let mut session = player.session(2);
    player.step(&mut session, &[0, 0], &[text(1, 20), text(2, 20)]).unwrap();
    session.reorder(&[1, 1]).unwrap();
    let fork = session.fork();
    let both = player.step(&mut session, &[20, 20], &[vec![3], vec![4]]).unwrap();
    let mut alone = player.session(1);
    player.step(&mut alone, &[0], &[text(2, 20)]).unwrap();
    near(&both[0], &player.step(&mut alone, &[20], &[vec![3]]).unwrap()[0]);
    near(&both[1], &player.step(&mut alone, &[20], &[vec![4]]).unwrap()[0]);
    assert_eq!((fork.len(0), session.len(0)), (20, 21));
}

#[test]
fn wrong_calls_are_errors_and_leave_the_session() {
    let mut player = Player::new(false, 1);
    let mut session = player.session(1);
    player.step(&mut session, &[0], &[text(1, 5)]).unwrap();
    assert!(matches!(player.step(&mut session, &[6], &[vec![1]]), Err(Error::Session(_))));
    assert!(matches!(player.step(&mut session, &[5], &[text(1, 300)]), Err(Error::Session(_))));
    assert!(matches!(player.step(&mut session, &[5, 5], &[vec![1], vec![1]]), Err(Error::Session(_))));
    assert_eq!(session.len(0), 5);
    let other = Builder::new(Taps::none());
    other.cache("other", 1, 4);
    let states = other.finish().unwrap().states;
    let mut wrong = player.engine.session(&states, 1, 300).unwrap();
    assert!(matches!(player.step(&mut wrong, &[0], &[vec![1]]), Err(Error::Session(_))));
    let ids = ints(&[1, 1], [1]);
    assert!(player.engine.run(&mut player.program, None, &[("ids", &ids)]).is_err());
}

#[test]
fn weights_are_checked() {
    let graph = decoder(false);
    let message = |weights: &Weights| Engine::new(1).prepare(graph.clone(), weights).err().unwrap().to_string();
    assert_eq!(message(&Weights::new()), "weight table.weight: is not loaded");
    let mut wrong = Weights::new();
    wrong.insert("table.weight", &[1, 2], QuantType::F32, vec![0; 8]).unwrap();
    assert!(message(&wrong).contains("has shape [1, 2], the graph expects [50, 32]"));
    assert!(wrong.insert("x", &[3], QuantType::F32, vec![0; 8]).is_err());
    assert!(wrong.insert("x", &[usize::MAX, 2, 2], QuantType::F32, vec![0; 8]).is_err());
    assert!(wrong.insert("x", &[1, 3], QuantType::Q8_0, vec![0; 34]).is_err());
}

/// Runs `model` on `x` [T, 6].
fn simple(x: &[f32], model: impl for<'g> Fn(&'g Builder, Var<'g>) -> Var<'g>) -> Tensor {
    let g = Builder::new(Taps::none());
    let input = g.input("x", DType::F32, [Dim::from(Symbol('T')), Dim::from(6)]);
    g.output("y", model(&g, input));
    let graph = Arc::new(g.finish().unwrap());
    let engine = Engine::new(2);
    let mut program = engine.prepare(graph.clone(), &weights(&graph)).unwrap();
    let x = Tensor::f32([x.len() / 6, 6], x.to_vec()).unwrap();
    engine.run(&mut program, None, &[("x", &x)]).unwrap().remove(0)
}

#[test]
fn values_are_viewed_moved_and_joined() {
    let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let y = simple(&x, |_, x| x.reshape([Dim::from('T'), Dim::from(2), Dim::from(3)]).permute([1, 0, 2]));
    assert_eq!((y.shape.clone(), y.as_f32().unwrap()[..6].to_vec()), (vec![2, 2, 3], vec![0., 1., 2., 6., 7., 8.]));
    let y = simple(&x, |_, x| x.slice(1, 4, 2).concat(&[x.slice(1, 0, 1)], 1));
    assert_eq!(y.as_f32().unwrap(), [4.0, 5.0, 0.0, 10.0, 11.0, 6.0]);
    let y = simple(&x, |_, x| x.arg_max());
    assert_eq!((y.shape.clone(), y.as_i32().unwrap()), (vec![2], &[5, 5][..]));
}

#[test]
fn a_weight_is_read_as_plain_values_too() {
    let x = noise(5, 12);
    let y = simple(&x, |g, x| {
        let table = g.weights().at("w").weight([6, 6]);
        (x.linear_with(table) + x.linear_with(table * table)).unary(graph::UnaryOp::Neg)
    });
    let w = noise(0, 36);
    for (i, y) in y.as_f32().unwrap().iter().enumerate() {
        let sum: f32 = (0..6).map(|k| x[i / 6 * 6 + k] * (w[i % 6 * 6 + k] + w[i % 6 * 6 + k].powi(2))).sum();
        assert!((y + sum).abs() < 1e-5);
    }
}
