//! What models with an encoder and a decoder have in common.
//!
//! Axis letters: B batch, S tokens of the source, T tokens of the target in this call, P target tokens cached,
//! H heads, D head width.

use graph::{Builder, DType, Dim, Var};

use crate::call::{CacheUse, Call, Mask, Part};

/// One half of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Reads the source.
    Encoder,
    /// Writes the target.
    Decoder,
}

impl Side {
    /// Its name, in weights and taps.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoder => "encoder",
            Self::Decoder => "decoder",
        }
    }

    /// The input that tells where its tokens stand.
    pub fn places(self) -> String {
        format!("{}_places", self.name())
    }

    /// Its tokens, [B, S] or [B, T] i32.
    pub(crate) fn ids(self, g: &Builder) -> Var<'_> {
        match self {
            Self::Encoder => g.input("input_ids", DType::I32, [Dim::from('B'), Dim::from('S')]),
            Self::Decoder => g.input("decoder_input_ids", DType::I32, [Dim::from('B'), Dim::from('T')]),
        }
    }

    /// The number of its tokens.
    pub(crate) fn tokens(self) -> Dim {
        match self {
            Self::Encoder => Dim::from('S'),
            Self::Decoder => Dim::from('T'),
        }
    }
}

/// What every block of a half reads.
#[derive(Clone, Copy)]
pub(crate) struct Half<'g> {
    pub g: &'g Builder,
    pub side: Side,
    /// What is added to the scores of its own tokens, broadcast to [B, H, T, P+T].
    pub bias: Option<Var<'g>>,
    /// [B] i32, where there is a cache.
    pub past: Option<Var<'g>>,
    /// Where a decoder's blocks look up the source.
    pub memory: Option<Memory<'g>>,
    /// It is the whole model, so that taps need not name it.
    pub alone: bool,
}

/// The source as a decoder sees it.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'g> {
    /// The encoder's result [B, S, C], or `None` where keys and values are inputs.
    pub encoded: Option<Var<'g>>,
    /// [B, 1, 1, S]
    pub mask_bias: Option<Var<'g>>,
}

impl<'g> Half<'g> {
    /// The name of block `i` in taps.
    pub fn block(&self, i: usize) -> String {
        self.tap_name("blocks", i)
    }

    /// Shows the value before block `i`, or the last.
    pub fn tap_hidden(&self, i: usize, x: Var<'g>) {
        self.g.tap(&self.tap_name("hidden", i), x);
    }

    fn tap_name(&self, what: &str, i: usize) -> String {
        if self.alone { format!("{what}.{i}") } else { format!("{}.{what}.{i}", self.side.name()) }
    }

    /// Keys and values of its own tokens, behind those cached: two of [B, P+T, H, D].
    pub fn keep(&self, i: usize, (k, v): (Var<'g>, Var<'g>)) -> (Var<'g>, Var<'g>) {
        let Some(past) = self.past else { return (k, v) };
        let sizes = |axis| k.dim(axis).known().unwrap_or(0);
        self.g.cache(format!("{}.cache", self.block(i)), sizes(2), sizes(3)).append(k, v, past)
    }
}

impl<'g> Memory<'g> {
    /// Keys and values of block `i`: made by `project`, or those of [`Part::Encoder`], [1, S, H, D].
    pub fn keys_values(
        self,
        g: &'g Builder,
        i: usize,
        (heads, width): (usize, usize),
        project: impl Fn(Var<'g>) -> (Var<'g>, Var<'g>),
    ) -> (Var<'g>, Var<'g>) {
        let kept = |name| g.input(&cross(i, name), DType::F32, [1.into(), Dim::from('S'), heads.into(), width.into()]);
        match self.encoded {
            Some(encoded) => project(encoded),
            None => (kept("keys"), kept("values")),
        }
    }
}

/// The name of what a decoder's block looks up.
pub(crate) fn cross(block: usize, what: &str) -> String {
    format!("cross.{block}.{what}")
}

/// The outputs of [`Part::Encoder`] for a decoder of `n` blocks, in order, which are inputs of its steps.
pub fn memory_names(n: usize) -> Vec<String> {
    (0..n).flat_map(|i| ["keys", "values"].map(|what| cross(i, what))).collect()
}

/// The parts of one graph: `encode` writes the encoder, `keys_values` what block i of the decoder looks up, and `decode`
/// the decoder.
pub(crate) fn write<'g>(
    g: &'g Builder,
    call: &Call,
    n_decoder: usize,
    encode: impl Fn(Option<Var<'g>>) -> Var<'g>,
    keys_values: impl Fn(Var<'g>, usize) -> (Var<'g>, Var<'g>),
    decode: impl Fn(Memory<'g>),
) {
    if call.cache == CacheUse::Session {
        return decode(Memory { encoded: None, mask_bias: None });
    }
    let mask_bias = source_mask(g, call);
    let encoded = encode(mask_bias); // [B, S, C]
    if call.part == Part::Encoder {
        for i in 0..n_decoder {
            let (k, v) = keys_values(encoded, i); // [B, S, H, D]
            g.output(cross(i, "keys"), k);
            g.output(cross(i, "values"), v);
        }
        return;
    }
    decode(Memory { encoded: Some(encoded), mask_bias });
    g.output("encoder_last_hidden_state", encoded);
}

/// What hides the source's padding: [B, 1, 1, S].
pub(crate) fn source_mask<'g>(g: &'g Builder, call: &Call) -> Option<Var<'g>> {
    let shape = [Dim::from('B'), 1.into(), 1.into(), Dim::from('S')];
    (call.mask == Mask::Padding).then(|| g.input("mask_bias", DType::F32, shape))
}

/// The inputs of a decoder beside its tokens and places.
pub(crate) fn decoder_half<'g>(g: &'g Builder, call: &Call, memory: Memory<'g>) -> Half<'g> {
    let (b, t) = (Dim::from('B'), Dim::from('T'));
    let past = (call.cache == CacheUse::Session).then(|| g.input("past", DType::I32, [b.clone()]));
    let padding = call.decoder_mask == Mask::Padding;
    let bias = padding.then(|| g.input("decoder_mask_bias", DType::F32, [b, 1.into(), 1.into(), t]));
    Half { g, side: Side::Decoder, bias, past, memory: Some(memory), alone: false }
}
