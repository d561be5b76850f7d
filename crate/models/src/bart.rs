//! The Transformer as published, and its pre-trained descendants: Marian, BART, mBART.
//!
//! Papers: Vaswani et al. 2017, arXiv:1706.03762; Junczys-Dowmunt et al. 2018, arXiv:1804.00344; Lewis et al. 2019,
//! arXiv:1910.13461; Liu et al. 2020, arXiv:2001.08210. Reference: `MarianMTModel`, `BartForConditionalGeneration`,
//! `MBartForConditionalGeneration` of transformers.
//!
//! Axis letters as in `seq2seq.rs`; C width, F feed-forward width, V vocabulary.

use graph::{Act, Attention, Bias, Builder, DType, Scope, Stored, Tensor, Var};

use crate::call::{Call, finish_head, select_rows};
use crate::family::Task;
use crate::llama::{check_layers, read_act};
use crate::seq2seq::{self, Half, Memory, Side};
use crate::{Error, Fields};

/// Which published family a configuration belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BART: norms behind each part, learned positions.
    Bart,
    /// Marian: norms behind each part, sinusoidal positions.
    Marian,
    /// mBART: norms before each part, learned positions.
    MBart,
}

/// The sizes of one half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Blocks.
    pub n_layer: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// Vocabulary, V.
    pub n_vocab: usize,
}

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family.
    pub kind: Kind,
    /// Width, C.
    pub n_embd: usize,
    /// The encoder's sizes.
    pub encoder: Sizes,
    /// The decoder's sizes.
    pub decoder: Sizes,
    /// Positions there are.
    pub max_positions: usize,
    /// The feed-forward activation.
    pub act: Act,
    /// Embeddings are multiplied by the root of the width.
    pub scaled: bool,
    /// Both halves read one table.
    pub shared: bool,
    /// The head reads the decoder's table.
    pub tied: bool,
    /// There is a bias of the logits.
    pub logits_bias: bool,
    /// The token that a target begins with.
    pub start: Option<i32>,
    /// The padding token.
    pub padding: i32,
    /// What the head is.
    pub task: Task,
}

/// Under the root of every norm.
const EPS: f32 = 1e-5;

