//! One forward pass with the names of the reference library.

use format::{Checkpoint, Dtype};
use graph::{Taps, Tensor};
use models::{CacheUse, Call, Head, Mask, Rows};

use crate::{Error, Model};

/// What to show beside the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// `attentions.N`
    pub attentions: bool,
    /// `hidden_states.N`
    pub hidden_states: bool,
}

/// The inputs of a decoder, by the reference library's names.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderInputs {
    /// [B, T]
    pub input_ids: Tensor,
    /// [B, T], 1 for tokens and 0 for padding.
    pub attention_mask: Option<Tensor>,
    /// [B, T]; by default counted from 0.
    pub position_ids: Option<Tensor>,
}

/// A named result: shape and values.
pub type Field = (String, Vec<usize>, Vec<f32>);

const KNOWN: [&str; 3] = ["input_ids", "attention_mask", "position_ids"];

impl DecoderInputs {
    /// Reads the inputs from a safetensors file.
    ///
    /// # Errors
    /// A tensor is missing, unknown, or has a type or shape that does not fit.
    pub async fn read(file: &Checkpoint) -> Result<Self, Error> {
        let fail = |name: &str, reason: String| Error::Tensor { file: file.name().into(), tensor: name.into(), reason };
        if let Some(other) = file.tensors().find(|t| !KNOWN.contains(&t.name.as_str())) {
            return Err(fail(&other.name, "is no input of this model".into()));
        }
        let ids = read(file, "input_ids").await?.ok_or_else(|| fail("input_ids", "is missing".into()))?;
        if ids.shape.len() != 2 || ids.is_empty() {
            return Err(fail("input_ids", format!("has shape {:?}, expected [batch, tokens]", ids.shape)));
        }
        let mut others = [None, None];
        for (slot, name) in others.iter_mut().zip(&KNOWN[1..]) {
            let Some(tensor) = read(file, name).await? else { continue };
            *slot = Some(
                widen(tensor, &ids.shape)
                    .map_err(|shape| fail(name, format!("has shape {shape:?}, input_ids have {:?}", ids.shape)))?,
            );
        }
        let [attention_mask, position_ids] = others;
        Ok(Self { input_ids: ids, attention_mask, position_ids })
    }
}

async fn read(file: &Checkpoint, name: &str) -> Result<Option<Tensor>, Error> {
    let Some(info) = file.tensor(name) else { return Ok(None) };
    let fail = |reason: String| Error::Tensor { file: file.name().into(), tensor: name.into(), reason };
    let (shape, values) = match info.dtype {
        Dtype::Quant(_) | Dtype::F64 => return Err(fail(format!("holds {}, expected integers", info.dtype))),
        Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::Bool => file.read_i64(name).await?,
    };
    let values: Option<Vec<i32>> = values.into_iter().map(|v| i32::try_from(v).ok()).collect();
    Ok(Some(Tensor::i32(shape, values.ok_or_else(|| fail("holds a value beyond 32 bits".into()))?)?))
}

/// One row for all, or a row each.
fn widen(tensor: Tensor, shape: &[usize]) -> Result<Tensor, Vec<usize>> {
    if tensor.shape == shape {
        return Ok(tensor);
    }
    let row = match tensor.as_i32() {
        Ok(row) if tensor.shape == [1, shape[1]] => row.repeat(shape[0]),
        Ok(_) | Err(_) => return Err(tensor.shape),
    };
    Tensor::i32(shape, row).map_err(|_| tensor.shape)
}

impl Model {
    /// Runs whole sequences without a cache.
    ///
    /// # Errors
    /// A token or position is outside the model's tables, or the device fails.
    pub async fn forward(&self, given: &DecoderInputs, show: Show) -> Result<Vec<Field>, Error> {
        let model = &self.package().model;
        let (b, t) = (given.input_ids.shape[0], given.input_ids.shape[1]);
        check_range("input_ids", &given.input_ids, model.n_vocab())?;
        let counted = Tensor::i32([b, t], (0..t as i32).collect::<Vec<_>>().repeat(b))?;
        let positions = given.position_ids.as_ref().unwrap_or(&counted);
        let places = if model.has_learned_positions() { model.max_positions() } else { i32::MAX as usize };
        check_range("position_ids", positions, places)?;

        let padded = given.attention_mask.as_ref().filter(|m| m.as_i32().is_ok_and(|v| v.contains(&0)));
        let mask_bias = padded.map(|m| bias(m, b, t)).transpose()?;
        let longest = positions.as_i32()?.iter().copied().max().unwrap_or(0) as usize + 1;
        let inv_freq = model.inv_freq(longest).map(|f| Tensor::f32([f.len()], f)).transpose()?;

        let mask = if mask_bias.is_some() { Mask::Padding } else { Mask::None };
        let call = Call { cache: CacheUse::None, rows: Rows::All, head: Head::Logits, mask };
        let graph = model.build(&call, show.taps())?;
        let names: Vec<String> = graph.outputs.iter().map(|o| reference_name(&o.name)).collect();
        let mut inputs = vec![("input_ids", &given.input_ids), ("position_ids", positions)];
        inputs.extend(mask_bias.as_ref().map(|m| ("mask_bias", m)));
        inputs.extend(inv_freq.as_ref().map(|f| ("inv_freq", f)));
        let outputs = self.run_once(graph, &inputs).await?;
        let field = |(name, tensor): (String, Tensor)| Ok((name, tensor.shape.clone(), tensor.as_f32()?.to_vec()));
        names.into_iter().zip(outputs).map(field).collect()
    }
}

impl Show {
    fn taps(self) -> Taps {
        let hidden = self.hidden_states.then_some("hidden.*");
        let probs = self.attentions.then_some("blocks.*.attn.probs");
        Taps::new([hidden, probs].into_iter().flatten())
    }
}

/// `hidden.N` → `hidden_states.N`, `blocks.N.attn.probs` → `attentions.N`.
fn reference_name(tap: &str) -> String {
    if let Some(n) = tap.strip_prefix("hidden.") {
        return format!("hidden_states.{n}");
    }
    match tap.strip_prefix("blocks.").and_then(|rest| rest.strip_suffix(".attn.probs")) {
        Some(n) => format!("attentions.{n}"),
        None => tap.to_string(),
    }
}

/// 0 for tokens, −1e30 for padding: [B, 1, 1, T].
fn bias(mask: &Tensor, b: usize, t: usize) -> Result<Tensor, Error> {
    let values = mask.as_i32()?.iter().map(|m| if *m == 0 { -1e30 } else { 0.0 }).collect();
    Ok(Tensor::f32([b, 1, 1, t], values)?)
}

fn check_range(name: &str, tensor: &Tensor, end: usize) -> Result<(), Error> {
    match tensor.as_i32()?.iter().find(|v| usize::try_from(**v).map_or(true, |v| v >= end)) {
        Some(value) => {
            Err(Error::Value { tensor: name.into(), reason: format!("holds {value}, expected 0 to {}", end - 1) })
        }
        None => Ok(()),
    }
}
