//! A graph with its weights, buffers and sizes: what runs.

use std::sync::{Arc, Mutex, PoisonError};

use graph::{DType, Data, Graph, Node, NodeId, Op, Port, Symbol, Symbols, Tensor, Update, WeightId};

use crate::cache::{self, Caches};
use crate::kernels::update::update;
use crate::layout::Layout;
use crate::plan::{Place, Plan, computes};
use crate::pool::Pool;
use crate::reader::{Measured, Reader};
use crate::step::{self, OUTPUTS, Scratch};
use crate::weights::{Slot, Weight};
use crate::{Error, Session, Weights};

/// A graph that is ready to run. It keeps its buffers from run to run, so a run with sizes no larger than an earlier
/// one takes no memory for what it computes.
pub struct Program {
    graph: Arc<Graph>,
    plan: Plan,
    slots: Vec<Arc<Slot>>,
    /// What the slots hold in this run; nothing between runs, so that changing it needs no copy.
    weights: Vec<Arc<Weight>>,
    /// Held while weights change.
    turn: Arc<Mutex<()>>,
    caches: Caches,
    /// An input has an axis of P tokens, so P is not for the session to say.
    past_is_given: bool,
    measured: Measured,
    layout: Layout,
    scratch: Scratch,
}

impl Program {
    pub(crate) fn new(graph: Arc<Graph>, weights: &Weights) -> Result<Self, Error> {
        let found = graph.weights.iter().map(|spec| {
            let fail = |reason: String| Error::Weight { name: spec.name.clone(), reason };
            let slot = weights.find(&spec.name).ok_or_else(|| fail("is not loaded".into()))?;
            let shape = &slot.current().shape;
            if *shape != spec.shape {
                return Err(fail(format!("has shape {shape:?}, the graph expects {:?}", spec.shape)));
            }
            Ok(slot.clone())
        });
        let slots = found.collect::<Result<Vec<_>, Error>>()?;
        for (id, node) in graph.iter() {
            if let Op::Update { weights, .. } = &node.op {
                changing(&graph, &slots, id, weights)?;
            }
        }
        let caches = Caches::new(&graph)?;
        let plan = Plan::new(&graph, |node| caches.only_pages(node));
        let past = Symbol('P');
        let past_is_given = graph.inputs().any(|(_, ty)| ty.shape.iter().any(|dim| dim.symbol() == Some(past)));
        let (measured, layout) = (Measured::default(), Layout::default());
        let (turn, weights) = (weights.turn().clone(), Vec::new());
        Ok(Self {
            graph,
            plan,
            slots,
            weights,
            turn,
            caches,
            past_is_given,
            measured,
            layout,
            scratch: Scratch::default(),
        })
    }

    /// The graph that it runs.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Bytes of the memory in which it computes.
    pub fn bytes(&self) -> usize {
        self.layout.bytes()
    }

    /// Bytes of the weights that one run reads whole; tables of which it takes single rows do not count.
    pub fn weight_bytes(&self) -> usize {
        let mut read = vec![false; self.slots.len()];
        for (_, node) in self.graph.iter().filter(|(_, node)| !matches!(node.op, Op::GatherRows)) {
            for port in &node.inputs {
                if let Op::Weight(id) = self.graph.node(port.node).op {
                    read[id.0 as usize] = true;
                }
            }
        }
        self.slots.iter().zip(read).filter(|(_, read)| *read).map(|(slot, _)| slot.current().bytes()).sum()
    }

    pub(crate) fn run(
        &mut self,
        pool: &Pool,
        session: Option<&mut Session>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        self.weights.clear();
        self.weights.extend(self.slots.iter().map(|slot| slot.current()));
        let outputs = self.run_with_weights(pool, session, inputs);
        self.weights.clear();
        outputs
    }

    fn run_with_weights(
        &mut self,
        pool: &Pool,
        session: Option<&mut Session>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        let graph = self.graph.clone();
        let past = cache::past(&graph, &self.caches, inputs);
        let symbols = match past.iter().flat_map(|past| past.iter()).max() {
            Some(most) => Symbols::new().with('P', usize::try_from(*most).unwrap_or(0)),
            None if self.past_is_given => Symbols::new(),
            None => Symbols::new().with('P', 0),
        };
        let symbols = graph.bind(symbols, inputs)?;
        self.measured.fill(&self.plan, symbols)?;
        self.layout.fit(&self.plan, self.measured.lens())?;
        let mut given = Vec::with_capacity(inputs.len());
        for (name, _) in graph.inputs() {
            given.extend(inputs.iter().rev().find(|(other, _)| *other == name).map(|(_, tensor)| *tensor));
        }
        match (past, session) {
            (None, _) => self.steps(pool, None, &given),
            (Some(_), None) => Err(Error::Session("the graph has a cache, but no session is given".into())),
            (Some(past), Some(session)) => {
                let tokens = self.caches.check(&graph, session, |port| self.measured.shape(self.plan.index(port)))?;
                session.extend(past, tokens)?;
                let outputs = self.steps(pool, Some((session, past)), &given);
                if outputs.is_err() {
                    session.shrink(past);
                }
                outputs
            }
        }
    }

