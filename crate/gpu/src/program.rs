//! A graph bound to weights on a device, with its plans.

use std::collections::BTreeMap;
use std::sync::Arc;

use graph::{Data, Dim, Graph, NodeId, Op, Symbols};

use crate::engine::{Engine, Gpu};
use crate::fixed::{constant, dense_weight, join_projections};
use crate::kernels::{Context, REACH, Reach};
use crate::plan::Plan;
use crate::units::{self, Unit};
use crate::values::{Home, Values};
use crate::weights::{Role, Weight};
use crate::{Error, Weights, trained};

/// Plans that are kept; the one used longest ago goes first.
const PLANS: usize = 8;

/// What one run costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Dispatches.
    pub dispatches: usize,
    /// Submits.
    pub submits: usize,
    /// Bytes of weights read.
    pub weight_bytes: u64,
    /// Bytes of results copied back.
    pub readback_bytes: u64,
}

/// Where a run's key-value lengths come from.
pub(crate) struct Past {
    /// The input that holds them.
    pub input: String,
    /// Tokens of a call.
    pub tokens: Dim,
}

/// A graph that is ready to run.
pub struct Program {
    pub(crate) graph: Arc<Graph>,
    pub(crate) units: Vec<Unit>,
    pub(crate) values: Values,
    pub(crate) weights: Vec<Arc<Weight>>,
    pub(crate) past: Option<Past>,
    /// Weights that are read as plain f32 values.
    dense: BTreeMap<u32, wgpu::Buffer>,
    /// Constants, by their nodes.
    constants: BTreeMap<u32, wgpu::Buffer>,
    /// Biases of joined projections, by the first node.
    biases: BTreeMap<NodeId, wgpu::Buffer>,
    /// The one used last comes last.
    plans: Vec<Plan>,
    stats: Stats,
}

impl Engine {
    /// Binds a graph to weights.
    ///
    /// # Errors
    /// A weight is missing or has another shape, or a node cannot run on this device.
    pub fn prepare(&self, graph: Arc<Graph>, weights: &Weights) -> Result<Program, Error> {
        let found = graph.weights.iter().map(|spec| {
            let fail = |reason: String| Error::Weight { name: spec.name.clone(), reason };
            let weight = weights.find(&spec.name).ok_or_else(|| fail("is not loaded".into()))?;
            if weight.shape != spec.shape {
                return Err(fail(format!("is {:?}, the graph wants {:?}", weight.shape, spec.shape)));
            }
            Ok(weight)
        });
        let mut found: Vec<Arc<Weight>> = found.collect::<Result<_, _>>()?;
        trained::claim(&graph, weights, &mut found)?;
        let max_binding = self.gpu.max_binding();
        let units = units::units(&graph, &|ids, biases| units::joinable(&found, ids, biases, max_binding));
        let biases = join_projections(&self.gpu, &graph, &units, weights, &mut found)?;
        let values = Values::new(&graph, &units);
        let mut dense = BTreeMap::new();
        for id in &values.dense_weights {
            let (name, weight) = (&graph.weights[*id as usize].name, found[*id as usize].clone());
            if weight.plain().is_none() {
                found[*id as usize] = weights.assign(name, &weight, Role::Shared);
            }
            dense.insert(*id, dense_weight(&self.gpu, name, &weight)?);
        }
        let mut constants = BTreeMap::new();
        for (id, node) in graph.iter() {
            if let Op::Const(tensor) = &node.op {
                constants.insert(id.0, constant(&self.gpu, tensor)?);
            }
        }
        let past = past(&graph)?;
        self.gpu.check()?;
        let (plans, stats) = (Vec::new(), Stats::default());
        Ok(Program { graph, units, values, weights: found, past, dense, constants, biases, plans, stats })
    }
}

impl Program {
    /// What the last run cost.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Bytes of the arenas of its plans.
    pub fn bytes(&self) -> u64 {
        self.plans.iter().map(Plan::bytes).sum()
    }

