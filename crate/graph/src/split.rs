//! A graph cut in two: what depends on some of the inputs alone, and the rest.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Dim, Graph, Node, NodeId, Op, Output, Port, WeightId};

/// The two parts of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What depends on the held inputs, on weights and on constants alone. Its outputs are inputs of `rest`, by name.
    pub first: Graph,
    /// All else. Of the held inputs it has those that it reads itself.
    pub rest: Graph,
}

impl Graph {
    /// Cuts the graph, so that runs that share the held inputs compute the first part once; nothing if it would be empty.
    /// Values whose sizes are not known when the graph is built stay in the rest.
    pub fn split(&self, held: &[&str]) -> Option<Split> {
        let fixed = self.fixed(held);
        let is_leaf = |port: &Port| matches!(self.node(port.node).op, Op::Input { .. } | Op::Weight(_) | Op::Const(_));
        let read =
            self.iter().filter(|(id, _)| !fixed[id.0 as usize]).flat_map(|(_, node)| node.inputs.iter().copied());
        let read = read.chain(self.outputs.iter().map(|output| output.port));
        let carried: BTreeSet<Port> = read.filter(|port| fixed[port.node.0 as usize] && !is_leaf(port)).collect();
        if carried.is_empty() {
            return None;
        }
        let named: BTreeMap<Port, String> =
            carried.iter().enumerate().map(|(i, port)| (*port, format!("held.{i}"))).collect();
        let outputs: Vec<Output> =
            named.iter().map(|(port, name)| Output { name: name.clone(), port: *port }).collect();
        let first = self.part(&BTreeMap::new(), &outputs);
        let rest = self.part(&named, &self.outputs);
        Some(Split { first, rest })
    }

    /// Whether each node depends on the held inputs, weights and constants alone, and is as large in every run.
    fn fixed(&self, held: &[&str]) -> Vec<bool> {
        let mut fixed: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let known = node.outputs.iter().all(|ty| ty.shape.iter().all(|dim| Dim::known(dim).is_some()));
            let own = match &node.op {
                Op::Input { name } => held.contains(&name.as_str()),
                // They change what is kept between runs.
                Op::KvAppend(_) | Op::Update { .. } => false,
                _ => true,
            };
            fixed.push(own && known && node.inputs.iter().all(|port| fixed[port.node.0 as usize]));
        }
        fixed
    }

    /// What computes some outputs, with some values given as inputs.
    fn part(&self, given: &BTreeMap<Port, String>, outputs: &[Output]) -> Graph {
        let mut needed = vec![false; self.nodes.len()];
        outputs.iter().for_each(|output| needed[output.port.node.0 as usize] |= !given.contains_key(&output.port));
        for (i, node) in self.nodes.iter().enumerate().rev() {
            if needed[i] {
                let read = node.inputs.iter().filter(|port| !given.contains_key(port));
                read.for_each(|port| needed[port.node.0 as usize] = true);
            }
        }
        let mut part = Graph { states: self.states.clone(), ..Graph::default() };
        let mut places: BTreeMap<Port, Port> = BTreeMap::new();
        let mut weights: BTreeMap<WeightId, WeightId> = BTreeMap::new();
        for (id, node) in self.iter() {
            for (port, name) in given.range(Port { node: id, output: 0 }..=Port { node: id, output: u8::MAX }) {
                let input = Node {
                    op: Op::Input { name: name.clone() },
                    inputs: Vec::new(),
                    outputs: vec![self.value(*port).clone()],
                };
                places.insert(*port, Port { node: NodeId(part.nodes.len() as u32), output: 0 });
                part.nodes.push(input);
            }
            if !needed[id.0 as usize] {
                continue;
            }
            let new = NodeId(part.nodes.len() as u32);
            for output in 0..node.outputs.len() as u8 {
                places.entry(Port { node: id, output }).or_insert(Port { node: new, output });
            }
            let op = match &node.op {
                Op::Weight(old) => {
                    let next = WeightId(part.weights.len() as u32);
                    let new = *weights.entry(*old).or_insert(next);
                    if new == next {
                        part.weights.push(self.weights[old.0 as usize].clone());
                    }
                    Op::Weight(new)
                }
                other => other.clone(),
            };
            let inputs = node.inputs.iter().map(|port| places[port]).collect();
            part.nodes.push(Node { op, inputs, outputs: node.outputs.clone() });
        }
        part.outputs =
            outputs.iter().map(|output| Output { name: output.name.clone(), port: places[&output.port] }).collect();
        part
    }
}

#[cfg(test)]
mod tests {
    use crate::{Bias, Builder, DType, Dim, Taps};

    /// What depends on the picture, with a weight that both parts read, and what depends on the prompts too.
    #[test]
    fn what_is_known_of_a_picture() {
        let g = Builder::new(Taps::none());
        let picture = g.input("picture", DType::F32, [4, 8]);
        let prompts = g.input("prompts", DType::F32, [Dim::from('N'), 8.into()]);
        let seen = picture.linear(&g.weights().at("proj"), 8, Bias::None).silu(); // [4, 8]
        let asked = prompts.linear(&g.weights().at("proj"), 8, Bias::None); // [N, 8]
        g.output("alone", seen);
        g.output("both", asked.slice(1, 0, 1) * picture.reshape([1, 32]).slice(1, 0, 1));
        g.output("fit", seen.matmul(asked.reshape([Dim::from(8), Dim::from('N')])));
        let graph = g.finish().unwrap();
        let split = graph.split(&["picture"]).unwrap();
        let inputs = |graph: &crate::Graph| graph.inputs().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        assert_eq!(inputs(&split.first), ["picture"]);
        assert_eq!(split.first.weights.len(), 1);
        assert_eq!(split.rest.weights.len(), 1);
        let rest = inputs(&split.rest);
        assert!(rest.contains(&"prompts".to_string()) && !rest.contains(&"picture".to_string()), "{rest:?}");
        for output in &split.first.outputs {
            assert!(rest.contains(&output.name), "{rest:?}");
        }
        let names = |graph: &crate::Graph| graph.outputs.iter().map(|o| o.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&split.rest), names(&graph));
        assert!(graph.split(&["prompts"]).is_none());
    }
}
