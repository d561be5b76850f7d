//! Gemma, Gemma 2 and the text part of Gemma 3.
//!
//! Papers: Gemma Team 2024, arXiv:2403.08295 and arXiv:2408.00118; 2025, arXiv:2503.19786. Reference:
//! `GemmaForCausalLM`, `Gemma2ForCausalLM`, `Gemma3ForCausalLM` of transformers. Axis letters as in `llama.rs`.

use graph::{Act, Attention, Bias, Builder, DType, Dim, Scope, Tensor, Var};

use crate::call::{Call, Inputs, finish_head, select_rows};
use crate::family::Task;
use crate::heads::{self, Labels};
use crate::llama::{read_act, read_heads, read_layers};
use crate::rope::{Frequencies, Habits};
use crate::rotary::Rotary;
use crate::{Error, Fields};

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which of the three.
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
    /// Biases of the attention's projections.
    pub attention_bias: Bias,
    /// Tokens see those behind them too (EmbeddingGemma).
    pub bidirectional: bool,
    /// Factor on the products of queries and keys.
    pub scale: f32,
    /// The rotary embedding of blocks that see everything.
    pub rope: Frequencies,
    /// That of blocks with a window.
    pub local_rope: Frequencies,
    /// The sliding window of each block, if it has one.
    pub windows: Vec<Option<usize>>,
    /// Bends the attention's scores below this.
    pub attention_cap: Option<f32>,
    /// Bends logits below this.
    pub logit_cap: Option<f32>,
    /// The head reads the embedding table.
    pub tied: bool,
    /// What the head is.
    pub task: Task,
    /// The classes of a head that reads.
    pub labels: Labels,
}

/// The generations of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Full attention; norms before each part.
    Gemma,
    /// Windows in every other block; norms before and behind each part; soft caps.
    Gemma2,
    /// Windows in five of six blocks, with a base of their own; norms on queries and keys.
    Gemma3,
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, kind: Kind, task: Task) -> Result<Self, Error> {
        let bidirectional = config.flag("use_bidirectional_attention", false)?;
        if bidirectional && (kind != Kind::Gemma3 || task == Task::CausalLm) {
            return Err(config.fail("use_bidirectional_attention", "is true, which is not supported with this head"));
        }
        let (n_head, n_kv_head) = read_heads(config)?;
        let n_layer = read_layers(config, "num_hidden_layers")?;
        let head_dim = config.size_or("head_dim", 256)?;
        if !head_dim.is_multiple_of(2) {
            return Err(config.fail("head_dim", format!("is {head_dim}, expected an even number")));
        }
        let max_positions =
            config.size_or("max_position_embeddings", if kind == Kind::Gemma3 { 131_072 } else { 8192 })?;
        let (rope, local_rope) = read_ropes(config, kind, head_dim, max_positions)?;
        let scalar = match kind {
            Kind::Gemma => head_dim as f64,
            Kind::Gemma2 | Kind::Gemma3 => config.number_or("query_pre_attn_scalar", 256.0)?,
        };
        if scalar <= 0.0 {
            return Err(config.fail("query_pre_attn_scalar", format!("is {scalar}, expected a positive number")));
        }
        Ok(Self {
            kind,
            n_vocab: config.size("vocab_size")?,
            n_embd: config.size("hidden_size")?,
            n_layer,
            n_head,
            n_kv_head,
            head_dim,
            n_ff: config.size("intermediate_size")?,
            max_positions,
            norm_eps: config.number_or("rms_norm_eps", 1e-6)? as f32,
            act: read_gate(config, kind)?,
            attention_bias: if config.flag("attention_bias", false)? { Bias::Add } else { Bias::None },
            bidirectional,
            scale: scalar.sqrt().recip() as f32,
            rope,
            local_rope,
            windows: read_windows(config, kind, n_layer)?,
            attention_cap: if kind == Kind::Gemma2 {
                read_cap(config, "attn_logit_softcapping", Some(50.0))?
            } else {
                None
            },
            logit_cap: match kind {
                Kind::Gemma => None,
                Kind::Gemma2 => read_cap(config, "final_logit_softcapping", Some(30.0))?,
                Kind::Gemma3 => read_cap(config, "final_logit_softcapping", None)?,
            },
            tied: config.flag("tie_word_embeddings", true)?,
            labels: Labels::read(config, task)?,
            task,
        })
    }
}

/// The first Gemma says `gelu` and means its approximation.
fn read_gate(config: &Fields<'_>, kind: Kind) -> Result<Act, Error> {
    let field = if kind == Kind::Gemma { "hidden_act" } else { "hidden_activation" };
    match read_act(config, field, Act::GeluTanh)? {
        Act::Gelu if kind == Kind::Gemma => Ok(Act::GeluTanh),
        act => Ok(act),
    }
}

