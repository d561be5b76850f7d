//! The inputs of a forward pass by the reference library's names, and what a graph is given for them.

use format::{Checkpoint, Dtype};
use graph::Tensor;
use models::{Call, Mask, Model, Parts, Side, Vision};

use super::pictures;
use crate::Error;

/// Tensors by the names that the reference library gives a model's arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForwardInputs {
    file: String,
    tensors: Vec<(String, Tensor)>,
}

/// The tokens that a decoder behind an encoder reads.
const TARGETS: &str = "decoder_input_ids";

/// A call and the inputs of its graph by name.
pub type Bound = (Call, Vec<(String, Tensor)>);

impl ForwardInputs {
    /// Inputs with their names.
    pub fn new(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        Self { file: String::new(), tensors: tensors.into_iter().collect() }
    }

    /// Tokens alone: [B, T].
    pub fn tokens(ids: Tensor) -> Self {
        Self::new([("input_ids".to_string(), ids)])
    }

    /// What a model that looks at pictures is usually given: one picture.
    ///
    /// # Errors
    /// The picture is larger than any.
    pub fn usual(model: &Vision) -> Result<Self, Error> {
        pictures::usual(model)
    }

    /// Reads every tensor of a safetensors file: floats, or integers of 32 bits.
    ///
    /// # Errors
    /// A value is beyond 32 bits.
    pub async fn read(file: &Checkpoint) -> Result<Self, Error> {
        let mut tensors = Vec::new();
        for info in file.tensors() {
            let fail = |reason| Error::Tensor { file: file.name().into(), tensor: info.name.clone(), reason };
            let (shape, values) = match info.dtype {
                Dtype::Quant(_) | Dtype::F64 => {
                    let (shape, values) = file.read_f32(&info.name).await?;
                    tensors.push((info.name.clone(), Tensor::f32(shape, values)?));
                    continue;
                }
                Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::Bool => file.read_i64(&info.name).await?,
            };
            let values: Option<Vec<i32>> = values.into_iter().map(|v| i32::try_from(v).ok()).collect();
            let values = values.ok_or_else(|| fail("holds a value beyond 32 bits".into()))?;
            tensors.push((info.name.clone(), Tensor::i32(shape, values)?));
        }
        Ok(Self { file: file.name().into(), tensors })
    }

