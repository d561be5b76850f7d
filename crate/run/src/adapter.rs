//! Low-rank adapters in PEFT's layout: a folder of `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Hu et al. 2021, arXiv:2106.09685. Beside a model they lie over its projections by name and its own weights stay as
//! they are; they can also be added to the weights, and taken off again.

use std::rc::Rc;

use format::{Checkpoint, Dtype, Folder, read_text};
use graph::{Adapters, Graph, Stored, WeightSpec};
use serde_json::Value;

use crate::found::Found;
use crate::{Error, Package};

/// The configuration.
pub const CONFIG: &str = "adapter_config.json";
/// The weights.
pub const WEIGHTS: &str = "adapter_model.safetensors";
/// What PEFT puts before the names of the model.
pub const PREFIX: &str = "base_model.model.";
/// Values of a weight whose signs tell one model from another.
const SIGNS: usize = 64;
/// The share of them that rounding may turn.
const TURNED: f64 = 0.1;

/// Adapters that were read.
#[derive(Clone)]
pub struct Adapter {
    name: String,
    adapters: Adapters,
    checkpoint: Rc<Checkpoint>,
    signature: Vec<(String, Vec<i64>)>,
}

impl Adapter {
    /// Opens a folder.
    ///
    /// # Errors
    /// A file is missing or damaged, or asks for what is not supported.
    pub async fn open(folder: &dyn Folder) -> Result<Self, Error> {
        let name = format!("{}/{CONFIG}", folder.name());
        let text = read_text(folder, CONFIG).await?.ok_or_else(|| Error::Missing { file: name.clone() })?;
        let config: Value = serde_json::from_str(&text).map_err(|error| Error::config(&name, error))?;
        supported(&name, &config)?;
        let missing = || Error::Missing { file: format!("{}/{WEIGHTS}", folder.name()) };
        let file = folder.open(WEIGHTS).await?.ok_or_else(missing)?;
        let checkpoint = Rc::new(Checkpoint::open_file(file).await?);
        let adapters = read_adapters(&config, &checkpoint)?;
        Ok(Self { name: folder.name().into(), adapters, signature: signature_of(&config), checkpoint })
    }

    /// The same with the opposite sign: beside a model to which they were added, they take themselves off.
    #[must_use]
    pub fn negated(mut self) -> Self {
        self.adapters.places.values_mut().for_each(|adapter| adapter.scale = -adapter.scale);
        self
    }

    /// The folder's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where they are.
    pub fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    /// Their weights.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Where an adapter's weight is found.
    ///
    /// # Errors
    /// It is not there, or has another shape than the model says.
    pub(crate) fn find(&self, spec: &WeightSpec) -> Result<Found, Error> {
        let name = format!("{PREFIX}{}", spec.name);
        let fail = |reason| Error::Tensor { file: self.checkpoint.name().into(), tensor: name.clone(), reason };
        let info = self.checkpoint.tensor(&name).ok_or_else(|| fail("is missing".into()))?;
        if info.shape != spec.shape {
            return Err(fail(format!("has shape {:?}, the model says {:?}", info.shape, spec.shape)));
        }
        Ok(Found { name, rows: None, stored: Stored::AsDeclared, adapter: true })
    }

    /// Whether something is added to a weight of the model.
    pub(crate) fn changes(&self, spec: &WeightSpec) -> bool {
        spec.name.strip_suffix(".weight").is_some_and(|place| self.adapters.places.contains_key(place))
    }

    /// Whether a weight of a graph is an adapter's.
    pub(crate) fn owns(&self, spec: &WeightSpec) -> bool {
        let place = |end: &str| spec.name.strip_suffix(end).map(|place| self.adapters.places.contains_key(place));
        place(".lora_A.weight").or_else(|| place(".lora_B.weight")).unwrap_or(false)
    }

    /// What an adapter adds to a projection's weight [N, K]: `s · B A`; nothing if there is none beside it.
    ///
    /// # Errors
    /// The shapes do not fit, or a tensor cannot be read.
    pub async fn difference(&self, spec: &WeightSpec) -> Result<Option<Vec<f32>>, Error> {
        let Some(place) = spec.name.strip_suffix(".weight") else { return Ok(None) };
        let (Some(adapter), [n, k]) = (self.adapters.places.get(place), spec.shape.as_slice()) else { return Ok(None) };
        let part = |end: &str, shape: [usize; 2]| WeightSpec {
            name: format!("{place}.{end}.weight"),
            shape: shape.to_vec(),
            stored: Stored::AsDeclared,
        };
        let a = self.find(&part("lora_A", [adapter.rank, *k]))?;
        let b = self.find(&part("lora_B", [*n, adapter.rank]))?;
        let (_, a) = self.checkpoint.read_f32(&a.name).await?;
        let (_, b) = self.checkpoint.read_f32(&b.name).await?;
        let mut sum = vec![0.0f32; n * k];
        for (row, b) in sum.chunks_exact_mut(*k).zip(b.chunks_exact(adapter.rank)) {
            for (a, b) in a.chunks_exact(*k).zip(b) {
                row.iter_mut().zip(a).for_each(|(sum, a)| *sum += adapter.scale * b * a);
            }
        }
        Ok(Some(sum))
    }

