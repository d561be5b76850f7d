//! A training in a page: texts come from the page, the model goes back to it as files.

use std::cell::RefCell;

use js_sys::{Array, Object, Reflect, Uint8Array};
use run::{Device, Package, Source};
use serde::Deserialize;
use train::export::Part;
use train::memory::InMemory;
use train::metrics::Record;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bytes::Opened;
use crate::error::Failure;
use crate::listener::Caller;
use crate::protocol::{DeviceChoice, ErrorCode, Progress, TrainRecord};
use crate::values::{given, told};

/// How a training is made.
#[derive(Deserialize)]
struct Wanted {
    device: DeviceChoice,
    threads: usize,
}

/// A training.
#[wasm_bindgen]
pub struct Trainer {
    /// Taken while it is at work.
    run: RefCell<Option<InMemory>>,
}

#[wasm_bindgen]
impl Trainer {
    /// Makes everything ready for the first step of a recipe. `texts` is the folder of its texts, `start` the model that
    /// it goes on from.
    ///
    /// # Errors
    /// As [`InMemory::begin`]; the recipe is none.
    pub async fn begin(
        recipe: String,
        texts: Opened,
        start: Option<Opened>,
        options: JsValue,
        caller: Caller,
    ) -> Result<Trainer, JsValue> {
        let wanted: Wanted = given(options)?;
        Ok(begin(&recipe, texts, start, wanted, &caller).await?)
    }

    /// What it begins with.
    ///
    /// # Errors
    /// It is at work.
    pub fn about(&self) -> Result<JsValue, JsValue> {
        let run = self.run.borrow();
        told(&TrainRecord::from(run.as_ref().ok_or_else(busy)?.about()))
    }

    /// Takes some steps, or all that are left; whether the last one is done. A call that is ended ends after a step.
    ///
    /// # Errors
    /// As [`InMemory::step`]; it is at work on another call.
    pub async fn steps(&self, steps: Option<u32>, caller: Caller) -> Result<bool, JsValue> {
        let mut run = self.run.take().ok_or_else(busy)?;
        let done = take_steps(&mut run, steps.unwrap_or(u32::MAX), &caller).await;
        let finished = run.is_finished();
        self.run.replace(Some(run));
        Ok(done.map(|()| finished)?)
    }

    /// The files of the model as it is now: `{name, bytes}` each; with a quant type one GGUF file.
    ///
    /// # Errors
    /// The device fails, or the type is not known; it is at work on another call.
    pub async fn files(&self, quant: Option<String>) -> Result<Array, JsValue> {
        let run = self.run.take().ok_or_else(busy)?;
        let files = match &quant {
            Some(ty) => gguf(&run, ty).await,
            None => run.files().await.map_err(Failure::from),
        };
        self.run.replace(Some(run));
        files?.into_iter().map(named_file).collect()
    }
}

async fn begin(
    recipe: &str,
    texts: Opened,
    start: Option<Opened>,
    wanted: Wanted,
    caller: &Caller,
) -> Result<Trainer, Failure> {
    let recipe = train::Recipe::parse("recipe", recipe)?;
    let none = || Failure::new(ErrorCode::Argument, "the texts are no folder");
    let Some(Source::Folder(texts)) = texts.into_source() else { return Err(none()) };
    let start = match start.and_then(Opened::into_source) {
        Some(source) => Some(Package::open(source).await?),
        None => None,
    };
    let device = match wanted.device {
        DeviceChoice::Webgpu => Device::gpu_in(recipe.train.precision.into()).await?,
        DeviceChoice::Wasm | DeviceChoice::Auto => Device::cpu(wanted.threads),
    };
    let mut listen = |step| {
        let _ = caller.tell(step);
    };
    let run = InMemory::begin(&recipe, &*texts, start, (device, wanted.threads), &mut listen).await?;
    Ok(Trainer { run: RefCell::new(Some(run)) })
}

async fn take_steps(run: &mut InMemory, steps: u32, caller: &Caller) -> Result<(), Failure> {
    for _ in 0..steps {
        if run.is_finished() {
            break;
        }
        let mut flow = caller.wanted();
        for record in run.step().await? {
            flow = caller.tell(Progress::Train { record: record.into() });
        }
        if flow.is_break() {
            break;
        }
        caller.rest().await;
    }
    Ok(())
}

async fn gguf(run: &InMemory, ty: &str) -> Result<Vec<Part>, Failure> {
    let unknown = || Failure::new(ErrorCode::Argument, format!("{ty} is not known"));
    let ty = format::QuantType::parse(ty).ok_or_else(unknown)?;
    Ok(vec![run.gguf(ty).await?])
}

fn named_file((name, bytes): Part) -> Result<JsValue, JsValue> {
    let file = Object::new();
    Reflect::set(&file, &"name".into(), &name.into())?;
    Reflect::set(&file, &"bytes".into(), &Uint8Array::from(bytes.as_slice()))?;
    Ok(file.into())
}

fn busy() -> Failure {
    Failure::new(ErrorCode::Busy, "the training is at work on another call")
}

impl From<Record> for TrainRecord {
    fn from(record: Record) -> Self {
        match record {
            Record::Run { step, device, parameters, tokens } => Self::Run { step, device, parameters, tokens },
            Record::Step { step, loss, learning_rate, grad_norm, tokens, tokens_per_s, seconds } => {
                Self::Step { step, loss, learning_rate, grad_norm, tokens, tokens_per_s, seconds }
            }
            Record::Validation { step, loss } => Self::Validation { step, loss },
            Record::Sample { step, prompt, text } => Self::Sample { step, prompt, text },
            Record::Guard { step, action, reason } => Self::Guard { step, action, reason },
        }
    }
}