    /// These and one more.
    #[must_use]
    pub fn with(&self, name: &str, tensor: Tensor) -> Self {
        let mut given = self.clone();
        given.tensors.push((name.to_string(), tensor));
        given
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor)
    }

    pub(super) fn fail(&self, name: &str, reason: String) -> Error {
        match self.file.as_str() {
            "" => Error::Value { tensor: name.into(), reason },
            file => Error::Tensor { file: file.into(), tensor: name.into(), reason },
        }
    }

    /// Checks names and shapes, which needs no device.
    ///
    /// # Errors
    /// A tensor is missing, unknown to the model, or has a shape that does not fit.
    pub fn check(&self, model: &Model) -> Result<(), Error> {
        if let Some(model) = model.vision() {
            return pictures::check(self, model);
        }
        let known = names(model);
        self.only(&known)?;
        self.integers(&known)?;
        let shape = &self.ids("input_ids")?.shape;
        let targets = match self.get(TARGETS) {
            Some(_) => &self.ids(TARGETS)?.shape,
            None => shape,
        };
        for name in known.iter().filter(|name| !name.ends_with("input_ids")) {
            self.like(name, if name.starts_with("decoder") { targets } else { shape })?;
        }
        Ok(())
    }

    /// Refuses tensors that are not among those known.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self.tensors.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((other, _)) => Err(self.fail(other, "is no input of this model".into())),
            None => Ok(()),
        }
    }

    /// Refuses floats in the tensors of these names.
    pub(super) fn integers(&self, names: &[&str]) -> Result<(), Error> {
        let floats = |tensor: &Tensor| tensor.dtype() != graph::DType::I32;
        match names.iter().find(|name| self.get(name).is_some_and(floats)) {
            Some(name) => Err(self.fail(name, "holds floats, expected integers".into())),
            None => Ok(()),
        }
    }

    /// Token ids [B, T].
    pub(super) fn ids(&self, name: &str) -> Result<&Tensor, Error> {
        let ids = self.get(name).ok_or_else(|| self.fail(name, "is missing".into()))?;
        if ids.shape.len() != 2 || ids.is_empty() {
            return Err(self.fail(name, format!("has shape {:?}, expected [batch, tokens]", ids.shape)));
        }
        Ok(ids)
    }

    /// A tensor of this shape, if it is there; one row serves all.
    pub(super) fn like(&self, name: &str, shape: &[usize]) -> Result<Option<Tensor>, Error> {
        let Some(tensor) = self.get(name) else { return Ok(None) };
        if tensor.shape == shape {
            return Ok(Some(tensor.clone()));
        }
        if tensor.shape != [1, shape[1]] {
            return Err(self.fail(name, format!("has shape {:?}, input_ids have {shape:?}", tensor.shape)));
        }
        Ok(Some(Tensor::i32(shape, tensor.as_i32()?.repeat(shape[0]))?))
    }

    /// What the graph of a model reads for them.
    ///
    /// # Errors
    /// As [`ForwardInputs::check`], and if a value is outside the model's tables.
    pub fn bind(&self, model: &Model) -> Result<Bound, Error> {
        self.check(model)?;
        match model.parts() {
            Parts::Decoder | Parts::Encoder => self.bind_tokens(model),
            Parts::EncoderDecoder => self.bind_pair(model),
            Parts::Pictures => match model.vision() {
                Some(model) => pictures::bind(self, model),
                None => Err(self.fail("pixel_values", "is no input of this model".into())),
            },
        }
    }

    fn bind_tokens(&self, model: &Model) -> Result<Bound, Error> {
        let ids = self.ids("input_ids")?.clone();
        let shape = ids.shape.clone();
        self.check_range("input_ids", &ids, model.n_vocab())?;
        let positions = match self.like("position_ids", &shape)? {
            Some(given) => given,
            None => Tensor::i32(shape.clone(), model.positions(ids.as_i32()?, shape[1]))?,
        };
        let places = if model.has_learned_positions() { model.max_positions() } else { i32::MAX as usize };
        self.check_range("position_ids", &positions, places)?;
        let longest = positions.as_i32()?.iter().copied().max().unwrap_or(0) as usize + 1;

        let mut bound = vec![("input_ids".to_string(), ids), ("position_ids".to_string(), positions)];
        let mut push = |name: &str, tensor| bound.push((name.to_string(), tensor));
        if model.n_types() > 0 {
            let none = || Tensor::i32(shape.clone(), vec![0; shape[0] * shape[1]]);
            let types = self.like("token_type_ids", &shape)?.map_or_else(none, Ok)?;
            self.check_range("token_type_ids", &types, model.n_types())?;
            push("token_type_ids", types);
        }
        let mask = self.mask_bias("attention_mask", &shape)?;
        let call = Call::forward(if mask.is_some() { Mask::Padding } else { Mask::None });
        if let Some(bias) = mask {
            push("mask_bias", bias);
        }
        if let Some(inv_freq) = model.inv_freq(longest) {
            push("inv_freq", Tensor::f32([inv_freq.len()], inv_freq)?);
        }
        if let Some(bias) = model.window_bias(shape[1])? {
            push(models::gemma::WINDOW_BIAS, bias);
        }
        if let Some(places) = model.places(Side::Encoder, 0, self.ids("input_ids")?.as_i32()?, shape[1])? {
            push(&Side::Encoder.places(), places);
        }
        if let Some(last) = self.last_tokens(model)? {
            push(models::LAST_TOKENS, last);
        }
        Ok((call, bound))
    }

    fn bind_pair(&self, model: &Model) -> Result<Bound, Error> {
        let ids = self.ids("input_ids")?.clone();
        let targets = match self.get(TARGETS) {
            Some(_) => self.ids(TARGETS)?.clone(),
            None => {
                let shifted = model.shifted(ids.as_i32()?, ids.shape[1]);
                Tensor::i32(ids.shape.clone(), shifted.ok_or_else(|| self.fail(TARGETS, "is missing".into()))?)?
            }
        };
        let (source, target) = (ids.shape.clone(), targets.shape.clone());
        if source[0] != target[0] {
            return Err(self.fail(TARGETS, format!("has shape {target:?}, input_ids have {source:?}")));
        }
        self.check_range("input_ids", &ids, model.n_source())?;
        self.check_range(TARGETS, &targets, model.n_vocab())?;
        let sides = [(Side::Encoder, "input_ids", &ids), (Side::Decoder, TARGETS, &targets)];
        let mut bound = Vec::new();
        for (side, name, ids) in sides {
            let tokens = ids.shape[1];
            if model.has_learned_positions() && tokens > model.max_positions() {
                let most = model.max_positions();
                return Err(self.fail(name, format!("has {tokens} tokens, the model has {most} positions")));
            }
            let places = model.places(side, 0, ids.as_i32()?, tokens)?;
            bound.extend(places.map(|places| (side.places(), places)));
        }
        bound.extend([("input_ids".to_string(), ids), (TARGETS.to_string(), targets)]);
        if let Some(last) = self.last_tokens(model)? {
            if source != target {
                return Err(self.fail(TARGETS, format!("has shape {target:?}, input_ids have {source:?}")));
            }
            bound.push((models::LAST_TOKENS.to_string(), last));
        }
        let mut call = Call::forward(Mask::None);
        if let Some(bias) = self.mask_bias("attention_mask", &source)? {
            call.mask = Mask::Padding;
            bound.push(("mask_bias".to_string(), bias));
        }
        if let Some(bias) = self.mask_bias("decoder_attention_mask", &target)? {
            call.decoder_mask = Mask::Padding;
            bound.push(("decoder_mask_bias".to_string(), bias));
        }
        Ok((call, bound))
    }

    /// Which tokens a classifier of texts reads.
    fn last_tokens(&self, model: &Model) -> Result<Option<Tensor>, Error> {
        let ids = self.ids("input_ids")?;
        let last = model.last_tokens(ids.as_i32()?, ids.shape[1]).map_err(|reason| self.fail("input_ids", reason))?;
        Ok(last.map(|last| Tensor::i32([last.len()], last)).transpose()?)
    }

    /// 0 for tokens, −1e30 for padding: [B, 1, 1, T]; nothing where there is no padding.
    pub(super) fn mask_bias(&self, name: &str, shape: &[usize]) -> Result<Option<Tensor>, Error> {
        let Some(mask) = self.like(name, shape)? else { return Ok(None) };
        let values = mask.as_i32()?;
        if !values.contains(&0) {
            return Ok(None);
        }
        let bias = values.iter().map(|m| if *m == 0 { -1e30 } else { 0.0 }).collect();
        Ok(Some(Tensor::f32([shape[0], 1, 1, shape[1]], bias)?))
    }

    pub(super) fn check_range(&self, name: &str, tensor: &Tensor, end: usize) -> Result<(), Error> {
        match tensor.as_i32()?.iter().find(|v| usize::try_from(**v).map_or(true, |v| v >= end)) {
            Some(value) => Err(self.fail(name, format!("holds {value}, expected 0 to {}", end.saturating_sub(1)))),
            None => Ok(()),
        }
    }
}

/// The inputs that a model knows, the tokens first.
fn names(model: &Model) -> Vec<&'static str> {
    if model.parts() == Parts::EncoderDecoder {
        return vec!["input_ids", "attention_mask", TARGETS, "decoder_attention_mask"];
    }
    let mut known = vec!["input_ids", "attention_mask", "position_ids"];
    if model.n_types() > 0 {
        known.push("token_type_ids");
    }
    known
}
