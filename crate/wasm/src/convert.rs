//! From the engine's values to the page's.

use run::Model;

use crate::protocol::{Completion, DeviceChoice, Figures, LoadedInfo, PassFigures, RunCost, RunsOn, Trial};

impl From<DeviceChoice> for run::DeviceChoice {
    fn from(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Auto => Self::Auto,
            DeviceChoice::Webgpu => Self::Gpu,
            DeviceChoice::Wasm => Self::Cpu,
        }
    }
}

impl From<Trial> for run::Trial {
    fn from(Trial { key, gpu, reason }: Trial) -> Self {
        Self { key, gpu, reason }
    }
}

impl From<run::Trial> for Trial {
    fn from(run::Trial { key, gpu, reason }: run::Trial) -> Self {
        Self { key, gpu, reason }
    }
}

impl RunsOn {
    /// Where a model runs.
    pub fn of(model: &Model) -> Self {
        match model.device() {
            run::Device::Gpu(_) => Self::Webgpu,
            run::Device::Cpu(_) => Self::Wasm,
        }
    }
}

impl LoadedInfo {
    /// What a model is and where it runs.
    pub fn new(info: run::Info, model: &Model) -> Self {
        Self {
            name: info.name,
            family: info.family,
            parameters: info.parameters,
            bytes: info.weight_bytes,
            tensors: model.package().checkpoint().tensors().count(),
            context: info.context,
            device: RunsOn::of(model),
            device_name: info.device,
            kernels: info.kernels,
            reason: info.reason,
            writes: model.package().model.task() == run::Task::CausalLm,
            chat: info.chat,
        }
    }
}

impl From<run::Completion> for Completion {
    fn from(done: run::Completion) -> Self {
        Self {
            token_ids: done.token_ids,
            text: done.text,
            finish_reason: done.finish,
            prompt_tokens: done.prompt_tokens,
            cached_tokens: done.cached_tokens,
            prefill_ms: done.prefill_ms,
            decode_ms: done.decode_ms,
        }
    }
}

impl From<run::RunCost> for RunCost {
    fn from(cost: run::RunCost) -> Self {
        let run::RunCost { dispatches, submits, weight_bytes, readback_bytes } = cost;
        Self { dispatches, submits, weight_bytes: weight_bytes as f64, readback_bytes: readback_bytes as f64 }
    }
}

impl Figures {
    /// The figures with what only this side knows.
    pub fn new(figures: run::Figures, load_ms: f64, memory_bytes: f64) -> Self {
        Self {
            prefill_tokens_per_s: figures.prefill_tokens_per_s,
            decode_tokens_per_s: figures.decode_tokens_per_s,
            load_ms,
            peak_rss_bytes: memory_bytes,
            weight_bytes: figures.weight_bytes as f64,
            device: figures.device,
            kernels: figures.kernels,
            reason: figures.reason,
            per_token: figures.per_token.into(),
            runs: figures.runs,
        }
    }
}

impl PassFigures {
    /// The figures with what only this side knows.
    pub fn new(figures: run::PassFigures, load_ms: f64, memory_bytes: f64) -> Self {
        Self {
            latency_ms: figures.latency_ms,
            tokens: figures.tokens,
            encoder_ms: figures.parts.map(|parts| parts.encoder_ms),
            decoder_ms: figures.parts.map(|parts| parts.decoder_ms),
            load_ms,
            peak_rss_bytes: memory_bytes,
            weight_bytes: figures.weight_bytes as f64,
            device: figures.device,
            kernels: figures.kernels,
            runs: figures.runs,
        }
    }
}
