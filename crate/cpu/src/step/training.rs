//! The nodes of a backward pass.

use graph::{Attention, Op};

use super::{Outputs, Scratch, Task, bias_of};
use crate::Error;
use crate::kernels::attention::{Sizes, grad};
use crate::kernels::norm_grad::{self, Operands};
use crate::kernels::{dropout, gated_grad, softmax_cross_entropy as cross_entropy, unary_grad};

/// Computes a node into `outputs`.
pub(super) fn run(task: &Task<'_>, scratch: &mut Scratch, outputs: Outputs<'_>) -> Result<(), Error> {
    if !cfg!(feature = "train") {
        return Err(task.fail("this build does not train".into()));
    }
    let pool = task.pool;
    let [out, second, third, fourth] = outputs;
    match &task.node.op {
        Op::Dropout(spec) => {
            let rng = task.i32(1)?.try_into().map_err(|_| task.fail("rng is not two numbers".into()))?;
            dropout::dropout(pool, *spec, rng, task.f32(0)?, out);
        }
        Op::SoftmaxCrossEntropy { smoothing } => {
            let logits = (task.f32(0)?, task.reader.rows(task.port(0)?).1);
            cross_entropy::softmax_cross_entropy(pool, *smoothing, logits, task.i32(1)?, [out, second]);
        }
        Op::SoftmaxCrossEntropyGrad { smoothing } => {
            let logits = (task.f32(0)?, task.reader.rows(task.port(0)?).1);
            let rows = (task.f32(2)?, task.f32(3)?);
            cross_entropy::softmax_cross_entropy_grad(pool, *smoothing, logits, task.i32(1)?, rows, out);
        }
        Op::UnaryGrad(op) => unary_grad::unary_grad(pool, *op, task.f32(0)?, task.f32(1)?, out),
        Op::GatedGrad(gate) => {
            gated_grad::gated_grad(pool, gate.act, task.f32(0)?, task.f32(1)?, task.f32(2)?, [out, second]);
        }
        Op::RmsNormGrad { eps } => {
            norm_grad::rms_norm_grad(pool, &norm(task, *eps)?, &mut scratch.sums, [out, second]);
        }
        Op::LayerNormGrad { eps } => {
            norm_grad::layer_norm_grad(pool, &norm(task, *eps)?, &mut scratch.sums, [out, second, third]);
        }
        Op::AttentionGrad { spec, .. } => attention_grad(task, spec, [out, second, third, fourth])?,
        _ => return Err(task.fail("belongs to no backward pass".into())),
    }
    Ok(())
}

fn norm<'a>(task: &Task<'a>, eps: f32) -> Result<Operands<'a>, Error> {
    Ok(Operands { eps, x: task.f32(0)?, weight: task.f32(1)?, dy: task.f32(2)? })
}

fn attention_grad(task: &Task<'_>, spec: &Attention, outputs: Outputs<'_>) -> Result<(), Error> {
    let ([batch, queries, n_head, head_dim], [k_batch, keys, n_kv_head, _]) = (task.four(0)?, task.four(1)?);
    let sizes = Sizes { batch, queries, n_head, n_kv_head, head_dim, keys };
    let past = if spec.past { Some(task.i32(6)?) } else { None };
    let bias = if spec.bias { Some(bias_of(task, 6 + usize::from(spec.past), &sizes, None)?) } else { None };
    let (q, k, v) = (task.f32(0)?, task.f32(1)?, task.f32(2)?);
    let (out, lse, dout) = (task.f32(3)?, task.f32(4)?, task.f32(5)?);
    let operands = grad::Operands { q, k, v, k_batch, out, lse, dout, past, bias };
    grad::attention_grad(task.pool, spec, &sizes, &operands, outputs);
    Ok(())
}
