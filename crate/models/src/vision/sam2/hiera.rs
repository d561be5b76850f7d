//! Hiera: a ViT whose width grows from stage to stage while its rows and columns halve.
//!
//! Paper: Ryali et al. 2023, arXiv:2306.00989; positions: Bolya et al. 2023, arXiv:2311.05613. Reference:
//! `Sam2HieraDetModel` of transformers.

use graph::{Act, Attention, Bias, Builder, Corners, Interpolation, Scope, Stored, Var, Window};

use crate::llama::{check_layers, read_act};
use crate::vision::patches::pair;
use crate::vision::sam::check_window;
use crate::vision::{Look, Patches};
use crate::{Error, Fields};

/// What is fixed for one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Blocks.
    pub n_layer: usize,
    /// Width, C.
    pub n_embd: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Rows and columns of a window.
    pub window: usize,
    /// Its first block has half the rows and columns.
    pub pools: bool,
}

/// What is fixed for one encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Hiera {
    /// Pictures; a patch is a step of the finest scale.
    pub patches: Patches,
    /// How patches are cut.
    pub cut: Window,
    /// The stages.
    pub stages: Vec<Stage>,
    /// Rows and columns that become one where a stage pools.
    pub stride: [usize; 2],
    /// Blocks that attend to the whole picture.
    pub global: Vec<usize>,
    /// Rows and columns of the table of positions, which is stretched.
    pub background: [usize; 2],
    /// Feed-forward width in widths of the block.
    pub ratio: f64,
    /// Under the root of norms.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
}

impl Hiera {
    /// Reads a configuration; `finest` are rows and columns of the first stage.
    ///
    /// # Errors
    /// A field is wrong or contradicts another.
    pub fn read(config: &Fields<'_>, finest: [usize; 2]) -> Result<Self, Error> {
        let (kernel, stride) = (pair(config, "patch_kernel_size", 7)?, pair(config, "patch_stride", 4)?);
        let padding = if config.value("patch_padding").and_then(serde_json::Value::as_u64) == Some(0) {
            [0; 2]
        } else {
            pair(config, "patch_padding", 3)?
        };
        let cut = Window { kernel, stride, padding, dilation: [1; 2] };
        let size = [0, 1].map(|i| finest[i].saturating_mul(stride[i]));
        if cut.places(size) != Some(finest) || size.iter().any(|n| *n > 1 << 14) || kernel.iter().any(|n| *n > 64) {
            return Err(config.fail("patch_stride", format!("is {stride:?}: patches do not make {finest:?}")));
        }
        let ratio = config.number_or("mlp_ratio", 4.0)?;
        if !(0.01..=64.0).contains(&ratio) {
            return Err(config.fail("mlp_ratio", format!("is {ratio}")));
        }
        let patches = Patches { channels: config.size_or("num_channels", 3)?, size, patch: stride };
        let field = "window_positional_embedding_background_size";
        let background = pair(config, field, 7)?;
        if background.iter().any(|n| *n > 1 << 10) {
            return Err(config.fail(field, format!("is {background:?}, more than any model has")));
        }
        let read = Self {
            patches,
            cut,
            stages: stages(config)?,
            stride: pair(config, "query_stride", 2)?,
            global: indices(config, "global_attention_blocks", &[5, 7, 9])?,
            background,
            ratio,
            norm_eps: config.number_or("layer_norm_eps", 1e-6)? as f32,
            act: read_act(config, "hidden_act", Act::Gelu)?,
        };
        let field = "window_size_per_stage";
        read.stages.iter().try_for_each(|stage| check_window(config, field, stage.window, finest))?;
        let window = read.stages[0].window;
        if finest.iter().any(|n| !n.is_multiple_of(window)) {
            return Err(config.fail(field, format!("is {window} at first, on {finest:?} patches")));
        }
        Ok(read)
    }

    /// Rows and columns of a stage.
    pub fn grid(&self, stage: usize) -> [usize; 2] {
        let pools = self.stages.iter().take(stage + 1).filter(|stage| stage.pools).count() as u32;
        let finest = self.patches.grid(self.patches.size);
        [0, 1].map(|i| finest[i].checked_div(self.stride[i].saturating_pow(pools)).unwrap_or(0))
    }
}

/// A list of whole numbers, zero among them.
fn indices(config: &Fields<'_>, field: &str, default: &[usize]) -> Result<Vec<usize>, Error> {
    let Some(list) = config.value(field) else { return Ok(default.to_vec()) };
    let whole = list.as_array().and_then(|list| list.iter().map(|i| i.as_u64().map(|i| i as usize)).collect());
    whole.ok_or_else(|| config.fail(field, format!("is {list}, expected integers")))
}

/// The stages: lists of as many numbers as there are stages.
fn stages(config: &Fields<'_>) -> Result<Vec<Stage>, Error> {
    let blocks = indices(config, "blocks_per_stage", &[1, 2, 7, 2])?;
    let n = blocks.len();
    let list = |field: &str, default: [usize; 4]| {
        let list = indices(config, field, &default)?;
        let fits = list.len() == n && list.iter().all(|value| (1..1 << 16).contains(value));
        if fits { Ok(list) } else { Err(config.fail(field, format!("is {list:?}, blocks_per_stage {blocks:?}"))) }
    };
    let widths = list("embed_dim_per_stage", [96, 192, 384, 768])?;
    let heads = list("num_attention_heads_per_stage", [1, 2, 4, 8])?;
    let windows = list("window_size_per_stage", [8, 4, 14, 7])?;
    let pooled = config.number_or("num_query_pool_stages", 3.0)?.clamp(0.0, 16.0) as usize;
    if !(3..=16).contains(&n) {
        return Err(config.fail("blocks_per_stage", format!("is {blocks:?}, expected 3 stages or more")));
    }
    let stage = |i: usize| {
        check_layers(config, "blocks_per_stage", blocks[i])?;
        if !widths[i].is_multiple_of(heads[i]) {
            let reason = format!("is {heads:?}, widths are {widths:?}");
            return Err(config.fail("num_attention_heads_per_stage", reason));
        }
        let pools = (1..=pooled).contains(&i);
        Ok(Stage { n_layer: blocks[i], n_embd: widths[i], n_head: heads[i], window: windows[i], pools })
    };
    let first = config.size_or("hidden_size", widths[0])?;
    if first != widths[0] {
        return Err(config.fail("hidden_size", format!("is {first}, the first stage has {}", widths[0])));
    }
    (0..n).map(stage).collect()
}

