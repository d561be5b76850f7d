//! After a model is warm, no answer compiles a kernel.

use run::{Device, DeviceChoice, Model, Progress};

use crate::fixture;
use crate::loaded;

fn pipelines(model: &Model) -> usize {
    match model.device() {
        Device::Gpu(engine) => engine.pipelines(),
        Device::Cpu(_) => 0,
    }
}

#[test]
fn a_warm_model_compiles_nothing() {
    for name in ["llama_plain", "qwen2_window", "gpt2", "gpt_neox", "phi3_window", "gemma2", "gemma3"] {
        let package = fixture::named(name).package().unwrap();
        let model = loaded::load(package, DeviceChoice::Gpu).unwrap();
        let mut steps = Vec::new();
        pollster::block_on(model.warm(&mut |step| steps.push(step))).unwrap();
        let whole = |step: &Progress| matches!(step, Progress::Compile { done, total } if done == total);
        assert!(steps.len() > 1 && steps.last().is_some_and(whole), "{name}: {steps:?}");
        let compiled = pipelines(&model);
        assert!(compiled > 0, "{name}");
        let mut session = model.session().unwrap();
        for prompt in [1, 3, 20] {
            let prompt: Vec<u32> = (0..prompt).map(|i| i * 3 % 40).collect();
            loaded::greedy(&model, &mut session, None, &prompt, 3).unwrap();
        }
        assert_eq!(pipelines(&model), compiled, "{name}: an answer compiled kernels");
    }
}
