//! ViT and DeiT.
//!
//! Papers: Dosovitskiy et al. 2020, arXiv:2010.11929; Touvron et al. 2020, arXiv:2012.12877. Reference: `ViTModel`,
//! `DeiTModel` of transformers. DeiT has one token more, for a head that a teacher taught.
//!
//! Axis letters: B pictures, T tokens, C width, H heads, D head width, F feed-forward width, N labels.

use graph::{Act, Attention, Bias, Builder, DType, Interpolation, Reduce, Scope, Stored, Var};

use super::Look;
use super::patches::{Patches, in_a_row, repeated, stretched, token};
use crate::heads::read_labels;
use crate::llama::{check_layers, read_act};
use crate::{Error, Fields};

/// Which published family a configuration belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ViT.
    Vit,
    /// DeiT.
    Deit,
}

/// What the head computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Hidden states, and the pooled first token.
    Base,
    /// Classes.
    Classes,
    /// Classes as the mean of two heads, one of which a teacher taught.
    WithTeacher,
}

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family.
    pub kind: Kind,
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
    /// The feed-forward activation.
    pub act: Act,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: Bias,
    /// Width and activation of the pooler, if there is one.
    pub pooler: Option<(usize, Act)>,
    /// Labels of a classifier, N.
    pub n_labels: usize,
    /// What the head is.
    pub head: Head,
}

impl Kind {
    /// The family's name, which is the prefix of its weights too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vit => "vit",
            Self::Deit => "deit",
        }
    }

    /// Tokens before the patches.
    fn tokens(self) -> usize {
        match self {
            Self::Vit => 1,
            Self::Deit => 2,
        }
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong or contradicts another.
    pub fn read(config: &Fields<'_>, kind: Kind, head: Head) -> Result<Self, Error> {
        let (n_embd, n_head) = heads(config, 768, 12)?;
        let n_layer = config.size_or("num_hidden_layers", 12)?;
        check_layers(config, "num_hidden_layers", n_layer)?;
        let pooled = config.size_or("pooler_output_size", n_embd)?;
        Ok(Self {
            kind,
            patches: Patches::read(config, 224, 16)?,
            n_embd,
            n_layer,
            n_head,
            n_ff: config.size_or("intermediate_size", 3072)?,
            norm_eps: config.number_or("layer_norm_eps", 1e-12)? as f32,
            act: read_act(config, "hidden_act", Act::Gelu)?,
            qkv_bias: bias(config, "qkv_bias")?,
            pooler: (head == Head::Base).then_some((pooled, read_act(config, "pooler_act", Act::Tanh)?)),
            n_labels: read_labels(config)?,
            head,
        })
    }

    /// Files of other heads have no pooler, and then there is no `pooler_output`.
    pub(crate) fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        let name = format!("{}.pooler.dense.weight", self.kind.name());
        self.pooler = self.pooler.filter(|_| crate::resolve(&name, has).is_some());
    }
}

/// Width and heads of an encoder.
pub(super) fn heads(config: &Fields<'_>, width: usize, heads: usize) -> Result<(usize, usize), Error> {
    let (n_embd, n_head) = (config.size_or("hidden_size", width)?, config.size_or("num_attention_heads", heads)?);
    if !n_embd.is_multiple_of(n_head) {
        let reason = format!("is {n_head}, which does not divide the width {n_embd}");
        return Err(config.fail("num_attention_heads", reason));
    }
    Ok((n_embd, n_head))
}

/// Whether there are biases, which is the rule.
pub(super) fn bias(config: &Fields<'_>, field: &str) -> Result<Bias, Error> {
    Ok(if config.flag(field, true)? { Bias::Add } else { Bias::None })
}

/// Every token with every token: [B, T, C] → [B, T, C].
pub(super) fn attention<'g>(x: Var<'g>, w: &Scope<'g>, (c, h): (usize, usize), qkv_bias: Bias, i: usize) -> Var<'g> {
    let project = |name: &str| x.linear(&w.at("attention").at(name), c, qkv_bias).heads(h);
    let (q, k, v) = (project("query"), project("key"), project("value")); // [B, T, H, D]
    let spec = Attention::new(1.0 / ((c / h) as f32).sqrt());
    let attended = q.attention(&format!("blocks.{i}.attn"), (k, v), None, None, spec).merge_heads(); // [B, T, C]
    attended.linear(&w.at("output.dense"), c, Bias::Add)
}

