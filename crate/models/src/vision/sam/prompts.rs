//! The encoder of prompts: points and boxes become tokens, a mask is added to the picture.
//!
//! Reference: `SamPromptEncoder` of transformers.

use graph::{Act, Bias, Builder, DType, Dim, Scope, Stored, Tensor, UnaryOp, Var, Window};

use super::ACT;
use crate::llama::read_act;
use crate::vision::Look;
use crate::vision::patches::Patches;
use crate::{Error, Fields};

/// What is fixed for one encoder of prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptEncoder {
    /// Width, C.
    pub n_embd: usize,
    /// Height and width of the pictures that points lie in.
    pub size: [usize; 2],
    /// Rows and columns of the picture's embeddings.
    pub grid: [usize; 2],
    /// Channels in the middle of the encoder of masks.
    pub mask_channels: usize,
    /// Under the root of the norms of masks.
    pub norm_eps: f32,
    /// The activation of masks.
    pub act: Act,
}

/// What the labels of points mean, as rows of a table.
pub struct Labels;

impl Labels {
    /// The row for a label: 0 beside the object, 1 on it, −1 not a point, −10 padding, 2 and 3 the corners of a box (of
    /// SAM 2; for the first a place alone), others a place alone.
    pub fn row(label: f32) -> i32 {
        match label as i32 {
            0 => 0,
            1 => 1,
            -1 => 2,
            -10 => 3,
            2 => 5,
            3 => 6,
            _ => 4,
        }
    }

    /// Whether the place counts, by row.
    const PLACED: [f32; 7] = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
}

/// Prompts as the decoder reads them.
#[derive(Clone, Copy)]
pub(in crate::vision) struct Written<'g> {
    /// Tokens of points and boxes [B·N, T, C], if there are any.
    pub tokens: Option<Var<'g>>,
    /// What is added to the picture: [B or 1, h·w or 1, C], or where each prompt has its own [B·N, h·w, C].
    pub dense: Var<'g>,
    /// Whether each prompt has its own.
    pub own: bool,
    /// 0 for a token that is a part of the prompt, −1e30 for one that is not [B·N, T], where prompts differ in length.
    pub hidden: Option<Var<'g>>,
    /// The places of the picture's embeddings [h·w, C].
    pub places: Var<'g>,
}

impl PromptEncoder {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let patches = Patches::read(config, 1024, 16)?;
        let mask_channels = config.size_or("mask_input_channels", 16)?;
        if !mask_channels.is_multiple_of(4) {
            return Err(config.fail("mask_input_channels", format!("is {mask_channels}, no multiple of 4")));
        }
        Ok(Self {
            n_embd: config.size_or("hidden_size", 256)?,
            size: patches.size,
            grid: patches.grid(patches.size),
            mask_channels,
            norm_eps: config.number_or("layer_norm_eps", 1e-6)? as f32,
            act: read_act(config, "hidden_act", ACT)?,
        })
    }
}

/// Random Fourier features (Tancik et al. 2020): places [M, 2] from −1 to 1 → [M, C].
pub(in crate::vision) fn features<'g>(at: &Scope<'g>, places: Var<'g>, n_embd: usize) -> Var<'g> {
    let waves = at.tensor("positional_embedding", [2, n_embd / 2], Stored::AsDeclared);
    let turns = places.matmul(waves).scale(std::f32::consts::TAU);
    turns.unary(UnaryOp::Sin).concat(&[turns.unary(UnaryOp::Cos)], 1)
}

/// Places in pixels [.., 2], whose middle is half a pixel further, → [.., C] as [rows, C].
pub(in crate::vision) fn pixels<'g>(
    g: &'g Builder,
    at: &Scope<'g>,
    cfg: &PromptEncoder,
    places: Var<'g>,
    rows: Dim,
) -> Var<'g> {
    let [h, w] = cfg.size.map(|n| n as f32);
    let vector = |x: f32, y: f32| Tensor::f32([2], vec![x, y]).map(|tensor| g.constant(tensor));
    let flat = places.reshape([rows, 2.into()]).affine(1.0, 0.5);
    let (Ok(factor), Ok(one)) = (vector(2.0 / w, 2.0 / h), vector(1.0, 1.0)) else { return flat };
    features(at, flat * factor - one, cfg.n_embd)
}

