//! Sums of rows by their place.

use graph::{Node, Port};

use super::rows::MOST_TURNS;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

/// Finds for each id the next that is the same, then adds along these links: each row has one writer and one order.
pub(super) fn scatter_add_rows(context: &Context<'_>, node: &Node, out: Port) -> Result<Vec<Dispatch>, Error> {
    let (rows, cols) = context.rows_cols(out)?;
    let n: usize = context.shape(node.inputs[0])?.iter().product();
    if n > MOST_TURNS {
        return Err(unsupported(node, out, format!("{n} rows at once, at most {MOST_TURNS} are added")));
    }
    let params = [n, rows, cols].map(|v| v as u32).to_vec();
    let (ids, links) = (Buffer::Value(node.inputs[0]), Buffer::Scratch(out.node, 0));
    let (added, out) = (Buffer::Value(node.inputs[1]), Buffer::Value(out));
    let link =
        Dispatch::new(Shader::ScatterAddRowsLinks, vec![ids, links, out], params.clone(), threads(n.max(rows * cols)));
    let add = Dispatch::new(Shader::ScatterAddRows, vec![ids, links, added, out], params, threads(n * cols));
    Ok(vec![link, add])
}
