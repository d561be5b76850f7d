//! A model that looks at whole pictures: classes, vectors, and where it looks.

use std::cell::RefCell;

use run::tasks::attention::{From, Shown};
use run::tasks::{Attention, Normalize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::protocol::{AttentionInfo, AttentionWanted, ErrorCode, ViewerInfo};
use crate::task::{self, picture};
use crate::values::{given, told};

/// A loaded model with what prepares its pictures.
#[wasm_bindgen]
pub struct Viewer {
    viewer: run::tasks::Viewer,
    /// Where it looked in the last picture that it was asked about.
    attention: RefCell<Option<Attention>>,
}

#[wasm_bindgen]
impl Viewer {
    /// Loads a model.
    ///
    /// # Errors
    /// As [`run::Model::open`]; it does not look at pictures.
    pub async fn open(source: Opened, options: JsValue, caller: Caller) -> Result<Viewer, JsValue> {
        let viewer = task::open(source, options, &caller, run::tasks::Viewer::new).await?;
        Ok(Viewer { viewer, attention: RefCell::default() })
    }

    /// What it is.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn about(&self) -> Result<JsValue, JsValue> {
        let viewer = &self.viewer;
        let (info, trial) = task::about(viewer.model()).await?;
        let (classes, embeds, attends) = (viewer.has_classes(), viewer.embeds(), viewer.attends());
        told(&ViewerInfo { info, trial, classes, embeds, attends })
    }

    /// Its likeliest classes for a picture.
    ///
    /// # Errors
    /// The model has no classes, there are not as many bytes as pixels, or the device fails.
    pub async fn classify(
        &self,
        rgba: Vec<u8>,
        width: usize,
        height: usize,
        top_k: Option<usize>,
    ) -> Result<JsValue, JsValue> {
        let seen = picture(&rgba, width, height)?;
        let mut classes = self.viewer.classify(&[seen]).await.map_err(Failure::from)?.concat();
        classes.truncate(top_k.unwrap_or(5));
        told(&classes)
    }

    /// A picture's vector, of length 1 if that is asked for.
    ///
    /// # Errors
    /// The model has a head for something else, there are not as many bytes as pixels, or the device fails.
    pub async fn embed(&self, rgba: Vec<u8>, width: usize, height: usize, unit: bool) -> Result<JsValue, JsValue> {
        let seen = picture(&rgba, width, height)?;
        let normalize = if unit { Normalize::Yes } else { Normalize::No };
        told(&self.viewer.embed(&[seen], normalize).await.map_err(Failure::from)?.concat())
    }

    /// Looks at a picture and keeps where: what the maps are about from now on.
    ///
    /// # Errors
    /// As [`run::tasks::Viewer::attention`], or there are not as many bytes as pixels.
    pub async fn attend(&self, rgba: Vec<u8>, width: usize, height: usize) -> Result<JsValue, JsValue> {
        let seen = picture(&rgba, width, height)?;
        self.attention.take();
        let attention = self.viewer.attention(&seen).await.map_err(Failure::from)?;
        let (grid, area) = (attention.grid, attention.area);
        let info = AttentionInfo { grid, area, layers: attention.layers(), heads: attention.heads };
        self.attention.replace(Some(attention));
        told(&info)
    }

    /// How much each patch of that picture is looked at.
    ///
    /// # Errors
    /// There was no picture, or there is no such layer, head or patch.
    pub fn map(&self, wanted: JsValue) -> Result<JsValue, JsValue> {
        let AttentionWanted { layer, head, patch } = given(wanted)?;
        let wrong = |reason: &str| Failure::new(ErrorCode::Argument, reason);
        let attention = self.attention.borrow();
        let attention = attention.as_ref().ok_or_else(|| wrong("the model was shown no picture to attend to"))?;
        let shown = match (layer, head) {
            (None, _) => Shown::Rollout,
            (Some(layer), None) => Shown::Mean(layer),
            (Some(layer), Some(head)) => Shown::Head(layer, head),
        };
        let map = attention.map(shown, patch.map_or(From::Picture, From::Patch));
        told(&map.ok_or_else(|| wrong("there is no such layer, head or patch"))?)
    }
}
