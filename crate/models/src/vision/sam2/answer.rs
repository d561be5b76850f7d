//! What is said about prompts: masks, their scores, and whether there is an object at all.
//!
//! Reference: `Sam2MaskDecoder` of transformers.

use graph::{Act, BinaryOp, Builder, Dim, Reduce, Var};

use super::Config;
use crate::vision::Look;
use crate::vision::sam::{Decoded, Seen, Written, decode, layers};
use crate::{Error, Fields};

/// Which mask answers a clear prompt: its own, or the best of the others where that one is not stable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Whether there is a choice.
    pub dynamic: bool,
    /// How far the threshold of logits is moved to both sides.
    pub delta: f32,
    /// The least share of the larger mask that the smaller one has.
    pub least: f32,
}

impl Choice {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        Ok(Self {
            dynamic: config.flag("dynamic_multimask_via_stability", true)?,
            delta: config.number_or("dynamic_multimask_stability_delta", 0.05)? as f32,
            least: config.number_or("dynamic_multimask_stability_thresh", 0.98)? as f32,
        })
    }
}

/// 1 where `a >= b`, else 0.
fn at_least<'g>(a: Var<'g>, b: Var<'g>) -> Var<'g> {
    a.binary(BinaryOp::Ge, b)
}

/// How many values of each mask are above a threshold: [B, 1, M] → [B, 1].
fn area(masks: Var<'_>, threshold: f32) -> Var<'_> {
    let above = at_least(masks.affine(-1.0, threshold), masks.scale(0.0)).affine(-1.0, 1.0);
    above.reduce(Reduce::Sum).reshape([masks.dim(0), 1.into()])
}

/// 1 for masks [B, 1, M] that hardly change with the threshold, else 0: [B, 1]. One that is empty does not change.
fn stable<'g>(masks: Var<'g>, choice: &Choice) -> Var<'g> {
    let (inner, outer) = (area(masks, choice.delta), area(masks, -choice.delta));
    let share = inner / outer.binary(BinaryOp::Max, outer.affine(0.0, 1.0));
    let enough = at_least(share, share.affine(0.0, choice.least));
    enough.binary(BinaryOp::Max, at_least(outer.scale(0.0), outer))
}

/// The first mask of several [B, n, M] and its score [B, n], or the best rated of the others: [B, 1, M] and [B, 1].
fn chosen<'g>(masks: Var<'g>, scores: Var<'g>, n: usize, choice: &Choice) -> (Var<'g>, Var<'g>) {
    let own = (masks.slice(1, 0, 1), scores.slice(1, 0, 1));
    let keep = stable(own.0, choice); // [B, 1]
    let best = scores.slice(1, 1, n - 1).reduce(Reduce::Max); // [B, 1]
    // 1 for the first of the best, else 0, scaled to nothing where the first mask is kept.
    let mut left = keep.affine(-1.0, 1.0);
    let wide = |weight: Var<'g>| weight.reshape([weight.dim(0), 1.into(), 1.into()]);
    let (mut mask, mut score) = (own.0 * wide(keep), own.1 * keep);
    for i in 1..n {
        let taken = at_least(scores.slice(1, i, 1), best) * left;
        left = left - taken;
        mask = mask + masks.slice(1, i, 1) * wide(taken);
        score = score + scores.slice(1, i, 1) * taken;
    }
    (mask, score)
}

/// The results `iou_scores` [B, N, n], `pred_masks` [B, N, n, 4h, 4w] and `object_score_logits` [B, N, 1].
pub(super) fn write<'g>(g: &'g Builder, cfg: &Config, look: &Look, seen: Seen<'g>, prompts: Written<'g>) {
    let (decoder, pictures) = (&cfg.answers.decoder, look.pictures.max(1));
    let [h, w] = seen.coarse.height_width().map(|n| 4 * n);
    let asked = look.prompts.points || look.prompts.boxes;
    let each = if asked { Dim::from('N') } else { Dim::from(1) };
    let Decoded { masks, scores, first } = decode(g, decoder, pictures, seen, prompts, &each);
    let (scores, n) = (scores.act(Act::Sigmoid), decoder.n_masks + 1);
    let (masks, scores, count) = if look.prompts.multimask {
        (masks.slice(1, 1, n - 1), scores.slice(1, 1, n - 1), n - 1)
    } else if cfg.choice.dynamic {
        let (mask, score) = chosen(masks, scores, n, &cfg.choice);
        (mask, score, 1)
    } else {
        (masks.slice(1, 0, 1), scores.slice(1, 0, 1), 1)
    };
    let shape = |more: &[usize]| -> Vec<Dim> {
        [Dim::from(pictures), each.clone()].into_iter().chain(more.iter().map(|n| Dim::from(*n))).collect()
    };
    g.output("iou_scores", scores.reshape(shape(&[count])));
    g.output("pred_masks", masks.reshape(shape(&[count, h, w])));
    let head = g.weights().at("mask_decoder.pred_obj_score_head");
    g.output("object_score_logits", layers(first, &head, (3, decoder.n_embd), 1).reshape(shape(&[1])));
}
