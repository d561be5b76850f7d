//! MobileSAM: Segment Anything's prompts and masks behind a small encoder of pictures, TinyViT.
//!
//! Papers: Zhang et al. 2023, arXiv:2306.14289; Wu et al. 2022, arXiv:2207.10666. Reference: the published MobileSAM and
//! `TinyVit` of timm. Weights have the names of the published checkpoint. Norms over the batch are constants by now:
//! they are folded into the convolutions before them.
//!
//! Axis letters: B pictures, h, w rows and columns, C width, H heads, D head width.

use graph::{Act, Attention, Bias, Builder, DType, Dim, Op, Scope, Stored, Tensor, UnaryOp, Var, Window};

use super::sam::{self, Answers};
use super::{Look, Patches, Reads};
use crate::{Error, Fields};

/// Under the root of norms over the batch, and of those of blocks.
const EPS: f32 = 1e-5;

/// Stages of blocks.
const STAGES: usize = 4;

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The encoder of pictures.
    pub encoder: Encoder,
    /// What answers prompts.
    pub answers: Answers,
}

/// TinyViT: a stage of convolutions, then stages that attend within windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoder {
    /// Pictures; a patch is what one embedding at the end stands for.
    pub patches: Patches,
    /// Width of each stage, C.
    pub widths: [usize; STAGES],
    /// Blocks of each stage.
    pub depths: [usize; STAGES],
    /// Heads of each stage; the first has none.
    pub heads: [usize; STAGES],
    /// Rows and columns of each stage's windows.
    pub windows: [usize; STAGES],
    /// Width of feed-forward layers and of convolutions' middles, in widths of the stage.
    pub ratio: usize,
    /// Width of what is yielded.
    pub n_out: usize,
}

/// From one stage to the next: half as many rows and columns, but for the last.
const STRIDES: [usize; STAGES] = [2, 2, 1, 1];

impl Config {
    /// Reads a configuration; what it leaves out is as published.
    ///
    /// # Errors
    /// A field is wrong, or parts do not fit each other.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let empty = serde_json::Value::Object(serde_json::Map::new());
        let own = config.object("vision_config")?.unwrap_or(Fields::new(config.file(), &empty)?);
        let (encoder, answers) = (Encoder::read(&own)?, Answers::read(config, sam::Form::First)?);
        let grid = encoder.patches.grid(encoder.patches.size);
        if encoder.n_out != answers.prompts.n_embd || grid != answers.prompts.grid {
            let reason = format!("yields {} by {grid:?}, prompts have others", encoder.n_out);
            return Err(config.fail("vision_config", reason));
        }
        Ok(Self { encoder, answers })
    }
}

impl Encoder {
    fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let four = |field: &str, default: [usize; STAGES]| {
            let sizes = config.sizes(field)?;
            if sizes.is_empty() {
                return Ok(default);
            }
            <[usize; STAGES]>::try_from(sizes).map_err(|_| config.fail(field, "needs four sizes"))
        };
        let mut patches = Patches::read(config, 1024, 16)?;
        patches.patch = [16; 2];
        let read = Self {
            patches,
            widths: four("embed_dims", [64, 128, 160, 320])?,
            depths: four("depths", [2, 2, 6, 2])?,
            heads: four("num_heads", [2, 4, 5, 10])?,
            windows: four("window_sizes", [7, 7, 14, 7])?,
            ratio: config.size_or("mlp_ratio", 4)?,
            n_out: config.size_or("output_channels", 256)?,
        };
        if (1..STAGES).any(|i| !read.widths[i].is_multiple_of(read.heads[i])) {
            return Err(config.fail("num_heads", "does not divide the widths"));
        }
        let uneven = read.patches.size.iter().any(|n| !n.is_multiple_of(16));
        if uneven || read.ratio > 64 || read.depths.iter().any(|n| *n > 4096) || read.windows.iter().any(|n| *n > 64) {
            return Err(config.fail("image_size", "or depths or window_sizes are such as no model has"));
        }
        Ok(read)
    }
}

/// How a convolution runs.
#[derive(Clone, Copy)]
struct Conv {
    window: Window,
    act: Option<Act>,
}

impl Conv {
    const fn new(kernel: usize, stride: usize, act: Option<Act>) -> Self {
        Self { window: Window::square(kernel, stride, kernel / 2), act }
    }
}

/// The factor and what is added [n] of a norm over the batch.
fn batch_norm<'g>(at: &Scope<'g>, n: usize) -> (Var<'g>, Var<'g>) {
    let read = |name| at.tensor(name, [n], Stored::AsDeclared);
    let factor = read("weight") / read("running_var").affine(1.0, EPS).unary(UnaryOp::Sqrt);
    (factor, read("bias") - read("running_mean") * factor)
}

/// A convolution and its norm: [B, h, w, C] → [B, h', w', n].
fn conv<'g>(g: &'g Builder, x: Var<'g>, at: &Scope<'g>, n: usize, conv: Conv) -> Var<'g> {
    let seen = if conv.window == Window::square(1, 1, 0) { x } else { x.unfold(conv.window) };
    let k = seen.shape().last_known().unwrap_or(0);
    let (factor, offset) = batch_norm(&at.at("bn"), n);
    let weight = at.at("c").tensor("weight", [n, k], Stored::Kernel(conv.window.kernel)) * factor.reshape([n, 1]);
    g.push(Op::Linear { bias: Bias::Add, act: conv.act }, &[seen, weight, offset])
}

