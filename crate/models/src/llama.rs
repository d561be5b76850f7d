//! Llama and the decoders of its shape: Llama 2/3, Mistral, Qwen2, Qwen3, Phi-3 and Phi-4, SmolLM2, TinyStories.
//!
//! Paper: Touvron et al. 2023, arXiv:2302.13971. Reference: `LlamaForCausalLM`, `MistralForCausalLM`,
//! `Qwen2ForCausalLM`, `Qwen3ForCausalLM`, `Phi3ForCausalLM` of transformers.
//!
//! Axis letters: B batch, T tokens, P cached tokens, C width, H query heads, G key-value heads, D head width,
//! F feed-forward width, V vocabulary.

use graph::{Act, Attention, Bias, Builder, Scope, Var};

use crate::call::{CacheUse, Call, Inputs, finish_head, select_rows};
use crate::family::Task;
use crate::heads::{self, Labels};
use crate::rope::{self, Frequencies, Habits};
use crate::rotary::Rotary;
use crate::{Error, Fields};

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family.
    pub kind: Kind,
    /// Vocabulary, V.
    pub n_vocab: usize,
    /// Width, C.
    pub n_embd: usize,
    /// Blocks, L.
    pub n_layer: usize,
    /// Query heads, H.
    pub n_head: usize,
    /// Key-value heads, G.
    pub n_kv_head: usize,
    /// Width of a head, D.
    pub head_dim: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// The longest sequence the model was made for.
    pub max_positions: usize,
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
    /// The rotary embedding.
    pub rope: Frequencies,
    /// The length past which every key of a text is turned anew, those in a cache too (Phi-3).
    pub turns_anew_past: Option<usize>,
    /// Biases of the query, key and value projections.
    pub qkv_bias: Bias,
    /// Bias of the attention's output projection.
    pub out_bias: Bias,
    /// Biases of the feed-forward projections.
    pub mlp_bias: Bias,
    /// Norms on queries and keys of each head (Qwen3).
    pub qk_norm: bool,
    /// The sliding window of each block, if it has one.
    pub windows: Vec<Option<usize>>,
    /// The head reads the embedding table.
    pub tied: bool,
    /// What the head is.
    pub task: Task,
    /// The classes of a head that reads.
    pub labels: Labels,
}

/// Which published family a configuration belongs to; their defaults differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Llama, SmolLM2, TinyStories.
    Llama,
    /// Mistral.
    Mistral,
    /// Qwen2 and Qwen2.5.
    Qwen2,
    /// Qwen3.
    Qwen3,
    /// Phi-3 and Phi-4, whose checkpoints keep projections of one value in one tensor (see [`crate::joined`]).
    Phi3,
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, kind: Kind, task: Task) -> Result<Self, Error> {
        let (n_embd, (n_head, n_kv_head)) = (config.size("hidden_size")?, read_heads(config)?);
        let n_layer = read_layers(config, "num_hidden_layers")?;
        let head_dim = match (config.size_or_none("head_dim")?, kind) {
            (Some(head_dim), _) => head_dim,
            (None, Kind::Qwen3) => 128,
            (None, _) => n_embd / n_head,
        };
        if head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(config.fail("head_dim", format!("is {head_dim}, expected an even number")));
        }
        let max_positions = config.size_or("max_position_embeddings", kind.max_positions())?;
        let bias = |field: &str| config.flag(field, false).map(|on| if on { Bias::Add } else { Bias::None });
        let rope = read_rope(config, kind, head_dim, max_positions)?;
        let attention_bias = match kind {
            Kind::Llama | Kind::Mistral | Kind::Qwen3 => bias("attention_bias")?,
            Kind::Qwen2 | Kind::Phi3 => Bias::None,
        };
        Ok(Self {
            kind,
            n_vocab: config.size("vocab_size")?,
            n_embd,
            n_layer,
            n_head,
            n_kv_head,
            head_dim,
            n_ff: config.size("intermediate_size")?,
            max_positions,
            norm_eps: config.number_or("rms_norm_eps", if kind == Kind::Phi3 { 1e-5 } else { 1e-6 })? as f32,
            act: read_act(config, "hidden_act", Act::Silu)?,
            turns_anew_past: rope.longrope_past().filter(|_| kind == Kind::Phi3),
            rope,
            qkv_bias: if kind == Kind::Qwen2 { Bias::Add } else { attention_bias },
            out_bias: attention_bias,
            mlp_bias: bias("mlp_bias")?,
            qk_norm: kind == Kind::Qwen3,
            windows: read_windows(config, kind, n_layer)?,
            tied: config.flag("tie_word_embeddings", false)?,
            labels: Labels::read(config, task)?,
            task,
        })
    }
}