/// Rows of the table of positions that no position reads (BART, mBART).
const UNUSED: usize = 2;

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, kind: Kind, task: Task) -> Result<Self, Error> {
        let n_embd = config.size("d_model")?;
        let n_vocab = config.size("vocab_size")?;
        let sizes = |side: &str, n_vocab| {
            let field = |name: &str| format!("{side}_{name}");
            let (n_layer, n_head) = (config.size(&field("layers"))?, config.size(&field("attention_heads"))?);
            if !n_embd.is_multiple_of(n_head) {
                let reason = format!("is {n_head}, which does not divide the width {n_embd}");
                return Err(config.fail(&field("attention_heads"), reason));
            }
            check_layers(config, &field("layers"), n_layer)?;
            Ok(Sizes { n_layer, n_head, n_ff: config.size(&field("ffn_dim"))?, n_vocab })
        };
        let shared = kind != Kind::Marian || config.flag("share_encoder_decoder_embeddings", true)?;
        let target = if shared { n_vocab } else { config.size_or("decoder_vocab_size", n_vocab)? };
        let id = |field: &str| config.number(field).map(|id| id.map(|id| id as i32));
        Ok(Self {
            kind,
            n_embd,
            encoder: sizes("encoder", n_vocab)?,
            decoder: sizes("decoder", target)?,
            max_positions: config.size_or("max_position_embeddings", 1024)?,
            act: read_act(config, "activation_function", Act::Gelu)?,
            scaled: config.flag("scale_embedding", false)?,
            shared,
            tied: config.flag("tie_word_embeddings", true)?,
            logits_bias: true,
            start: id("decoder_start_token_id")?.or((kind == Kind::Bart).then_some(2)),
            padding: id("pad_token_id")?.unwrap_or(1),
            task,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Bart => "bart",
            Kind::Marian => "marian",
            Kind::MBart => "mbart",
        }
    }

    /// Without a bias in the file it is zero; a head that the file does not have is the table.
    pub(crate) fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        self.logits_bias &= crate::resolve("final_logits_bias", &has).is_some();
        self.tied |= crate::resolve("lm_head.weight", has).is_none();
    }

    /// Where tokens stand: rows of the table [tokens] i32, or for Marian the sinusoids themselves [tokens, C].
    pub(crate) fn places(&self, past: usize, tokens: usize) -> Result<Tensor, graph::Error> {
        if self.kind != Kind::Marian {
            return seq2seq::counted_places(past + UNUSED, tokens);
        }
        let c = self.n_embd;
        let sinusoid = |(position, i): (usize, usize)| {
            // Sines first, then cosines.
            let (pair, cosine) = if i < c.div_ceil(2) { (i, false) } else { (i - c.div_ceil(2), true) };
            let angle = position as f64 / 10000f64.powf(2.0 * pair as f64 / c as f64);
            (if cosine { angle.cos() } else { angle.sin() }) as f32
        };
        let all = (past..past + tokens).flat_map(|position| (0..c).map(move |i| (position, i)));
        Tensor::f32([tokens, c], all.map(sinusoid).collect())
    }

    /// What a decoder reads where no target is given: the source moved by one. Marian has no such habit.
    pub(crate) fn shifted(&self, ids: &[i32], tokens: usize) -> Option<Vec<i32>> {
        let first = |row: &[i32]| match self.kind {
            Kind::Bart => self.start,
            Kind::Marian => None,
            // The language, which stands behind the last token.
            Kind::MBart => {
                let held = row.iter().filter(|id| **id != self.padding).count();
                row.get(held.checked_sub(1)?).copied()
            }
        };
        let row = |row: &[i32]| Some([&[first(row)?], &row[..row.len() - 1]].concat());
        ids.chunks(tokens.max(1)).map(row).collect::<Option<Vec<_>>>().map(|rows| rows.concat())
    }

    fn sizes(&self, side: Side) -> &Sizes {
        match side {
            Side::Encoder => &self.encoder,
            Side::Decoder => &self.decoder,
        }
    }

    /// The table of a half: [V, C].
    fn table<'g>(&self, w: &Scope<'g>, side: Side) -> Var<'g> {
        let at = if self.shared { w.at("shared") } else { w.at(side.name()).at("embed_tokens") };
        at.weight([self.sizes(side).n_vocab, self.n_embd])
    }

    fn spec(&self, side: Side) -> Attention {
        Attention::new(1.0 / ((self.n_embd / self.sizes(side).n_head) as f32).sqrt())
    }
}

/// [B, T, C] → [B, T, H, D]
fn heads<'g>(x: Var<'g>, w: &Scope<'g>, n: usize) -> Var<'g> {
    let width = x.shape().last_known().unwrap_or(0);
    x.linear(w, width, Bias::Add).heads(n)
}

fn merge<'g>(out: Var<'g>, w: &Scope<'g>, cfg: &Config) -> Var<'g> {
    out.merge_heads().linear(&w.at("out_proj"), cfg.n_embd, Bias::Add) // [B, T, C]
}

fn attention<'g>(half: &Half<'g>, x: Var<'g>, w: &Scope<'g>, cfg: &Config, i: usize) -> Var<'g> {
    let n = cfg.sizes(half.side).n_head;
    let kept = half.keep(i, (heads(x, &w.at("k_proj"), n), heads(x, &w.at("v_proj"), n))); // [B, P+T, H, D]
    let spec = Attention { causal: half.side == Side::Decoder, ..cfg.spec(half.side) };
    let q = heads(x, &w.at("q_proj"), n); // [B, T, H, D]
    merge(q.attention(&format!("{}.attn", half.block(i)), kept, half.past, half.bias, spec), w, cfg)
}

/// Keys and values of the source: [B, S, C] → two of [B, S, H, D].
fn look_up<'g>(encoded: Var<'g>, w: &Scope<'g>, cfg: &Config) -> (Var<'g>, Var<'g>) {
    let n = cfg.decoder.n_head;
    (heads(encoded, &w.at("k_proj"), n), heads(encoded, &w.at("v_proj"), n))
}

fn cross<'g>(half: &Half<'g>, memory: Memory<'g>, x: Var<'g>, w: &Scope<'g>, cfg: &Config, i: usize) -> Var<'g> {
    let n = cfg.decoder.n_head;
    let found = memory.keys_values(half.g, i, (n, cfg.n_embd / n), |encoded| look_up(encoded, w, cfg));
    let q = heads(x, &w.at("q_proj"), n); // [B, T, H, D]
    let name = format!("{}.cross", half.block(i));
    merge(q.attention(&name, found, None, memory.mask_bias, cfg.spec(half.side)), w, cfg)
}

