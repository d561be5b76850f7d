//! BERT and the encoders of its shape: RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, ALBERT.
//!
//! Papers: Devlin et al. 2018, arXiv:1810.04805; Liu et al. 2019, arXiv:1907.11692; Sanh et al. 2019, arXiv:1910.01108;
//! Lan et al. 2019, arXiv:1909.11942. Reference: `BertModel`, `RobertaModel`, `DistilBertModel`, `AlbertModel` of
//! transformers. One block serves them all; what differs is where its weights lie, and the heads.
//!
//! Axis letters: B batch, T tokens, C width, E width of the tables, H heads, D head width, F feed-forward width,
//! V vocabulary, N labels.

mod heads;

use graph::{Act, Attention, Bias, Builder, DType, Dim, Scope, Var};

use crate::call::{Call, Mask};
use crate::family::Task;
use crate::llama::read_act;
use crate::{Error, Fields};

/// Which published family a configuration belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BERT.
    Bert,
    /// RoBERTa, XLM-RoBERTa, CamemBERT.
    Roberta,
    /// DistilBERT.
    DistilBert,
    /// ALBERT.
    Albert,
}

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family.
    pub kind: Kind,
    /// Vocabulary, V.
    pub n_vocab: usize,
    /// Kinds of segments; 0 where there is no table of them.
    pub n_types: usize,
    /// Width, C.
    pub n_embd: usize,
    /// Width of the tables, E; C but for ALBERT.
    pub table_width: usize,
    /// Blocks, L.
    pub n_layer: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// Groups of blocks that share their weights (ALBERT).
    pub n_group: usize,
    /// Different blocks in a group.
    pub n_inner: usize,
    /// Learned positions.
    pub max_positions: usize,
    /// Positions count from behind this id, and only tokens that are not it (RoBERTa).
    pub padding_id: Option<i32>,
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
    /// The head reads the embedding table.
    pub tied: bool,
    /// There is a pooler.
    pub pooler: bool,
    /// Labels of a classifier, N.
    pub n_labels: usize,
    /// What the head is.
    pub task: Task,
}

/// Where a family keeps the weights of a block.
struct Names {
    model: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    attended: &'static str,
    attended_norm: &'static str,
    up: &'static str,
    down: &'static str,
    norm: &'static str,
}

const BERT: Names = Names {
    model: "bert",
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    attended: "attention.output.dense",
    attended_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    norm: "output.LayerNorm",
};
const ROBERTA: Names = Names { model: "roberta", ..BERT };
const DISTILBERT: Names = Names {
    model: "distilbert",
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    attended: "attention.out_lin",
    attended_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    norm: "output_layer_norm",
};
const ALBERT: Names = Names {
    model: "albert",
    query: "attention.query",
    key: "attention.key",
    value: "attention.value",
    attended: "attention.dense",
    attended_norm: "attention.LayerNorm",
    up: "ffn",
    down: "ffn_output",
    norm: "full_layer_layer_norm",
};

impl Kind {
    fn names(self) -> &'static Names {
        match self {
            Self::Bert => &BERT,
            Self::Roberta => &ROBERTA,
            Self::DistilBert => &DISTILBERT,
            Self::Albert => &ALBERT,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.names().model
    }

    /// Whether the library has this head for the family.
    pub(crate) fn has(self, task: Task) -> bool {
        match task {
            Task::Base | Task::MaskedLm | Task::SequenceClassification => true,
            Task::TokenClassification | Task::QuestionAnswering => true,
            Task::PreTraining => matches!(self, Self::Bert | Self::Albert),
            Task::NextSentence => self == Self::Bert,
            Task::CausalLm | Task::Seq2SeqLm | Task::ImageClassification | Task::Segmentation => false,
        }
    }
}

impl Config {
    /// Reads a configuration of the 4.x or 5.x form.
    ///
    /// # Errors
    /// A field is missing, wrong or contradicts another.
    pub fn read(config: &Fields<'_>, kind: Kind, task: Task) -> Result<Self, Error> {
        let distil = kind == Kind::DistilBert;
        let own = |distil_name, name| if distil { distil_name } else { name };
        let (width, heads, layers) =
            (own("dim", "hidden_size"), own("n_heads", "num_attention_heads"), own("n_layers", "num_hidden_layers"));
        let (n_embd, n_head, n_layer) = (config.size(width)?, config.size(heads)?, config.size(layers)?);
        if !n_embd.is_multiple_of(n_head) {
            return Err(config.fail(heads, format!("is {n_head}, which does not divide the width {n_embd}")));
        }
        if n_layer > 4096 {
            return Err(config.fail(layers, format!("is {n_layer}, more than any model has")));
        }
        check_plain(config)?;
        let albert = kind == Kind::Albert;
        let shared = |field| if albert { config.size_or(field, 1) } else { Ok(1) };
        let (n_group, n_inner) =
            (if albert { shared("num_hidden_groups")? } else { n_layer }, shared("inner_group_num")?);
        if n_group > n_layer || n_inner > 4096 {
            return Err(config.fail("num_hidden_groups", format!("is {n_group} for {n_layer} blocks")));
        }
        let padding_id = config.number_or("pad_token_id", 1.0)? as i32;
        Ok(Self {
            kind,
            n_vocab: config.size("vocab_size")?,
            n_types: if distil { 0 } else { config.size_or("type_vocab_size", 2)? },
            n_embd,
            table_width: if albert { config.size_or("embedding_size", 128)? } else { n_embd },
            n_layer,
            n_head,
            n_ff: config.size(own("hidden_dim", "intermediate_size"))?,
            n_group,
            n_inner,
            max_positions: config.size_or("max_position_embeddings", 512)?,
            padding_id: (kind == Kind::Roberta).then_some(padding_id),
            norm_eps: if distil { 1e-12 } else { config.number_or("layer_norm_eps", 1e-12)? as f32 },
            act: read_act(config, own("activation", "hidden_act"), if albert { Act::GeluTanh } else { Act::Gelu })?,
            tied: config.flag("tie_word_embeddings", true)?,
            pooler: !distil,
            n_labels: crate::heads::read_labels(config)?,
            task,
        })
    }

