//! What a model's files tell before any device is opened.

use std::rc::Rc;

use format::{Bytes, Checkpoint, Folder};
use graph::{Builder, Graph, Taps};
use models::{Call, Model};
use serde_json::Value;

use crate::{Adapter, Error, files::Files};

/// Where a model comes from.
#[derive(Clone)]
pub enum Source {
    /// A folder in a published layout.
    Folder(Rc<dyn Folder>),
    /// One file: GGUF.
    File(Rc<dyn Bytes>),
}

/// A checked model that is not loaded: its configuration, and its tensors by name.
#[derive(Clone)]
pub struct Package {
    /// Texts beside or inside the weights.
    pub files: Files,
    /// The configuration as published.
    pub config: Value,
    /// The configured family.
    pub model: Model,
    /// Where the configuration was read.
    config_file: String,
    checkpoint: Rc<Checkpoint>,
    adapter: Option<Adapter>,
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
        Ok(Self { files, config, model, config_file, checkpoint, adapter: None })
    }

    /// The same model with adapters over its projections.
    ///
    /// # Errors
    /// The adapters belong to another model.
    pub async fn with_adapter(self, adapter: Adapter) -> Result<Self, Error> {
        adapter.check_base(&self, &self.build_plain(&Call::train())?).await?;
        let package = Self { adapter: Some(adapter), ..self };
        package.find(&package.build(&Call::train(), Taps::none())?)?;
        Ok(package)
    }

    /// The adapters over its projections.
    pub fn adapter(&self) -> Option<&Adapter> {
        self.adapter.as_ref()
    }

    /// Writes the graph of a call, adapters included.
    ///
    /// # Errors
    /// The configuration breaks a shape rule.
    pub fn build(&self, call: &Call, taps: Taps) -> Result<Graph, Error> {
        let adapters = self.adapter.as_ref().map(|adapter| adapter.adapters().clone());
        let g = Builder::new(taps).with_adapters(adapters.unwrap_or_default());
        self.model.write(&g, call).and_then(|()| g.finish()).map_err(|source| self.contradicts(source))
    }

    /// Writes the graph of a call without adapters.
    ///
    /// # Errors
    /// The configuration breaks a shape rule.
    pub(crate) fn build_plain(&self, call: &Call) -> Result<Graph, Error> {
        self.model.build(call, Taps::none()).map_err(|source| self.contradicts(source))
    }

    /// A broken shape rule, blamed on the configuration.
    fn contradicts(&self, source: graph::Error) -> Error {
        models::Error::Graph { file: self.config_file.clone(), source }.into()
    }

    /// The model's name: that of its folder or file.
    pub fn name(&self) -> String {
        self.files.name()
    }

    /// The tensors.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