/// By the rows of labels, whether the place counts: labels [..] → [.., 1].
pub(in crate::vision) fn placed<'g>(g: &'g Builder, labels: Var<'g>) -> Result<Var<'g>, graph::Error> {
    let placed = Tensor::f32([Labels::PLACED.len(), 1], Labels::PLACED.to_vec())?;
    Ok(g.constant(placed).gather_rows(labels))
}

/// Where the first generation keeps the waves of places.
fn waves(g: &Builder) -> Scope<'_> {
    g.weights().at("shared_image_embedding")
}

/// A row for each point by its label, with a row behind that is no point unless a box follows: [B·N, T, C].
fn points<'g>(g: &'g Builder, w: &Scope<'g>, cfg: &PromptEncoder, pictures: usize, alone: bool) -> Var<'g> {
    let (c, n, t) = (cfg.n_embd, Dim::from('N'), Dim::from('T'));
    let prompts = n.clone() * Dim::from(pictures);
    let shape = |last: usize| [prompts.clone(), t.clone(), last.into()];
    let places = g.input("input_points", DType::F32, [pictures.into(), n.clone(), t.clone(), 2.into()]);
    let labels = g.input("input_labels", DType::I32, [pictures.into(), n, t.clone()]);
    let labels = labels.reshape([prompts.clone(), t.clone()]);
    let row = |at: Scope<'g>| at.weight([1, c]);
    let none = row(w.at("not_a_point_embed"));
    let kinds = row(w.at("point_embed.0")).concat(&[row(w.at("point_embed.1")), none], 0); // [3, C]
    let found = pixels(g, &waves(g), cfg, places, prompts.clone() * t.clone()).reshape(shape(c));
    let Ok(placed) = placed(g, labels) else { return found };
    let points = found * placed + kinds.gather_rows(labels); // [B·N, T, C]
    let closing = || none.reshape([1, 1, c]).expand([prompts.clone(), 1.into(), c.into()]);
    if alone { points.concat(&[closing()], 1) } else { points }
}

/// Two corners of each box: [B·N, 2, C].
fn boxes<'g>(g: &'g Builder, w: &Scope<'g>, cfg: &PromptEncoder, pictures: usize) -> Var<'g> {
    let (c, prompts) = (cfg.n_embd, Dim::from('N') * Dim::from(pictures));
    let corners = g.input("input_boxes", DType::F32, [pictures.into(), Dim::from('N'), 4.into()]);
    let row = |name: &str| w.at(name).weight([1, c]);
    let found = pixels(g, &waves(g), cfg, corners, prompts.clone() * Dim::from(2));
    found.reshape([prompts, 2.into(), c.into()]) + row("point_embed.2").concat(&[row("point_embed.3")], 0)
}

/// A mask of four times the grid: [B, 1, 4h, 4w] → [B, h·w, C].
pub(in crate::vision) fn mask<'g>(g: &'g Builder, w: &Scope<'g>, cfg: &PromptEncoder, pictures: usize) -> Var<'g> {
    let [h, wide] = cfg.grid;
    let given = g.input("input_masks", DType::F32, [pictures.into(), Dim::from(1), (4 * h).into(), (4 * wide).into()]);
    seen(given, w, cfg).reshape([pictures, h * wide, cfg.n_embd])
}

/// Masks of four times the grid as the decoder sees them: [M, 1, 4h, 4w] → [M, h, w, C].
fn seen<'g>(given: Var<'g>, w: &Scope<'g>, cfg: &PromptEncoder) -> Var<'g> {
    let (half, n) = (Window::square(2, 2, 0), cfg.mask_channels);
    let norm = |x: Var<'g>, name: &str| x.layer_norm(&w.at(name), cfg.norm_eps, Bias::Add).act(cfg.act);
    let x = norm(given.channels_last().conv2d(&w.at("conv1"), n / 4, half, Bias::Add, None), "layer_norm1");
    let x = norm(x.conv2d(&w.at("conv2"), n, half, Bias::Add, None), "layer_norm2"); // [B, h, w, n]
    x.conv2d(&w.at("conv3"), cfg.n_embd, Window::square(1, 1, 0), Bias::Add, None)
}

