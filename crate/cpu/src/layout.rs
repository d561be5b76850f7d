//! Where values lie in the memory of a program.

use std::cmp::Reverse;

use crate::Error;
use crate::matrix::Buffer;
use crate::plan::{Lifetime, Place, Plan};
use crate::step::OUTPUTS;

/// Floats in a line of the cache; values begin at one.
const LINE: usize = 16;

/// The memory of a program and the place of each value in it. Values that live at the same time lie apart. It serves
/// every run whose values are no larger than those it was made for.
#[derive(Default)]
pub(crate) struct Layout {
    /// Room for each value.
    room: Vec<usize>,
    offsets: Vec<usize>,
    memory: Buffer,
}

impl Layout {
    /// Makes room for values of these sizes.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn fit(&mut self, plan: &Plan, lens: &[usize]) -> Result<(), Error> {
        self.room.resize(lens.len(), 0);
        if self.room.iter().zip(lens).all(|(room, len)| len <= room) {
            return Ok(());
        }
        self.room.iter_mut().zip(lens).for_each(|(room, len)| *room = (*room).max(*len));
        let lives: Vec<(usize, Lifetime)> = plan.lifetimes().collect();
        let size = self.place(&lives, lens.len());
        let bytes = size.checked_mul(4).filter(|bytes| *bytes <= isize::MAX as usize);
        if bytes.is_none_or(|bytes| self.memory.grow(bytes).is_err()) {
            self.room.clear();
            return Err(Error::Memory { what: "the values of a run", count: size });
        }
        Ok(())
    }

    /// The largest first, each in the first gap among those that live with it; gives how much room all need.
    fn place(&mut self, lives: &[(usize, Lifetime)], count: usize) -> usize {
        let mut order: Vec<&(usize, Lifetime)> = lives.iter().filter(|(value, _)| self.room[*value] > 0).collect();
        order.sort_by_key(|(value, _)| (Reverse(self.room[*value]), *value));
        self.offsets.clear();
        self.offsets.resize(count, 0);
        let mut size = 0;
        // In the order of their places.
        let mut placed: Vec<(usize, usize, Lifetime)> = Vec::with_capacity(order.len());
        for (value, life) in order {
            let room = self.room[*value].next_multiple_of(LINE);
            let mut at = 0;
            for (start, end, _) in placed.iter().filter(|(_, _, other)| other.meets(*life)) {
                if *start >= at + room {
                    break;
                }
                at = at.max(*end);
            }
            self.offsets[*value] = at;
            size = size.max(at + room);
            let next = placed.partition_point(|(start, _, _)| *start < at);
            placed.insert(next, (at, at + room, *life));
        }
        size
    }

    /// Where values begin, by the first of those that share a place.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Bytes of the memory.
    pub fn bytes(&self) -> usize {
        self.memory.len()
    }

    /// The memory of values that are about to be written, and all that lies between them. What a place does not name
    /// stays empty.
    pub fn carve(&mut self, plan: &Plan, values: &[(usize, usize)]) -> ([&mut [f32]; OUTPUTS], &[usize], Pieces<'_>) {
        let mut order: [usize; OUTPUTS] = std::array::from_fn(|i| i);
        let place = |i: usize| match values.get(i).map(|(value, len)| (plan.values[*value].place, *len)) {
            Some((Place::Buffer(root), len)) if len > 0 => Some((self.offsets[root as usize], len)),
            _ => None,
        };
        let places: [Option<(usize, usize)>; OUTPUTS] = std::array::from_fn(place);
        order.sort_unstable_by_key(|i| places[*i]);
        let (mut rest, mut base) = (bytemuck::cast_slice_mut(self.memory.bytes_mut()), 0);
        let (mut carved, mut pieces) = (<[&mut [f32]; OUTPUTS]>::default(), [(0, &[][..]); OUTPUTS + 1]);
        for (i, piece) in order.into_iter().zip(&mut pieces) {
            let Some((at, len)) = places[i] else { continue };
            let (before, from) = rest.split_at_mut(at - base);
            let (own, behind) = from.split_at_mut(len);
            *piece = (base, before);
            carved[i] = own;
            (rest, base) = (behind, at + len);
        }
        pieces[OUTPUTS] = (base, rest);
        (carved, &self.offsets, Pieces(pieces))
    }

    /// All of the memory, to read.
    pub fn pieces(&self) -> Pieces<'_> {
        let mut pieces = [(0, &[][..]); OUTPUTS + 1];
        pieces[OUTPUTS] = (0, bytemuck::cast_slice(self.memory.bytes()));
        Pieces(pieces)
    }
}