impl Kind {
    /// The longest sequence where the configuration names none.
    fn max_positions(self) -> usize {
        match self {
            Kind::Llama => 2048,
            Kind::Phi3 => 4096,
            Kind::Qwen2 | Kind::Qwen3 => 32768,
            Kind::Mistral => 131_072,
        }
    }
}

/// Phi-3 stretches 4096 positions where nothing else is said beside its rotary parameters, and calls LongRoPE `yarn` in
/// its oldest files.
fn read_rope(config: &Fields<'_>, kind: Kind, head_dim: usize, max_positions: usize) -> Result<Frequencies, Error> {
    let parameters = rope::parameters(config)?;
    let habits = match kind {
        Kind::Phi3 => Habits { original: Some(4096), yarn: "longrope", ..Habits::default() },
        Kind::Llama | Kind::Mistral | Kind::Qwen2 | Kind::Qwen3 => Habits::default(),
    };
    Frequencies::read_as(config, parameters, habits, head_dim, max_positions)
}

/// Blocks, L.
pub(crate) fn read_layers(config: &Fields<'_>, field: &str) -> Result<usize, Error> {
    let n_layer = config.size(field)?;
    if n_layer > 4096 {
        return Err(config.fail(field, format!("is {n_layer}, more than any model has")));
    }
    Ok(n_layer)
}

/// Query heads, H, and key-value heads, G.
pub(crate) fn read_heads(config: &Fields<'_>) -> Result<(usize, usize), Error> {
    let n_head = config.size("num_attention_heads")?;
    let n_kv_head = config.size_or("num_key_value_heads", n_head)?;
    if !n_head.is_multiple_of(n_kv_head) {
        let reason = format!("is {n_kv_head}, which does not divide {n_head} heads");
        return Err(config.fail("num_key_value_heads", reason));
    }
    Ok((n_head, n_kv_head))
}

/// The activation that a field names.
pub(crate) fn read_act(config: &Fields<'_>, field: &str, default: Act) -> Result<Act, Error> {
    let Some(name) = config.text(field)? else { return Ok(default) };
    act_by_name(name).ok_or_else(|| config.fail(field, format!("is {name}, which is unknown")))
}

/// An activation by the name that transformers gives it.
pub(crate) fn act_by_name(name: &str) -> Option<Act> {
    match name {
        "silu" | "swish" => Some(Act::Silu),
        "gelu" | "gelu_python" => Some(Act::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Some(Act::GeluTanh),
        "quick_gelu" => Some(Act::QuickGelu),
        "relu" => Some(Act::Relu),
        "tanh" => Some(Act::Tanh),
        _ => None,
    }
}

/// Refuses a number of blocks that no model has.
pub(crate) fn check_layers(config: &Fields<'_>, field: &str, n_layer: usize) -> Result<(), Error> {
    match n_layer {
        0..=4096 => Ok(()),
        _ => Err(config.fail(field, format!("is {n_layer}, more than any model has"))),
    }
}

/// The sliding window of each block: by `layer_types` (5.x), else by the family's habit.
fn read_windows(config: &Fields<'_>, kind: Kind, n_layer: usize) -> Result<Vec<Option<usize>>, Error> {
    let window = match kind {
        Kind::Llama => None,
        Kind::Mistral if config.is_null("sliding_window") => None,
        Kind::Mistral => Some(config.size_or("sliding_window", 4096)?),
        Kind::Phi3 => config.size_or_none("sliding_window")?,
        Kind::Qwen2 | Kind::Qwen3 => match config.flag("use_sliding_window", false)? {
            true => Some(config.size_or("sliding_window", 4096)?),
            false => None,
        },
    };
    if !matches!(kind, Kind::Qwen2 | Kind::Qwen3) {
        return Ok(vec![window; n_layer]);
    }
    let types = config.texts("layer_types")?;
    if !types.is_empty() {
        if types.len() != n_layer {
            return Err(config.fail("layer_types", format!("has {} entries, expected {n_layer}", types.len())));
        }
        return Ok(types.iter().map(|t| window.filter(|_| *t == "sliding_attention")).collect());
    }
    let first = config.number_or("max_window_layers", 28.0)? as usize;
    Ok((0..n_layer).map(|i| window.filter(|_| i >= first)).collect())
}

/// What every block reads.
struct Shared<'g> {
    g: &'g Builder,
    inputs: Inputs<'g>,
    rotary: Rotary<'g>,
}