/// How one block differs from the one before.
struct Block<'a> {
    cfg: &'a Hiera,
    stage: Stage,
    /// Rows and columns of windows; 0 for the whole picture.
    window: usize,
    /// It takes the largest of so many rows and columns.
    pool: Option<Window>,
}

/// Every place with every place of its picture or window; fewer queries where the block pools: [B, h, w, C'] →
/// [B, h', w', C].
fn attention<'g>(x: Var<'g>, w: &Scope<'g>, block: &Block<'_>) -> Var<'g> {
    let (c, heads) = (block.stage.n_embd, block.stage.n_head);
    let [q, k, v] = x.linear(&w.at("qkv"), 3 * c, Bias::Add).split_last([c, c, c]);
    let q = block.pool.map_or(q, |window| q.max_pool2d(window));
    let row = |x: Var<'g>| {
        let [h, wide] = x.height_width();
        x.reshape([x.dim(0), (h * wide).into(), heads.into(), (c / heads).into()])
    };
    let spec = Attention::new(1.0 / ((c / heads) as f32).sqrt());
    row(q).attention("window", (row(k), row(v)), None, None, spec).reshape(q.shape()).linear(
        &w.at("proj"),
        c,
        Bias::Add,
    )
}

/// [B, h, w, C'] → [B, h', w', C]
fn block<'g>(g: &'g Builder, x: Var<'g>, w: &Scope<'g>, block: &Block<'_>, i: usize) -> Var<'g> {
    let (cfg, c) = (block.cfg, block.stage.n_embd);
    let normed = x.layer_norm(&w.at("layer_norm1"), cfg.norm_eps, Bias::Add);
    let mut residual = x;
    if x.shape().last_known() != Some(c) {
        residual = normed.linear(&w.at("proj"), c, Bias::Add);
        residual = block.pool.map_or(residual, |window| residual.max_pool2d(window));
    }
    let cut = if block.window > 0 { normed.partition(block.window) } else { normed };
    let attended = attention(cut, &w.at("attn"), block);
    g.tap(&format!("vision.blocks.{i}.attn.probs"), attended);
    let whole = if block.window > 0 { attended.unpartition(x.dim(0), residual.height_width()) } else { attended };
    let x = residual + whole;
    let normed = x.layer_norm(&w.at("layer_norm2"), cfg.norm_eps, Bias::Add);
    let up = normed.linear_act(&w.at("mlp.proj_in"), (c as f64 * cfg.ratio) as usize, Bias::Add, cfg.act);
    x + up.linear(&w.at("mlp.proj_out"), c, Bias::Add)
}

/// A table stretched over the picture, and one of a window's places repeated: [1, h, w, C].
fn positions<'g>(w: &Scope<'g>, cfg: &Hiera) -> Var<'g> {
    let (c, window, [h, wide]) = (cfg.stages[0].n_embd, cfg.stages[0].window, cfg.grid(0));
    let [rows, columns] = cfg.background;
    let table = w.tensor("pos_embed", [1, c, rows, columns], Stored::AsDeclared).channels_last();
    let own = w.tensor("pos_embed_window", [1, c, window, window], Stored::AsDeclared).channels_last();
    let (down, across) = (h / window, wide / window);
    let tiled = own.reshape([1, 1, window, 1, window, c]).expand([1, down, window, across, window, c]);
    table.interpolate([h, wide], Interpolation::Bicubic, Corners::Cells) + tiled.reshape([1, h, wide, c])
}

/// Writes the encoder: `pixel_values` → what each stage yields [B, h, w, C], from the finest.
pub(super) fn write<'g>(g: &'g Builder, cfg: &Hiera, look: &Look) -> Vec<Var<'g>> {
    let w = g.weights().at("vision_encoder.backbone");
    let patched = cfg.patches.pixels(g, look);
    let x = patched.conv2d(&w.at("patch_embed.projection"), cfg.stages[0].n_embd, cfg.cut, Bias::Add, None);
    let mut x = x + positions(&w, cfg);
    let (mut i, mut yielded, mut before) = (0, Vec::new(), cfg.stages[0].window);
    g.tap("vision.hidden.0", x);
    for stage in &cfg.stages {
        for at in 0..stage.n_layer {
            // The first block of a stage has the windows of the stage before.
            let window = if cfg.global.contains(&i) { 0 } else { if at == 0 { before } else { stage.window } };
            let pool = (stage.pools && at == 0).then_some(Window {
                kernel: cfg.stride,
                stride: cfg.stride,
                ..Window::square(1, 1, 0)
            });
            x = block(g, x, &w.at("blocks").at(i), &Block { cfg, stage: *stage, window, pool }, i);
            i += 1;
            g.tap(&format!("vision.hidden.{i}"), x);
        }
        before = stage.window;
        yielded.push(x);
    }
    yielded
}
