//! Results of models that look at pictures, by their names.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use graph::{Taps, Tensor};
use models::Call;
use pictures::Processor;

use crate::held::Held;
use crate::{Error, ForwardInputs, Model};

/// A model whose results are asked for by name.
pub(super) struct Looker {
    pub(super) model: Rc<Model>,
    names: RefCell<HashMap<Call, Rc<[String]>>>,
}

/// What a call yields.
pub(super) struct Outputs(Vec<(String, Tensor)>);

impl Looker {
    pub(super) fn new(model: Rc<Model>) -> Self {
        Self { model, names: RefCell::default() }
    }

    /// What prepares pictures for the model: by its file, else as models of its type do.
    pub(super) async fn processor(&self) -> Result<Processor, Error> {
        let package = self.model.package();
        let model_type = package.config["model_type"].as_str().unwrap_or_default();
        for name in ["preprocessor_config.json", "processor_config.json"] {
            let Some((file, config)) = package.files.json(name).await? else { continue };
            if name == "preprocessor_config.json" || config["image_processor"].is_object() {
                return Ok(Processor::from_json(&file, &config, model_type)?);
            }
        }
        let patches = package.model.vision().and_then(|vision| vision.patches());
        let side = patches.map(|patches| patches.size[0]).ok_or_else(|| self.cannot("look at pictures"))?;
        let processor = Processor::of_model(model_type, Some(side));
        processor.ok_or_else(|| Error::Missing { file: format!("{}/preprocessor_config.json", package.name()) })
    }

    /// The error that the model does something else.
    pub(super) fn cannot(&self, what: &str) -> Error {
        Error::Task { name: self.model.package().name(), what: what.into() }
    }

    /// Runs what the inputs ask for.
    pub(super) async fn forward(&self, inputs: Vec<(String, Tensor)>) -> Result<Outputs, Error> {
        let (call, bound) = ForwardInputs::new(inputs).bind(&self.model.package().model)?;
        self.run(call, &bound).await
    }

    /// Asks about what was seen: `held` are the inputs that all such calls share.
    pub(super) async fn ask(&self, held: &Held, inputs: Vec<(String, Tensor)>) -> Result<Outputs, Error> {
        // Names and shapes are checked together, and the shared inputs are then left to the model.
        let all = held.inputs().iter().cloned().chain(inputs);
        let (call, bound) = ForwardInputs::new(all).bind(&self.model.package().model)?;
        let shared = |name: &str| held.inputs().iter().any(|(own, _)| own == name);
        let bound = bound.iter().filter(|(name, _)| !shared(name)).map(|(name, tensor)| (name.as_str(), tensor));
        let names = self.names(call)?;
        let outputs = self.model.run_held(call, held, &bound.collect::<Vec<_>>()).await?;
        Ok(Outputs(names.iter().cloned().zip(outputs).collect()))
    }

    /// Runs a call. Its program is kept.
    pub(super) async fn run(&self, call: Call, inputs: &[(String, Tensor)]) -> Result<Outputs, Error> {
        let names = self.names(call)?;
        let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let outputs = self.model.run(call, None, &inputs).await?;
        Ok(Outputs(names.iter().cloned().zip(outputs).collect()))
    }

    fn names(&self, call: Call) -> Result<Rc<[String]>, Error> {
        if let Some(names) = self.names.borrow().get(&call) {
            return Ok(names.clone());
        }
        let graph = self.model.package().build(&call, Taps::none())?;
        let names: Rc<[String]> = graph.outputs.iter().map(|output| output.name.clone()).collect();
        self.names.borrow_mut().insert(call, names.clone());
        Ok(names)
    }
}

impl Outputs {
    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor)
    }

    /// Values of one of them, which every such model has.
    pub(super) fn values(&self, name: &str) -> Result<&[f32], Error> {
        match self.get(name) {
            Some(tensor) => Ok(tensor.as_f32()?),
            None => Err(Error::Value { tensor: name.into(), reason: "is not among the model's results".into() }),
        }
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<(String, Tensor)> {
        self.0
    }
}

/// `pixel_values` [B, 3, H, W] of prepared pictures of one size.
pub(super) fn pixel_values(prepared: &[pictures::Processed]) -> Result<(String, Tensor), Error> {
    let (h, w) = prepared.first().map_or((0, 0), |first| first.shape);
    let values = prepared.iter().flat_map(|one| &one.pixel_values).copied().collect();
    Ok(("pixel_values".to_string(), Tensor::f32([prepared.len(), 3, h, w], values)?))
}
