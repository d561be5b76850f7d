//! How a graph uses key-value caches: which nodes append, which attentions read pages directly.

use graph::{Graph, Node, NodeId, Op, Port, Tensor};

use crate::plan::root;
use crate::reader::integers;
use crate::{Error, Session};

/// The caches of a graph.
pub(crate) struct Caches {
    /// The nodes that append.
    appends: Vec<NodeId>,
    /// The input or constant that says how many tokens each row holds.
    past: Option<Port>,
    /// For each node that is an attention over pages, the state.
    paged: Vec<Option<usize>>,
    /// For each node, whether its results are also needed as plain values.
    plain: Vec<bool>,
}

impl Caches {
    /// Looks at a graph.
    ///
    /// # Errors
    /// A state is written twice, or the numbers of held tokens are computed or differ from cache to cache.
    pub fn new(graph: &Graph) -> Result<Self, Error> {
        let count = graph.nodes.len();
        let mut caches = Self { appends: Vec::new(), past: None, paged: vec![None; count], plain: vec![false; count] };
        let mut written = vec![false; graph.states.len()];
        for (id, node) in graph.iter() {
            let Op::KvAppend(state) = &node.op else { continue };
            let past = root(graph, node.inputs[2]);
            let reason = match () {
                () if std::mem::replace(&mut written[state.0 as usize], true) => "a state is written twice",
                () if caches.past.is_some_and(|other| other != past) => "caches with different numbers of held tokens",
                () if !matches!(graph.node(past.node).op, Op::Input { .. } | Op::Const(_)) => {
                    "the numbers of held tokens are computed, not given"
                }
                () => {
                    caches.past = Some(past);
                    caches.appends.push(id);
                    continue;
                }
            };
            return Err(Error::Node {
                node: id.0,
                op: node.op.name(),
                reason: reason.into(),
                inputs: node
                    .inputs
                    .iter()
                    .map(|port| graph.value(*port).shape.to_string())
                    .collect::<Vec<_>>()
                    .join(" "),
            });
        }
        caches.readers(graph);
        Ok(caches)
    }

    /// Finds who reads pages and who needs plain values.
    fn readers(&mut self, graph: &Graph) {
        for (id, node) in graph.iter() {
            self.paged[id.0 as usize] = self.state_of(graph, node);
            if matches!(node.op, Op::Reshape(_)) {
                continue;
            }
            for (i, port) in node.inputs.iter().enumerate() {
                let through_pages = self.paged[id.0 as usize].is_some() && (i == 1 || i == 2);
                self.plain[root(graph, *port).node.0 as usize] |= !through_pages;
            }
        }
        for output in &graph.outputs {
            self.plain[root(graph, output.port).node.0 as usize] = true;
        }
    }

    /// The state whose pages an attention can read: causal, of one cache's keys and values, at that cache's places.
    fn state_of(&self, graph: &Graph, node: &Node) -> Option<usize> {
        let Op::Attention(spec) = &node.op else { return None };
        let (k, v) = (*node.inputs.get(1)?, *node.inputs.get(2)?);
        let Op::KvAppend(state) = graph.node(k.node).op else { return None };
        let past = node.inputs.get(3).filter(|_| spec.past).map(|port| root(graph, *port));
        let fits = spec.causal && past == self.past && (k.output, v.output) == (0, 1) && k.node == v.node;
        fits.then_some(state.0 as usize)
    }

    /// Whether a node's results are read through pages alone.
    pub fn only_pages(&self, node: NodeId) -> bool {
        !self.plain[node.0 as usize]
    }

    /// The state whose pages an attention reads.
    pub fn state(&self, node: NodeId) -> Option<usize> {
        self.paged[node.0 as usize]
    }

    /// Checks that a session has the graph's states; gives how many tokens the call appends.
    ///
    /// # Errors
    /// The states are others, or the caches grow by different numbers of tokens.
    pub fn check<'a>(
        &self,
        graph: &Graph,
        session: &Session,
        shape: impl Fn(Port) -> &'a [usize],
    ) -> Result<usize, Error> {
        let same = session.states.len() == graph.states.len()
            && session.states.iter().zip(&graph.states).all(|(state, spec)| state.spec == *spec);
        if !same {
            return Err(Error::Session(format!(
                "has {} states, the graph {} or others",
                session.states.len(),
                graph.states.len()
            )));
        }
        let mut tokens = self.appends.iter().map(|id| shape(graph.node(*id).inputs[0])[1]);
        let first = tokens.next().unwrap_or(0);
        if tokens.any(|other| other != first) {
            return Err(Error::Session("caches grow by different numbers of tokens".into()));
        }
        Ok(first)
    }
}

/// How many tokens each row holds, if the graph has a cache.
pub(crate) fn past<'a>(graph: &'a Graph, caches: &Caches, inputs: &[(&str, &'a Tensor)]) -> Option<&'a [i32]> {
    let node = graph.node(caches.past?.node);
    let found = match &node.op {
        Op::Input { name } => inputs.iter().rev().find(|(given, _)| given == name).map(|(_, tensor)| *tensor),
        Op::Const(tensor) => Some(&**tensor),
        _ => None,
    };
    // A missing or wrong input is reported when the inputs are bound.
    Some(found.and_then(integers).unwrap_or(&[]))
}
