//! Texts that the model in training writes: it is put together in memory as it would be on the disk.

use std::ops::ControlFlow;

use run::{Add, DeviceChoice, GenerateOptions, Listener, LoadOptions, Model, SamplerConfig};
use serde_json::json;

use super::Documents;
use crate::metrics::Record;
use crate::trainer::Trainer;
use crate::{Error, Random};

/// One text of each prompt.
pub async fn samples(documents: &Documents, trainer: &Trainer, step: u64) -> Result<Vec<Record>, Error> {
    let spec = &documents.recipe.sampling;
    let options = LoadOptions { device: DeviceChoice::Cpu, threads: documents.threads, ..LoadOptions::default() };
    let model = Model::load(documents.package(trainer).await?, &options, &mut |_| ()).await?;
    let tokenizer = documents.prepared.encoder.tokenizer();
    let chat = if spec.chat { model.package().files.chat().await? } else { None };
    let eos = model.package().files.generation().await?.eos;
    let mut records = Vec::new();
    for (at, prompt) in spec.prompts.iter().enumerate() {
        let ids = match &chat {
            Some(chat) => {
                let text = chat.render(&json!([{"role": "user", "content": prompt}]), None, true)?;
                tokenizer.encode(&text, Add::Nothing)?
            }
            None => tokenizer.encode(prompt, Add::Special)?,
        };
        let seed = Random::new(documents.recipe.seed).named("sample").of(step).at(at as u64);
        let sampler =
            SamplerConfig { temperature: spec.temperature as f32, seed: Some(seed), ..SamplerConfig::default() };
        let options = GenerateOptions {
            max_tokens: Some(spec.max_tokens),
            sampler,
            stop: Vec::new(),
            eos: eos.clone(),
            ..GenerateOptions::default()
        };
        let mut piece = |_: &str| ControlFlow::Continue(());
        let mut progress = |_| ControlFlow::Continue(());
        let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
        let mut session = model.session()?;
        let done = model.generate(&mut session, Some(tokenizer), &ids, &options, &mut listener).await?;
        records.push(Record::Sample { step, prompt: prompt.clone(), text: done.text });
    }
    Ok(records)
}
