//! GPT-NeoX and Pythia (Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373).
//!
//! Reference: `GPTNeoXForCausalLM` of transformers. Axis letters as in `llama.rs`.

use graph::{Act, Attention, Bias, Builder, Scope, Var};

use crate::call::{Call, Inputs, finish_head, select_rows};
use crate::family::Task;
use crate::heads::{self, Labels};
use crate::llama::{read_act, read_layers};
use crate::rope::{self, Frequencies, Habits};
use crate::rotary::Rotary;
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
    /// The longest sequence the model was made for.
    pub max_positions: usize,
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
    /// The rotary embedding, of a part of each head.
    pub rope: Frequencies,
    /// Biases of the attention's projections.
    pub attention_bias: Bias,
    /// How queries, keys and values share one projection.
    pub qkv: Qkv,
    /// What the feed-forward part reads.
    pub residual: Residual,
    /// The head reads the embedding table.
    pub tied: bool,
    /// What the head is.
    pub task: Task,
    /// The classes of a head that reads.
    pub labels: Labels,
}

/// The order of the rows of the projection to queries, keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qkv {
    /// Of each head its query, key and value: [H, 3, D].
    ByHead,
    /// All queries, all keys, all values: [3, H, D] (llama.cpp's files).
    Apart,
}

/// What the feed-forward part of a block reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    /// What the attention reads: both are added at once.
    Parallel,
    /// The sum of the block's input and what the attention yields.
    Sequential,
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, task: Task) -> Result<Self, Error> {
        let (n_embd, n_head) = (config.size("hidden_size")?, config.size("num_attention_heads")?);
        if !n_embd.is_multiple_of(n_head) {
            let reason = format!("is {n_head}, which does not divide the width {n_embd}");
            return Err(config.fail("num_attention_heads", reason));
        }
        let max_positions = config.size_or("max_position_embeddings", 2048)?;
        let habits =
            Habits { theta: ("rotary_emb_base", 10_000.0), partial: ("rotary_pct", 0.25), ..Habits::default() };
        let rope = Frequencies::read_as(config, rope::parameters(config)?, habits, n_embd / n_head, max_positions)?;
        let either = |field: &str| config.flag(field, true);
        Ok(Self {
            n_vocab: config.size("vocab_size")?,
            n_embd,
            n_layer: read_layers(config, "num_hidden_layers")?,
            n_head,
            n_ff: config.size("intermediate_size")?,
            max_positions,
            norm_eps: config.number_or("layer_norm_eps", 1e-5)? as f32,
            act: read_act(config, "hidden_act", Act::Gelu)?,
            rope,
            attention_bias: if either("attention_bias")? { Bias::Add } else { Bias::None },
            qkv: if either("qkv_by_head")? { Qkv::ByHead } else { Qkv::Apart },
            residual: if either("use_parallel_residual")? { Residual::Parallel } else { Residual::Sequential },
            tied: config.flag("tie_word_embeddings", false)?,
            labels: Labels::read(config, task)?,
            task,
        })
    }
}

/// What every block reads.
struct Shared<'g> {
    g: &'g Builder,
    inputs: Inputs<'g>,
    rotary: Rotary<'g>,
}

fn attention<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, shared: &Shared<'g>, block: usize) -> Var<'g> {
    let (h, c, d) = (cfg.n_head, cfg.n_embd, cfg.n_embd / cfg.n_head);
    let qkv = x.linear(&w.at("query_key_value"), 3 * c, cfg.attention_bias); // [B, T, 3·C]
    let [q, k, mut v] = match cfg.qkv {
        Qkv::ByHead => qkv.heads(h).split_last([d, d, d]), // [B, T, H, D] each
        Qkv::Apart => qkv.split_last([c, c, c]).map(|part| part.heads(h)),
    };
    let (q, mut k) = (shared.rotary.turn(q), shared.rotary.turn(k));
    let name = format!("blocks.{block}.attn");
    if let Some(past) = shared.inputs.past {
        (k, v) = shared.g.cache(format!("{name}.cache"), h, d).append(k, v, past); // [B, P+T, H, D]
    }
    let spec = Attention { causal: true, ..Attention::new(1.0 / (d as f32).sqrt()) };
    let out = q.attention(&name, (k, v), shared.inputs.past, shared.inputs.mask_bias, spec); // [B, T, H, D]
    out.merge_heads().linear(&w.at("dense"), c, cfg.attention_bias) // [B, T, C]
}

fn mlp<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let x = x.linear_act(&w.at("dense_h_to_4h"), cfg.n_ff, Bias::Add, cfg.act); // [B, T, F]
    x.linear(&w.at("dense_4h_to_h"), cfg.n_embd, Bias::Add) // [B, T, C]
}

fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, shared: &Shared<'g>, i: usize) -> Var<'g> {
    let rng = shared.inputs.rng;
    let norm = |x: Var<'g>, name: &str| x.layer_norm(&w.at(name), cfg.norm_eps, Bias::Add);
    let attended = attention(norm(x, "input_layernorm"), &w.at("attention"), cfg, shared, i).dropout(rng);
    let y = x + attended;
    let read = if cfg.residual == Residual::Parallel { x } else { y };
    y + mlp(norm(read, "post_attention_layernorm"), &w.at("mlp"), cfg).dropout(rng)
}

/// Writes the graph.
///
/// # Errors
/// The rotary frequencies do not fit their shape. A broken shape rule shows when the graph is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) -> Result<(), graph::Error> {
    let inputs = Inputs::declare(g, call);
    let rotary = Rotary::declare(g, &cfg.rope, inputs.positions)?;
    let shared = Shared { g, inputs, rotary };
    let w = g.weights().at("gpt_neox");

    let table = w.at("embed_in").weight([cfg.n_vocab, cfg.n_embd]); // [V, C]
    let mut x = table.gather_rows(inputs.ids).dropout(inputs.rng); // [B, T, C]
    for i in 0..cfg.n_layer {
        g.tap(&format!("hidden.{i}"), x);
        x = block(x, &w.at("layers").at(i), cfg, &shared, i);
    }
    x = select_rows(g, x, call.rows).layer_norm(&w.at("final_layer_norm"), cfg.norm_eps, Bias::Add); // [B, T, C] or [R, C]
    g.tap(&format!("hidden.{}", cfg.n_layer), x);

    if cfg.task != Task::CausalLm {
        heads::write(g, cfg.task, cfg.labels, x, "classifier");
        return Ok(());
    }
    let logits = match cfg.tied {
        true => x.linear_with(table),
        false => x.linear(&g.weights().at("lm_head"), cfg.n_vocab, Bias::None),
    };
    finish_head(g, logits, call.head);
    Ok(())
}
