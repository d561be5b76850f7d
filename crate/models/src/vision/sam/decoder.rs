//! The decoder of masks: tokens and picture attend to each other, then each mask token is a filter over the picture.
//!
//! Reference: `SamMaskDecoder` of transformers. All prompts of one picture share its keys and values until the picture
//! has attended to them.

use graph::{Act, Attention, Bias, Builder, Dim, MatMul, Scope, Side, Var, Window};

use super::prompts::Written;
use crate::llama::{check_layers, read_act};
use crate::vision::Look;
use crate::vision::patches::{in_a_row, token};
use crate::{Error, Fields};

/// The names and habits of a generation of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The first.
    First,
    /// SAM 2.
    Second,
}

/// What is fixed for one decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    /// Whose names its weights have.
    pub form: Form,
    /// Width, C.
    pub n_embd: usize,
    /// Blocks.
    pub n_layer: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// Attention between tokens and picture is so many times narrower in the blocks, and behind them.
    pub narrower: [usize; 2],
    /// Masks of an ambiguous prompt; one more is for a clear one.
    pub n_masks: usize,
    /// Layers and width of the head that rates masks.
    pub rating: (usize, usize),
    /// Under the root of the blocks' norms.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
}

impl Decoder {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong or contradicts another.
    pub fn read(config: &Fields<'_>, form: Form) -> Result<Self, Error> {
        let (n_embd, n_head) = (config.size_or("hidden_size", 256)?, config.size_or("num_attention_heads", 8)?);
        let narrower = config.size_or("attention_downsample_rate", 2)?;
        // The first generation's blocks do not ask the configuration.
        let narrower = if form == Form::First { [2, narrower] } else { [narrower; 2] };
        let divides = |narrower: usize| n_embd.is_multiple_of(n_head.saturating_mul(narrower));
        if !narrower.into_iter().all(divides) || !n_embd.is_multiple_of(8) {
            let reason = format!("is {n_head}, the width {n_embd}, attention_downsample_rate {narrower:?}: not even");
            return Err(config.fail("num_attention_heads", reason));
        }
        let n_layer = config.size_or("num_hidden_layers", 2)?;
        if n_layer > 64 {
            // Of SAM 2 each block has as many layers again.
            return Err(config.fail("num_hidden_layers", format!("is {n_layer}, more than any model has")));
        }
        let depth = config.size_or("iou_head_depth", 3)?;
        check_layers(config, "iou_head_depth", depth)?;
        let n_masks = config.size_or("num_multimask_outputs", 3)?;
        check_layers(config, "num_multimask_outputs", n_masks)?;
        // SAM 2's blocks do not ask the configuration.
        let (norm_eps, act) = match form {
            Form::First => {
                (config.number_or("layer_norm_eps", 1e-6)? as f32, read_act(config, "hidden_act", Act::Relu)?)
            }
            Form::Second => (1e-5, Act::Relu),
        };
        Ok(Self {
            form,
            n_embd,
            n_layer,
            n_head,
            n_ff: config.size_or("mlp_dim", 2048)?,
            narrower,
            n_masks,
            rating: (depth, config.size_or("iou_head_hidden_dim", 256)?),
            norm_eps,
            act,
        })
    }
}

/// q [B or 1, T, C] over k and v [B or 1, S, C] → [B, T, C], `batch` being B; `hidden` [B, 1, 1, S] hides keys.
fn attention<'g>(
    w: &Scope<'g>,
    cfg: &Decoder,
    batch: &Dim,
    (q, k, v): (Var<'g>, Var<'g>, Var<'g>),
    narrower: usize,
    hidden: Option<Var<'g>>,
) -> Var<'g> {
    let inner = cfg.n_embd / narrower;
    let project = |x: Var<'g>, name: &str| x.linear(&w.at(name), inner, Bias::Add).heads(cfg.n_head);
    let (q, k, v) = (project(q, "q_proj"), project(k, "k_proj"), project(v, "v_proj")); // [.., T, H, D]
    let q = q.expand([batch.clone(), q.dim(1), q.dim(2), q.dim(3)]);
    let spec = Attention::new(1.0 / ((inner / cfg.n_head) as f32).sqrt());
    let out = if cfg.form == Form::First { "out_proj" } else { "o_proj" };
    q.attention("mask", (k, v), None, hidden, spec).merge_heads().linear(&w.at(out), cfg.n_embd, Bias::Add)
}

/// [B, T, C] → [B, T, C]
fn feed_forward<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Decoder) -> Var<'g> {
    match cfg.form {
        Form::First => {
            let up = x.linear_act(&w.at("lin1"), cfg.n_ff, Bias::Add, cfg.act); // [B, T, F]
            up.linear(&w.at("lin2"), cfg.n_embd, Bias::Add)
        }
        // As many layers as there are blocks.
        Form::Second => layers(x, w, (cfg.n_layer, cfg.n_ff), cfg.n_embd),
    }
}