/// A convolution of each channel by itself and its norm: [B, h, w, C] → [B, h', w', C].
fn depthwise<'g>(g: &'g Builder, x: Var<'g>, at: &Scope<'g>, Conv { window, act }: Conv) -> Var<'g> {
    let c = x.shape().last_known().unwrap_or(0);
    let (factor, offset) = batch_norm(&at.at("bn"), c);
    let weight = at.at("c").tensor("weight", [window.taps(), c], Stored::TurnedKernel(window.kernel)) * factor;
    g.push(Op::Depthwise { window, bias: Bias::Add, act }, &[x, weight, offset])
}

/// Wide in the middle (Sandler et al. 2018): [B, h, w, C] → [B, h', w', n].
fn narrow_wide_narrow<'g>(
    g: &'g Builder,
    x: Var<'g>,
    w: &Scope<'g>,
    (middle, n): (usize, usize),
    stride: usize,
) -> Var<'g> {
    let gelu = Some(Act::Gelu);
    let x = conv(g, x, &w.at("conv1"), middle, Conv::new(1, 1, gelu));
    let x = depthwise(g, x, &w.at("conv2"), Conv::new(3, stride, gelu));
    conv(g, x, &w.at("conv3"), n, Conv::new(1, 1, None))
}

/// What is added to the scores of a window by how far keys lie in rows and columns, signs aside: [1, H, T, T].
fn distances<'g>(g: &'g Builder, w: &Scope<'g>, heads: usize, window: usize) -> Var<'g> {
    let t = window * window;
    let table = w.tensor("attention_biases", [heads, t], Stored::AsDeclared);
    let apart = |a: usize, b: usize| (a / window).abs_diff(b / window) * window + (a % window).abs_diff(b % window);
    let ids = Tensor::i32([t * t], (0..t * t).map(|i| apart(i / t, i % t) as i32).collect());
    let Ok(ids) = ids else { return table };
    table.permute([1, 0]).gather_rows(g.constant(ids)).permute([1, 0]).reshape([1, heads, t, t])
}

/// Every place with every place of its window: [B, h, w, C] → [B, h, w, C].
fn attention<'g>(g: &'g Builder, x: Var<'g>, w: &Scope<'g>, heads: usize, window: usize) -> Var<'g> {
    let (c, t) = (x.shape().last_known().unwrap_or(0), window * window);
    let d = c / heads;
    let cut = x.partition(window).layer_norm(&w.at("norm"), EPS, Bias::Add);
    let qkv = cut.linear(&w.at("qkv"), 3 * c, Bias::Add);
    let parts = qkv.reshape([cut.dim(0), t.into(), heads.into(), (3 * d).into()]).split_last([d, d, d]);
    let [q, k, v] = parts; // [B·n, T, H, D]
    let bias = distances(g, w, heads, window);
    let attended = q.attention("window", (k, v), None, Some(bias), Attention::new(1.0 / (d as f32).sqrt()));
    attended.reshape(cut.shape()).linear(&w.at("proj"), c, Bias::Add).unpartition(x.dim(0), x.height_width())
}

/// Attention within windows, a convolution, a feed-forward layer: [B, h, w, C] → [B, h, w, C].
fn block<'g>(g: &'g Builder, x: Var<'g>, w: &Scope<'g>, cfg: &Encoder, stage: usize) -> Var<'g> {
    let c = cfg.widths[stage];
    let x = x + attention(g, x, &w.at("attn"), cfg.heads[stage], cfg.windows[stage]);
    let x = depthwise(g, x, &w.at("local_conv"), Conv::new(3, 1, None));
    let normed = x.layer_norm(&w.at("mlp.norm"), EPS, Bias::Add);
    let up = normed.linear_act(&w.at("mlp.fc1"), cfg.ratio * c, Bias::Add, Act::Gelu);
    x + up.linear(&w.at("mlp.fc2"), c, Bias::Add)
}

/// Writes the encoder: `pixel_values` → [B, h, w, n_out].
fn encode<'g>(g: &'g Builder, cfg: &Encoder, look: &Look) -> Var<'g> {
    let (w, first) = (g.weights().at("image_encoder"), cfg.widths[0]);
    let [rows, columns] = cfg.patches.size;
    let batch: Dim = look.pictures.max(1).into();
    let pixels = g.input("pixel_values", DType::F32, [batch, cfg.patches.channels.into(), rows.into(), columns.into()]);
    let at = w.at("patch_embed.seq");
    let x = conv(g, pixels.channels_last(), &at.at(0), first / 2, Conv::new(3, 2, Some(Act::Gelu)));
    let mut x = conv(g, x, &at.at(2), first, Conv::new(3, 2, None));
    for (stage, stride) in STRIDES.into_iter().enumerate() {
        let at = w.at("layers").at(stage);
        for i in 0..cfg.depths[stage] {
            let at = at.at("blocks").at(i);
            x = if stage == 0 {
                (x + narrow_wide_narrow(g, x, &at, (cfg.ratio * first, first), 1)).act(Act::Gelu)
            } else {
                block(g, x, &at, cfg, stage)
            };
        }
        if let Some(next) = cfg.widths.get(stage + 1) {
            x = narrow_wide_narrow(g, x, &at.at("downsample"), (*next, *next), stride);
        }
    }
    sam::neck(x, &w.at("neck"), cfg.n_out)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, look: &Look) {
    let seen = (look.reads != Reads::Rest).then(|| encode(g, &cfg.encoder, look)); // [B, h, w, C]
    match (look.reads, seen) {
        (Reads::Pictures, Some(seen)) => g.output("image_embeddings", seen.channels_first()),
        (_, seen) => sam::answer(g, &cfg.answers, look, seen),
    }
}
