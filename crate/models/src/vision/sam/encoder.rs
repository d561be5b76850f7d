//! The encoder of pictures: a ViT whose blocks attend within windows, but for some.
//!
//! Paper: Li et al. 2022, arXiv:2203.16527. Reference: `SamVisionEncoder` of transformers. How far a key lies from a
//! query, in rows and in columns, is looked up in two tables.

use graph::{Act, Attention, Bias, Builder, MatMul, Scope, Side, Stored, Tensor, Var, Window};

use super::ACT;
use crate::llama::{check_layers, read_act};
use crate::vision::Look;
use crate::vision::patches::Patches;
use crate::vision::vit::{bias, heads};
use crate::{Error, Fields};

/// What is fixed for one encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoder {
    /// Pictures and patches.
    pub patches: Patches,
    /// Width, C.
    pub n_embd: usize,
    /// Blocks, L.
    pub n_layer: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// Under the root of the blocks' norms.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: Bias,
    /// Rows and columns of a window.
    pub window: usize,
    /// Blocks that attend to the whole picture.
    pub global: Vec<usize>,
    /// Whether each patch has an embedding of its place.
    pub absolute: bool,
    /// Whether distances are looked up.
    pub relative: bool,
    /// Width of what is yielded.
    pub n_out: usize,
}

impl Encoder {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong or contradicts another.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let (n_embd, n_head) = heads(config, 768, 12)?;
        let n_layer = config.size_or("num_hidden_layers", 12)?;
        check_layers(config, "num_hidden_layers", n_layer)?;
        let ratio = config.number_or("mlp_ratio", 4.0)?;
        let wide = (n_embd as f64 * ratio.clamp(0.0, 64.0)) as usize;
        let global = config.value("global_attn_indexes").map(|list| {
            let places = list.as_array().map(|list| list.iter().map(|i| i.as_u64().map(|i| i as usize)).collect());
            places.flatten().ok_or_else(|| config.fail("global_attn_indexes", format!("is {list}, expected integers")))
        });
        // A window of nothing is the whole picture.
        let window = config.count_or("window_size", 14)?;
        let patches = Patches::read(config, 1024, 16)?;
        check_window(config, "window_size", window, patches.grid(patches.size))?;
        Ok(Self {
            patches,
            n_embd,
            n_layer,
            n_head,
            n_ff: config.size_or("mlp_dim", wide.max(1))?,
            norm_eps: config.number_or("layer_norm_eps", 1e-6)? as f32,
            act: read_act(config, "hidden_act", ACT)?,
            qkv_bias: bias(config, "qkv_bias")?,
            window,
            global: global.transpose()?.unwrap_or_else(|| vec![2, 5, 8, 11]),
            absolute: config.flag("use_abs_pos", true)?,
            relative: config.flag("use_rel_pos", true)?,
            n_out: config.size_or("output_channels", 256)?,
        })
    }

    /// Rows and columns of patches.
    pub fn grid(&self) -> [usize; 2] {
        self.patches.grid(self.patches.size)
    }
}

/// Refuses a window far wider than the picture's `grid`, which would be padded to it.
pub(in crate::vision) fn check_window(
    config: &Fields<'_>,
    field: &str,
    window: usize,
    grid: [usize; 2],
) -> Result<(), Error> {
    if window <= 64.max(grid[0]).max(grid[1]) {
        return Ok(());
    }
    Err(config.fail(field, format!("is {window}, on {grid:?} patches")))
}

/// The entries of a table of distances for every pair of `n` places: [2n − 1, D] → [n, n, D].
fn distances<'g>(g: &'g Builder, table: Var<'g>, n: usize) -> Var<'g> {
    let ids: Vec<i32> = (0..n * n).map(|i| (i / n + n - 1 - i % n) as i32).collect();
    let ids = Tensor::i32([n, n], ids);
    match ids {
        Ok(ids) => table.gather_rows(g.constant(ids)),
        Err(_) => table,
    }
}

/// What the distance along one axis of the grid adds to scores: q [B, h, w, H, D] → [B, h·w, H, n]. `axis` is 1 for
/// rows, 2 for columns.
fn along<'g>(g: &'g Builder, q: Var<'g>, table: Var<'g>, axis: usize) -> Var<'g> {
    let n = q.height_width()[axis - 1];
    let near = distances(g, table, n); // [n, n, D]
    let (out, back) = if axis == 1 { ([1, 0, 2, 3, 4], [1, 0, 2, 3, 4]) } else { ([2, 0, 1, 3, 4], [1, 2, 0, 3, 4]) };
    let turned = q.permute(out); // [n, B, w or h, H, D]
    let rows = turned.dim(1) * turned.dim(2) * turned.dim(3);
    let scores = turned
        .reshape([n.into(), rows, turned.dim(4)])
        .matmul_as(MatMul { a: Side::Plain, b: Side::Transposed }, near) // [n, rows, n]
        .reshape([turned.dim(0), turned.dim(1), turned.dim(2), turned.dim(3), n.into()])
        .permute(back); // [B, h, w, H, n]
    scores.reshape([q.dim(0), q.dim(1) * q.dim(2), q.dim(3), n.into()])
}

