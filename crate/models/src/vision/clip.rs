//! CLIP: one tower for pictures, one for texts, and how well each fits the other.
//!
//! Paper: Radford et al. 2021, arXiv:2103.00020. Reference: `CLIPModel` of transformers and its single towers.
//!
//! Axis letters: B pictures or texts, T tokens, C width, H heads, D head width, F feed-forward width, E shared width.

use graph::{Act, Attention, Bias, BinaryOp, Builder, DType, Dim, Interpolation, MatMul, Reduce, Scope, Side, Stored};
use graph::{UnaryOp, Var};

use super::patches::{Patches, in_a_row, mean_of_tokens, repeated, stretched, token};
use super::vit::heads;
use super::{Look, Reads};
use crate::call::{Call, Mask};
use crate::heads::read_labels;
use crate::llama::{check_layers, read_act};
use crate::{Error, Fields};

/// What the model yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Hidden states of one tower, and the pooled one.
    Tower,
    /// Those, projected to the width that both towers share.
    Projected,
    /// How well pictures and texts fit.
    Both,
    /// Classes of a picture.
    Classes,
}

/// One tower.
#[derive(Clone, Debug, PartialEq)]
pub struct Tower {
    /// Width, C.
    pub n_embd: usize,
    /// Blocks, L.
    pub n_layer: usize,
    /// Heads, H.
    pub n_head: usize,
    /// Feed-forward width, F.
    pub n_ff: usize,
    /// Under the root of every norm.
    pub norm_eps: f32,
    /// The feed-forward activation.
    pub act: Act,
    /// Width of its projection, E.
    pub projection: usize,
}

/// The tower for texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Its blocks.
    pub tower: Tower,
    /// Vocabulary, V.
    pub n_vocab: usize,
    /// Learned positions.
    pub max_positions: usize,
    /// The token that ends a text and stands for it.
    pub eos: i32,
}

/// The tower for pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// Its blocks.
    pub tower: Tower,
    /// Pictures and patches.
    pub patches: Patches,
}

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The tower for texts, if there is one.
    pub text: Option<Text>,
    /// The tower for pictures, if there is one.
    pub pictures: Option<Pictures>,
    /// Labels of a classifier.
    pub n_labels: usize,
    /// What it yields.
    pub head: Head,
}

impl Tower {
    fn read(config: &Fields<'_>, [width, heads_, n_ff]: [usize; 3]) -> Result<Self, Error> {
        let (n_embd, n_head) = heads(config, width, heads_)?;
        let n_layer = config.size_or("num_hidden_layers", 12)?;
        check_layers(config, "num_hidden_layers", n_layer)?;
        Ok(Self {
            n_embd,
            n_layer,
            n_head,
            n_ff: config.size_or("intermediate_size", n_ff)?,
            norm_eps: config.number_or("layer_norm_eps", 1e-5)? as f32,
            act: read_act(config, "hidden_act", Act::QuickGelu)?,
            projection: config.size_or("projection_dim", 512)?,
        })
    }
}

impl Text {
    /// Reads the configuration of a tower for texts.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let first = config.value("eos_token_id").and_then(|eos| eos.as_array()).and_then(|list| list.first());
        let eos =
            first.and_then(serde_json::Value::as_f64).map_or_else(|| config.number_or("eos_token_id", 49407.0), Ok)?;
        Ok(Self {
            tower: Tower::read(config, [512, 8, 2048])?,
            n_vocab: config.size_or("vocab_size", 49408)?,
            max_positions: config.size_or("max_position_embeddings", 77)?,
            eos: eos as i32,
        })
    }

    /// The place of the token that stands for a text: the first that ends it. Configurations that say 2 do so by an old
    /// mistake; there it is the token with the largest number.
    pub fn place(&self, ids: &[i32]) -> usize {
        match self.eos {
            2 => (0..ids.len()).rev().max_by_key(|i| ids[*i]).unwrap_or(0),
            eos => ids.iter().position(|id| *id == eos).unwrap_or(0),
        }
    }
}

impl Pictures {
    fn read(config: &Fields<'_>) -> Result<Self, Error> {
        Ok(Self { tower: Tower::read(config, [768, 12, 3072])?, patches: Patches::read(config, 224, 32)? })
    }
}

