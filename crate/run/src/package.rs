//! What a model's files tell before any device is opened.

use std::rc::Rc;

use format::{Bytes, Checkpoint, Dtype, Folder};
use graph::{Graph, Stored, WeightSpec};
use models::Model;
use serde_json::Value;

use crate::{Error, files::Files};

/// Where a model comes from.
#[derive(Clone)]
pub enum Source {
    /// A folder in a published layout.
    Folder(Rc<dyn Folder>),
    /// One file: GGUF.
    File(Rc<dyn Bytes>),
}

/// A checked model that is not loaded: its configuration, and its tensors by name.
pub struct Package {
    /// Texts beside or inside the weights.
    pub files: Files,
    /// The configuration as published.
    pub config: Value,
    /// The configured family.
    pub model: Model,
    checkpoint: Rc<Checkpoint>,
}

/// Where a weight of the graph is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The checkpoint's name.
    pub name: String,
    /// Its axes must be exchanged.
    pub transpose: bool,
}

impl Package {
    /// Reads headers and configuration.
    ///
    /// # Errors
    /// A file is missing or damaged, or the architecture is unknown.
    pub async fn open(source: Source) -> Result<Self, Error> {
        Self::from_files(Files::open(source).await?).await
    }

    pub(crate) async fn from_files(files: Files) -> Result<Self, Error> {
        let (config_file, config, checkpoint) = match files.checkpoint() {
            Some(checkpoint) => {
                let (file, config) = files.embedded_config(checkpoint).await?;
                (file, config, checkpoint.clone())
            }
            None => {
                let (file, config) = files.json("config.json").await?.ok_or_else(|| files.missing("config.json"))?;
                models::Model::read(&file, &config)?;
                (file, config, Rc::new(files.open_weights().await?))
            }
        };
        let mut model = Model::read(&config_file, &config)?;
        model.fit_to(|name| checkpoint.tensor(name).is_some());
        Ok(Self { files, config, model, checkpoint })
    }

    /// The model's name: that of its folder or file.
    pub fn name(&self) -> String {
        self.files.name()
    }

    /// The tensors.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Finds every weight of a graph in the checkpoint.
    ///
    /// # Errors
    /// A tensor is missing or has another shape than the configuration says.
    pub fn find(&self, graph: &Graph) -> Result<Vec<Found>, Error> {
        let declared = |name: &String| graph.weights.iter().any(|spec| spec.name == *name);
        let find = |spec: &WeightSpec| {
            // A table that the head reads too may be stored under the head's name only.
            let others = models::spellings(&spec.name);
            let shared: Vec<String> = others.into_iter().filter(|name| !declared(name)).collect();
            self.find_one(spec, &shared)
        };
        graph.weights.iter().map(find).collect()
    }

    fn find_one(&self, spec: &WeightSpec, shared: &[String]) -> Result<Found, Error> {
        let file = self.checkpoint.name().to_string();
        let fail = |reason: String| Error::Tensor { file: file.clone(), tensor: spec.name.clone(), reason };
        let held = |name: &str| self.checkpoint.tensor(name).is_some();
        let other = || shared.iter().find_map(|name| models::resolve(name, held));
        let name = models::resolve(&spec.name, held).or_else(other).ok_or_else(|| fail("is missing".into()))?;
        let info = self.checkpoint.tensor(&name).ok_or_else(|| fail("is missing".into()))?;
        if !matches!(info.dtype, Dtype::Quant(_) | Dtype::F64) {
            return Err(fail(format!("holds {}, expected floats", info.dtype)));
        }
        let transpose = spec.stored == Stored::Transposed && !self.files.turned();
        let mut wanted = spec.shape.clone();
        if transpose {
            wanted.reverse();
        }
        // A buffer of one row is a list.
        let row = wanted.len() == 1 && info.shape == [1, wanted[0]];
        if info.shape != wanted && !row {
            return Err(fail(format!("has shape {:?}, the configuration says {wanted:?}", info.shape)));
        }
        Ok(Found { name, transpose })
    }
}
