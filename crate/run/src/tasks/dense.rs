//! Layers behind the pooling of a sentence's vector, as sentence-transformers publishes them beside a model.

use std::rc::Rc;

use format::Checkpoint;
use serde_json::Value;

use crate::{Error, Files};

/// The most values of a layer; published ones have some millions.
const MOST: usize = 1 << 26;

/// A matrix product with a bias and an activation.
pub(super) struct Dense {
    /// [out, in]
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    width: usize,
    act: Act,
}

#[derive(Clone, Copy)]
enum Act {
    Identity,
    Tanh,
    Relu,
}

impl Dense {
    /// All layers that `modules.json` names, in its order.
    ///
    /// # Errors
    /// A file is missing or damaged.
    pub async fn of_model(files: &Files) -> Result<Vec<Self>, Error> {
        let Some((file, modules)) = files.json("modules.json").await? else { return Ok(Vec::new()) };
        let mut layers = Vec::new();
        for module in modules.as_array().into_iter().flatten() {
            if !module["type"].as_str().is_some_and(|kind| kind.ends_with("Dense")) {
                continue;
            }
            let path = module["path"].as_str().ok_or_else(|| Error::config(&file, "a Dense module has no path"))?;
            layers.push(Self::open(files, path).await?);
        }
        Ok(layers)
    }

    async fn open(files: &Files, path: &str) -> Result<Self, Error> {
        let name = format!("{path}/config.json");
        let (file, config) = files.json(&name).await?.ok_or_else(|| files.missing(&name))?;
        let act = config["activation_function"].as_str().unwrap_or("torch.nn.modules.activation.Tanh");
        let act = match act.rsplit('.').next().unwrap_or_default() {
            "Identity" => Act::Identity,
            "Tanh" => Act::Tanh,
            "ReLU" => Act::Relu,
            _ => return Err(Error::config(&file, format!("activation_function is {act}, which is unknown"))),
        };
        let name = format!("{path}/model.safetensors");
        let bytes = files.bytes(&name).await?.ok_or_else(|| files.missing(&name))?;
        let tensors = Checkpoint::safetensors(vec![Rc::clone(&bytes)]).await?;
        let fail =
            |tensor: &str, reason: String| Error::Tensor { file: bytes.name().into(), tensor: tensor.into(), reason };
        let info = tensors.tensor("linear.weight").ok_or_else(|| fail("linear.weight", "is missing".into()))?;
        let &[rows, width] = &info.shape[..] else {
            return Err(fail("linear.weight", format!("has shape {:?}, expected a matrix", info.shape)));
        };
        if rows == 0 || width == 0 || info.elements() > MOST {
            return Err(fail("linear.weight", format!("has shape {:?}, which no layer has", info.shape)));
        }
        let weight = tensors.read_f32("linear.weight").await?.1;
        let bias = match tensors.tensor("linear.bias").filter(|_| config["bias"] != Value::Bool(false)) {
            Some(info) if info.shape == [rows] => Some(tensors.read_f32("linear.bias").await?.1),
            Some(info) => return Err(fail("linear.bias", format!("has shape {:?}, expected [{rows}]", info.shape))),
            None => None,
        };
        Ok(Self { weight, bias, width, act })
    }

    /// [in] → [out]
    ///
    /// # Errors
    /// The vector has another width.
    pub fn apply(&self, x: &[f32], model: &str) -> Result<Vec<f32>, Error> {
        if x.len() != self.width {
            let reason = format!("a layer behind the pooling reads {} values, the model has {}", self.width, x.len());
            return Err(Error::config(model, reason));
        }
        let rows = self.weight.chunks_exact(self.width).enumerate();
        let row = |(i, row): (usize, &[f32])| {
            let sum: f32 = row.iter().zip(x).map(|(w, x)| w * x).sum();
            self.act.of(sum + self.bias.as_ref().map_or(0.0, |bias| bias[i]))
        };
        Ok(rows.map(row).collect())
    }
}

impl Act {
    fn of(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Tanh => x.tanh(),
            Self::Relu => x.max(0.0),
        }
    }
}
