//! GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners").
//!
//! Reference: `GPT2LMHeadModel` of transformers. Axis letters as in `llama.rs`.

use graph::{Act, Attention, Bias, Builder, Scope, Var};

use crate::call::{Call, Inputs, finish_head, select_rows};
use crate::family::Task;
use crate::heads::{self, Labels};
use crate::llama::{read_act, read_layers};
use crate::{Error, Fields};

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Vocabulary, V.
    pub n_vocab: usize,
    /// Width, C.
    pub n_embd: usize,
    /// Blocks, L.
    pub n_layer: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// Learned positions.
    pub max_positions: usize,
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
    /// Scores are divided by the root of the head width.
    pub scale_attn: bool,
    /// Scores of block i are divided by i + 1.
    pub scale_by_block: bool,
    /// The head reads the embedding table.
    pub tied: bool,
    /// What the head is.
    pub task: Task,
    /// The classes of a head that reads.
    pub labels: Labels,
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, task: Task) -> Result<Self, Error> {
        let (n_embd, n_head) = (config.size("n_embd")?, config.size("n_head")?);
        if !n_embd.is_multiple_of(n_head) {
            return Err(config.fail("n_head", format!("is {n_head}, which does not divide the width {n_embd}")));
        }
        if config.flag("add_cross_attention", false)? {
            return Err(config.fail("add_cross_attention", "is true, which is not supported"));
        }
        Ok(Self {
            n_vocab: config.size("vocab_size")?,
            n_embd,
            n_layer: read_layers(config, "n_layer")?,
            n_head,
            n_ff: config.size_or("n_inner", 4 * n_embd)?,
            max_positions: match config.size_or_none("n_positions")? {
                Some(n) => n,
                None => config.size_or("n_ctx", 1024)?,
            },
            norm_eps: config.number_or("layer_norm_epsilon", 1e-5)? as f32,
            act: read_act(config, "activation_function", Act::GeluTanh)?,
            scale_attn: config.flag("scale_attn_weights", true)?,
            scale_by_block: config.flag("scale_attn_by_inverse_layer_idx", false)?,
            tied: config.flag("tie_word_embeddings", true)?,
            labels: Labels::read(config, task)?,
            task,
        })
    }
}

fn attention<'g>(
    g: &'g Builder,
    x: Var<'g>,
    w: &Scope<'g>,
    cfg: &Config,
    inputs: &Inputs<'g>,
    block: usize,
) -> Var<'g> {
    let (h, c) = (cfg.n_head, cfg.n_embd);
    let [q, k, v] = x.conv1d(&w.at("c_attn"), 3 * c, None).split_last([c, c, c]); // [B, T, C] each
    let (q, mut k, mut v) = (q.heads(h), k.heads(h), v.heads(h)); // [B, T, H, D]
    let name = format!("blocks.{block}.attn");
    if let Some(past) = inputs.past {
        (k, v) = g.cache(format!("{name}.cache"), h, c / h).append(k, v, past); // [B, P+T, H, D]
    }
    let mut scale = if cfg.scale_attn { 1.0 / ((c / h) as f32).sqrt() } else { 1.0 };
    if cfg.scale_by_block {
        scale /= (block + 1) as f32;
    }
    let spec = Attention { causal: true, ..Attention::new(scale) };
    let out = q.attention(&name, (k, v), inputs.past, inputs.mask_bias, spec); // [B, T, H, D]
    out.merge_heads().conv1d(&w.at("c_proj"), c, None) // [B, T, C]
}

fn mlp<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let x = x.conv1d(&w.at("c_fc"), cfg.n_ff, Some(cfg.act)); // [B, T, F]
    x.conv1d(&w.at("c_proj"), cfg.n_embd, None) // [B, T, C]
}

fn block<'g>(g: &'g Builder, x: Var<'g>, w: &Scope<'g>, cfg: &Config, inputs: &Inputs<'g>, i: usize) -> Var<'g> {
    let attended = attention(g, x.layer_norm(&w.at("ln_1"), cfg.norm_eps, Bias::Add), &w.at("attn"), cfg, inputs, i);
    let x = x + attended.dropout(inputs.rng);
    x + mlp(x.layer_norm(&w.at("ln_2"), cfg.norm_eps, Bias::Add), &w.at("mlp"), cfg).dropout(inputs.rng)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) {
    let inputs = Inputs::declare(g, call);
    let w = g.weights().at("transformer");

    let table = w.at("wte").weight([cfg.n_vocab, cfg.n_embd]); // [V, C]
    let positions = w.at("wpe").weight([cfg.max_positions, cfg.n_embd]);
    let x = table.gather_rows(inputs.ids) + positions.gather_rows(inputs.positions);
    let mut x = x.dropout(inputs.rng); // [B, T, C]
    for i in 0..cfg.n_layer {
        g.tap(&format!("hidden.{i}"), x);
        x = block(g, x, &w.at("h").at(i), cfg, &inputs, i);
    }
    x = select_rows(g, x, call.rows).layer_norm(&w.at("ln_f"), cfg.norm_eps, Bias::Add); // [B, T, C] or [R, C]
    g.tap(&format!("hidden.{}", cfg.n_layer), x);

    if cfg.task != Task::CausalLm {
        heads::write(g, cfg.task, cfg.labels, x, "classifier");
        return;
    }
    let logits = match cfg.tied {
        true => x.linear_with(table),
        false => x.linear(&g.weights().at("lm_head"), cfg.n_vocab, Bias::None),
    };
    finish_head(g, logits, call.head);
}
