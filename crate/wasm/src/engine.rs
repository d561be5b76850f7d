//! The engine: loaded models by number. Every exported call borrows it shared, so that a call which ends in the middle
//! of a wait leaves it usable.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use run::{Add, Chat, GenerationConfig, Listener, Model, Package, Session, Task, Tokenizer};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::loading::{self, Wanted};
use crate::protocol::{BenchOptions, Completion, Figures, LoadedInfo, Message, NamedTensor, PassFigures, Sampling};
use crate::protocol::{ErrorCode, RunsOn, Trial};
use crate::values::{given, told};

/// How the engine is made.
#[derive(Deserialize)]
struct EngineOptions {
    threads: usize,
}

/// A loaded model's number and what it is.
#[derive(Serialize)]
struct LoadedModel {
    model: u32,
    info: LoadedInfo,
    /// The trial that chose its device, if one was made now.
    trial: Option<Trial>,
}

/// A model with its texts and its conversation.
struct Loaded {
    model: Model,
    /// Random weights have none.
    tokenizer: Option<Arc<Tokenizer>>,
    chat: Option<Chat>,
    generation: GenerationConfig,
    /// Taken while an answer is written.
    session: RefCell<Option<Session>>,
    load_ms: f64,
}

/// Models that run in this module.
#[wasm_bindgen]
pub struct Engine {
    threads: usize,
    models: RefCell<BTreeMap<u32, Rc<Loaded>>>,
    last: Cell<u32>,
}

#[wasm_bindgen]
impl Engine {
    /// An empty engine; `options` has the number of threads.
    ///
    /// # Errors
    /// The options are not what they should be.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<Engine, JsValue> {
        let options: EngineOptions = given(options)?;
        Ok(Engine { threads: options.threads, models: RefCell::default(), last: Cell::new(0) })
    }

    /// Loads a model; its number and what it is.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub async fn load(&self, source: Opened, options: JsValue, caller: Caller) -> Result<JsValue, JsValue> {
        let package = loading::open(source).await?;
        let tokenizer = package.files.tokenizer().await.map_err(Failure::from)?;
        self.keep(package, Some(tokenizer), given(options)?, &caller).await
    }

    /// Loads random weights of a known shape.
    ///
    /// # Errors
    /// The shape or the quant type is not known.
    pub async fn load_random(
        &self,
        shape: String,
        quant: String,
        options: JsValue,
        caller: Caller,
    ) -> Result<JsValue, JsValue> {
        let unknown = |what: &str| Failure::new(ErrorCode::Argument, format!("{what} is not known"));
        let config = run::shape_config(&shape).ok_or_else(|| unknown(&shape))?;
        let ty = format::QuantType::parse(&quant).ok_or_else(|| unknown(&quant))?;
        let package = Package::random(&shape, &config, ty).await.map_err(Failure::from)?;
        self.keep(package, None, given(options)?, &caller).await
    }

    /// Answers the last message.
    ///
    /// # Errors
    /// As [`Model::generate`]; the template refuses the messages, or there is none.
    pub async fn chat(
        &self,
        model: u32,
        messages: JsValue,
        sampling: JsValue,
        caller: Caller,
    ) -> Result<JsValue, JsValue> {
        let loaded = self.find(model)?;
        let messages: Vec<Message> = given(messages)?;
        let prompt = loaded.chat_prompt(&messages)?;
        answer(&loaded, &prompt, given(sampling)?, &caller).await
    }

    /// Continues a text.
    ///
    /// # Errors
    /// As [`Model::generate`].
    pub async fn generate(
        &self,
        model: u32,
        prompt: String,
        sampling: JsValue,
        caller: Caller,
    ) -> Result<JsValue, JsValue> {
        let loaded = self.find(model)?;
        let prompt = loaded.encode(&prompt, Add::Special)?;
        answer(&loaded, &prompt, given(sampling)?, &caller).await
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// There is no such model.
    pub async fn tokenize(&self, model: u32, text: String) -> Result<JsValue, JsValue> {
        let ids = self.find(model)?.encode(&text, Add::Special)?;
        told(&ids)
    }

    /// One forward pass.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub async fn forward(&self, model: u32, inputs: JsValue) -> Result<JsValue, JsValue> {
        let loaded = self.find(model)?;
        let inputs: Vec<NamedTensor> = given(inputs)?;
        let inputs = crate::tensors::inputs(inputs)?;
        let fields = loaded.model.forward(&inputs, run::Show::default()).await.map_err(Failure::from)?;
        Ok(crate::tensors::outputs(&fields).into())
    }

    /// Measures prefill and decode.
    ///
    /// # Errors
    /// As [`run::bench`].
    pub async fn bench(&self, model: u32, options: JsValue, caller: Caller) -> Result<JsValue, JsValue> {
        let loaded = self.find(model)?;
        let asked: BenchOptions = given(options)?;
        let base = run::BenchOptions::default();
        let options = run::BenchOptions {
            prompt: asked.prompt.unwrap_or(base.prompt),
            tokens: asked.tokens.unwrap_or(base.tokens),
            runs: asked.runs.unwrap_or(base.runs),
        };
        let gpu = if RunsOn::of(&loaded.model) == RunsOn::Webgpu { loaded.model.weight_bytes() as f64 } else { 0.0 };
        if loaded.model.package().model.task() != Task::CausalLm {
            let figures = run::bench_pass(&loaded.model, options).await.map_err(Failure::from)?;
            return told(&PassFigures::new(figures, loaded.load_ms, heap_bytes() + gpu));
        }
        let mut session = loaded.take_session()?;
        let figures = run::bench(&loaded.model, &mut session, options, &mut |_| caller.wanted()).await;
        loaded.session.replace(Some(session));
        let figures = figures.map_err(Failure::from)?;
        told(&Figures::new(figures, loaded.load_ms, heap_bytes() + gpu))
    }

    /// Frees a model. One that is writing an answer is freed after it.
    pub fn dispose(&self, model: u32) {
        self.models.borrow_mut().remove(&model);
    }
}