    /// Refuses a model that these adapters were not trained beside.
    ///
    /// # Errors
    /// A projection is not there or has another shape; or the signs of its largest values are others.
    pub(crate) async fn check_base(&self, package: &Package, graph: &Graph) -> Result<(), Error> {
        let fail = |tensor: &str, reason: &str| Error::Tensor {
            file: format!("{}/{WEIGHTS}", self.name),
            tensor: tensor.into(),
            reason: format!("{reason} {}", package.name()),
        };
        for place in self.adapters.places.keys() {
            let name = format!("{place}.weight");
            if !graph.weights.iter().any(|spec| spec.name == name) {
                return Err(fail(place, "is beside no projection of"));
            }
        }
        let found = package.find(graph)?;
        for (name, wanted) in &self.signature {
            let Some((spec, found)) = graph.weights.iter().zip(&found).find(|(spec, _)| spec.name == *name) else {
                return Err(fail(name, "is not in"));
            };
            let values = package.values(spec, found).await?;
            let same = |place: &i64| {
                let value = usize::try_from(place.unsigned_abs() - 1).ok().and_then(|at| values.get(at));
                value.is_some_and(|value| (*value > 0.0) == (*place > 0))
            };
            let turned = wanted.iter().filter(|place| !same(place)).count();
            if turned as f64 > TURNED * wanted.len() as f64 {
                return Err(fail(name, "was trained beside another model than"));
            }
        }
        Ok(())
    }
}

/// The places of a weight's largest values, counted from 1 and negative where they are: rounding does not change them,
/// and another model has others.
pub fn signature(values: &[f32]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let most = SIGNS.min(order.len());
    if most < order.len() {
        order.select_nth_unstable_by(most, |a, b| values[*b].abs().total_cmp(&values[*a].abs()));
    }
    let mut largest: Vec<usize> = order[..most].to_vec();
    largest.sort_unstable();
    largest.into_iter().map(|at| if values[at] > 0.0 { at as i64 + 1 } else { -(at as i64) - 1 }).collect()
}

/// Refuses kinds of adapters that are something else than two matrices beside a projection.
fn supported(file: &str, config: &Value) -> Result<(), Error> {
    let no = |reason: String| Err(Error::config(file, reason));
    match config["peft_type"].as_str() {
        Some("LORA") => {}
        other => return no(format!("peft_type is {}, expected LORA", other.unwrap_or("missing"))),
    }
    for field in ["use_dora", "modules_to_save", "layer_replication", "trainable_token_indices", "target_parameters"] {
        let value = &config[field];
        let unset = value.is_null() || *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty);
        if !unset {
            return no(format!("{field} is not supported"));
        }
    }
    if config["alpha_pattern"].as_object().is_some_and(|pattern| !pattern.is_empty()) {
        return no("alpha_pattern is not supported".into());
    }
    match config["bias"].as_str() {
        None | Some("none") => Ok(()),
        Some(other) => no(format!("bias is {other}, expected none")),
    }
}

fn read_adapters(config: &Value, checkpoint: &Checkpoint) -> Result<Adapters, Error> {
    let file = checkpoint.name();
    let alpha = config["lora_alpha"].as_f64().unwrap_or(8.0);
    let stabilised = config["use_rslora"].as_bool().unwrap_or(false);
    let mut adapters = Adapters::default();
    for info in checkpoint.tensors() {
        let fail = |reason: String| Error::Tensor { file: file.into(), tensor: info.name.clone(), reason };
        let place = info.name.strip_prefix(PREFIX).ok_or_else(|| fail(format!("does not begin with {PREFIX}")))?;
        let end = place.strip_suffix(".lora_A.weight").or_else(|| place.strip_suffix(".lora_B.weight"));
        let Some(place) = end else { return Err(fail("is no matrix of an adapter".into())) };
        if !matches!(info.dtype, Dtype::Quant(_) | Dtype::F64) || info.shape.len() != 2 {
            return Err(fail(format!("is {} {:?}, expected a matrix of floats", info.dtype, info.shape)));
        }
        if info.name.ends_with(".lora_A.weight") {
            let rank = info.shape[0];
            let divisor = if stabilised { (rank as f64).sqrt() } else { rank as f64 };
            let scale = (alpha / divisor.max(1.0)) as f32;
            adapters.places.insert(place.into(), graph::Adapter { rank, scale });
        }
    }
    if adapters.places.is_empty() {
        return Err(Error::config(file, "holds no adapter"));
    }
    Ok(adapters)
}

/// The signatures of weights that our own adapters carry.
fn signature_of(config: &Value) -> Vec<(String, Vec<i64>)> {
    let all = config["base_signature"].as_object().into_iter().flatten();
    let places = |value: &Value| -> Vec<i64> {
        value.as_array().into_iter().flatten().filter_map(Value::as_i64).filter(|place| *place != 0).collect()
    };
    all.map(|(name, value)| (name.clone(), places(value))).collect()
}
