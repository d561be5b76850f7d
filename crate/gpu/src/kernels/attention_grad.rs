//! The gradients of attention.

use graph::{Attention, Node, Port};

use super::attention::{TILE, WIDE_DIM, flags, params, tiled};
use super::elementwise::strides;
use super::rows::MOST_TURNS;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

/// Sizes of an attention.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    tokens: usize,
    heads: usize,
    dim: usize,
    k_batch: usize,
    keys: usize,
    kv_heads: usize,
}

impl Sizes {
    /// Whether `pairs` of a query and keys, or of a key and queries, need the kernel with workgroups because one thread
    /// has too few turns; none if the workgroup has too few as well.
    fn needs_workgroups(self, pairs: usize) -> Option<bool> {
        let products = self.dim / 16 + self.dim % 16;
        // The loop over pairs, zeros for scores, and sums of 64 values.
        let thread = products + self.dim.min(64).div_ceil(16) + 2;
        // For 64 pairs.
        let workgroup = products + 64 + 2;
        match () {
            () if pairs.saturating_mul(thread) <= MOST_TURNS => Some(false),
            () if self.dim <= WIDE_DIM && pairs.div_ceil(64).saturating_mul(workgroup) <= MOST_TURNS => Some(true),
            () => None,
        }
    }

    /// Queries that add to one key.
    fn queries_a_key(self) -> usize {
        let rows = if self.k_batch == 1 { self.batch } else { 1 };
        rows.saturating_mul(self.tokens).saturating_mul(self.heads / self.kv_heads.max(1))
    }
}

/// Of each query what the others need; then the gradients of queries, and of keys and values.
pub(super) fn attention_grad(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    (spec, scores): (&Attention, bool),
) -> Result<Vec<Dispatch>, Error> {
    let read = |shape: &dyn Fn(Port) -> Result<Vec<usize>, Error>| {
        let (q, k) = (shape(node.inputs[0])?, shape(node.inputs[1])?);
        let ([batch, tokens, heads, dim], [k_batch, keys, kv_heads, _]) = (&q[..], &k[..]) else {
            return Err(unsupported(node, out, "q and k need four axes"));
        };
        let (batch, tokens, heads, dim) = (*batch, *tokens, *heads, *dim);
        Ok(Sizes { batch, tokens, heads, dim, k_batch: *k_batch, keys: *keys, kv_heads: *kv_heads })
    };
    let sizes = read(&|port| context.shape(port))?;
    // Kernels are chosen by the shape class.
    let class = read(&|port| Ok(context.graph.value(port).shape.eval(context.class)?)).unwrap_or(sizes);
    let bias = spec.bias.then(|| node.inputs[6 + usize::from(spec.past)]);
    let past = spec.past.then(|| node.inputs[6]);
    let buffer = |port: Option<Port>| port.map_or(Buffer::Nothing, Buffer::Value);
    let queries = Buffer::Scratch(out.node, 0);
    let Sizes { batch, tokens, heads, dim, k_batch, keys, kv_heads } = sizes;
    let (all, rows) = (batch * tokens * heads, batch * tokens * heads);

    let mut words = [batch, tokens, heads, dim, keys].map(|v| v as u32).to_vec();
    words.extend([flags(spec), spec.window.map_or(u32::MAX, |w| w as u32)]);
    let [_, _, _, forward, lse, dout] = [0, 1, 2, 3, 4, 5].map(|i| Buffer::Value(node.inputs[i]));
    let buffers = vec![forward, lse, dout, buffer(past), queries];
    let first = Dispatch::new(Shader::AttentionGradRows, buffers, words, threads(rows));

    let bias_strides = match bias {
        Some(port) => strides(&context.shape(port)?, 4),
        None => vec![0; 4],
    };
    let flags = flags(spec) | u32::from(scores) << 3;
    let words = params(spec, &bias_strides, [batch, tokens, heads, kv_heads, dim, keys, k_batch], flags);
    let shared: Vec<Buffer> = [0, 1, 2, 5].iter().map(|i| Buffer::Value(node.inputs[*i])).collect();
    let shared = [&shared[..], &[queries, buffer(bias)]].concat();
    let result = |output: u8| Buffer::Value(Port { output, ..out });
    let dscores = if scores { result(3) } else { Buffer::Nowhere(0) };
    let is_wide = |pairs: usize| match class.needs_workgroups(pairs) {
        None if !context.wide() => {
            Err(unsupported(node, out, "has more queries and keys than a software adapter can see in one run"))
        }
        needed => Ok(dim <= WIDE_DIM && (context.wide() || needed == Some(true))),
    };
    let parts = dim.div_ceil(64);
    let tiles = |rows: usize| if context.wide() { tiled(dim, rows) } else { None };
    let (shader, groups) = match (tiles(class.tokens), is_wide(class.keys)?) {
        (Some(broad), _) => {
            let shader = if broad { Shader::AttentionGradQueriesTiledBroad } else { Shader::AttentionGradQueriesTiled };
            (shader, (batch * heads * tokens.div_ceil(TILE)) as u64)
        }
        (None, true) => (Shader::AttentionGradQueriesWide, all as u64),
        (None, false) => (Shader::AttentionGradQueries, threads(all * parts)),
    };
    let buffers = [&shared[..], &[result(0), dscores]].concat();
    let second = Dispatch::new(shader, buffers, words.clone(), groups);

    let all = k_batch * keys * kv_heads;
    let (shader, groups) = match (tiles(class.keys.min(class.queries_a_key())), is_wide(class.queries_a_key())?) {
        (Some(broad), _) => {
            let shader = if broad { Shader::AttentionGradKeysTiledBroad } else { Shader::AttentionGradKeysTiled };
            (shader, (k_batch * kv_heads * keys.div_ceil(TILE)) as u64)
        }
        (None, true) => (Shader::AttentionGradKeysWide, all as u64),
        (None, false) => (Shader::AttentionGradKeys, threads(all * parts)),
    };
    let buffers = [&shared[..], &[result(1), result(2)]].concat();
    Ok(vec![first, second, Dispatch::new(shader, buffers, words, groups)])
}
