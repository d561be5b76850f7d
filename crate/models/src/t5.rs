//! T5 (Raffel et al. 2019, arXiv:1910.10683), also 1.1 and Flan.
//!
//! Reference: `T5Model`, `T5ForConditionalGeneration`, `T5EncoderModel` of transformers. No biases, root mean square norms before each
//! part, and a table of biases of scores by distance that all blocks share.
//!
//! Axis letters as in `seq2seq.rs`; C width, F feed-forward width, V vocabulary.

use graph::{Act, Attention, Bias, Builder, DType, Dim, Scope, Tensor, Var};

use crate::call::{Call, finish_head, select_rows};
use crate::family::{Parts, Task};
use crate::llama::{act_by_name, check_layers};
use crate::seq2seq::{self, Half, Memory, Side};
use crate::{Error, Fields};

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Vocabulary, V.
    pub n_vocab: usize,
    /// Width, C.
    pub n_embd: usize,
    /// Blocks of the encoder.
    pub n_layer: usize,
    /// Blocks of the decoder.
    pub n_decoder: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Width of a head, D.
    pub head_dim: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// The feed-forward activation.
    pub act: Act,
    /// The feed-forward part has a gate (1.1).
    pub gated: bool,
    /// Rows of the table of distances.
    pub n_buckets: usize,
    /// From this distance on all are alike.
    pub max_distance: usize,
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The longest text the model was made for.
    pub max_positions: usize,
    /// The head reads the embedding table.
    pub tied: bool,
    /// Hidden states are divided by the root of the width before the head.
    pub scaled: bool,
    /// There is an encoder alone.
    pub alone: bool,
    /// What the head is.
    pub task: Task,
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, parts: Parts, task: Task) -> Result<Self, Error> {
        let n_layer = config.size("num_layers")?;
        let n_decoder = config.size_or("num_decoder_layers", n_layer)?;
        check_layers(config, "num_layers", n_layer.max(n_decoder))?;
        let feed_forward = config.text("feed_forward_proj")?.unwrap_or("relu");
        let (gated, act) = match feed_forward.strip_prefix("gated-") {
            // The published 1.1 models were trained with the approximation.
            Some("gelu") => (true, Some(Act::GeluTanh)),
            Some(act) => (true, act_by_name(act)),
            None => (false, act_by_name(feed_forward)),
        };
        let act =
            act.ok_or_else(|| config.fail("feed_forward_proj", format!("is {feed_forward}, which is unknown")))?;
        let (n_buckets, max_distance) = (
            config.size_or("relative_attention_num_buckets", 32)?,
            config.size_or("relative_attention_max_distance", 128)?,
        );
        if n_buckets < 4 || max_distance <= n_buckets / 2 {
            let reason = format!("is {n_buckets} for distances up to {max_distance}");
            return Err(config.fail("relative_attention_num_buckets", reason));
        }
        let tied = config.flag("tie_word_embeddings", true)?;
        Ok(Self {
            n_vocab: config.size("vocab_size")?,
            n_embd: config.size("d_model")?,
            n_layer,
            n_decoder,
            n_head: config.size("num_heads")?,
            head_dim: config.size("d_kv")?,
            n_ff: config.size("d_ff")?,
            act,
            gated,
            n_buckets,
            max_distance,
            norm_eps: config.number_or("layer_norm_epsilon", 1e-6)? as f32,
            max_positions: config.size_or("n_positions", 512)?,
            tied,
            // Files of 5.x say so themselves; in older ones the tie is the sign. mT5 never scales.
            scaled: match config.text("model_type")? {
                Some("mt5") => false,
                _ => config.flag("scale_decoder_outputs", tied)?,
            },
            alone: parts == Parts::Encoder,
            task,
        })
    }

    /// Files of 1.1 keep a head of their own; where one has none, the head reads the table, and is not scaled.
    pub(crate) fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        self.tied |= crate::resolve("lm_head.weight", has).is_none();
    }

    /// Which row of the table each pair of a query and a key reads: [tokens, past + tokens] i32.
    pub(crate) fn places(&self, side: Side, past: usize, tokens: usize) -> Result<Tensor, graph::Error> {
        let keys = past + tokens;
        let pairs = (past..keys).flat_map(|query| (0..keys).map(move |key| key as i64 - query as i64));
        Tensor::i32([tokens, keys], pairs.map(|distance| self.bucket(side, distance)).collect())
    }

    /// Near distances have a row each, far ones share rows in logarithmic steps; in the encoder half of the rows are for
    /// what lies ahead.
    fn bucket(&self, side: Side, distance: i64) -> i32 {
        let (rows, first, far) = match side {
            Side::Encoder => {
                let half = self.n_buckets / 2;
                (half, if distance > 0 { half } else { 0 }, distance.unsigned_abs() as usize)
            }
            Side::Decoder => (self.n_buckets, 0, distance.min(0).unsigned_abs() as usize),
        };
        let exact = rows / 2;
        if far < exact {
            return (first + far) as i32;
        }
        // In single precision, as the reference rounds.
        let steps = (far as f32 / exact as f32).ln() / (self.max_distance as f64 / exact as f64).ln() as f32;
        let row = exact + (steps * (rows - exact) as f32) as usize;
        (first + row.min(rows - 1)) as i32
    }
}

/// [B, T, C] → [B, T, H, D]
fn heads<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    x.linear(w, cfg.n_head * cfg.head_dim, Bias::None).heads(cfg.n_head)
}