/// Memory that may be read, in pieces with the place of their beginning.
#[derive(Clone, Copy)]
pub(crate) struct Pieces<'a>([(usize, &'a [f32]); OUTPUTS + 1]);

impl<'a> Pieces<'a> {
    /// A value; nothing if it is being written.
    pub fn get(&self, at: usize, len: usize) -> Option<&'a [f32]> {
        self.0.iter().find_map(|(base, piece)| piece.get(at.checked_sub(*base)?..)?.get(..len))
    }
}

#[cfg(test)]
mod tests {
    use graph::{Act, Bias, Builder, Checkpointing, DType, Dim, Graph, Reduce, Symbols, Taps, Training, Update};

    use super::*;

    /// Floats that a graph needs, and the most that are alive at once.
    fn needs(graph: &Graph, symbols: &Symbols) -> (usize, usize) {
        let plan = Plan::new(graph, |_| false);
        let types = graph.nodes.iter().flat_map(|node| &node.outputs);
        let lens: Vec<usize> = types.map(|ty| ty.shape.elements().eval(symbols).unwrap()).collect();
        let mut layout = Layout::default();
        layout.fit(&plan, &lens).unwrap();
        let lives: Vec<(usize, Lifetime)> = plan.lifetimes().collect();
        let at_once = |life: Lifetime| -> usize {
            lives.iter().filter(|(_, other)| other.holds_start(life)).map(|(value, _)| lens[*value]).sum()
        };
        let most = lives.iter().map(|(_, life)| at_once(*life)).max().unwrap_or(0);
        (layout.bytes() / 4, most)
    }

    #[test]
    fn a_chain_needs_two_values_and_results_are_kept() {
        for (results, expected) in [(0, 2), (4, 5)] {
            let g = Builder::new(Taps::none());
            let mut x = g.input("x", DType::F32, [Dim::from('T'), Dim::from(8)]);
            for i in 0..5 {
                x = x.silu();
                if i < results {
                    g.output("y", x);
                }
            }
            g.output("y", x);
            let (all, _) = needs(&g.finish().unwrap(), &Symbols::new().with('T', 4));
            assert_eq!(all, 32 * expected);
        }
    }

    #[test]
    fn a_training_step_needs_little_more_than_what_lives_at_once() {
        for keep in [Checkpointing::None, Checkpointing::EveryBlock] {
            let g = Builder::for_training(Taps::none(), Training::default());
            let (b, t) = (Dim::from('B'), Dim::from('T'));
            let mut x = g.input("x", DType::F32, [b.clone(), t.clone(), 64.into()]);
            let w = g.weights();
            for layer in 0..6 {
                g.tap(&format!("hidden.{layer}"), x);
                let w = w.at(layer);
                let y = x.rms_norm(&w.at("norm"), 1e-5).linear(&w.at("up"), 256, Bias::Add).act(Act::Gelu);
                x = x + y.linear(&w.at("down"), 64, Bias::None);
            }
            g.tap("hidden.6", x);
            let loss = x.linear(&w.at("head"), 1000, Bias::None).reshape([b * t * 1000.into()]).reduce(Reduce::Sum);
            let of: Vec<_> = g.declared().into_iter().map(|(_, weight)| weight).collect();
            for (weight, gradient) in of.iter().zip(g.gradients(loss, &of, keep)) {
                g.update(Update::Add, &[*weight], &[gradient]);
            }
            let graph = g.finish().unwrap();
            for (batch, tokens) in [(1, 256), (16, 256), (32, 64), (4, 16)] {
                let (all, most) = needs(&graph, &Symbols::new().with('B', batch).with('T', tokens));
                assert!(all * 10 <= most * 11, "{keep:?} {batch} x {tokens}: {all} floats, {most} at once");
            }
        }
    }

    #[test]
    fn what_is_written_lies_apart_from_what_is_read() {
        let g = Builder::new(Taps::none());
        let x = g.input("x", DType::F32, [16]);
        g.output("z", x.silu() + x.silu());
        let plan = Plan::new(&g.finish().unwrap(), |_| false);
        let mut layout = Layout::default();
        layout.fit(&plan, &[16; 4]).unwrap();
        let (out, offsets, memory) = layout.carve(&plan, &[(3, 16)]);
        assert_eq!(out[0].len(), 16);
        assert!(memory.get(offsets[1], 16).is_some() && memory.get(offsets[2], 16).is_some());
        assert!(memory.get(offsets[3], 16).is_none());
    }
}