impl Config {
    /// Reads the configuration of a single tower for texts.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn text(config: &Fields<'_>, head: Head) -> Result<Self, Error> {
        let config = config.object("text_config")?.unwrap_or(*config);
        Ok(Self { text: Some(Text::read(&config)?), pictures: None, n_labels: 0, head })
    }

    /// Reads the configuration of a single tower for pictures.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn pictures(config: &Fields<'_>, head: Head) -> Result<Self, Error> {
        let inner = config.object("vision_config")?.unwrap_or(*config);
        let n_labels = if head == Head::Classes { read_labels(config)? } else { 0 };
        Ok(Self { text: None, pictures: Some(Pictures::read(&inner)?), n_labels, head })
    }

    /// Reads the configuration of both towers; the older fields with `_dict` go before the newer ones.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn both(config: &Fields<'_>) -> Result<Self, Error> {
        let part = |old: &str, new: &str| match config.object(old)? {
            Some(fields) => Ok(fields),
            None => config.object(new)?.ok_or_else(|| config.fail(new, "is missing")),
        };
        let mut text = Text::read(&part("text_config_dict", "text_config")?)?;
        let mut pictures = Pictures::read(&part("vision_config_dict", "vision_config")?)?;
        let shared = config.size_or("projection_dim", 512)?;
        (text.tower.projection, pictures.tower.projection) = (shared, shared);
        Ok(Self { text: Some(text), pictures: Some(pictures), n_labels: 0, head: Head::Both })
    }

    /// Whether both towers run, so that the library yields neither's hidden states.
    fn hides_states(&self) -> bool {
        self.head == Head::Both
    }
}

/// [B, T, C] → [B, T, C]
fn block<'g>(x: Var<'g>, w: &Scope<'g>, cfg: &Tower, name: &str, attention: (bool, Option<Var<'g>>)) -> Var<'g> {
    let (c, h, eps) = (cfg.n_embd, cfg.n_head, cfg.norm_eps);
    let (causal, mask_bias) = attention;
    let normed = x.layer_norm(&w.at("layer_norm1"), eps, Bias::Add);
    let at = w.at("self_attn");
    let project = |name: &str| normed.linear(&at.at(name), c, Bias::Add).heads(h);
    let (q, k, v) = (project("q_proj"), project("k_proj"), project("v_proj")); // [B, T, H, D]
    let spec = Attention { causal, ..Attention::new(1.0 / ((c / h) as f32).sqrt()) };
    let attended = q.attention(name, (k, v), None, mask_bias, spec).merge_heads(); // [B, T, C]
    let x = x + attended.linear(&at.at("out_proj"), c, Bias::Add);
    let normed = x.layer_norm(&w.at("layer_norm2"), eps, Bias::Add);
    let up = normed.linear_act(&w.at("mlp.fc1"), cfg.n_ff, Bias::Add, cfg.act); // [B, T, F]
    x + up.linear(&w.at("mlp.fc2"), c, Bias::Add)
}

/// All blocks. What a single tower shows under the library's names has other names where both run.
fn blocks<'g>(
    g: &'g Builder,
    mut x: Var<'g>,
    w: &Scope<'g>,
    cfg: &Tower,
    shown: &str,
    attention: (bool, Option<Var<'g>>),
) -> Var<'g> {
    let (hidden, block_) = if shown.is_empty() {
        ("hidden".to_string(), "blocks".to_string())
    } else {
        (format!("{shown}.state"), format!("{shown}.block"))
    };
    for i in 0..cfg.n_layer {
        g.tap(&format!("{hidden}.{i}"), x);
        x = block(x, &w.at("encoder.layers").at(i), cfg, &format!("{block_}.{i}.attn"), attention);
    }
    g.tap(&format!("{hidden}.{}", cfg.n_layer), x);
    x
}

/// Hidden states of pictures [B, T, C], and the normed first one [B, C].
fn look<'g>(g: &'g Builder, cfg: &Pictures, look: &Look, shown: &str) -> (Var<'g>, Var<'g>) {
    let (w, c, eps) = (g.weights().at("vision_model"), cfg.tower.n_embd, cfg.tower.norm_eps);
    let at = w.at("embeddings");
    let x = cfg.patches.embed(g, look, &at.at("patch_embedding"), c, Bias::None); // [B, h, w, C]
    let (grid, n) = (x.height_width(), 1 + cfg.patches.count());
    let x = in_a_row(x);
    let first = at.tensor("class_embedding", [c], Stored::AsDeclared).reshape([1, 1, c]);
    let table = at.at("position_embedding").weight([n, c]).reshape([1, n, c]);
    let usual = look.size.is_none_or(|size| size == cfg.patches.size);
    let positions = if usual { table } else { stretched(table, 1, grid, Interpolation::Bicubic) };
    let x = repeated(first, x).concat(&[x], 1) + positions; // [B, T, C]
    let x = x.layer_norm(&w.at("pre_layrnorm"), eps, Bias::Add);
    let x = blocks(g, x, &w, &cfg.tower, shown, (false, None));
    (x, token(x, 0).layer_norm(&w.at("post_layernorm"), eps, Bias::Add))
}

