//! The Transformer as published, and its pre-trained descendants: Marian, BART, mBART, M2M-100 and NLLB.
//!
//! Papers: Vaswani et al. 2017, arXiv:1706.03762; Junczys-Dowmunt et al. 2018, arXiv:1804.00344; Lewis et al. 2019,
//! arXiv:1910.13461; Liu et al. 2020, arXiv:2001.08210; Fan et al. 2020, arXiv:2010.11125. Reference: `MarianMTModel`,
//! `BartForConditionalGeneration`, `MBartForConditionalGeneration`, `M2M100ForConditionalGeneration` of transformers.
//!
//! Axis letters as in `seq2seq.rs`; C width, F feed-forward width, V vocabulary.

use graph::{Act, Attention, Bias, Builder, DType, Dim, Scope, Stored, Tensor, Var};

use crate::call::{Call, finish_head, select_rows};
use crate::family::Task;
use crate::heads::{self, Labels};
use crate::llama::{check_layers, read_act};
use crate::positions::Positions;
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
    /// M2M-100, NLLB: norms before each part, counted sinusoids.
    M2M100,
    /// Whatever its configuration says: how translators of other libraries are described.
    Transformer,
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
    /// How they are told.
    pub positions: Positions,
    /// Norms stand before each part, and behind the last block, not behind each part.
    pub pre_norm: bool,
    /// There is a norm behind the embeddings.
    pub embedding_norm: bool,
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
    /// The token that ends a text; where it stands last, a classifier of texts reads.
    pub end: i32,
    /// The classes of a head that reads.
    pub labels: Labels,
    /// What the head is.
    pub task: Task,
}