/// A soft cap; null is none.
fn read_cap(config: &Fields<'_>, field: &str, default: Option<f32>) -> Result<Option<f32>, Error> {
    match config.number(field)? {
        Some(cap) if cap > 0.0 => Ok(Some(cap as f32)),
        Some(cap) => Err(config.fail(field, format!("is {cap}, expected a positive number"))),
        None if config.is_null(field) => Ok(None),
        None => Ok(default),
    }
}

/// Frequencies of global and of local blocks. Gemma 3 keeps them in two objects (5.x), or the local base beside the
/// global one (4.x); its `rope_scaling` is of global blocks.
fn read_ropes(
    config: &Fields<'_>,
    kind: Kind,
    head_dim: usize,
    max_positions: usize,
) -> Result<(Frequencies, Frequencies), Error> {
    if kind != Kind::Gemma3 {
        let rope = Frequencies::read(config, head_dim, max_positions)?;
        return Ok((rope.clone(), rope));
    }
    let nested = config.object("rope_parameters")?;
    let of = |blocks: &str| nested.map(|both| both.object(blocks)).transpose().map(Option::flatten);
    let read = |parameters, field, theta| {
        let habits = Habits { theta: (field, theta), ..Habits::default() };
        Frequencies::read_as(config, parameters, habits, head_dim, max_positions)
    };
    let global = config.object("rope_scaling")?.or(of("full_attention")?);
    let local = read(of("sliding_attention")?, "rope_local_base_freq", 10_000.0)?;
    if local.depends_on_length() {
        return Err(config.fail("rope_parameters", "of sliding_attention depend on the length, which is not supported"));
    }
    Ok((read(global, "rope_theta", 1e6)?, local))
}

/// The sliding window of each block: by `layer_types` (5.x), else all but each n-th.
fn read_windows(config: &Fields<'_>, kind: Kind, n_layer: usize) -> Result<Vec<Option<usize>>, Error> {
    if kind == Kind::Gemma {
        return Ok(vec![None; n_layer]);
    }
    let window = if config.is_null("sliding_window") { None } else { Some(config.size_or("sliding_window", 4096)?) };
    let types = config.texts("layer_types")?;
    if types.is_empty() {
        let every = if kind == Kind::Gemma2 { 2 } else { config.size_or("sliding_window_pattern", 6)? };
        return Ok((1..=n_layer).map(|i| window.filter(|_| !i.is_multiple_of(every))).collect());
    }
    if types.len() != n_layer {
        return Err(config.fail("layer_types", format!("has {} entries, expected {n_layer}", types.len())));
    }
    Ok(types.iter().map(|t| window.filter(|_| *t == "sliding_attention")).collect())
}

/// What every block reads.
struct Shared<'g> {
    g: &'g Builder,
    inputs: Inputs<'g>,
    global: Rotary<'g>,
    local: Rotary<'g>,
    /// Windows to both sides, padding included.
    window_bias: Option<Var<'g>>,
}

fn attention<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, shared: &Shared<'g>, block: usize) -> Var<'g> {
    let (h, kv, d) = (cfg.n_head, cfg.n_kv_head, cfg.head_dim);
    let mut q = x.linear(&w.at("q_proj"), h * d, cfg.attention_bias).heads(h); // [B, T, H, D]
    let mut k = x.linear(&w.at("k_proj"), kv * d, cfg.attention_bias).heads(kv); // [B, T, G, D]
    let mut v = x.linear(&w.at("v_proj"), kv * d, cfg.attention_bias).heads(kv); // [B, T, G, D]
    if cfg.kind == Kind::Gemma3 {
        q = q.rms_norm_from_one(&w.at("q_norm"), cfg.norm_eps);
        k = k.rms_norm_from_one(&w.at("k_norm"), cfg.norm_eps);
    }
    let window = cfg.windows[block];
    let rotary = if window.is_some() { shared.local } else { shared.global };
    (q, k) = (rotary.turn(q), rotary.turn(k));
    let name = format!("blocks.{block}.attn");
    if let Some(past) = shared.inputs.past {
        (k, v) = shared.g.cache(format!("{name}.cache"), kv, d).append(k, v, past); // [B, P+T, G, D]
    }
    let causal = !cfg.bidirectional;
    let (bias, windowed) = match shared.window_bias.filter(|_| window.is_some()) {
        Some(bias) => (Some(bias), None),
        None => (shared.inputs.mask_bias, window.filter(|_| causal)),
    };
    let spec = Attention { causal, window: windowed, soft_cap: cfg.attention_cap, ..Attention::new(cfg.scale) };
    let out = q.attention(&name, (k, v), shared.inputs.past, bias, spec); // [B, T, H, D]
    out.merge_heads().linear(&w.at("o_proj"), cfg.n_embd, cfg.attention_bias) // [B, T, C]
}

