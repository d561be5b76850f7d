//! Models of CTranslate2: the Transformer of OpenNMT, fairseq and Marian after its converters, in one file.
//!
//! Source: <https://opennmt.net/CTranslate2>, `python/ctranslate2/specs/model_spec.py` (`ModelSpec.save`) and
//! `transformer_spec.py`. Tensors get the names that the reference library gives a translator's, joined projections are
//! taken apart by their rows, and values in 8 or 16 bits are multiplied out.

mod decode;
mod header;
mod names;

use std::rc::Rc;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::{Bytes, Checkpoint, Error, TensorInfo};
use header::{Header, Ty, Variable};

/// The file's name in its folder.
pub const FILE: &str = "model.bin";

/// How activations are numbered.
const ACTIVATIONS: [&str; 4] = ["relu", "gelu_new", "silu", "gelu"];

/// Opens a model with an encoder and a decoder: what `config.json` would say of it, and its tensors.
///
/// # Errors
/// The file contradicts its layout, or the model is no plain Transformer.
pub async fn open(file: Rc<dyn Bytes>) -> Result<(Value, Checkpoint), Error> {
    let header = header::read(&file).await?;
    let model = Model { file: &file, header: &header };
    let config = model.config().await?;
    let layers = ["encoder_layers", "decoder_layers"].map(|key| config[key].as_u64().unwrap_or(0) as usize);
    let parts = names::parts(layers);
    model.check_known(&parts)?;
    let mut tensors = IndexMap::new();
    let mut decoded = decode::Decoded::default();
    for part in &parts {
        let Some(variable) = header.variables.get(&part.variable) else { continue };
        let info = match variable.ty.dtype() {
            Some(dtype) => {
                let (name, shape) = (part.name.clone(), variable.shape.clone());
                TensorInfo { name, shape, dtype, file: 0, offset: variable.offset, bytes: variable.bytes }
            }
            None => decoded.add(&model, part, variable).await?,
        };
        let info = part.rows_of(info).map_err(|reason| Error::tensor(file.name(), &part.variable, reason))?;
        tensors.insert(part.name.clone(), info);
    }
    let decoded = Rc::new(decoded.into_bytes(file.name()));
    Ok((config, Checkpoint::new(vec![file.clone(), decoded], tensors)))
}

/// An opened file.
struct Model<'f> {
    file: &'f Rc<dyn Bytes>,
    header: &'f Header,
}