    /// Positions of tokens [B, T] for which none are given.
    pub fn positions(&self, ids: &[i32], tokens: usize) -> Vec<i32> {
        let Some(padding) = self.padding_id else { return counted(ids.len(), tokens) };
        let row = |row: &[i32]| {
            let mut last = padding;
            row.iter()
                .map(|id| {
                    if *id == padding {
                        padding
                    } else {
                        last += 1;
                        last
                    }
                })
                .collect::<Vec<_>>()
        };
        ids.chunks(tokens.max(1)).flat_map(row).collect()
    }

    /// Files of other heads have no pooler, and then there is no `pooler_output`.
    pub(crate) fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        let (model, at) = heads::pooler(self.kind);
        self.pooler &= crate::resolve(&format!("{model}.{at}.weight"), has).is_some();
    }

    fn head_dim(&self) -> usize {
        self.n_embd / self.n_head
    }

    /// Where block `i` of `n_layer · n_inner` lies.
    fn place<'g>(&self, model: &Scope<'g>, i: usize) -> Scope<'g> {
        let (layer, inner) = (i / self.n_inner, i % self.n_inner);
        match self.kind {
            Kind::Bert | Kind::Roberta => model.at("encoder.layer").at(layer),
            Kind::DistilBert => model.at("transformer.layer").at(layer),
            Kind::Albert => {
                let group = layer * self.n_group / self.n_layer;
                model.at("encoder.albert_layer_groups").at(group).at("albert_layers").at(inner)
            }
        }
    }
}

/// From 0 in every row.
pub(crate) fn counted(n: usize, tokens: usize) -> Vec<i32> {
    (0..tokens as i32).cycle().take(n).collect()
}

/// Refuses what changes the graph and is not written here.
fn check_plain(config: &Fields<'_>) -> Result<(), Error> {
    for flag in ["is_decoder", "add_cross_attention"] {
        if config.flag(flag, false)? {
            return Err(config.fail(flag, "is true, which is not supported"));
        }
    }
    match config.text("position_embedding_type")? {
        None | Some("absolute") => Ok(()),
        Some(other) => Err(config.fail("position_embedding_type", format!("is {other}, which is not supported"))),
    }
}

/// [B, T, C] → [B, T, C]
fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Config, mask_bias: Option<Var<'g>>, i: usize) -> Var<'g> {
    let (names, c, h, eps) = (cfg.kind.names(), cfg.n_embd, cfg.n_head, cfg.norm_eps);
    let project = |name| x.linear(&w.at(name), c, Bias::Add).heads(h);
    let (q, k, v) = (project(names.query), project(names.key), project(names.value)); // [B, T, H, D]
    let spec = Attention::new(1.0 / (cfg.head_dim() as f32).sqrt());
    let attended = q.attention(&format!("blocks.{i}.attn"), (k, v), None, mask_bias, spec).merge_heads(); // [B, T, C]
    let x = x + attended.linear(&w.at(names.attended), c, Bias::Add);
    let x = x.layer_norm(&w.at(names.attended_norm), eps, Bias::Add);
    let up = x.linear_act(&w.at(names.up), cfg.n_ff, Bias::Add, cfg.act); // [B, T, F]
    (x + up.linear(&w.at(names.down), c, Bias::Add)).layer_norm(&w.at(names.norm), eps, Bias::Add)
}

/// Tokens, positions and segments, normed: [B, T] → [B, T, C]; and the table of the tokens.
fn embed<'g>(g: &'g Builder, w: &Scope<'g>, cfg: &Config) -> (Var<'g>, Var<'g>) {
    let ids = |name| g.input(name, DType::I32, [Dim::from('B'), Dim::from('T')]);
    let at = w.at("embeddings");
    let table = at.at("word_embeddings").weight([cfg.n_vocab, cfg.table_width]); // [V, E]
    let positions = at.at("position_embeddings").weight([cfg.max_positions, cfg.table_width]);
    let mut x = table.gather_rows(ids("input_ids")); // [B, T, E]
    if cfg.n_types > 0 {
        let types = at.at("token_type_embeddings").weight([cfg.n_types, cfg.table_width]);
        x = x + types.gather_rows(ids("token_type_ids"));
    }
    x = (x + positions.gather_rows(ids("position_ids"))).layer_norm(&at.at("LayerNorm"), cfg.norm_eps, Bias::Add);
    if cfg.kind == Kind::Albert {
        x = x.linear(&w.at("encoder.embedding_hidden_mapping_in"), cfg.n_embd, Bias::Add); // [B, T, C]
    }
    (x, table)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) {
    let w = g.weights().at(cfg.kind.names().model);
    let (mut x, table) = embed(g, &w, cfg);
    let one = || Dim::from(1);
    let mask_bias = (call.mask == Mask::Padding)
        .then(|| g.input("mask_bias", DType::F32, [Dim::from('B'), one(), one(), Dim::from('T')]));
    let n = cfg.n_layer * cfg.n_inner;
    for i in 0..n {
        g.tap(&format!("hidden.{i}"), x);
        x = block(x, &cfg.place(&w, i), cfg, mask_bias, i);
    }
    g.tap(&format!("hidden.{n}"), x);
    heads::write(g, cfg, call, x, table);
}
