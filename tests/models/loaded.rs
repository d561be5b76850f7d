//! Models as the program loads and runs them.

use std::ops::ControlFlow;
use std::sync::Arc;

use pollster::block_on;
use run::{
    Completion, DeviceChoice, GenerateOptions, Listener, LoadOptions, Model, Package, Progress, SamplerConfig, Session,
    Tokenizer,
};

/// Both devices and their names in messages.
pub const DEVICES: [(&str, DeviceChoice); 2] = [("cpu", DeviceChoice::Cpu), ("wgpu", DeviceChoice::Gpu)];

/// Loads a checked model.
pub fn load(package: Package, device: DeviceChoice) -> Result<Model, run::Error> {
    let options = LoadOptions { device, threads: 2, ..LoadOptions::default() };
    block_on(Model::load(package, &options, &mut |_| ()))
}

/// Writes at most `n` tokens as `options` say; `token` is called after each.
pub fn generate(
    model: &Model,
    session: &mut Session,
    prompt: &[u32],
    options: &GenerateOptions,
    token: &mut dyn FnMut(usize),
) -> Result<Completion, run::Error> {
    let mut progress = |progress| {
        if let Progress::Tokens { done } = progress {
            token(done);
        }
        ControlFlow::Continue(())
    };
    let mut listener = Listener { piece: &mut |_| ControlFlow::Continue(()), progress: &mut progress, pause: None };
    block_on(model.generate(session, None, prompt, options, &mut listener))
}

/// Writes at most `n` tokens greedily.
pub fn greedy(
    model: &Model,
    session: &mut Session,
    tokenizer: Option<&Arc<Tokenizer>>,
    prompt: &[u32],
    n: usize,
) -> Result<Completion, run::Error> {
    let eos = block_on(model.package().files.generation())?.eos;
    let sampler = SamplerConfig { temperature: 0.0, ..SamplerConfig::default() };
    let options = GenerateOptions { max_tokens: Some(n), sampler, stop: Vec::new(), eos, ..GenerateOptions::default() };
    let mut listener = Listener {
        piece: &mut |_| ControlFlow::Continue(()),
        progress: &mut |_| ControlFlow::Continue(()),
        pause: None,
    };
    block_on(model.generate(session, tokenizer, prompt, &options, &mut listener))
}
