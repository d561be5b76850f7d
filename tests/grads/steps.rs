//! A small Llama learns a batch by heart: the curve of its loss on every executor against candle's in f64.

use std::sync::Arc;

use dynasty_tests::{Executor, Numbers, Player, Stored};
use format::QuantType;
use graph::{Builder, Checkpointing, DType, Graph, Taps, Tensor, Training, UnaryOp, Update, Var};
use models::{Call, Model};
use serde_json::json;

use crate::models::{ROWS, TOKENS, llama};

const STEPS: usize = 30;
const RATE: f32 = 1e-2;
const DECAY: f32 = 0.01;
const BETAS: (f32, f32) = (0.9, 0.95);
/// The largest norm of all gradients together.
const CLIP: f32 = 1.0;

/// The loss in the beginning, of a model that knows nothing: about the logarithm of the number of tokens, 3.4.
const BEGINS_ABOVE: f32 = 3.0;
/// The loss after the last step.
const ENDS_BELOW: f32 = 0.05;
/// The largest relative difference of a loss from candle's: what single precision becomes in 30 steps.
const CURVE: f32 = 1e-4;

/// One step: the loss before it, the gradients, their norm, and a change of every weight in place.
fn step(model: &Model) -> Graph {
    let g = Builder::for_training(Taps::none(), Training::default());
    model.write(&g, &Call::train()).unwrap();
    let weights = g.declared();
    let vars: Vec<Var<'_>> = weights.iter().map(|(_, var)| *var).collect();
    let gradients = g.gradients(g.result("loss").unwrap(), &vars, Checkpointing::None);
    let squares = gradients.iter().map(|gradient| (*gradient * *gradient).sum_to([1]));
    let norm = squares.reduce(|a, b| a + b).unwrap().unary(UnaryOp::Sqrt);
    let limit = g.constant(Tensor::f32([1], vec![CLIP]).unwrap());
    let scale = limit / norm.binary(graph::BinaryOp::Max, limit);
    g.output("norm", norm);
    let hyper = g.input("hyper", DType::F32, [4]);
    let rule = Update::AdamW { beta1: BETAS.0, beta2: BETAS.1, eps: 1e-8 };
    for ((name, weight), gradient) in weights.iter().zip(&gradients) {
        let shape: Vec<usize> = weight.shape().iter().map(|dim| dim.known().unwrap()).collect();
        let moment = |which: &str| g.weights().at(which).at(name).weight(shape.clone());
        g.update(rule, &[*weight, moment("mean"), moment("square")], &[*gradient, hyper, scale]);
    }
    g.finish().unwrap()
}

fn first_weights(graph: &Graph) -> Vec<Stored> {
    let mut numbers = Numbers::new(11);
    let mut draw = |spec: &graph::WeightSpec| {
        let n = spec.shape.iter().product();
        let values: Vec<f32> = match spec.shape.as_slice() {
            _ if spec.name.starts_with("mean.") || spec.name.starts_with("square.") => vec![0.0; n],
            [_] => vec![1.0; n],
            _ => (0..n).map(|_| 0.1 * numbers.normal()).collect(),
        };
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Stored { name: spec.name.clone(), shape: spec.shape.clone(), ty: QuantType::F32, data }
    };
    graph.weights.iter().map(&mut draw).collect()
}

/// The losses before each step.
fn curve(executor: Executor, graph: &Arc<Graph>, weights: &[Stored]) -> Vec<f32> {
    let n = ROWS * TOKENS;
    let ids: Vec<i32> = (0..n).map(|i| (i * i * 5 % 31) as i32).collect();
    let targets = ids.iter().skip(1).copied().chain([-100]).collect();
    let batch = [
        ("input_ids", Tensor::i32([ROWS, TOKENS], ids).unwrap()),
        ("position_ids", Tensor::i32([ROWS, TOKENS], (0..n).map(|i| (i % TOKENS) as i32).collect()).unwrap()),
        ("targets", Tensor::i32([n], targets).unwrap()),
        ("loss_weights", Tensor::f32([n], vec![1.0 / (n - 1) as f32; n]).unwrap()),
    ];
    let mut player = Player::new(executor, graph, weights, (1, 1)).unwrap();
    let mut step = |t: usize| {
        let correct = |beta: f32| 1.0 - beta.powi(t as i32 + 1);
        let hyper = Tensor::f32([4], vec![RATE, DECAY, correct(BETAS.0), correct(BETAS.1)]).unwrap();
        let given = batch.iter().map(|(name, tensor)| (*name, tensor)).chain([("hyper", &hyper)]);
        let out = player.run(&given.collect::<Vec<_>>()).unwrap_or_else(|error| panic!("{executor}: {error}"));
        out[0].as_f32().unwrap()[0]
    };
    (0..STEPS).map(&mut step).collect()
}

#[test]
fn a_small_llama_learns_a_batch() {
    let model = Model::read("config.json", &llama(json!({"num_hidden_layers": 2}))).unwrap();
    let graph = Arc::new(step(&model));
    let weights = first_weights(&graph);
    let wanted = curve(Executor::Reference, &graph, &weights);
    println!("candle: {wanted:?}");
    assert!(wanted[0] > BEGINS_ABOVE && wanted[STEPS - 1] < ENDS_BELOW, "{wanted:?}");
    for executor in Executor::TESTED {
        let found = curve(executor, &graph, &weights);
        let apart = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs() / b).fold(0.0, f32::max);
        println!("{executor}: {apart:.1e} from candle, ends at {}", found[STEPS - 1]);
        assert!(found[STEPS - 1] < ENDS_BELOW, "{executor}: {found:?}");
        assert!(apart <= CURVE, "{executor}: {apart:.1e} from candle's curve, bound {CURVE:.0e}: {found:?}");
    }
}
