//! The call that a script is waiting for: it hears how far the work is, and may end it.

use std::ops::ControlFlow;

use format::LocalFuture;
use js_sys::Promise;
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::protocol::Progress;

#[wasm_bindgen]
extern "C" {
    /// `Listener` of `web/src/engine/modules.ts`.
    #[derive(Clone)]
    pub type Caller;
    #[wasm_bindgen(method)]
    fn progress(this: &Caller, progress: JsValue);
    #[wasm_bindgen(method)]
    fn piece(this: &Caller, text: &str);
    #[wasm_bindgen(method)]
    fn stopped(this: &Caller) -> bool;
    #[wasm_bindgen(method)]
    fn pause(this: &Caller) -> Promise;
}

impl Caller {
    /// Tells how far the work is.
    pub fn tell(&self, progress: impl Into<Progress>) -> ControlFlow<()> {
        if let Ok(value) = progress.into().serialize(&serde_wasm_bindgen::Serializer::json_compatible()) {
            self.progress(value);
        }
        self.wanted()
    }

    /// Runs what writes; this call hears its pieces and how far it is, and pauses between.
    #[cfg(any(feature = "chat", feature = "tasks"))]
    pub async fn hears<T>(&self, task: impl AsyncFnOnce(&mut run::Listener<'_>) -> T) -> T {
        let mut piece = |text: &str| self.write(text);
        let mut progress = |progress| self.tell(progress);
        let rest = || self.rest();
        task(&mut run::Listener { piece: &mut piece, progress: &mut progress, pause: Some(&rest) }).await
    }

    /// Tells a piece of the answer.
    #[cfg(any(feature = "chat", feature = "tasks"))]
    fn write(&self, text: &str) -> ControlFlow<()> {
        self.piece(text);
        self.wanted()
    }

    /// Whether the work is still wanted.
    pub fn wanted(&self) -> ControlFlow<()> {
        if self.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Lets the worker hear its messages.
    pub fn rest(&self) -> LocalFuture<'static, ()> {
        let promise = self.pause();
        Box::pin(async move {
            // A script's pause has nothing to say, even when it fails.
            let _ = JsFuture::from(promise).await;
        })
    }
}

#[cfg(feature = "train")]
impl From<train::prepare::Step> for Progress {
    fn from(step: train::prepare::Step) -> Self {
        match step {
            train::prepare::Step::Note(text) => Self::Note { text },
            train::prepare::Step::Documents(done) => Self::Documents { done },
        }
    }
}

impl From<run::Progress> for Progress {
    fn from(progress: run::Progress) -> Self {
        match progress {
            run::Progress::Load { done, total } => Self::Load { done, total },
            run::Progress::Compile { done, total } => Self::Compile { done, total },
            run::Progress::Prefill { done, total } => Self::Prefill { done, total },
            run::Progress::Tokens { done } => Self::Tokens { done },
        }
    }
}