    pub(crate) fn context<'a>(&'a self, symbols: &'a Symbols, class: &'a Symbols, gpu: &Gpu) -> Context<'a> {
        Context {
            graph: &self.graph,
            values: &self.values,
            units: &self.units,
            weights: &self.weights,
            symbols,
            class,
            kernels: gpu.kernels,
            precision: gpu.precision,
        }
    }

    /// The buffer of a weight's plain values or of a constant.
    pub(crate) fn fixed(&self, home: Home) -> Result<&wgpu::Buffer, Error> {
        let found = match home {
            Home::Weight(id) => self.dense.get(&id.0),
            Home::Const(node) => self.constants.get(&node),
            Home::Slot(_) => None,
        };
        found.ok_or_else(|| Error::Refused { reason: format!("{home:?} has no buffer") })
    }

    /// The biases of joined projections.
    pub(crate) fn bias(&self, first: NodeId) -> Result<&wgpu::Buffer, Error> {
        let missing = || Error::Refused { reason: format!("node {} has no joined bias", first.0) };
        self.biases.get(&first).ok_or_else(missing)
    }

    /// Takes the plan for these sizes out of the program; [`Program::keep`] puts it back.
    pub(crate) fn take_plan(&mut self, gpu: &Gpu, symbols: &Symbols) -> Result<Plan, Error> {
        let class = self.class(symbols);
        for wanted in [&class, symbols] {
            if let Some(i) = self.plans.iter().position(|p| p.class == *wanted)
                && self.plans[i].holds(self, symbols)?
            {
                return Ok(self.plans.remove(i));
            }
        }
        match Plan::new(gpu, self, &class, symbols) {
            Ok(plan) if plan.holds(self, symbols)? => Ok(plan),
            // Sizes that do not grow with their symbols, or that fit only without being rounded up.
            Ok(_) | Err(Error::Limit { .. } | Error::Graph(_)) => Plan::new(gpu, self, symbols, symbols),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn keep(&mut self, plan: Plan) {
        let Plan { weight_bytes, readback_bytes, .. } = plan;
        self.stats = Stats { dispatches: plan.dispatches(), submits: 1, weight_bytes, readback_bytes };
        self.plans.push(plan);
        if self.plans.len() > PLANS {
            self.plans.remove(0);
        }
    }

    /// Gives the staging buffer of the last run back to its plan.
    pub(crate) fn return_staging(&mut self, staging: wgpu::Buffer) {
        if let Some(plan) = self.plans.last_mut() {
            plan.staging = Some(staging);
        }
    }

    /// The symbols that sizes of arenas and parameters depend on, and how far attention must reach in the caches, of
    /// which the longest row then holds `longest` tokens.
    pub(crate) fn relevant(&self, symbols: &Symbols, longest: usize) -> Symbols {
        let all = symbols.iter().filter(|(s, _)| self.values.symbols.contains(s));
        let mut relevant = all.fold(Symbols::new(), |sum, (s, v)| sum.with(s.0, v));
        if self.past.is_some() {
            relevant.bind(REACH, Reach::of_caches(&self.graph, longest) as usize);
        }
        relevant
    }

    /// The class of these sizes: each rounded up to a power of two.
    fn class(&self, symbols: &Symbols) -> Symbols {
        let rounded =
            symbols.iter().map(|(s, v)| (s, if v == 0 { 0 } else { v.checked_next_power_of_two().unwrap_or(v) }));
        rounded.fold(Symbols::new(), |sum, (s, v)| sum.with(s.0, v))
    }
}

/// The input with the cached lengths, and the tokens of a call; all caches must agree.
fn past(graph: &Graph) -> Result<Option<Past>, Error> {
    let mut found = None;
    for (id, node) in graph.iter() {
        if !matches!(node.op, Op::KvAppend(_)) {
            continue;
        }
        let here = (node.inputs[2], graph.value(node.inputs[0]).shape[1].clone());
        let fail = |reason: &str| Error::Unsupported { op: node.op.name(), node: id.0, reason: reason.into() };
        if found.get_or_insert_with(|| here.clone()) != &here {
            return Err(fail("all caches of a graph need the same past and tokens"));
        }
        if !matches!(graph.node(here.0.node).op, Op::Input { .. }) {
            return Err(fail("past must be an input"));
        }
    }
    Ok(found.and_then(|(port, tokens)| match &graph.node(port.node).op {
        Op::Input { name } => Some(Past { input: name.clone(), tokens }),
        _ => None,
    }))
}

pub(crate) fn data_bytes(data: &Data) -> &[u8] {
    match data {
        Data::F32(values) => bytemuck::cast_slice(values),
        Data::I32(values) => bytemuck::cast_slice(values),
    }
}