fn feed_forward<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, n_ff: usize) -> Var<'g> {
    x.linear_act(&w.at("fc1"), n_ff, Bias::Add, cfg.act).linear(&w.at("fc2"), cfg.n_embd, Bias::Add)
}

/// `x + part(x)`, with the norm before the part or behind the sum.
fn residual<'g>(x: Var<'g>, norm: &Scope<'g>, cfg: &Config, part: impl Fn(Var<'g>) -> Var<'g>) -> Var<'g> {
    match cfg.kind {
        Kind::MBart => x + part(x.layer_norm(norm, EPS, Bias::Add)),
        Kind::Bart | Kind::Marian => (x + part(x)).layer_norm(norm, EPS, Bias::Add),
    }
}

/// Tokens and places: [B, T] → [B, T, C].
fn embed<'g>(half: &Half<'g>, w: &Scope<'g>, table: Var<'g>, cfg: &Config) -> Var<'g> {
    let (side, c) = (half.side, cfg.n_embd);
    let x = table.gather_rows(side.ids(half.g)); // [B, T, C]
    let x = if cfg.scaled { x.scale((c as f32).sqrt()) } else { x };
    if cfg.kind == Kind::Marian {
        return x + half.g.input(&side.places(), DType::F32, [side.tokens(), c.into()]);
    }
    let positions = w.at("embed_positions").weight([cfg.max_positions + UNUSED, c]);
    let places = half.g.input(&side.places(), DType::I32, [side.tokens()]);
    (x + positions.gather_rows(places)).layer_norm(&w.at("layernorm_embedding"), EPS, Bias::Add)
}

/// All blocks of a half: [B, T] → [B, T, C].
fn stack<'g>(half: &Half<'g>, model: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let (w, sizes) = (model.at(half.side.name()), cfg.sizes(half.side));
    let mut x = embed(half, &w, cfg.table(model, half.side), cfg);
    for i in 0..sizes.n_layer {
        half.tap_hidden(i, x);
        let w = w.at("layers").at(i);
        x = residual(x, &w.at("self_attn_layer_norm"), cfg, |x| attention(half, x, &w.at("self_attn"), cfg, i));
        if let Some(memory) = half.memory {
            let at = w.at("encoder_attn");
            x = residual(x, &w.at("encoder_attn_layer_norm"), cfg, |x| cross(half, memory, x, &at, cfg, i));
        }
        x = residual(x, &w.at("final_layer_norm"), cfg, |x| feed_forward(x, &w, cfg, sizes.n_ff));
    }
    x
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) {
    let w = g.weights().at("model");
    let encode = |mask_bias| {
        let half = Half { g, side: Side::Encoder, bias: mask_bias, past: None, memory: None };
        close(&half, stack(&half, &w, cfg), &w, cfg)
    };
    let keys_values = |encoded, i: usize| look_up(encoded, &w.at("decoder.layers").at(i).at("encoder_attn"), cfg);
    let decode = |memory| {
        let half = seq2seq::decoder_half(g, call, memory);
        let x = close(&half, select_rows(g, stack(&half, &w, cfg), call.rows), &w, cfg); // [B, T, C] or [R, C]
        if cfg.task == Task::Base {
            return g.output("last_hidden_state", x);
        }
        let (root, n_vocab) = (g.weights(), cfg.decoder.n_vocab);
        let mut logits = match cfg.tied {
            true => x.linear_with(cfg.table(&w, Side::Decoder)),
            false => x.linear(&root.at("lm_head"), n_vocab, Bias::None),
        };
        if cfg.logits_bias {
            logits = logits + root.tensor("final_logits_bias", [n_vocab], Stored::AsDeclared);
        }
        finish_head(g, logits, call.head);
    };
    seq2seq::write(g, call, cfg.decoder.n_layer, encode, keys_values, decode);
}

/// mBART's last norm, and the last tap.
fn close<'g>(half: &Half<'g>, x: Var<'g>, model: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let x = match cfg.kind {
        Kind::MBart => x.layer_norm(&model.at(half.side.name()).at("layer_norm"), EPS, Bias::Add),
        Kind::Bart | Kind::Marian => x,
    };
    half.tap_hidden(cfg.sizes(half.side).n_layer, x);
    x
}