/// The middle of each cell of the grid, from −1 to 1: [h·w, 2].
pub(in crate::vision) fn cells(g: &Builder, [h, w]: [usize; 2]) -> Result<Var<'_>, graph::Error> {
    let at = |i: usize, n: usize| 2.0 * (i as f32 + 0.5) / n as f32 - 1.0;
    let values = (0..h * w).flat_map(|i| [at(i % w, w), at(i / w, h)]).collect();
    Ok(g.constant(Tensor::f32([h * w, 2], values)?))
}

/// Writes the prompts.
pub(super) fn write<'g>(g: &'g Builder, cfg: &PromptEncoder, look: &Look) -> Written<'g> {
    let (w, given, pictures) = (g.weights().at("prompt_encoder"), look.prompts, look.pictures.max(1));
    let points = given.points.then(|| points(g, &w, cfg, pictures, !given.boxes));
    let boxes = given.boxes.then(|| boxes(g, &w, cfg, pictures));
    let tokens = match (points, boxes) {
        (Some(points), Some(boxes)) => Some(points.concat(&[boxes], 1)),
        (points, boxes) => points.or(boxes),
    };
    let none = w.at("no_mask_embed").weight([1, cfg.n_embd]).reshape([1, 1, cfg.n_embd]);
    let dense = if given.masks { mask(g, &w.at("mask_embed"), cfg, pictures) } else { none };
    let places = cells(g, cfg.grid).map_or(none, |cells| features(&waves(g), cells, cfg.n_embd));
    Written { tokens, dense, own: false, hidden: None, places }
}

/// Rows of a prompt in training, T.
pub const TRAINED_ROWS: usize = 5;

/// Writes the prompts of a step of training, every row of each said by its label: beside, on, no point, padding, a place
/// alone, the corners of a box. So one graph learns from clicks and boxes.
///
/// # Shapes
/// `input_points` [B, N, T, 2], `input_labels` [B, N, T], `hidden` [B·N, T]: −1e30 for rows that a prompt does not have,
/// else 0; `input_masks` [B, N, 4h, 4w], `masked` [B·N]: 1 where the mask is a part of the prompt, else 0.
pub(super) fn for_training<'g>(g: &'g Builder, cfg: &PromptEncoder, pictures: usize) -> Written<'g> {
    let (w, c, n, t) = (g.weights().at("prompt_encoder"), cfg.n_embd, Dim::from('N'), Dim::from(TRAINED_ROWS));
    let prompts = n.clone() * Dim::from(pictures);
    let places = g.input("input_points", DType::F32, [pictures.into(), n.clone(), t.clone(), 2.into()]);
    let labels = g.input("input_labels", DType::I32, [pictures.into(), n.clone(), t.clone()]);
    let labels = labels.reshape([prompts.clone(), t.clone()]);
    let hidden = g.input("hidden", DType::F32, [prompts.clone(), t.clone()]);
    let row = |name: &str| w.at(name).weight([1, c]);
    let zeros = row("not_a_point_embed").scale(0.0);
    let kinds = row("point_embed.0").concat(
        &[row("point_embed.1"), row("not_a_point_embed"), zeros, zeros, row("point_embed.2"), row("point_embed.3")],
        0,
    ); // [7, C]
    let found = pixels(g, &waves(g), cfg, places, prompts.clone() * t.clone());
    let found = found.reshape([prompts.clone(), t, c.into()]);
    let none = row("no_mask_embed").reshape([1, 1, c]);
    let (Ok(placed), Ok(cells)) = (placed(g, labels), cells(g, cfg.grid)) else {
        return Written { tokens: None, dense: none, own: false, hidden: None, places: none };
    };
    let tokens = found * placed + kinds.gather_rows(labels); // [B·N, T, C]
    let [h, wide] = cfg.grid;
    let given = g.input("input_masks", DType::F32, [pictures.into(), n, (4 * h).into(), (4 * wide).into()]);
    let given = given.reshape([prompts.clone(), 1.into(), (4 * h).into(), (4 * wide).into()]);
    let masks = seen(given, &w.at("mask_embed"), cfg).reshape([prompts.clone(), (h * wide).into(), c.into()]);
    let masked = g.input("masked", DType::F32, [prompts.clone()]).reshape([prompts, 1.into(), 1.into()]);
    let dense = masks * masked + none * masked.affine(-1.0, 1.0); // [B·N, h·w, C]
    Written { tokens: Some(tokens), dense, own: true, hidden: Some(hidden), places: features(&waves(g), cells, c) }
}