/// Under the root of every norm.
const EPS: f32 = 1e-5;

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
        let apart = matches!(kind, Kind::Marian | Kind::Transformer);
        let shared = !apart || config.flag("share_encoder_decoder_embeddings", true)?;
        let target = if shared { n_vocab } else { config.size_or("decoder_vocab_size", n_vocab)? };
        let id = |field: &str| config.number(field).map(|id| id.map(|id| id as i32));
        let padding = id("pad_token_id")?.unwrap_or(1);
        let own = kind == Kind::Transformer;
        let positions = match kind {
            Kind::Bart | Kind::MBart => Positions::Table { unused: 2 },
            Kind::Marian => Positions::Sinusoids,
            Kind::Transformer if config.flag("learned_positions", false)? => Positions::Table { unused: 0 },
            Kind::Transformer => Positions::Counted { first: 1, padding: None },
            Kind::M2M100 => Positions::Counted { first: padding + 1, padding: Some(padding) },
        };
        Ok(Self {
            kind,
            n_embd,
            encoder: sizes("encoder", n_vocab)?,
            decoder: sizes("decoder", target)?,
            max_positions: config.size_or("max_position_embeddings", 1024)?,
            positions,
            pre_norm: matches!(kind, Kind::MBart | Kind::M2M100) || own && config.flag("normalize_before", false)?,
            embedding_norm: matches!(kind, Kind::Bart | Kind::MBart)
                || own && config.flag("normalize_embedding", false)?,
            act: read_act(config, "activation_function", if kind == Kind::M2M100 { Act::Relu } else { Act::Gelu })?,
            scaled: config.flag("scale_embedding", false)?,
            shared,
            tied: config.flag("tie_word_embeddings", true)?,
            logits_bias: true,
            start: id("decoder_start_token_id")?.or((kind == Kind::Bart).then_some(2)),
            padding,
            end: id("eos_token_id")?.unwrap_or(2),
            labels: Labels::read(config, task)?,
            task,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Bart => "bart",
            Kind::Marian => "marian",
            Kind::MBart => "mbart",
            Kind::M2M100 => "m2m_100",
            Kind::Transformer => "transformer",
        }
    }

    /// Without a bias in the file it is zero; a head that the file does not have is the table.
    pub(crate) fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        self.logits_bias &= crate::resolve("final_logits_bias", &has).is_some();
        self.tied |= crate::resolve("lm_head.weight", has).is_none();
    }

    /// Where tokens stand: see [`Positions::places`].
    pub(crate) fn places(&self, past: usize, ids: &[i32], tokens: usize) -> Result<Tensor, graph::Error> {
        self.positions.places(past, ids, tokens, self.n_embd)
    }

    /// The last end token of each row, counted over all rows.
    ///
    /// # Errors
    /// A row has none.
    pub(crate) fn last_ends(&self, ids: &[i32], tokens: usize) -> Result<Vec<i32>, String> {
        let last = |(i, row): (usize, &[i32])| {
            let place = row.iter().rposition(|id| *id == self.end);
            let none = || format!("has no end token {} in row {i}", self.end);
            place.map(|place| (i * tokens + place) as i32).ok_or_else(none)
        };
        ids.chunks_exact(tokens.max(1)).enumerate().map(last).collect()
    }

    /// What a decoder reads where no target is given: the source moved by one, where that is the habit.
    pub(crate) fn shifted(&self, ids: &[i32], tokens: usize) -> Option<Vec<i32>> {
        let first = |row: &[i32]| match self.kind {
            Kind::Bart => self.start,
            Kind::Marian | Kind::M2M100 | Kind::Transformer => None,
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
    match cfg.pre_norm {
        true => x + part(x.layer_norm(norm, EPS, Bias::Add)),
        false => (x + part(x)).layer_norm(norm, EPS, Bias::Add),
    }
}

/// Tokens and places: [B, T] → [B, T, C].
fn embed<'g>(half: &Half<'g>, w: &Scope<'g>, table: Var<'g>, cfg: &Config) -> Var<'g> {
    let (side, c) = (half.side, cfg.n_embd);
    let x = table.gather_rows(side.ids(half.g)); // [B, T, C]
    let x = if cfg.scaled { x.scale((c as f32).sqrt()) } else { x };
    let tokens = side.tokens();
    let places = |shape: Vec<Dim>, dtype| half.g.input(&side.places(), dtype, shape);
    let x = match cfg.positions {
        Positions::Table { unused } => {
            let table = w.at("embed_positions").weight([cfg.max_positions + unused, c]);
            x + table.gather_rows(places(vec![tokens], DType::I32))
        }
        Positions::Sinusoids => x + places(vec![tokens, c.into()], DType::F32),
        Positions::Counted { .. } => x + places(vec!['B'.into(), tokens, c.into()], DType::F32),
    };
    if cfg.embedding_norm { x.layer_norm(&w.at("layernorm_embedding"), EPS, Bias::Add) } else { x }
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
        let half = Half { g, side: Side::Encoder, bias: mask_bias, past: None, memory: None, alone: false };
        close(&half, stack(&half, &w, cfg), &w, cfg)
    };
    let keys_values = |encoded, i: usize| look_up(encoded, &w.at("decoder.layers").at(i).at("encoder_attn"), cfg);
    let decode = |memory| {
        let half = seq2seq::decoder_half(g, call, memory);
        let x = close(&half, select_rows(g, stack(&half, &w, cfg), call.rows), &w, cfg); // [B, T, C] or [R, C]
        match cfg.task {
            Task::Seq2SeqLm => {}
            Task::SequenceClassification => return classes(g, cfg, x),
            Task::QuestionAnswering => return heads::answers(g, x),
            _ => return g.output("last_hidden_state", x),
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

/// Classes of texts by the decoder's state at the last end token: [B, T, C] → [B, N].
fn classes<'g>(g: &'g Builder, cfg: &Config, x: Var<'g>) {
    let w = g.weights().at("classification_head");
    let x = if x.shape().len() == 3 { heads::last(g, x) } else { x }; // [B, C]
    let x = x.linear_act(&w.at("dense"), cfg.n_embd, Bias::Add, Act::Tanh);
    g.output("logits", x.linear(&w.at("out_proj"), cfg.labels.n, Bias::Add));
}

/// The last norm, where norms come first, and the last tap.
fn close<'g>(half: &Half<'g>, x: Var<'g>, model: &Scope<'g>, cfg: &Config) -> Var<'g> {
    let norm = model.at(half.side.name()).at("layer_norm");
    let x = if cfg.pre_norm { x.layer_norm(&norm, EPS, Bias::Add) } else { x };
    half.tap_hidden(cfg.sizes(half.side).n_layer, x);
    x
}
