//! Sums over the axes that broadcasting repeats.

use graph::{Dim, Graph, Node, Port};

use super::elementwise::{merge, strides};
use super::rows::MOST_TURNS;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

/// Parts that a long sum is cut into.
const CHUNKS: usize = 256;

/// From this many results on, each is summed by one thread.
const MANY: usize = 1024;

/// Elements of a turn.
const UNROLLED: usize = 4;

/// Sums of parts [CHUNKS, n], where results are few and sums long.
pub(super) fn scratch(graph: &Graph, node: &Node) -> Vec<Dim> {
    let x = graph.value(node.inputs[0]).shape.elements();
    let Some(n) = node.outputs[0].shape.elements().known().filter(|n| *n < MANY) else { return Vec::new() };
    let short = x.known().is_some_and(|x| x <= n * CHUNKS);
    if short { Vec::new() } else { vec![Dim::from(CHUNKS * n)] }
}

pub(super) fn sum_to(context: &Context<'_>, node: &Node, out: Port) -> Result<Vec<Dispatch>, Error> {
    let sizes = context.shape(node.inputs[0])?;
    let kept = strides(&context.shape(out)?, sizes.len());
    let own = strides(&sizes, sizes.len());
    let split = |is_kept: bool| {
        let axes = sizes.iter().zip(own.iter().zip(&kept));
        four(axes.filter(move |(_, (_, kept))| (**kept > 0) == is_kept).map(|(size, (own, _))| (*size, [*own])))
    };
    let (Some(stay), Some(summed)) = (split(true), split(false)) else {
        return Err(unsupported(node, out, "more than four axes that do not merge"));
    };
    let sum = Sum {
        n: context.shape(out)?.iter().product(),
        count: summed.iter().map(|(size, _)| size).product(),
        stay,
        summed,
        first: 0,
    };
    let (x, out_buffer) = (Buffer::Value(node.inputs[0]), Buffer::Value(out));
    if context.values.scratch(out.node, 0).is_some() {
        let parts = Buffer::Scratch(out.node, 0);
        let add = chunks(CHUNKS, (sum.n, sum.n), 0);
        return Ok(vec![sum.dispatch(x, parts, CHUNKS), add.dispatch(parts, out_buffer, 1)]);
    }
    if sum.count / UNROLLED > MOST_TURNS {
        return Err(unsupported(node, out, format!("sums of {} values for each of {}", sum.count, sum.n)));
    }
    Ok(vec![sum.dispatch(x, out_buffer, 1)])
}

/// Four axes, outermost first.
fn four(axes: impl Iterator<Item = (usize, [usize; 1])>) -> Option<[(usize, usize); 4]> {
    let merged = merge(axes)?;
    let rest = merged[..4].iter().all(|(size, _)| *size == 1);
    rest.then(|| std::array::from_fn(|i| (merged[4 + i].0, merged[4 + i].1[0])))
}

/// A sum for each of `n` results.
pub(super) struct Sum {
    n: usize,
    count: usize,
    /// Sizes and strides of the axes that stay.
    stay: [(usize, usize); 4],
    /// Those of the axes that are summed.
    summed: [(usize, usize); 4],
    /// Where the first element stands.
    first: usize,
}

/// The sum of `count` rows of which each has `n` values from `first` on and `stride` to the next row.
pub(super) fn chunks(count: usize, (n, stride): (usize, usize), first: usize) -> Sum {
    let one = [(1, 0); 3];
    let last = |axis: (usize, usize)| [one[0], one[1], one[2], axis];
    Sum { n, count, stay: last((n, 1)), summed: last((count, stride)), first }
}

impl Sum {
    pub fn dispatch(&self, x: Buffer, out: Buffer, chunks: usize) -> Dispatch {
        let sides = |axes: &[(usize, usize); 4]| {
            let (sizes, strides) = (axes.map(|(size, _)| size as u32), axes.map(|(_, stride)| stride as u32));
            [sizes, strides].concat()
        };
        let mut params = [sides(&self.stay), sides(&self.summed)].concat();
        params.extend([self.n, self.count, chunks, self.first].map(|v| v as u32));
        Dispatch::new(Shader::SumTo, vec![x, out], params, threads(self.n * chunks))
    }
}