impl Engine {
    async fn keep(
        &self,
        package: Package,
        tokenizer: Option<Arc<Tokenizer>>,
        wanted: Wanted,
        caller: &Caller,
    ) -> Result<JsValue, JsValue> {
        let loaded = self.open(package, tokenizer, wanted, caller).await?;
        let info = LoadedInfo::new(loaded.model.info().await.map_err(Failure::from)?, &loaded.model);
        let trial = loaded.model.trial().cloned().map(Trial::from);
        let model = self.last.get() + 1;
        self.last.set(model);
        self.models.borrow_mut().insert(model, Rc::new(loaded));
        told(&LoadedModel { model, info, trial })
    }

    async fn open(
        &self,
        package: Package,
        tokenizer: Option<Arc<Tokenizer>>,
        wanted: Wanted,
        caller: &Caller,
    ) -> Result<Loaded, Failure> {
        let began = js_sys::Date::now();
        let chat = package.files.chat().await?;
        let generation = package.files.generation().await?;
        if cfg!(not(feature = "tasks")) && generation.search.num_beams.is_some_and(|beams| beams > 1) {
            return Err(Failure::new(
                ErrorCode::Unsupported,
                "texts of this model are searched for by the larger module",
            ));
        }
        let model = loading::load(package, self.threads, wanted, caller).await?;
        let session = RefCell::new(Some(model.session()?));
        Ok(Loaded { model, tokenizer, chat, generation, session, load_ms: js_sys::Date::now() - began })
    }

    fn find(&self, model: u32) -> Result<Rc<Loaded>, Failure> {
        let gone = || Failure::new(ErrorCode::Disposed, format!("model {model} is not loaded"));
        self.models.borrow().get(&model).cloned().ok_or_else(gone)
    }
}

impl Loaded {
    fn take_session(&self) -> Result<Session, Failure> {
        let busy = || Failure::new(ErrorCode::Busy, "the model is at work on another call");
        self.session.borrow_mut().take().ok_or_else(busy)
    }

    fn encode(&self, text: &str, add: Add) -> Result<Vec<u32>, Failure> {
        let none = || Failure::new(ErrorCode::NotFound, format!("{} has no tokenizer", self.model.package().name()));
        Ok(self.tokenizer.as_ref().ok_or_else(none)?.encode(text, add)?)
    }

    /// The tokens of a conversation in the model's own template.
    fn chat_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, Failure> {
        let none =
            || Failure::new(ErrorCode::Template, format!("{} has no chat template", self.model.package().name()));
        let chat = self.chat.as_ref().ok_or_else(none)?;
        let list = messages.iter().map(|m| serde_json::json!({"role": m.role, "content": m.content})).collect();
        let text = chat.render(&list, None, true)?;
        self.encode(&text, Add::Nothing)
    }
}

async fn answer(loaded: &Loaded, prompt: &[u32], sampling: Sampling, caller: &Caller) -> Result<JsValue, JsValue> {
    let options = sampling.over(&loaded.generation)?;
    let mut session = loaded.take_session()?;
    let tokenizer = loaded.tokenizer.as_ref();
    let generate = async |listener: &mut Listener<'_>| {
        loaded.model.generate(&mut session, tokenizer, prompt, &options, listener).await
    };
    let written = caller.hears(generate).await;
    loaded.session.replace(Some(session));
    told(&Completion::from(written.map_err(Failure::from)?))
}

/// Bytes of this module's memory.
fn heap_bytes() -> f64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::JsCast::unchecked_into(wasm_bindgen::memory());
    let heap = js_sys::Reflect::get(&memory.buffer(), &"byteLength".into()).ok().and_then(|n| n.as_f64());
    heap.unwrap_or(0.0)
}
