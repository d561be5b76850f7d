//! DINOv2, with and without registers.
//!
//! Papers: Oquab et al. 2023, arXiv:2304.07193; Darcet et al. 2023, arXiv:2309.16588. Reference: `Dinov2Model` and
//! `Dinov2WithRegistersModel` of transformers. What a block adds is scaled by a learned vector, and positions are always
//! stretched to the picture.
//!
//! Axis letters: B pictures, T tokens, C width, F feed-forward width, N labels.

use graph::{Act, Bias, Builder, Interpolation, Scope, Stored, Var};

use super::Look;
use super::patches::{Patches, in_a_row, mean_of_tokens, repeated, stretched, token};
use super::vit::{attention, bias, heads};
use crate::family::Task;
use crate::heads::read_labels;
use crate::llama::{check_layers, read_act};
use crate::{Error, Fields};

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
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
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The feed-forward activation, or a gated unit.
    pub act: Option<Act>,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: Bias,
    /// Tokens between the first one and the patches, which have no positions.
    pub registers: Option<usize>,
    /// Labels of a classifier, N.
    pub n_labels: usize,
    /// What the head is.
    pub task: Task,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong or contradicts another.
    pub fn read(config: &Fields<'_>, registers: bool, task: Task) -> Result<Self, Error> {
        let (n_embd, n_head) = heads(config, 768, 12)?;
        let n_layer = config.size_or("num_hidden_layers", 12)?;
        check_layers(config, "num_hidden_layers", n_layer)?;
        let ratio = config.number_or("mlp_ratio", 4.0)?;
        if !(0.01..=64.0).contains(&ratio) {
            return Err(config.fail("mlp_ratio", format!("is {ratio}")));
        }
        let wide = (n_embd as f64 * ratio) as usize;
        let gated = config.flag("use_swiglu_ffn", false)?;
        Ok(Self {
            patches: Patches::read(config, 224, 14)?,
            n_embd,
            n_layer,
            n_head,
            n_ff: if gated { ((wide as f64 * 2.0 / 3.0) as usize).next_multiple_of(8) } else { wide },
            norm_eps: config.number_or("layer_norm_eps", 1e-6)? as f32,
            act: if gated { None } else { Some(read_act(config, "hidden_act", Act::Gelu)?) },
            qkv_bias: bias(config, "qkv_bias")?,
            registers: if registers { Some(config.count_or("num_register_tokens", 4)?) } else { None },
            n_labels: read_labels(config)?,
            task,
        })
    }

    /// Tokens before the patches.
    fn tokens(&self) -> usize {
        1 + self.registers.unwrap_or(0)
    }
}

/// [B, T, C] → [B, T, C]
fn feed_forward<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let (c, f) = (cfg.n_embd, cfg.n_ff);
    match cfg.act {
        Some(act) => x.linear_act(&w.at("fc1"), f, Bias::Add, act).linear(&w.at("fc2"), c, Bias::Add),
        None => {
            let [gate, up] = x.linear(&w.at("weights_in"), 2 * f, Bias::Add).split_last([f, f]); // [B, T, F]
            gate.gated(up, Act::Silu).linear(&w.at("weights_out"), c, Bias::Add)
        }
    }
}

/// [B, T, C] → [B, T, C]
fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, i: usize) -> Var<'g> {
    let (c, eps) = (cfg.n_embd, cfg.norm_eps);
    let scale = |name| w.at(name).tensor("lambda1", [c], Stored::AsDeclared);
    let normed = x.layer_norm(&w.at("norm1"), eps, Bias::Add);
    let attended = attention(normed, &w.at("attention"), (c, cfg.n_head), cfg.qkv_bias, i);
    let x = x + attended * scale("layer_scale1");
    let normed = x.layer_norm(&w.at("norm2"), eps, Bias::Add);
    x + feed_forward(normed, &w.at("mlp"), cfg) * scale("layer_scale2")
}

/// The picture's patches behind the first tokens, with their positions: [B, T, C].
fn embed<'g>(g: &'g Builder, w: &Scope<'g>, cfg: &Config, look: &Look) -> Var<'g> {
    let c = cfg.n_embd;
    let x = cfg.patches.embed(g, look, &w.at("patch_embeddings.projection"), c, Bias::Add); // [B, h, w, C]
    let grid = x.height_width();
    let x = in_a_row(x);
    let first = repeated(w.tensor("cls_token", [1, 1, c], Stored::AsDeclared), x); // [B, 1, C]
    let table = w.tensor("position_embeddings", [1, 1 + cfg.patches.count(), c], Stored::AsDeclared);
    let usual = look.size.is_none_or(|size| size == cfg.patches.size);
    let how = if cfg.registers.is_some() { Interpolation::BicubicSmooth } else { Interpolation::Bicubic };
    let x = first.concat(&[x], 1) + if usual { table } else { stretched(table, 1, grid, how) };
    let Some(n) = cfg.registers.filter(|n| *n > 0) else { return x };
    let registers = repeated(w.tensor("register_tokens", [1, n, c], Stored::AsDeclared), x); // [B, n, C]
    x.slice(1, 0, 1).concat(&[registers, x.slice(1, 1, grid[0] * grid[1])], 1)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, look: &Look) {
    let w = g.weights().at(if cfg.registers.is_some() { "dinov2_with_registers" } else { "dinov2" });
    let mut x = embed(g, &w.at("embeddings"), cfg, look);
    for i in 0..cfg.n_layer {
        g.tap(&format!("hidden.{i}"), x);
        x = block(x, &w.at("encoder.layer").at(i), cfg, i);
    }
    g.tap(&format!("hidden.{}", cfg.n_layer), x);
    let x = x.layer_norm(&w.at("layernorm"), cfg.norm_eps, Bias::Add);
    if cfg.task == Task::ImageClassification {
        let read = token(x, 0).concat(&[mean_of_tokens(x, cfg.tokens())], 1); // [B, 2C]
        return g.output("logits", read.linear(&g.weights().at("classifier"), cfg.n_labels, Bias::Add));
    }
    g.output("last_hidden_state", x);
    g.output("pooler_output", token(x, 0));
}
