//! What must not change from token to token: the tokens that a seed draws wherever the likeliest are found, and what a
//! device holds.

use pollster::block_on;
use run::{Device, DeviceChoice, GenerateOptions, Model, SamplerConfig};

use crate::Verdict;
use crate::fixture::{Fixture, named};
use crate::loaded::{self, DEVICES};

fn load(fixture: &Fixture, device: DeviceChoice, context: usize) -> Model {
    let options = run::LoadOptions { device, threads: 2, context: Some(context), ..run::LoadOptions::default() };
    block_on(Model::load(fixture.package().unwrap(), &options, &mut |_| ())).unwrap()
}

fn drawn(model: &Model, sampler: SamplerConfig, n: usize) -> Vec<u32> {
    let options = GenerateOptions { max_tokens: Some(n), sampler, ..GenerateOptions::default() };
    let mut session = model.session().unwrap();
    loaded::generate(model, &mut session, &[1, 5, 9], &options, &mut |_| ()).unwrap().token_ids
}

/// A bias of nothing changes no logit, but makes the sampler ask for all of them.
#[test]
fn the_likeliest_alone_give_the_tokens_that_all_logits_give() {
    let mut verdict = Verdict::default();
    let base = SamplerConfig { temperature: 0.9, seed: Some(11), ..SamplerConfig::default() };
    let configs = [
        SamplerConfig { top_k: 1, ..base.clone() },
        SamplerConfig { top_k: 5, ..base.clone() },
        SamplerConfig { top_k: 40, temperature: 1.7, ..base.clone() },
        SamplerConfig { top_k: 40, top_p: 0.8, ..base.clone() },
        SamplerConfig { top_k: 20, min_p: 0.2, seed: Some(3), ..base.clone() },
    ];
    for (device, choice) in DEVICES {
        let model = load(&named("llama_plain"), choice, 64);
        let n_vocab = model.package().model.n_vocab();
        for config in &configs {
            let all = SamplerConfig { logit_bias: vec![(0, 0.0)], ..config.clone() };
            assert_eq!((config.likeliest(n_vocab), all.likeliest(n_vocab)), (Some(config.top_k as usize), None));
            let (few, all) = (drawn(&model, config.clone(), 30), drawn(&model, all, 30));
            let what = format!("{device}: top-k {}, top-p {}, min-p {}", config.top_k, config.top_p, config.min_p);
            verdict.holds(what, few == all && few.len() == 30, || format!("{few:?} and {all:?}"));
        }
    }
    verdict.close("the likeliest");
}

/// A token replays a plan: after the first ones nothing is compiled and no buffer is made, so 300 tokens hold what 20 do.
#[test]
fn tokens_take_no_new_pipelines_and_buffers_on_a_gpu() {
    let model = load(&named("llama_plain"), DeviceChoice::Gpu, 400);
    let Device::Gpu(engine) = model.device() else { panic!("a GPU was asked for") };
    for top_k in [0, 8] {
        let sampler = SamplerConfig { temperature: top_k as f32, top_k, seed: Some(1), ..SamplerConfig::default() };
        let options = GenerateOptions { max_tokens: Some(300), sampler, ..GenerateOptions::default() };
        let mut session = model.session().unwrap();
        let mut made = Vec::new();
        loaded::generate(&model, &mut session, &[1, 5, 9], &options, &mut |_| made.push(engine.made())).unwrap();
        println!("top-k {top_k}: {:?} after 20 tokens, {:?} after 300", made[19], made[299]);
        assert!(made[0].buffers > 0 && made[0].pipelines > 0 && made[0].bind_groups > 0);
        assert_eq!(made[19], made[299], "top-k {top_k}");
    }
}

/// Which device runs, which kernels, and why: told for what is asked for and for what is chosen.
#[test]
fn each_choice_of_a_device_tells_its_reason() {
    for choice in [DeviceChoice::Cpu, DeviceChoice::Gpu, DeviceChoice::Auto] {
        let model = load(&named("llama_plain"), choice, 64);
        let info = block_on(model.info()).unwrap();
        println!("{choice:?}: {} because {:?}, {:?}", info.device, info.reason, info.kernels);
        assert!(info.device.starts_with(model.device().kind()) && !info.kernels.is_empty());
        let fits = match choice {
            DeviceChoice::Auto => ["no GPU", "on the GPU", "failed its trial"].iter().any(|r| info.reason.contains(r)),
            DeviceChoice::Cpu | DeviceChoice::Gpu => info.reason == "asked for",
        };
        assert!(fits, "{choice:?}: {}", info.reason);
    }
}

/// What a session and the programs hold on the processor is there from the first tokens.
#[test]
fn tokens_take_no_new_buffers_on_the_processor() {
    let model = load(&named("llama_plain"), DeviceChoice::Cpu, 400);
    let options =
        GenerateOptions { max_tokens: Some(300), sampler: SamplerConfig::greedy(), ..GenerateOptions::default() };
    let mut session = model.session().unwrap();
    let mut held = Vec::new();
    loaded::generate(&model, &mut session, &[1, 5, 9], &options, &mut |_| held.push(model.held_bytes())).unwrap();
    println!("{} bytes after 20 tokens, {} after 300", held[19], held[299]);
    assert!(held[0] > 0);
    assert_eq!(held[19], held[299]);
}
