//! Llama and the decoders of its shape: Llama 2/3, Mistral, Qwen2, Qwen3, SmolLM2, TinyStories.
//!
//! Paper: Touvron et al. 2023, arXiv:2302.13971. Reference: `LlamaForCausalLM`, `MistralForCausalLM`,
//! `Qwen2ForCausalLM`, `Qwen3ForCausalLM` of transformers.
//!
//! Axis letters: B batch, T tokens, P cached tokens, C width, H query heads, G key-value heads, D head width,
//! F feed-forward width, V vocabulary.

use graph::{Act, Attention, Bias, Builder, Rope, RopeLayout, Scope, Tensor, Var};

use crate::call::{CacheUse, Call, Inputs, finish_head, select_rows};
use crate::family::Task;
use crate::rope::Frequencies;
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
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, kind: Kind, task: Task) -> Result<Self, Error> {
        let (n_embd, n_head) = (config.size("hidden_size")?, config.size("num_attention_heads")?);
        let n_layer = config.size("num_hidden_layers")?;
        if n_layer > 4096 {
            return Err(config.fail("num_hidden_layers", format!("is {n_layer}, more than any model has")));
        }
        let n_kv_head = config.size_or("num_key_value_heads", n_head)?;
        if !n_head.is_multiple_of(n_kv_head) {
            return Err(
                config.fail("num_key_value_heads", format!("is {n_kv_head}, which does not divide {n_head} heads"))
            );
        }
        let head_dim = match (config.size_or_none("head_dim")?, kind) {
            (Some(head_dim), _) => head_dim,
            (None, Kind::Qwen3) => 128,
            (None, _) => n_embd / n_head,
        };
        if head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(config.fail("head_dim", format!("is {head_dim}, expected an even number")));
        }
        let max_positions =
            config.size_or("max_position_embeddings", if kind == Kind::Llama { 2048 } else { 32768 })?;
        let bias = |field: &str| config.flag(field, false).map(|on| if on { Bias::Add } else { Bias::None });
        Ok(Self {
            n_vocab: config.size("vocab_size")?,
            n_embd,
            n_layer,
            n_head,
            n_kv_head,
            head_dim,
            n_ff: config.size("intermediate_size")?,
            max_positions,
            norm_eps: config.number_or("rms_norm_eps", 1e-6)? as f32,
            act: read_act(config, "hidden_act", Act::Silu)?,
            rope: Frequencies::read(config, head_dim, max_positions)?,
            qkv_bias: if kind == Kind::Qwen2 { Bias::Add } else { bias("attention_bias")? },
            out_bias: if kind == Kind::Qwen2 { Bias::None } else { bias("attention_bias")? },
            mlp_bias: bias("mlp_bias")?,
            qk_norm: kind == Kind::Qwen3,
            windows: read_windows(config, kind, n_layer)?,
            tied: config.flag("tie_word_embeddings", false)?,
            task,
        })
    }
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
        Kind::Mistral => config.size_or_none("sliding_window")?,
        Kind::Qwen2 | Kind::Qwen3 => match config.flag("use_sliding_window", false)? {
            true => config.size_or_none("sliding_window")?,
            false => None,
        },
    };
    let types = config.texts("layer_types")?;
    if !types.is_empty() && kind != Kind::Llama {
        if types.len() != n_layer {
            return Err(config.fail("layer_types", format!("has {} entries, expected {n_layer}", types.len())));
        }
        return Ok(types.iter().map(|t| window.filter(|_| *t == "sliding_attention")).collect());
    }
    let first = if kind == Kind::Mistral { 0 } else { config.number_or("max_window_layers", 28.0)? as usize };
    Ok((0..n_layer).map(|i| window.filter(|_| i >= first)).collect())
}

/// Rotary embedding of queries or keys [B, T, H, D].
#[derive(Clone, Copy)]
struct Rotary<'g> {
    positions: Var<'g>,
    inv_freq: Var<'g>,
    spec: Rope,
}

impl<'g> Rotary<'g> {
    fn declare(g: &'g Builder, cfg: &Config, positions: Var<'g>) -> Result<Self, graph::Error> {
        let half = cfg.rope.half();
        let inv_freq = if cfg.rope.depends_on_length() {
            g.input("inv_freq", graph::DType::F32, [half])
        } else {
            g.constant(Tensor::f32([half], cfg.rope.inv_freq(0))?)
        };
        let spec = Rope { layout: RopeLayout::Half, scale: cfg.rope.attention_factor };
        Ok(Self { positions, inv_freq, spec })
    }

    fn turn(self, x: Var<'g>) -> Var<'g> {
        x.rope(self.positions, self.inv_freq, self.spec)
    }
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
    let rotary = Rotary::declare(g, cfg, inputs.positions)?;
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

    if cfg.task == Task::Base {
        g.output("last_hidden_state", x);
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