/// Every patch with every patch of its picture or window: [B, h, w, C] → [B, h, w, C].
fn attention<'g>(g: &'g Builder, x: Var<'g>, w: &Scope<'g>, cfg: &Encoder, (shown, i): (&str, usize)) -> Var<'g> {
    let (c, h) = (cfg.n_embd, cfg.n_head);
    let ([rows, columns], d) = (x.height_width(), c / h);
    let row = |v: Var<'g>| v.reshape([x.dim(0), (rows * columns).into(), h.into(), d.into()]);
    let [q, k, v] = x.linear(&w.at("qkv"), 3 * c, cfg.qkv_bias).split_last([c, c, c]).map(row); // [B, h·w, H, D]
    let tables = cfg.relative.then(|| {
        let grid = q.reshape([x.dim(0), rows.into(), columns.into(), h.into(), d.into()]);
        let table = |name, n: usize| w.tensor(name, [2 * n - 1, d], Stored::AsDeclared);
        let down = along(g, grid, table("rel_pos_h", rows), 1); // [B, h·w, H, h]
        down.concat(&[along(g, grid, table("rel_pos_w", columns), 2)], 3) // [B, h·w, H, h + w]
    });
    let spec = Attention { axial: tables.map(|_| columns), ..Attention::new(1.0 / (d as f32).sqrt()) };
    let attended = q.attention(&format!("{shown}blocks.{i}.attn"), (k, v), None, tables, spec);
    attended.reshape(x.shape()).linear(&w.at("proj"), c, Bias::Add)
}

/// [B, h, w, C] → [B, h, w, C]
fn block<'g>(g: &'g Builder, x: Var<'g>, w: &Scope<'g>, cfg: &Encoder, at: (&str, usize)) -> Var<'g> {
    let normed = x.layer_norm(&w.at("layer_norm1"), cfg.norm_eps, Bias::Add);
    let attended = if cfg.global.contains(&at.1) || cfg.window == 0 {
        attention(g, normed, &w.at("attn"), cfg, at)
    } else {
        let cut = normed.partition(cfg.window); // [B·n, window, window, C]
        attention(g, cut, &w.at("attn"), cfg, at).unpartition(x.dim(0), x.height_width())
    };
    let x = x + attended;
    let normed = x.layer_norm(&w.at("layer_norm2"), cfg.norm_eps, Bias::Add);
    let up = normed.linear_act(&w.at("mlp.lin1"), cfg.n_ff, Bias::Add, cfg.act);
    x + up.linear(&w.at("mlp.lin2"), cfg.n_embd, Bias::Add)
}

/// Writes the encoder: `pixel_values` → [B, h, w, n_out]. `shown` goes before the names of taps.
pub(super) fn write<'g>(g: &'g Builder, cfg: &Encoder, look: &Look, shown: &str) -> Var<'g> {
    let w = g.weights().at("vision_encoder");
    let mut x = cfg.patches.embed(g, look, &w.at("patch_embed.projection"), cfg.n_embd, Bias::Add);
    if cfg.absolute {
        let [rows, columns] = cfg.grid();
        x = x + w.tensor("pos_embed", [1, rows, columns, cfg.n_embd], Stored::AsDeclared);
    }
    for i in 0..cfg.n_layer {
        g.tap(&format!("{shown}hidden.{i}"), x);
        x = block(g, x, &w.at("layers").at(i), cfg, (shown, i));
    }
    g.tap(&format!("{shown}hidden.{}", cfg.n_layer), x);
    neck(x, &w.at("neck"), cfg.n_out)
}

/// To the width of the decoder: [B, h, w, C] → [B, h, w, n].
pub(in crate::vision) fn neck<'g>(x: Var<'g>, w: &Scope<'g>, n: usize) -> Var<'g> {
    let norm = |x: Var<'g>, name: &str| x.layer_norm(&w.at(name), 1e-6, Bias::Add);
    let x = norm(x.conv2d(&w.at("conv1"), n, Window::square(1, 1, 0), Bias::None, None), "layer_norm1");
    norm(x.conv2d(&w.at("conv2"), n, Window::square(3, 1, 1), Bias::None, None), "layer_norm2")
}