impl Model<'_> {
    fn unsupported(&self, reason: impl std::fmt::Display) -> Error {
        Error::unsupported(self.file.name(), reason)
    }

    fn variable(&self, name: &str) -> Option<&Variable> {
        self.header.variables.get(name)
    }

    fn matrix(&self, names: &[&str]) -> Result<(usize, usize), Error> {
        let found = names.iter().find_map(|name| Some((*name, self.variable(name)?)));
        let Some((name, variable)) = found else {
            return Err(Error::tensor(self.file.name(), names[0], "missing"));
        };
        match variable.shape[..] {
            [rows, cols] if rows > 0 && cols > 0 => Ok((rows, cols)),
            _ => {
                Err(Error::tensor(self.file.name(), name, format!("has shape {:?}, expected a matrix", variable.shape)))
            }
        }
    }

    /// A variable of one number.
    async fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let Some(variable) = self.variable(name).filter(|variable| variable.bytes <= 4) else { return Ok(None) };
        let bytes = self.file.read(variable.offset..variable.offset + variable.bytes).await?;
        Ok(decode::numbers(variable.ty, &bytes)?.first().map(|number| f64::from(*number)))
    }

    async fn config(&self) -> Result<Value, Error> {
        let spec = self.header.spec.as_str();
        let known_heads = match spec {
            "TransformerBase" => Some(8),
            "TransformerBig" => Some(16),
            "TransformerSpec" => None,
            other => return Err(self.unsupported(format!("a {other} is no model with an encoder and a decoder"))),
        };
        let (n_source, width) = self.matrix(&names::EMBEDDINGS.map(|name| name.0))?;
        let (n_target, _) = self.matrix(&["decoder/embeddings/weight"])?;
        let mut config = json!({
            "architectures": ["TransformerMTModel"], "model_type": "transformer", "is_encoder_decoder": true,
            "d_model": width, "vocab_size": n_source, "decoder_vocab_size": n_target,
            "share_encoder_decoder_embeddings": false,
            "tie_word_embeddings": self.variable("decoder/projection/weight").is_none(),
        });
        for side in ["encoder", "decoder"] {
            let heads = self.number(&format!("{side}/num_heads")).await?.or(known_heads.map(f64::from));
            let heads = heads.ok_or_else(|| self.unsupported(format!("{side}/num_heads is missing")))?;
            let (n_ff, _) = self.matrix(&[&format!("{side}/layer_0/ffn/linear_0/weight")])?;
            config[format!("{side}_attention_heads")] = json!(heads as u64);
            config[format!("{side}_layers")] = json!(self.layers(side));
            config[format!("{side}_ffn_dim")] = json!(n_ff);
        }
        let flag = |value: Option<f64>, default| value.map_or(default, |value| value != 0.0);
        config["normalize_before"] = json!(flag(self.number("encoder/pre_norm").await?, true));
        config["normalize_embedding"] = json!(self.variable("encoder/layernorm_embedding/gamma").is_some());
        let activation = self.number("encoder/activation").await?.unwrap_or(0.0) as usize;
        let activation = ACTIVATIONS.get(activation);
        let activation = activation.ok_or_else(|| self.unsupported("its activation is none that is known"))?;
        config["activation_function"] = json!(activation);
        config["scale_embedding"] = json!(self.scaled(width).await?);
        let positions = self.variable("encoder/position_encodings/encodings");
        config["learned_positions"] = json!(positions.is_some());
        config["max_position_embeddings"] =
            json!(positions.and_then(|table| table.shape.first().copied()).unwrap_or(1024));
        if flag(self.number("decoder/start_from_zero_embedding").await?, false) {
            return Err(self.unsupported("its decoder starts without a token, which is not read"));
        }
        Ok(config)
    }

    /// Whether embeddings are multiplied by the root of the width.
    async fn scaled(&self, width: usize) -> Result<bool, Error> {
        let root = (width as f64).sqrt();
        let variable = self.variable("encoder/scale_embeddings");
        match (variable.map(|variable| variable.ty), self.number("encoder/scale_embeddings").await?) {
            (_, None) => Ok(true),
            (Some(Ty::I8), Some(flag)) => Ok(flag != 0.0),
            (_, Some(scale)) if (scale - root).abs() < 1e-3 * root => Ok(true),
            (_, Some(1.0)) => Ok(false),
            (_, Some(scale)) => Err(self.unsupported(format!("embeddings are scaled by {scale}, which is not read"))),
        }
    }

    fn layers(&self, side: &str) -> usize {
        let there = |i: &usize| self.variable(&format!("{side}/layer_{i}/ffn/linear_0/weight")).is_some();
        (0..self.header.variables.len()).take_while(there).count()
    }

    /// Refuses variables that no part of a plain Transformer reads.
    fn check_known(&self, parts: &[names::Part]) -> Result<(), Error> {
        let read = |name: &str| parts.iter().any(|part| part.variable == name);
        let known = |name: &str| {
            let scale = name.strip_suffix("_scale").is_some_and(read);
            scale || read(name) || name.starts_with("decoder/alignment")
        };
        let odd = self.header.variables.iter().find(|(name, variable)| variable.bytes > 4 && !known(name));
        match odd {
            Some((name, _)) => Err(self.unsupported(format!("{name} is of no plain Transformer"))),
            None => Ok(()),
        }
    }
}
