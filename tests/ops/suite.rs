//! One suite: many cases, one verdict.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hasher};

use dynasty_tests::{Executor, Numbers, Player};
use graph::{DType, Data, Graph, Symbols, Tensor};

use crate::draft::{Draft, Drawn};
use crate::{expected, suite_of};

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

/// The results of each step.
pub type Results = Vec<Vec<Tensor>>;

/// A written case, the largest error that passes, the rows and tokens that its session has room for, and the inputs of
/// each of its runs.
struct Case {
    name: String,
    bound: Bound,
    drawn: Result<Drawn, String>,
    room: (usize, usize),
    steps: Vec<Vec<(String, Tensor)>>,
}

/// The cases of one suite.
pub struct Suite {
    name: &'static str,
    cases: Vec<Case>,
}

impl Suite {
    /// Draws all cases.
    pub fn draw(name: &'static str, cases: fn(&mut Suite)) -> Self {
        let mut suite = Self { name, cases: Vec::new() };
        cases(&mut suite);
        suite
    }

    /// One run of one graph.
    pub fn check(&mut self, bound: Bound, case: impl Display, write: impl Fn(&Draft)) {
        self.add(bound, &case, (1, 1), write, |drawn| vec![std::mem::take(&mut drawn.inputs)]);
    }

    /// One program run several times: the sizes B and T and the cached lengths change from step to step. Inputs get
    /// their values by name and type: `past`, `positions`, random floats, ids from 0 to 6.
    pub fn replay(
        &mut self,
        bound: Bound,
        case: impl Display,
        room: (usize, usize),
        steps: &[Step],
        write: impl Fn(&Draft),
    ) {
        self.add(bound, &case, room, write, |drawn| {
            let graph = drawn.graph.clone();
            steps.iter().map(|step| step_inputs(&graph, step, &mut drawn.numbers)).collect()
        });
    }

    fn add(
        &mut self,
        bound: Bound,
        case: &impl Display,
        room: (usize, usize),
        write: impl Fn(&Draft),
        steps: impl FnOnce(&mut Drawn) -> Vec<Vec<(String, Tensor)>>,
    ) {
        let name = case.to_string();
        let draft = Draft::new(Numbers::seed_of(&name));
        write(&draft);
        let mut drawn = draft.draw();
        let steps = drawn.as_mut().map(steps).unwrap_or_default();
        if let Ok(drawn) = &drawn {
            let own = drawn.graph.nodes.iter().any(|node| suite_of(&node.op) == self.name);
            assert!(own, "{name} holds no operation of {}", self.name);
        }
        self.cases.push(Case { name, bound, drawn, room, steps });
    }

    /// What an executor makes of each case.
    pub async fn results(&self, executor: Executor) -> Vec<Result<Results, String>> {
        let mut results = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            results.push(case.results(executor).await);
        }
        results
    }

    /// What each case that fails on one of these executors says.
    pub async fn failures(&self, executors: &[Executor], wanted: &[Result<Results, String>]) -> Vec<String> {
        let mut failures = Vec::new();
        for (case, wanted) in self.cases.iter().zip(wanted) {
            let found = match wanted {
                Ok(wanted) => case.failures(executors, wanted).await,
                Err(reason) => vec![format!("has no reference: {reason}")],
            };
            let seed = Numbers::seed_of(&case.name);
            failures.extend(found.iter().map(|found| format!("{}: {} (seed {seed:#x}) {found}", self.name, case.name)));
        }
        failures
    }

    /// A number for each case that changes with its values.
    pub fn digests(&self) -> Vec<u64> {
        self.cases.iter().map(Case::digest).collect()
    }
}

/// Plays a suite on all executors of this machine, then fails with every message at once. What the reference says is
/// kept for pages.
#[cfg(test)]
pub fn pass(name: &'static str, cases: fn(&mut Suite)) {
    let suite = Suite::draw(name, cases);
    let wanted = pollster::block_on(suite.results(Executor::Reference));
    let executors = [&Executor::TESTED[..], &[Executor::Cpu(2), Executor::Cpu(3)]].concat();
    let failures = pollster::block_on(suite.failures(&executors, &wanted));
    println!("{name}: {} cases", wanted.len());
    let shown = failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n  ");
    assert!(failures.is_empty(), "{} failures in {} cases:\n  {shown}", failures.len(), wanted.len());
    assert!(!wanted.is_empty(), "no case");
    expected::keep(name, &suite.digests(), &wanted).unwrap();
}

impl Case {
    /// Where it fails, and how: by its distance from the reference, or because numbers of threads differ.
    async fn failures(&self, executors: &[Executor], wanted: &[Vec<Tensor>]) -> Vec<String> {
        let mut failures = Vec::new();
        let mut on_cpu: Option<Results> = None;
        for &executor in executors {
            let mut fail = |reason: String| failures.push(format!("on {executor}: {reason}"));
            let found = match self.results(executor).await {
                Ok(found) => found,
                Err(reason) => {
                    fail(reason);
                    continue;
                }
            };
            self.distance(executor, &found, wanted).map(&mut fail);
            if executor.is_gpu() {
                continue;
            }
            match &on_cpu {
                Some(first) if !same_bits(first, &found) => fail("differs from another number of threads".into()),
                Some(_) => {}
                None => on_cpu = Some(found),
            }
        }
        failures
    }

    async fn results(&self, executor: Executor) -> Result<Results, String> {
        let drawn = self.drawn.as_ref()?;
        let mut player = Player::open(executor, &drawn.graph, &drawn.weights, self.room).await?;
        let mut results = Vec::with_capacity(self.steps.len());
        for inputs in &self.steps {
            let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
            results.push(player.answer(&inputs).await?);
        }
        Ok(results)
    }

    /// Of its name, weights and inputs.
    fn digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        digest.write(self.name.as_bytes());
        for weight in self.drawn.iter().flat_map(|drawn| &drawn.weights) {
            digest.write(&weight.data);
        }
        for (_, tensor) in self.steps.iter().flatten() {
            digest.write(&expected::bytes_of(tensor));
        }
        digest.finish()
    }

    /// The first result that is too far from the wanted one.
    fn distance(&self, executor: Executor, found: &[Vec<Tensor>], wanted: &[Vec<Tensor>]) -> Option<String> {
        let drawn = self.drawn.as_ref().ok()?;
        if found.len() != wanted.len() {
            return Some(format!("{} steps where {} are wanted", found.len(), wanted.len()));
        }
        let bound = self.bound.on(executor);
        found.iter().zip(wanted).enumerate().find_map(|(step, (found, wanted))| {
            let d = graph::compare(&drawn.graph, found, wanted, bound)?;
            Some(format!("step {step}, {}: nmse {:.1e}, bound {bound:.0e}", d.name, d.nmse))
        })
    }
}

fn same_bits(a: &Results, b: &[Vec<Tensor>]) -> bool {
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