    /// Every node in order, then the outputs.
    fn steps(
        &mut self,
        pool: &Pool,
        mut session: Option<(&mut Session, &[i32])>,
        given: &[&Tensor],
    ) -> Result<Vec<Tensor>, Error> {
        self.scratch.forget();
        let graph = self.graph.clone();
        for (id, node) in graph.iter().filter(|(_, node)| computes(&node.op)) {
            if let Op::Update { rule, weights } = &node.op
                && cfg!(feature = "train")
            {
                self.update(pool, node, *rule, weights, given)?;
                continue;
            }
            let written = self.written(id, node);
            let (outputs, offsets, memory) = self.layout.carve(&self.plan, &written[..node.outputs.len()]);
            let (graph, plan, measured, weights) = (&*self.graph, &self.plan, &self.measured, &self.weights[..]);
            let reader = Reader { graph, plan, measured, weights, given, offsets, memory };
            let session = session.as_mut().map(|(session, past)| (&mut **session, *past));
            let task = step::Task { pool, id, node, reader: &reader, caches: &self.caches };
            step::run(&task, &mut self.scratch, session, outputs)?;
        }
        let reader = self.reader(given);
        graph.outputs.iter().map(|output| to_tensor(&reader, output.port)).collect()
    }

    /// Changes weights in place.
    fn update(
        &mut self,
        pool: &Pool,
        node: &Node,
        rule: Update,
        weights: &[WeightId],
        given: &[&Tensor],
    ) -> Result<(), Error> {
        let place = |port: &Port| self.plan.values[self.plan.index(*port)].place;
        for id in weights {
            // The program's own hold would make a copy necessary; a rule that reads what it changes gets one.
            if !node.inputs.iter().any(|port| place(port) == Place::Weight(id.0)) {
                self.weights[id.0 as usize] = Arc::default();
            }
        }
        {
            let reader = self.reader(given);
            let input = |i: usize| node.inputs.get(i).map_or(Ok(&[][..]), |port| reader.f32(*port));
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let mut open: [_; 3] = std::array::from_fn(|i| weights.get(i).map(|id| self.slots[id.0 as usize].open()));
            let values = open.each_mut().map(|slot| slot.as_mut().map_or(&mut [][..], |slot| slot.values()));
            update(pool, rule, values, input(0)?, (input(1)?, input(2)?));
        }
        for id in weights {
            self.weights[id.0 as usize] = self.slots[id.0 as usize].current();
        }
        Ok(())
    }

    /// The values that a node yields and their sizes.
    fn written(&self, id: NodeId, node: &Node) -> [(usize, usize); OUTPUTS] {
        let first = self.plan.index(Port { node: id, output: 0 });
        std::array::from_fn(|i| if i < node.outputs.len() { (first + i, self.measured.len(first + i)) } else { (0, 0) })
    }

    /// Reads every value.
    fn reader<'a>(&'a self, given: &'a [&'a Tensor]) -> Reader<'a> {
        let (graph, plan, measured, weights) = (&*self.graph, &self.plan, &self.measured, &self.weights[..]);
        Reader { graph, plan, measured, weights, given, offsets: self.layout.offsets(), memory: self.layout.pieces() }
    }
}

/// Makes the weights of an update ready to change.
///
/// # Errors
/// It names one twice.
fn changing(graph: &Graph, slots: &[Arc<Slot>], id: NodeId, weights: &[WeightId]) -> Result<(), Error> {
    for (i, weight) in weights.iter().enumerate() {
        if weights[..i].contains(weight) {
            let (op, inputs) = (graph.node(id).op.name(), String::new());
            return Err(Error::Node { node: id.0, op, reason: "changes a weight twice".into(), inputs });
        }
        slots[weight.0 as usize].unpack();
    }
    Ok(())
}

fn to_tensor(reader: &Reader<'_>, port: Port) -> Result<Tensor, Error> {
    let data = match reader.graph.value(port).dtype {
        DType::F32 => Data::F32(reader.f32(port)?.to_vec()),
        DType::I32 => Data::I32(reader.i32(port)?.to_vec()),
    };
    Ok(Tensor { shape: reader.shape(port).to_vec(), data })
}