fn attention<'g>(half: &Half<'g>, x: Var<'g>, w: &Scope<'g>, cfg: &Config, i: usize) -> Var<'g> {
    let (q, k, v) = (heads(x, &w.at("q"), cfg), heads(x, &w.at("k"), cfg), heads(x, &w.at("v"), cfg));
    let kept = half.keep(i, (k, v)); // [B, P+T, H, D]
    let spec = Attention { causal: half.side == Side::Decoder, ..Attention::new(1.0) };
    let out = q.attention(&format!("{}.attn", half.block(i)), kept, half.past, half.bias, spec); // [B, T, H, D]
    out.merge_heads().linear(&w.at("o"), cfg.n_embd, Bias::None) // [B, T, C]
}

/// Keys and values of the source: [B, S, C] → two of [B, S, H, D].
fn look_up<'g>(encoded: Var<'g>, w: &Scope<'g>, cfg: &Config) -> (Var<'g>, Var<'g>) {
    (heads(encoded, &w.at("k"), cfg), heads(encoded, &w.at("v"), cfg))
}

fn cross<'g>(half: &Half<'g>, memory: Memory<'g>, x: Var<'g>, w: &Scope<'g>, cfg: &Config, i: usize) -> Var<'g> {
    let sizes = (cfg.n_head, cfg.head_dim);
    let found = memory.keys_values(half.g, i, sizes, |encoded| look_up(encoded, w, cfg));
    let q = heads(x, &w.at("q"), cfg); // [B, T, H, D]
    let name = format!("{}.cross", half.block(i));
    let out = q.attention(&name, found, None, memory.mask_bias, Attention::new(1.0)); // [B, T, H, D]
    out.merge_heads().linear(&w.at("o"), cfg.n_embd, Bias::None) // [B, T, C]
}

fn feed_forward<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let up = |at: &str| x.linear(&w.at(at), cfg.n_ff, Bias::None); // [B, T, F]
    let inner = match cfg.gated {
        true => up("wi_0").gated(up("wi_1"), cfg.act),
        false => x.linear_act(&w.at("wi"), cfg.n_ff, Bias::None, cfg.act),
    };
    inner.linear(&w.at("wo"), cfg.n_embd, Bias::None) // [B, T, C]
}

/// All blocks of a half and its last norm: [B, T] → [B, T, C].
fn stack<'g>(half: &Half<'g>, table: Var<'g>, cfg: &Config, n: usize) -> Var<'g> {
    let w = half.g.weights().at(half.side.name());
    let norm = |x: Var<'g>, at: &Scope<'g>| x.rms_norm(&at.at("layer_norm"), cfg.norm_eps);
    let half = &Half { bias: Some(distance_bias(half, &w, cfg)), ..*half };
    let mut x = table.gather_rows(half.side.ids(half.g)); // [B, T, C]
    for i in 0..n {
        half.tap_hidden(i, x);
        let layer = |j: usize| w.at("block").at(i).at("layer").at(j);
        x = x + attention(half, norm(x, &layer(0)), &layer(0).at("SelfAttention"), cfg, i);
        let mut last = 1;
        if let Some(memory) = half.memory {
            x = x + cross(half, memory, norm(x, &layer(1)), &layer(1).at("EncDecAttention"), cfg, i);
            last = 2;
        }
        x = x + feed_forward(norm(x, &layer(last)), &layer(last).at("DenseReluDense"), cfg);
    }
    x
}

/// Distances and padding: broadcast to [B, H, T, P+T].
fn distance_bias<'g>(half: &Half<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let tokens = half.side.tokens();
    let keys = if half.past.is_some() { Dim::from('P') + tokens.clone() } else { tokens.clone() };
    let rows = half.g.input(&half.side.places(), DType::I32, [tokens.clone(), keys.clone()]);
    let table = w.at("block.0.layer.0.SelfAttention.relative_attention_bias").weight([cfg.n_buckets, cfg.n_head]);
    let by_head = table.gather_rows(rows).permute([2, 0, 1]); // [H, T, P+T]
    let bias = by_head.reshape([1.into(), cfg.n_head.into(), tokens, keys]);
    half.bias.map_or(bias, |mask| bias + mask)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) {
    let w = g.weights();
    let table = w.at("shared").weight([cfg.n_vocab, cfg.n_embd]); // [V, C]
    let encode = |mask_bias| {
        let half = Half { g, side: Side::Encoder, bias: mask_bias, past: None, memory: None, alone: cfg.alone };
        let x = stack(&half, table, cfg, cfg.n_layer).rms_norm(&w.at("encoder.final_layer_norm"), cfg.norm_eps);
        half.tap_hidden(cfg.n_layer, x);
        x
    };
    if cfg.alone {
        return g.output("last_hidden_state", encode(seq2seq::source_mask(g, call)));
    }
    let keys_values =
        |encoded, i: usize| look_up(encoded, &w.at("decoder.block").at(i).at("layer.1.EncDecAttention"), cfg);
    let decode = |memory| {
        let half = seq2seq::decoder_half(g, call, memory);
        let x = select_rows(g, stack(&half, table, cfg, cfg.n_decoder), call.rows); // [B, T, C] or [R, C]
        let x = x.rms_norm(&w.at("decoder.final_layer_norm"), cfg.norm_eps);
        half.tap_hidden(cfg.n_decoder, x);
        if cfg.task == Task::Base {
            return g.output("last_hidden_state", x);
        }
        let x = if cfg.scaled { x.scale(1.0 / (cfg.n_embd as f32).sqrt()) } else { x };
        let logits = match cfg.tied {
            true => x.linear_with(table),
            false => x.linear(&w.at("lm_head"), cfg.n_vocab, Bias::None),
        };
        finish_head(g, logits, call.head);
    };
    seq2seq::write(g, call, cfg.n_decoder, encode, keys_values, decode);
}