/// Hidden states of texts [B, T, C], and the one at the token that stands for each text [B, C].
fn read<'g>(g: &'g Builder, cfg: &Text, call: &Call, shown: &str) -> (Var<'g>, Var<'g>) {
    let (w, c) = (g.weights().at("text_model"), cfg.tower.n_embd);
    let at = w.at("embeddings");
    // Pictures have B already.
    let (b, t) = (Dim::from('N'), Dim::from('T'));
    let ids = |name: &str| g.input(name, DType::I32, [b.clone(), t.clone()]);
    let table = at.at("token_embedding").weight([cfg.n_vocab, c]);
    let positions = at.at("position_embedding").weight([cfg.max_positions, c]);
    let x = table.gather_rows(ids("input_ids")) + positions.gather_rows(ids("position_ids")); // [B, T, C]
    let one = || Dim::from(1);
    let mask_bias =
        (call.mask == Mask::Padding).then(|| g.input("mask_bias", DType::F32, [b.clone(), one(), one(), t.clone()]));
    let x = blocks(g, x, &w, &cfg.tower, shown, (true, mask_bias));
    let x = x.layer_norm(&w.at("final_layer_norm"), cfg.tower.norm_eps, Bias::Add);
    let ends = g.input("ends", DType::I32, [b.clone()]);
    (x, x.reshape([b * t, c.into()]).gather_rows(ends)) // [B, C]
}

/// Rows of length one.
fn unit(x: Var<'_>) -> Var<'_> {
    let square = x.unary(UnaryOp::Square).reduce(Reduce::Sum);
    x.binary(BinaryOp::Div, square.unary(UnaryOp::Sqrt))
}

fn project<'g>(g: &'g Builder, x: Var<'g>, at: &str, n: usize) -> Var<'g> {
    x.linear(&g.weights().at(at), n, Bias::None)
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, call: &Call) {
    let reads = call.look.reads;
    let (texts, pictures) = if cfg.hides_states() { ("text", "picture") } else { ("", "") };
    let seen = cfg.pictures.as_ref().filter(|_| reads != Reads::Rest);
    let seen = seen.map(|tower| (look(g, tower, &call.look, pictures), tower.tower.projection));
    let heard = cfg.text.as_ref().filter(|_| reads != Reads::Pictures);
    let heard = heard.map(|tower| (read(g, tower, call, texts), tower.tower.projection));
    match cfg.head {
        Head::Tower | Head::Projected => {
            let parts = [(seen, "image_embeds", "visual_projection"), (heard, "text_embeds", "text_projection")];
            for (((states, pooled), n), name, at) in parts.into_iter().filter_map(|(p, a, b)| Some((p?, a, b))) {
                g.output("last_hidden_state", states);
                match cfg.head {
                    Head::Projected => g.output(name, project(g, pooled, at, n)),
                    _ => g.output("pooler_output", pooled),
                }
            }
        }
        Head::Classes => {
            if let Some(((states, _), _)) = seen {
                let mean = mean_of_tokens(states, 1);
                g.output("logits", mean.linear(&g.weights().at("classifier"), cfg.n_labels, Bias::Add));
            }
        }
        Head::Both => {
            let scale = g.weights().tensor("logit_scale", [1], Stored::AsDeclared);
            let seen = seen.map(|((_, pooled), n)| unit(project(g, pooled, "visual_projection", n))); // [B, E]
            let heard = heard.map(|((_, pooled), n)| unit(project(g, pooled, "text_projection", n))); // [N, E]
            if let (Some(seen), Some(heard)) = (seen, heard) {
                let fits = heard.matmul_as(MatMul { a: Side::Plain, b: Side::Transposed }, seen); // [N, B]
                let fits = fits * scale.unary(UnaryOp::Exp);
                g.output("logits_per_image", fits.permute([1, 0]));
                g.output("logits_per_text", fits);
            }
            heard.into_iter().for_each(|x| g.output("text_embeds", x));
            seen.into_iter().for_each(|x| g.output("image_embeds", x));
        }
    }
}
