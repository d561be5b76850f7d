//! A small checkpoint of the reference library with its inputs and outputs.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use format::{Checkpoint, DirFolder, Dtype, FileBytes, QuantType};
use graph::{Graph, WeightSpec};
use pollster::block_on;
use run::{ForwardInputs, Found, Package, Source};
use serde_json::Value;

use crate::{Stored, fixtures};

/// Fewer would mean that a folder was lost.
const AT_LEAST: usize = 159;

/// One folder of `fixtures/models`.
pub struct Fixture {
    /// Its name.
    pub name: String,
    folder: PathBuf,
}

/// Shape and values.
pub type Values = (Vec<usize>, Vec<f32>);

/// What the reference library writes greedily.
pub struct Greedy {
    /// The prompt's ids.
    pub prompt_ids: Vec<u32>,
    /// The new ids.
    pub token_ids: Vec<u32>,
    /// The prompt, where there is a tokenizer.
    pub prompt: Option<String>,
    /// The new text, where there is a tokenizer.
    pub text: Option<String>,
}

/// All fixtures, by name.
pub fn all() -> Vec<Fixture> {
    let folders = std::fs::read_dir(fixtures("models")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<Fixture> = folders.filter(|path| path.is_dir()).map(|path| Fixture::at(&path)).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() >= AT_LEAST, "{} fixtures, expected {AT_LEAST}", found.len());
    found
}

/// One of them.
pub fn named(name: &str) -> Fixture {
    Fixture::at(&fixtures("models").join(name))
}

impl Fixture {
    /// That of a folder.
    pub fn at(path: &Path) -> Self {
        Self { name: path.file_name().unwrap().to_string_lossy().into_owned(), folder: path.to_path_buf() }
    }

    /// Its files, checked.
    pub fn package(&self) -> Result<Package, run::Error> {
        let folder = DirFolder::new(&self.folder)?;
        block_on(Package::open(Source::Folder(Rc::new(folder))))
    }

    /// Its inputs.
    pub fn inputs(&self) -> ForwardInputs {
        block_on(ForwardInputs::read(&self.tensors("inputs.safetensors"))).unwrap()
    }

    /// The reference's outputs by name.
    pub fn outputs(&self) -> Vec<(String, Values)> {
        let file = self.tensors("outputs.safetensors");
        let read = |name: &str| (name.to_string(), block_on(file.read_f32(name)).unwrap());
        file.tensors().map(|info| read(&info.name)).collect()
    }

    /// What the reference writes, where that is known.
    pub fn greedy(&self) -> Option<Greedy> {
        let text = std::fs::read_to_string(self.folder.join("greedy.json")).ok()?;
        let json: Value = serde_json::from_str(&text).unwrap();
        let text = |key: &str| json[key].as_str().map(str::to_string);
        Some(Greedy {
            prompt_ids: ids(&json["prompt_ids"]),
            token_ids: ids(&json["token_ids"]),
            prompt: text("prompt"),
            text: text("text"),
        })
    }

    /// Gives a field's shape the axes that the library gives it: where windows attend, they and heads are one axis.
    pub fn shape_as_published(&self, field: &str, shape: &mut Vec<usize>) {
        if self.name.starts_with("sam_") && (field.starts_with("vision_att") || field.starts_with("att")) {
            shape.splice(..2, [shape[0] * shape[1]]);
        }
    }

    /// Whether its weights have 16 bits.
    pub fn is_half(&self) -> bool {
        self.name.ends_with("f16")
    }

    fn tensors(&self, file: &str) -> Checkpoint {
        let bytes = FileBytes::open(self.folder.join(file)).unwrap();
        block_on(Checkpoint::safetensors(vec![Rc::new(bytes)])).unwrap()
    }
}

/// The graph's weights as the checkpoint stores them; turned ones as floats.
pub fn weights(package: &Package, graph: &Graph) -> Result<Vec<Stored>, run::Error> {
    let found = package.find(graph)?;
    let one = |(spec, found): (&WeightSpec, Found)| {
        let checkpoint = package.checkpoint();
        let dtype = checkpoint.tensor(&found.name).map(|info| info.dtype);
        let (ty, data) = match (dtype, found.stored, &found.rows) {
            (Some(Dtype::Quant(ty)), graph::Stored::AsDeclared, None) => (ty, block_on(checkpoint.read(&found.name))?),
            (Some(Dtype::Quant(ty)), graph::Stored::AsDeclared, Some(rows)) => {
                (ty, block_on(checkpoint.read_rows(&found.name, rows.clone()))?)
            }
            _ => (QuantType::F32, changed(&block_on(checkpoint.read_f32(&found.name))?, found.stored, &spec.shape)),
        };
        Ok(Stored { name: spec.name.clone(), shape: spec.shape.clone(), ty, data })
    };
    graph.weights.iter().zip(found).map(one).collect()
}

fn changed((_, values): &(Vec<usize>, Vec<f32>), stored: graph::Stored, seen: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let changed = stored.loaded(seen, values.clone());
    format::encode(QuantType::F32, &changed, &mut out).unwrap();
    out
}

/// A list of ids.
pub fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

/// The relative L2 error of a field [B, T, ..] or, for `attentions`, [B, H, T, S], at tokens that are no padding.
pub fn relative_error(name: &str, found: &Values, wanted: &Values, mask: Option<&[i32]>) -> f64 {
    let shape = &wanted.0;
    if found.0 != *shape || found.1.len() != wanted.1.len() {
        return f64::INFINITY;
    }
    // What is said of whole rows has no tokens.
    let of_rows = name == "pooler_output" || shape.len() < 3 && !name.starts_with("start") && !name.starts_with("end");
    let mask = mask.filter(|_| !of_rows);
    let attention = name.contains("attentions");
    let (heads, tokens) = if attention { (shape[1], shape[2]) } else { (1, shape[1]) };
    let width = wanted.1.len() / (shape[0] * heads * tokens);
    let (mut error, mut power) = (0.0f64, 0.0f64);
    for (row, (a, b)) in found.1.chunks(width).zip(wanted.1.chunks(width)).enumerate() {
        let (batch, token) = (row / (heads * tokens), row % tokens);
        if mask.is_none_or(|mask| mask[batch * tokens + token] != 0) {
            error += a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
            power += b.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>();
        }
    }
    (error / power).sqrt()
}

/// The mask of the tokens that a field has rows for: of a decoder behind an encoder, its own.
pub fn mask(inputs: &ForwardInputs, field: &str) -> Option<Vec<i32>> {
    let pair = inputs.get("decoder_input_ids").is_some() && !field.starts_with("encoder");
    let name = if pair { "decoder_attention_mask" } else { "attention_mask" };
    inputs.get(name).map(|mask| mask.as_i32().unwrap().to_vec())
}