fn mlp<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let gate = x.linear(&w.at("gate_proj"), cfg.n_ff, Bias::None); // [B, T, F]
    let up = x.linear(&w.at("up_proj"), cfg.n_ff, Bias::None); // [B, T, F]
    gate.gated(up, cfg.act).linear(&w.at("down_proj"), cfg.n_embd, Bias::None) // [B, T, C]
}

fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, shared: &Shared<'g>, i: usize) -> Var<'g> {
    let rng = shared.inputs.rng;
    let norm = |x: Var<'g>, name: &str| x.rms_norm_from_one(&w.at(name), cfg.norm_eps);
    let attended = attention(norm(x, "input_layernorm"), &w.at("self_attn"), cfg, shared, i);
    if cfg.kind == Kind::Gemma {
        let x = x + attended.dropout(rng);
        return x + mlp(norm(x, "post_attention_layernorm"), &w.at("mlp"), cfg).dropout(rng);
    }
    let x = x + norm(attended, "post_attention_layernorm").dropout(rng);
    let fed = mlp(norm(x, "pre_feedforward_layernorm"), &w.at("mlp"), cfg);
    x + norm(fed, "post_feedforward_layernorm").dropout(rng)
}

/// The input that hides what lies outside of windows to both sides: [1, 1, T, T] f32.
pub const WINDOW_BIAS: &str = "window_bias";

impl Config {
    /// The input [`WINDOW_BIAS`] for rows of so many tokens, if the graph has one.
    ///
    /// # Errors
    /// There are more pairs of tokens than a tensor holds.
    pub(crate) fn window_bias(&self, tokens: usize) -> Result<Option<Tensor>, graph::Error> {
        let Some(size) = self.windows.iter().flatten().next().filter(|_| self.bidirectional) else { return Ok(None) };
        // As many to each side as makes the whole as wide as the configuration says.
        let reach = size / 2 + 1;
        let bias = |(query, key): (usize, usize)| if query.abs_diff(key) < reach { 0.0 } else { -1e30 };
        let pairs = (0..tokens).flat_map(|query| (0..tokens).map(move |key| (query, key)));
        Tensor::f32([1, 1, tokens, tokens], pairs.map(bias).collect()).map(Some)
    }
}

fn window_bias<'g>(g: &'g Builder, cfg: &Config, inputs: &Inputs<'g>) -> Option<Var<'g>> {
    if !cfg.bidirectional || inputs.past.is_some() || cfg.windows.iter().all(Option::is_none) {
        return None;
    }
    let (one, t) = (Dim::from(1), Dim::from('T'));
    let bias = g.input(WINDOW_BIAS, DType::F32, [one.clone(), one, t.clone(), t]);
    Some(inputs.mask_bias.map_or(bias, |mask| bias + mask))
}

/// Writes the graph.
///
/// # Errors
/// The rotary frequencies do not fit their shape. A broken shape rule shows when the graph is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) -> Result<(), graph::Error> {
    let inputs = Inputs::declare(g, call);
    let global = Rotary::declare(g, &cfg.rope, inputs.positions)?;
    let local =
        if cfg.local_rope == cfg.rope { global } else { Rotary::declare(g, &cfg.local_rope, inputs.positions)? };
    let window_bias = window_bias(g, cfg, &inputs);
    let shared = Shared { g, inputs, global, local, window_bias };
    let w = g.weights().at("model");

    let table = w.at("embed_tokens").weight([cfg.n_vocab, cfg.n_embd]); // [V, C]
    let mut x = table.gather_rows(inputs.ids).scale((cfg.n_embd as f32).sqrt()).dropout(inputs.rng); // [B, T, C]
    for i in 0..cfg.n_layer {
        g.tap(&format!("hidden.{i}"), x);
        x = block(x, &w.at("layers").at(i), cfg, &shared, i);
    }
    x = select_rows(g, x, call.rows).rms_norm_from_one(&w.at("norm"), cfg.norm_eps); // [B, T, C] or [R, C]
    g.tap(&format!("hidden.{}", cfg.n_layer), x);

    if cfg.task != Task::CausalLm {
        heads::write(g, cfg.task, cfg.labels, x, "score");
        return Ok(());
    }
    let logits = match cfg.tied {
        true => x.linear_with(table),
        false => x.linear(&g.weights().at("lm_head"), cfg.n_vocab, Bias::None),
    };
    let capped = cfg.logit_cap.map_or(logits, |cap| logits.scale(1.0 / cap).act(Act::Tanh).scale(cap));
    finish_head(g, capped, call.head);
    Ok(())
}
