//! One suite: many cases, one verdict.

use std::fmt::Display;

use dynasty_tests::{Executor, Numbers, Player};
use graph::{DType, Data, Graph, Symbols, Tensor};

use crate::draft::{Draft, Drawn};
use crate::suite_of;

/// The largest error that passes on each executor.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// On the processor.
    pub cpu: f64,
    /// On the GPU.
    pub gpu: f64,
}

impl Bound {
    /// Nothing is computed, only moved or chosen.
    pub const EXACT: Bound = Bound::both(0.0);
    /// Single precision: a relative error of 1e-5, which leaves room for a device's own `exp`.
    pub const SINGLE: Bound = Bound::both(1e-10);

    /// The same on both.
    pub const fn both(bound: f64) -> Self {
        Self { cpu: bound, gpu: bound }
    }

    fn on(self, executor: Executor) -> f64 {
        if executor.is_gpu() { self.gpu } else { self.cpu }
    }
}

/// A call of a program with a session: the tokens that each row builds on, and how many come.
#[derive(Clone, Copy, Debug)]
pub struct Step(pub &'static [i32], pub usize);

/// A suite while it is played.
pub struct Suite {
    name: &'static str,
    cases: usize,
    failures: Vec<String>,
}

impl Suite {
    /// Plays all cases, then fails with every message at once.
    pub fn play(name: &'static str, cases: fn(&mut Suite)) {
        let mut suite = Suite { name, cases: 0, failures: Vec::new() };
        cases(&mut suite);
        println!("{name}: {} cases", suite.cases);
        let shown = suite.failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(suite.failures.is_empty(), "{} failures in {} cases:\n  {shown}", suite.failures.len(), suite.cases);
        assert!(suite.cases > 0, "no case");
    }

    /// One run of one graph.
    pub fn check(&mut self, bound: Bound, case: impl Display, write: impl Fn(&Draft)) {
        let Some(mut drawn) = self.draw(&case, write) else { return };
        let inputs = std::mem::take(&mut drawn.inputs);
        self.compare(&case.to_string(), bound, &drawn, (1, 1), &[inputs]);
    }

    /// One program run several times: the sizes B and T and the cached lengths change from step to step. Inputs get
    /// their values by name and type: `past`, `positions`, random floats, ids from 0 to 6.
    pub fn replay(
        &mut self,
        bound: Bound,
        case: impl Display,
        (rows, capacity): (usize, usize),
        steps: &[Step],
        write: impl Fn(&Draft),
    ) {
        let Some(mut drawn) = self.draw(&case, write) else { return };
        let graph = drawn.graph.clone();
        let inputs: Vec<_> = steps.iter().map(|step| step_inputs(&graph, step, &mut drawn.numbers)).collect();
        self.compare(&case.to_string(), bound, &drawn, (rows, capacity), &inputs);
    }

    fn draw(&mut self, case: &impl Display, write: impl Fn(&Draft)) -> Option<Drawn> {
        self.cases += 1;
        let draft = Draft::new(Numbers::seed_of(&case.to_string()));
        write(&draft);
        let drawn = draft.draw();
        match drawn {
            Ok(drawn) => {
                let own = drawn.graph.nodes.iter().any(|node| suite_of(&node.op) == self.name);
                assert!(own, "{case} holds no operation of {}", self.name);
                Some(drawn)
            }
            Err(reason) => {
                self.failures.push(format!("{case}: {reason}"));
                None
            }
        }
    }

    fn compare(
        &mut self,
        case: &str,
        bound: Bound,
        drawn: &Drawn,
        room: (usize, usize),
        steps: &[Vec<(String, Tensor)>],
    ) {
        let wanted = match play(Executor::Reference, drawn, room, steps) {
            Ok(wanted) => wanted,
            Err(reason) => return self.fail(case, Executor::Reference, &reason),
        };
        let mut on_cpu = None;
        for executor in Executor::TESTED {
            match play(executor, drawn, room, steps) {
                Ok(found) => {
                    for (step, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                        if let Some(d) = graph::compare(&drawn.graph, found, wanted, bound.on(executor)) {
                            let reason = format!("step {step}, {}: nmse {:.1e}", d.name, d.nmse);
                            self.fail(case, executor, &format!("{reason}, bound {:.0e}", bound.on(executor)));
                            break;
                        }
                    }
                    if executor == Executor::Cpu(1) {
                        on_cpu = Some(found);
                    }
                }
                Err(reason) => self.fail(case, executor, &reason),
            }
        }
        let Some(on_cpu) = on_cpu else { return };
        for threads in [2, 3] {
            match play(Executor::Cpu(threads), drawn, room, steps) {
                Ok(found) if same_bits(&found, &on_cpu) => {}
                Ok(_) => self.fail(case, Executor::Cpu(threads), "differs from one thread"),
                Err(reason) => self.fail(case, Executor::Cpu(threads), &reason),
            }
        }
    }

    fn fail(&mut self, case: &str, executor: Executor, reason: &str) {
        let seed = Numbers::seed_of(case);
        self.failures.push(format!("{}: {case} (seed {seed:#x}) on {executor}: {reason}", self.name));
    }
}

fn play(
    executor: Executor,
    drawn: &Drawn,
    room: (usize, usize),
    steps: &[Vec<(String, Tensor)>],
) -> Result<Vec<Vec<Tensor>>, String> {
    let mut player = Player::new(executor, &drawn.graph, &drawn.weights, room)?;
    let run = |inputs: &Vec<(String, Tensor)>| {
        let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        player.run(&inputs)
    };
    steps.iter().map(run).collect()
}

fn same_bits(a: &[Vec<Tensor>], b: &[Vec<Tensor>]) -> bool {
    let same = |(a, b): (&Tensor, &Tensor)| match (&a.data, &b.data) {
        (Data::F32(a), Data::F32(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        (Data::I32(a), Data::I32(b)) => a == b,
        (Data::F32(_) | Data::I32(_), _) => false,
    };
    a.iter().flatten().zip(b.iter().flatten()).all(same)
}

fn step_inputs(graph: &Graph, Step(past, tokens): &Step, numbers: &mut Numbers) -> Vec<(String, Tensor)> {
    let longest = past.iter().copied().max().unwrap_or(0) as usize;
    let symbols = Symbols::new().with('B', past.len()).with('T', *tokens).with('P', longest);
    let value = |(name, ty): (&str, &graph::ValueType)| {
        let shape = ty.shape.eval(&symbols).unwrap();
        let n = shape.iter().product();
        let tensor = match (name, ty.dtype) {
            ("past", _) => Tensor::i32(shape, past.to_vec()),
            ("positions", _) => {
                let places = past.iter().flat_map(|p| (0..*tokens as i32).map(move |t| p + t));
                Tensor::i32(shape, places.collect())
            }
            (_, DType::F32) => Tensor::f32(shape, numbers.normals(n)),
            (_, DType::I32) => Tensor::i32(shape, (0..n).map(|_| numbers.below(7) as i32).collect()),
        };
        (name.to_string(), tensor.unwrap())
    };
    graph.inputs().map(value).collect()
}