/// [B, T, C] → [B, T, C]
fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, i: usize) -> Var<'g> {
    let (c, eps) = (cfg.n_embd, cfg.norm_eps);
    let normed = x.layer_norm(&w.at("layernorm_before"), eps, Bias::Add);
    let x = x + attention(normed, &w.at("attention"), (c, cfg.n_head), cfg.qkv_bias, i);
    let normed = x.layer_norm(&w.at("layernorm_after"), eps, Bias::Add);
    let up = normed.linear_act(&w.at("intermediate.dense"), cfg.n_ff, Bias::Add, cfg.act); // [B, T, F]
    x + up.linear(&w.at("output.dense"), c, Bias::Add)
}

/// The picture's patches behind the first tokens, with their positions: [B, T, C].
fn embed<'g>(g: &'g Builder, w: &Scope<'g>, cfg: &Config, look: &Look) -> Var<'g> {
    let c = cfg.n_embd;
    let x = cfg.patches.embed(g, look, &w.at("patch_embeddings.projection"), c, Bias::Add); // [B, h, w, C]
    let grid = x.height_width();
    let x = in_a_row(x);
    let first = |name| repeated(w.tensor(name, [1, 1, c], Stored::AsDeclared), x); // [B, 1, C]
    let k = cfg.kind.tokens();
    let tokens = match cfg.kind {
        Kind::Vit => first("cls_token").concat(&[x], 1),
        Kind::Deit => first("cls_token").concat(&[first("distillation_token"), x], 1),
    };
    let positions = w.tensor("position_embeddings", [1, k + cfg.patches.count(), c], Stored::AsDeclared);
    let usual = look.size.is_none_or(|size| size == cfg.patches.size);
    tokens + if usual { positions } else { stretched(positions, k, grid, Interpolation::Bicubic) }
}

/// The tokens after the last norm: [B, T, C].
fn encode<'g>(g: &'g Builder, cfg: &Config, look: &Look) -> Var<'g> {
    let w = g.weights().at(cfg.kind.name());
    let mut x = embed(g, &w.at("embeddings"), cfg, look);
    for i in 0..cfg.n_layer {
        g.tap(&format!("hidden.{i}"), x);
        x = block(x, &w.at("encoder.layer").at(i), cfg, i);
    }
    g.tap(&format!("hidden.{}", cfg.n_layer), x);
    x.layer_norm(&w.at("layernorm"), cfg.norm_eps, Bias::Add)
}

/// What a head says of token `i`: [B, T, C] → [B, N].
fn classes<'g>(g: &'g Builder, x: Var<'g>, cfg: &Config, name: &str, i: usize) -> Var<'g> {
    token(x, i).linear(&g.weights().at(name), cfg.n_labels, Bias::Add)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, look: &Look) {
    let x = encode(g, cfg, look);
    match cfg.head {
        Head::Base => {
            g.output("last_hidden_state", x);
            if let Some((n, act)) = cfg.pooler {
                let at = g.weights().at(cfg.kind.name()).at("pooler.dense");
                g.output("pooler_output", token(x, 0).linear_act(&at, n, Bias::Add, act));
            }
        }
        Head::Classes => g.output("logits", classes(g, x, cfg, "classifier", 0)),
        Head::WithTeacher => {
            let own = classes(g, x, cfg, "cls_classifier", 0);
            let taught = classes(g, x, cfg, "distillation_classifier", 1);
            g.output("logits", (own + taught).scale(0.5));
            g.output("cls_logits", own);
            g.output("distillation_logits", taught);
        }
    }
}

/// Writes a step of training a classifier: `loss` [1], the sum of the pictures' cross-entropies by `targets` [B] i32,
/// none where a target is negative, each times its `loss_weights` [B]; and `logits` [B, N]. Other heads have no loss.
pub fn train(g: &Builder, cfg: &Config, look: &Look) {
    if cfg.head != Head::Classes {
        return;
    }
    let logits = classes(g, encode(g, cfg, look), cfg, "classifier", 0);
    let targets = g.input("targets", DType::I32, [logits.dim(0)]);
    let weights = g.input("loss_weights", DType::F32, [logits.dim(0)]);
    g.output("loss", (logits.cross_entropy(targets) * weights).reduce(Reduce::Sum));
    g.output("logits", logits);
}
