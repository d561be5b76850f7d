//! What is asked of a model's graph.

use graph::{Builder, DType, Dim, Reduce, Var};

use crate::Look;

/// Whether keys and values of earlier calls are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheUse {
    /// The call stands alone: P = 0.
    None,
    /// Keys and values are appended to the session's states; there is an input `past` [B] i32.
    Session,
}

/// For which tokens the head is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Every token: `[B, T, V]`.
    All,
    /// Those in the input `rows` [R] i32, counted over the flattened [B·T]: `[R, V]`.
    Selected,
}

/// What the head yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Head {
    /// `logits`
    Logits,
    /// `token` i32, the likeliest.
    Greedy,
    /// `logits` and `tokens` of the k likeliest, in falling order, the lowest token first on ties.
    TopK(usize),
    /// `loss` [1]: the cross-entropy by `targets` [B·T] i32, none where a target is negative, each row times its
    /// `loss_weights` [B·T]; their sum is the loss, so the host writes 1 / count there.
    Loss,
}

/// Whether some tokens are padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Every token counts.
    None,
    /// There is an input `mask_bias` [B, 1, 1, T] f32: 0 for a token, −1e30 or less for padding. Without a cache only.
    Padding,
}

/// Which part of a model with an encoder and a decoder runs; of the others always the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// The encoder and then the decoder; with a cache the decoder alone, which reads what [`Part::Encoder`] yields.
    #[default]
    Whole,
    /// The encoder, and the keys and values that every block of the decoder will look up.
    Encoder,
}

/// What is asked of a model's graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Whether earlier keys and values are read.
    pub cache: CacheUse,
    /// For which tokens the head is evaluated.
    pub rows: Rows,
    /// What the head yields.
    pub head: Head,
    /// Whether some tokens are padding.
    pub mask: Mask,
    /// Whether some tokens that a decoder behind an encoder reads are padding; its input is `decoder_mask_bias`.
    pub decoder_mask: Mask,
    /// Which part runs.
    pub part: Part,
    /// What is asked of a model that looks at pictures.
    pub look: Look,
}

impl Call {
    /// A forward pass over whole sequences, as a reference library does it.
    pub fn forward(mask: Mask) -> Self {
        Self { mask, ..Self::whole(CacheUse::None, Rows::All, Head::Logits) }
    }

    /// A forward pass over pictures.
    pub fn look(look: Look) -> Self {
        Self { look, ..Self::forward(Mask::None) }
    }

    /// A step of training: whole sequences and their loss.
    pub fn train() -> Self {
        Self::whole(CacheUse::None, Rows::All, Head::Loss)
    }

    /// A step of training on so many pictures at once.
    pub fn train_on(pictures: usize) -> Self {
        Self { look: Look { pictures, ..Look::default() }, ..Self::train() }
    }

    /// A step of generation: the selected rows of a session's continuation.
    pub fn step(head: Head) -> Self {
        Self::whole(CacheUse::Session, Rows::Selected, head)
    }

    /// What a decoder will look up, once for a source text.
    pub fn encode() -> Self {
        Self { part: Part::Encoder, ..Self::forward(Mask::None) }
    }

    fn whole(cache: CacheUse, rows: Rows, head: Head) -> Self {
        Self { cache, rows, head, mask: Mask::None, decoder_mask: Mask::None, part: Part::Whole, look: Look::default() }
    }
}

/// The inputs every decoder has.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'g> {
    /// [B, T] i32
    pub ids: Var<'g>,
    /// [B, T] i32
    pub positions: Var<'g>,
    /// [B] i32
    pub past: Option<Var<'g>>,
    /// [B, 1, 1, T] f32
    pub mask_bias: Option<Var<'g>>,
    /// [2] i32, seed and step of dropout's masks
    pub rng: Option<Var<'g>>,
}

impl<'g> Inputs<'g> {
    pub fn declare(g: &'g Builder, call: &Call) -> Self {
        let (b, t) = (Dim::from('B'), Dim::from('T'));
        let session = call.cache == CacheUse::Session;
        let padding = call.mask == Mask::Padding;
        let drops = g.training().is_some_and(|training| training.dropout > 0.0);
        Self {
            ids: g.input("input_ids", DType::I32, [b.clone(), t.clone()]),
            positions: g.input("position_ids", DType::I32, [b.clone(), t.clone()]),
            past: session.then(|| g.input("past", DType::I32, [b.clone()])),
            mask_bias: padding.then(|| g.input("mask_bias", DType::F32, [b, 1.into(), 1.into(), t])),
            rng: drops.then(|| g.input("rng", DType::I32, [2])),
        }
    }
}

/// The rows of `x` [B, T, C] that the head is evaluated for: as it is, or [R, C].
pub(crate) fn select_rows<'g>(g: &'g Builder, x: Var<'g>, rows: Rows) -> Var<'g> {
    match rows {
        Rows::All => x,
        Rows::Selected => {
            let width = x.dim(2);
            let flat = x.reshape([x.dim(0) * x.dim(1), width]); // [B·T, C]
            flat.gather_rows(g.input("rows", DType::I32, [Dim::from('R')])) // [R, C]
        }
    }
}

/// Names what the head yields.
pub(crate) fn finish_head(g: &Builder, logits: Var<'_>, head: Head) {
    match head {
        Head::Logits => g.output("logits", logits),
        Head::Greedy => g.output("token", logits.arg_max()),
        Head::TopK(k) => {
            let (likeliest, tokens) = logits.top_k(k);
            g.output("logits", likeliest);
            g.output("tokens", tokens);
        }
        Head::Loss => g.output("loss", loss(g, logits)),
    }
}

/// The weighted sum of the rows' losses: logits [B, T, V] → [1].
fn loss<'g>(g: &'g Builder, logits: Var<'g>) -> Var<'g> {
    let rows = logits.dim(0) * logits.dim(1);
    let targets = g.input("targets", DType::I32, [rows.clone()]);
    let weights = g.input("loss_weights", DType::F32, [rows.clone()]);
    let losses = logits.reshape([rows, logits.dim(2)]).cross_entropy(targets); // [B·T]
    (losses * weights).reduce(Reduce::Sum)
}