/// What goes through the blocks.
#[derive(Clone, Copy)]
struct Pair<'g> {
    /// [B, T, C]
    tokens: Var<'g>,
    /// [B or 1, h·w, C]
    picture: Var<'g>,
    /// Which tokens are none [B, 1, 1, T], if there are such.
    hidden: Option<Var<'g>>,
}

/// Tokens attend to tokens, then to the picture, which then attends to them; and what it found there [B, h·w, C].
/// `first` are the tokens as they came.
fn block<'g>(
    pair: Pair<'g>,
    first: Var<'g>,
    places: Var<'g>,
    w: &Scope<'g>,
    cfg: &Decoder,
    i: usize,
) -> (Pair<'g>, Var<'g>) {
    let Pair { mut tokens, picture, hidden } = pair;
    let batch = tokens.dim(0);
    let norm = |x: Var<'g>, name: &str| x.layer_norm(&w.at(name), cfg.norm_eps, Bias::Add);
    let attend = |name: &str, qkv, narrower, hidden| attention(&w.at(name), cfg, &batch, qkv, narrower, hidden);
    tokens = if i == 0 {
        attend("self_attn", (tokens, tokens, tokens), 1, hidden)
    } else {
        tokens + attend("self_attn", (tokens + first, tokens + first, tokens), 1, hidden)
    };
    tokens = norm(tokens, "layer_norm1");
    let keys = picture + places;
    tokens = tokens + attend("cross_attn_token_to_image", (tokens + first, keys, picture), cfg.narrower[0], None);
    tokens = norm(tokens, "layer_norm2");
    tokens = norm(tokens + feed_forward(tokens, &w.at("mlp"), cfg), "layer_norm3");
    let heard = attend("cross_attn_image_to_token", (keys, tokens + first, tokens), cfg.narrower[0], hidden); // [B, h·w, C]
    (Pair { tokens, picture: norm(picture + heard, "layer_norm4"), hidden }, heard)
}

/// A few layers with ReLU between them: [.., C] → [.., n].
pub(in crate::vision) fn layers<'g>(x: Var<'g>, w: &Scope<'g>, (depth, width): (usize, usize), n: usize) -> Var<'g> {
    let mut x = x.linear_act(&w.at("proj_in"), width, Bias::Add, Act::Relu);
    for i in 0..depth.saturating_sub(2) {
        x = x.linear_act(&w.at("layers").at(i), width, Bias::Add, Act::Relu);
    }
    x.linear(&w.at("proj_out"), n, Bias::Add)
}

/// Four times as many rows and columns, an eighth of the channels: [B, h, w, C] → [B, 4h, 4w, C/8]. `fine` is added on
/// the way: [B or 1, 4h, 4w, C/8] and [B or 1, 2h, 2w, C/4].
fn upscaled<'g>(x: Var<'g>, w: &Scope<'g>, c: usize, fine: Option<[Var<'g>; 2]>) -> Var<'g> {
    let twice = Window::square(2, 2, 0);
    let x = x.conv_transpose2d(&w.at("upscale_conv1"), c / 4, twice, [0, 0], Bias::Add);
    let x = fine.map_or(x, |[_, half]| x + half);
    let x = x.layer_norm(&w.at("upscale_layer_norm"), 1e-6, Bias::Add).act(Act::Gelu);
    let x = x.conv_transpose2d(&w.at("upscale_conv2"), c / 8, twice, [0, 0], Bias::Add);
    fine.map_or(x, |[whole, _]| x + whole).act(Act::Gelu)
}

/// What the decoder reads of a picture.
#[derive(Clone, Copy)]
pub(in crate::vision) struct Seen<'g> {
    /// [B, h, w, C]
    pub coarse: Var<'g>,
    /// Of SAM 2: [B, 4h, 4w, C/8] and [B, 2h, 2w, C/4].
    pub fine: Option<[Var<'g>; 2]>,
}

/// What the decoder makes of a picture and prompts.
#[derive(Clone, Copy)]
pub(in crate::vision) struct Decoded<'g> {
    /// Every mask, that of a clear prompt first: [B·N, n, 16·h·w].
    pub masks: Var<'g>,
    /// How far each is expected to overlap with a true one: [B·N, n].
    pub scores: Var<'g>,
    /// What became of the first token, which says in SAM 2 whether there is an object: [B·N, C].
    pub first: Var<'g>,
}

/// Each picture's values once for each of its prompts: [B, ..] → [B·N, ..]; as they are where there is one picture.
fn for_each<'g>(x: Var<'g>, pictures: usize, each: &Dim) -> Var<'g> {
    if pictures == 1 {
        return x;
    }
    let rest = x.shape()[1..].to_vec();
    let with = |front: &[Dim]| [front, &rest].concat();
    let apart = x.reshape(with(&[pictures.into(), 1.into()])).expand(with(&[pictures.into(), each.clone()]));
    apart.reshape(with(&[each.clone() * Dim::from(pictures)]))
}