fn attention<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, shared: &Shared<'g>, block: usize) -> Var<'g> {
    let (h, kv, d) = (cfg.n_head, cfg.n_kv_head, cfg.head_dim);
    let mut q = x.linear(&w.at("q_proj"), h * d, cfg.qkv_bias).heads(h); // [B, T, H, D]
    let mut k = x.linear(&w.at("k_proj"), kv * d, cfg.qkv_bias).heads(kv); // [B, T, G, D]
    let mut v = x.linear(&w.at("v_proj"), kv * d, cfg.qkv_bias).heads(kv); // [B, T, G, D]
    if cfg.qk_norm {
        q = q.rms_norm(&w.at("q_norm"), cfg.norm_eps);
        k = k.rms_norm(&w.at("k_norm"), cfg.norm_eps);
    }
    (q, k) = (shared.rotary.turn(q), shared.rotary.turn(k));
    let name = format!("blocks.{block}.attn");
    if let Some(past) = shared.inputs.past {
        (k, v) = shared.g.cache(format!("{name}.cache"), kv, d).append(k, v, past); // [B, P+T, G, D]
    }
    let spec = Attention { causal: true, window: cfg.windows[block], ..Attention::new(1.0 / (d as f32).sqrt()) };
    let out = q.attention(&name, (k, v), shared.inputs.past, shared.inputs.mask_bias, spec); // [B, T, H, D]
    out.merge_heads().linear(&w.at("o_proj"), cfg.n_embd, cfg.out_bias) // [B, T, C]
}

fn mlp<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let gate = x.linear(&w.at("gate_proj"), cfg.n_ff, cfg.mlp_bias); // [B, T, F]
    let up = x.linear(&w.at("up_proj"), cfg.n_ff, cfg.mlp_bias); // [B, T, F]
    gate.gated(up, cfg.act).linear(&w.at("down_proj"), cfg.n_embd, cfg.mlp_bias) // [B, T, C]
}

fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, shared: &Shared<'g>, i: usize) -> Var<'g> {
    let rng = shared.inputs.rng;
    let attended = attention(x.rms_norm(&w.at("input_layernorm"), cfg.norm_eps), &w.at("self_attn"), cfg, shared, i);
    let x = x + attended.dropout(rng);
    x + mlp(x.rms_norm(&w.at("post_attention_layernorm"), cfg.norm_eps), &w.at("mlp"), cfg).dropout(rng)
}

/// Writes the graph.
///
/// # Errors
/// The rotary frequencies do not fit their shape. A broken shape rule shows when the graph is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) -> Result<(), graph::Error> {
    let inputs = Inputs::declare(g, call);
    let rotary = Rotary::declare(g, &cfg.rope, inputs.positions)?;
    let shared = Shared { g, inputs, rotary };
    let w = g.weights().at("model");

    let table = w.at("embed_tokens").weight([cfg.n_vocab, cfg.n_embd]); // [V, C]
    let mut x = table.gather_rows(inputs.ids).dropout(inputs.rng); // [B, T, C]
    for i in 0..cfg.n_layer {
        g.tap(&format!("hidden.{i}"), x);
        x = block(x, &w.at("layers").at(i), cfg, &shared, i);
    }
    x = select_rows(g, x, call.rows).rms_norm(&w.at("norm"), cfg.norm_eps); // [B, T, C] or [R, C]
    g.tap(&format!("hidden.{}", cfg.n_layer), x);

    if cfg.task != Task::CausalLm {
        heads::write(g, cfg.task, cfg.labels, x, "score");
        return Ok(());
    }
    let logits = match cfg.tied {
        true => x.linear_with(table),
        false => x.linear(&g.weights().at("lm_head"), cfg.n_vocab, Bias::None),
    };
    finish_head(g, logits, call.head);
    debug_assert_eq!(inputs.past.is_some(), call.cache == CacheUse::Session);
    Ok(())
}
