//! What masks and their ratings have to become.
//!
//! Paper: Kirillov et al. 2023, arXiv:2304.02643, appendix A: focal loss (Lin et al. 2017, arXiv:1708.02002) and Dice loss
//! (Milletari et al. 2016, arXiv:1606.04797) at 20 to 1; of the masks of an ambiguous prompt only the best learns; ratings
//! learn the overlap by its squared error.

use graph::{Act, BinaryOp, Builder, DType, Reduce, UnaryOp, Var};

use super::decoder::Decoded;

/// How parts of the loss count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    /// Focal loss.
    pub focal: f32,
    /// Dice loss.
    pub dice: f32,
    /// The error of ratings.
    pub rating: f32,
    /// Pixels inside count so much in the focal loss, those outside the rest of 1.
    pub inside: f32,
}

impl Default for Weighed {
    /// The paper's.
    fn default() -> Self {
        Self { focal: 20.0, dice: 1.0, rating: 1.0, inside: 0.25 }
    }
}

/// `ln(1 + exp(-|x|)) + max(x, 0) - x t`, the cross-entropy of logits x by targets t from 0 to 1.
fn cross_entropy<'g>(x: Var<'g>, t: Var<'g>) -> Var<'g> {
    let far = x.binary(BinaryOp::Max, -x);
    let rest = (-far).unary(UnaryOp::Exp).affine(1.0, 1.0).unary(UnaryOp::Log);
    rest + x.act(Act::Relu) - x * t
}

/// Of logits [M, n, P] and targets [M, 1, P], with the probabilities p: [M, n, 1].
fn focal<'g>(x: Var<'g>, p: Var<'g>, t: Var<'g>, inside: f32) -> Var<'g> {
    // How far the probability of what is true lies from one.
    let wrong = p + t - (p * t).scale(2.0);
    let weight = t.affine(2.0 * inside - 1.0, 1.0 - inside);
    (cross_entropy(x, t) * wrong.unary(UnaryOp::Square) * weight).reduce(Reduce::Mean)
}

/// Of probabilities [M, n, P] and targets [M, 1, P]: [M, n, 1]; one is added above and below.
fn dice<'g>(p: Var<'g>, t: Var<'g>) -> Var<'g> {
    let both = (p * t).reduce(Reduce::Sum).affine(2.0, 1.0);
    let each = (p.reduce(Reduce::Sum) + t.reduce(Reduce::Sum)).affine(1.0, 1.0);
    (both / each).affine(-1.0, 1.0)
}

/// Focal and Dice loss of logits [M, n, P] by targets [M, 1, P], the share of each pixel that is inside: [M, n, 1].
pub fn mask_loss<'g>(x: Var<'g>, t: Var<'g>, weighed: Weighed) -> Var<'g> {
    let p = x.act(Act::Sigmoid);
    focal(x, p, t, weighed.inside).scale(weighed.focal) + dice(p, t).scale(weighed.dice)
}

/// 1 where `x` is at least `threshold`, else 0.
fn above<'g>(x: Var<'g>, threshold: f32) -> Var<'g> {
    x.binary(BinaryOp::Ge, x.affine(0.0, threshold))
}

/// How far masks overlap with the true ones: [M, n, P] and [M, 1, P] → [M, n, 1].
fn overlap<'g>(x: Var<'g>, t: Var<'g>) -> Var<'g> {
    let (mask, truth) = (above(x, 0.0), above(t, 0.5));
    let both = (mask * truth).reduce(Reduce::Sum);
    let any = mask.reduce(Reduce::Sum) + truth.reduce(Reduce::Sum) - both;
    both / any.binary(BinaryOp::Max, any.affine(0.0, 1.0))
}

/// Writes the loss of masks of `size`.
///
/// # Shapes
/// `masks` [1, B·N, h, w]: the share of each pixel that is inside; `loss_weights` [B·N], 1 / count → `loss` [1]; `overlaps`
/// and `ratings` [B·N, n]: how far each mask overlaps with the true one, and how far it is said to.
pub(super) fn write<'g>(g: &'g Builder, decoded: Decoded<'g>, [h, w]: [usize; 2], weighed: Weighed) {
    let (x, ratings) = (decoded.masks, decoded.scores); // [M, n, P], [M, n]
    let (m, n) = (x.dim(0), x.dim(1).known().unwrap_or(1));
    let pixels = h * w;
    let shape = [1.into(), m.clone(), h.into(), w.into()];
    let t = g.input("masks", DType::F32, shape).reshape([m.clone(), 1.into(), pixels.into()]);
    let masks = mask_loss(x, t, weighed).reshape([m.clone(), n.into()]);
    let best = -(-masks.slice(1, 1, n - 1)).reduce(Reduce::Max); // [M, 1]
    let overlaps = overlap(x, t).reshape([m.clone(), n.into()]);
    let wrong = (ratings - overlaps).unary(UnaryOp::Square).reduce(Reduce::Mean); // [M, 1]
    let each = best + masks.slice(1, 0, 1) + wrong.scale(weighed.rating);
    let weights = g.input("loss_weights", DType::F32, [m.clone()]);
    g.output("loss", (each.reshape([m]) * weights).reduce(Reduce::Sum));
    g.output("overlaps", overlaps);
    g.output("ratings", ratings);
}
