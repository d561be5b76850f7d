//! A model with a tower for pictures and one for texts: how well texts fit pictures.

use std::rc::Rc;

use run::tasks::{Normalize, TEMPLATE};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::protocol::SeerInfo;
use crate::task::{self, picture};
use crate::values::told;

/// A loaded model with its tokenizer and what prepares its pictures.
#[wasm_bindgen]
pub struct Matcher {
    matcher: Rc<run::tasks::Matcher>,
}

impl Matcher {
    /// The model, for tasks that need one.
    pub fn inner(&self) -> Rc<run::tasks::Matcher> {
        self.matcher.clone()
    }
}

#[wasm_bindgen]
impl Matcher {
    /// Loads a model.
    ///
    /// # Errors
    /// As [`run::Model::open`]; it has not both towers.
    pub async fn open(source: Opened, options: JsValue, caller: Caller) -> Result<Matcher, JsValue> {
        let matcher = task::open(source, options, &caller, run::tasks::Matcher::new).await?;
        Ok(Matcher { matcher: Rc::new(matcher) })
    }

    /// What it is.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn about(&self) -> Result<JsValue, JsValue> {
        let (info, trial) = task::about(self.matcher.viewer().model()).await?;
        told(&SeerInfo { info, trial })
    }

    /// How well each label fits a picture, the best first.
    ///
    /// # Errors
    /// There are no labels, there are not as many bytes as pixels, or the device fails.
    #[wasm_bindgen(js_name = "match")]
    pub async fn fit(
        &self,
        rgba: Vec<u8>,
        width: usize,
        height: usize,
        labels: Vec<String>,
        template: Option<String>,
    ) -> Result<JsValue, JsValue> {
        let seen = picture(&rgba, width, height)?;
        let template = template.as_deref().unwrap_or(TEMPLATE);
        told(&self.matcher.fit(&seen, &labels, template).await.map_err(Failure::from)?)
    }

    /// A picture's vector in the space that it shares with texts, of length 1.
    ///
    /// # Errors
    /// There are not as many bytes as pixels, or the device fails.
    pub async fn embed(&self, rgba: Vec<u8>, width: usize, height: usize) -> Result<JsValue, JsValue> {
        let seen = picture(&rgba, width, height)?;
        told(&self.matcher.viewer().embed(&[seen], Normalize::Yes).await.map_err(Failure::from)?.concat())
    }

    /// A vector of length 1 for each text.
    ///
    /// # Errors
    /// A text cannot be read, or the device fails.
    pub async fn embed_texts(&self, texts: Vec<String>) -> Result<JsValue, JsValue> {
        told(&self.matcher.embed_texts(&texts).await.map_err(Failure::from)?)
    }
}