/// The masks of prompts, all of them, and what is said about them. `each` is N, how many prompts a picture has.
pub(in crate::vision) fn decode<'g>(
    g: &'g Builder,
    cfg: &Decoder,
    pictures: usize,
    seen: Seen<'g>,
    prompts: Written<'g>,
    each: &Dim,
) -> Decoded<'g> {
    let (w, c) = (g.weights().at("mask_decoder"), cfg.n_embd);
    let ([h, wide], n) = (seen.coarse.height_width(), cfg.n_masks + 1);
    let batch = each.clone() * Dim::from(pictures);
    let mut own = w.at("iou_token").weight([1, c]).concat(&[w.at("mask_tokens").weight([n, c])], 0); // [1 + n, C]
    if cfg.form == Form::Second {
        own = w.at("obj_score_token").weight([1, c]).concat(&[own], 0);
    }
    let count = own.dim(0);
    let own = own.reshape([1.into(), count.clone(), c.into()]).expand([batch.clone(), count, c.into()]);
    let first = prompts.tokens.map_or(own, |tokens| own.concat(&[tokens], 1)); // [B·N, T, C]
    let picture = if prompts.own {
        for_each(in_a_row(seen.coarse), pictures, each) + prompts.dense
    } else {
        for_each(in_a_row(seen.coarse) + prompts.dense, pictures, each) // [B·N or 1, h·w, C]
    };
    let hidden = prompts.hidden.map(|hidden| {
        let tokens = first.dim(1);
        let own = tokens.known().unwrap_or(0) - hidden.dim(1).known().unwrap_or(0);
        hidden.pad(1, own, tokens.clone()).reshape([batch.clone(), 1.into(), 1.into(), tokens])
    });
    let mut pair = Pair { tokens: first, picture, hidden };
    for i in 0..cfg.n_layer {
        let (next, heard) = block(pair, first, prompts.places, &w.at("transformer.layers").at(i), cfg, i);
        let shape = [batch.clone(), 1.into(), (h * wide).into(), c.into()];
        g.tap(&format!("mask_decoder.blocks.{i}.probs"), heard.reshape(shape));
        pair = next;
    }
    let Pair { tokens, picture, .. } = pair;
    let at = w.at("transformer.final_attn_token_to_image");
    let qkv = (tokens + first, picture + prompts.places, picture);
    let tokens = tokens + attention(&at, cfg, &batch, qkv, cfg.narrower[1], None);
    let tokens = tokens.layer_norm(&w.at("transformer.layer_norm_final_attn"), 1e-5, Bias::Add);

    let fine = seen.fine.map(|fine| fine.map(|x| for_each(x, pictures, each)));
    let large = upscaled(picture.reshape([batch.clone(), h.into(), wide.into(), c.into()]), &w, c, fine);
    let rating = if cfg.form == Form::First { 0 } else { 1 };
    let filters = (0..n).map(|i| {
        let filter = layers(token(tokens, rating + 1 + i), &w.at("output_hypernetworks_mlps").at(i), (3, c), c / 8);
        filter.reshape([batch.clone(), 1.into(), (c / 8).into()])
    });
    let filters: Vec<Var<'g>> = filters.collect();
    let filters = filters[0].concat(&filters[1..], 1); // [B·N, n, C/8]
    let masks = in_a_row(large).matmul_as(MatMul { a: Side::Plain, b: Side::Transposed }, filters); // [B·N, 16·h·w, n]
    let scores = layers(token(tokens, rating), &w.at("iou_prediction_head"), cfg.rating, n); // [B·N, n]
    Decoded { masks: masks.permute([0, 2, 1]), scores, first: token(tokens, 0) }
}

/// The results `iou_scores` [B, N, n] and `pred_masks` [B, N, n, 4h, 4w] for embeddings [B, h, w, C].
pub(super) fn write<'g>(g: &'g Builder, cfg: &Decoder, look: &Look, seen: Var<'g>, prompts: Written<'g>) {
    let pictures = look.pictures.max(1);
    let each = if prompts.tokens.is_some() { Dim::from('N') } else { Dim::from(1) };
    let [h, w] = seen.height_width().map(|n| 4 * n);
    let Decoded { masks, scores, .. } = decode(g, cfg, pictures, Seen { coarse: seen, fine: None }, prompts, &each);
    let (start, count) = if look.prompts.multimask { (1, cfg.n_masks) } else { (0, 1) };
    let front = [pictures.into(), each, count.into()];
    g.output("iou_scores", scores.slice(1, start, count).reshape(front.clone()));
    let shape = [&front[..], &[h.into(), w.into()]].concat();
    g.output("pred_masks", masks.slice(1, start, count).reshape(shape));
}
