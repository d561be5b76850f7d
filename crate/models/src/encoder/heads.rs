//! What encoders are read for: pooled sentences, masked words, classes, answers.

use graph::{Act, Bias, Builder, Scope, Var};

use super::{Config, Kind};
use crate::call::{Call, finish_head, select_rows};
use crate::family::Task;

/// Names the results of `x` [B, T, C]; `table` [V, E] is that of the tokens.
pub(super) fn write<'g>(g: &'g Builder, cfg: &Config, call: &Call, x: Var<'g>, table: Var<'g>) {
    let w = g.weights();
    let labels = |x: Var<'g>, at: &str, n| x.linear(&w.at(at), n, Bias::Add);
    match cfg.task {
        Task::Base => {
            g.output("last_hidden_state", x);
            if cfg.pooler {
                g.output("pooler_output", pooled(g, cfg, x));
            }
        }
        Task::MaskedLm => finish_head(g, words(&w, cfg, select_rows(g, x, call.rows), table), call.head),
        Task::SequenceClassification => g.output("logits", sentence(&w, cfg, pooled_by_kind(g, cfg, x))),
        Task::TokenClassification => g.output("logits", labels(x, "classifier", cfg.n_labels)), // [B, T, N]
        Task::QuestionAnswering => crate::heads::answers(g, x),
        Task::PreTraining => {
            g.output("prediction_logits", words(&w, cfg, x, table));
            let (name, at, n) = match cfg.kind {
                Kind::Albert => ("sop_logits", "sop_classifier.classifier", cfg.n_labels),
                Kind::Bert | Kind::Roberta | Kind::DistilBert => ("seq_relationship_logits", "cls.seq_relationship", 2),
            };
            g.output(name, labels(pooled(g, cfg, x), at, n)); // [B, 2]
        }
        Task::NextSentence => g.output("logits", labels(pooled(g, cfg, x), "cls.seq_relationship", 2)), // [B, 2]
        // No encoder is read with these heads; `Kind::has` says so.
        Task::CausalLm | Task::Seq2SeqLm | Task::ImageClassification | Task::Segmentation => {}
    }
}

/// The first token: [B, T, C] → [B, C].
fn first(x: Var<'_>) -> Var<'_> {
    x.slice(1, 0, 1).reshape([x.dim(0), x.dim(2)])
}

/// Where the pooler lies: the model and the place in it.
pub(super) fn pooler(kind: Kind) -> (&'static str, &'static str) {
    (kind.names().model, if kind == Kind::Albert { "pooler" } else { "pooler.dense" })
}

/// [B, T, C] → [B, C]
fn pooled<'g>(g: &'g Builder, cfg: &Config, x: Var<'g>) -> Var<'g> {
    let (model, at) = pooler(cfg.kind);
    first(x).linear_act(&g.weights().at(model).at(at), cfg.n_embd, Bias::Add, Act::Tanh)
}

/// What a classifier of sentences reads: [B, T, C] → [B, C].
fn pooled_by_kind<'g>(g: &'g Builder, cfg: &Config, x: Var<'g>) -> Var<'g> {
    let dense = |at: &str, act| first(x).linear_act(&g.weights().at(at), cfg.n_embd, Bias::Add, act);
    match cfg.kind {
        Kind::Bert | Kind::Albert => pooled(g, cfg, x),
        Kind::Roberta => dense("classifier.dense", Act::Tanh),
        Kind::DistilBert => dense("pre_classifier", Act::Relu),
    }
}

/// Classes of sentences: [B, C] → [B, N].
fn sentence<'g>(w: &Scope<'g>, cfg: &Config, pooled: Var<'g>) -> Var<'g> {
    let at = if cfg.kind == Kind::Roberta { "classifier.out_proj" } else { "classifier" };
    pooled.linear(&w.at(at), cfg.n_labels, Bias::Add)
}

/// Words: [.., C] → [.., V].
fn words<'g>(w: &Scope<'g>, cfg: &Config, x: Var<'g>, table: Var<'g>) -> Var<'g> {
    let (dense, norm, decoder, bias) = match cfg.kind {
        Kind::Bert => (
            "cls.predictions.transform.dense",
            "cls.predictions.transform.LayerNorm",
            "cls.predictions.decoder",
            "cls.predictions",
        ),
        Kind::Roberta => ("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder", "lm_head"),
        Kind::DistilBert => ("vocab_transform", "vocab_layer_norm", "vocab_projector", "vocab_projector"),
        Kind::Albert => ("predictions.dense", "predictions.LayerNorm", "predictions.decoder", "predictions"),
    };
    let act = if cfg.kind == Kind::Roberta { Act::Gelu } else { cfg.act };
    let eps = if cfg.kind == Kind::DistilBert { 1e-12 } else { cfg.norm_eps };
    let x = x.linear_act(&w.at(dense), cfg.table_width, Bias::Add, act).layer_norm(&w.at(norm), eps, Bias::Add);
    let head = if cfg.tied { table } else { w.at(decoder).weight([cfg.n_vocab, cfg.table_width]) };
    let bias = if cfg.tied { bias } else { decoder };
    x.linear_with(head) + w.at(bias).bias(cfg.n_vocab)
}
