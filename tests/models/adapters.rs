//! Adapters as PEFT wrote them: over the model on both devices, and added to its weights.

use std::rc::Rc;

use dynasty_tests::fixtures;
use format::gguf::Writer;
use format::{Checkpoint, DirFolder, FileBytes, MemoryBytes, QuantType};
use pollster::block_on;
use run::{Adapter, DeviceChoice, Package, Show, Source};

use crate::Verdict;
use crate::fixture::{self, Fixture, Values, relative_error};
use crate::loaded;

const NAMES: [&str; 2] = ["llama_text", "gpt2"];

/// The contract's bounds for weights in f32.
const DEVICES: [(DeviceChoice, f64); 2] = [(DeviceChoice::Cpu, 1e-4), (DeviceChoice::Gpu, 1e-3)];

/// What a sum and a difference of weights may change.
const ROUNDED: f64 = 1e-5;

fn adapter(name: &str) -> Adapter {
    block_on(Adapter::open(&DirFolder::new(fixtures("adapters").join(name)).unwrap())).unwrap()
}

/// PEFT's logits.
fn wanted(name: &str) -> Values {
    let file = FileBytes::open(fixtures("adapters").join(name).join("outputs.safetensors")).unwrap();
    block_on(async { Checkpoint::open_file(Rc::new(file)).await.unwrap().read_f32("logits").await.unwrap() })
}

fn logits(fixture: &Fixture, package: Package, device: DeviceChoice) -> Values {
    let model = loaded::load(package, device).unwrap();
    let found = block_on(model.forward(&fixture.inputs(), Show::default())).unwrap();
    let (_, shape, values) = found.into_iter().find(|(name, ..)| name == "logits").unwrap();
    (shape, values)
}

/// What a package and its adapters are in one file.
fn merged(package: &Package) -> Package {
    let planned = run::merge_plan(package, QuantType::F32).unwrap();
    let begin = |metadata: &_, specs: &[_]| Writer::begin(Vec::new(), "merged.gguf", metadata, specs);
    block_on(async {
        let bytes = run::quantize(package, &planned, begin, &mut |_| ()).await.unwrap().finish().unwrap();
        Package::open(Source::File(Rc::new(MemoryBytes::new("merged.gguf", bytes)))).await.unwrap()
    })
}

#[test]
fn adapters_of_peft() {
    let mut verdict = Verdict::default();
    for name in NAMES {
        let fixture = fixture::named(name);
        let mask = fixture::mask(&fixture.inputs(), "logits");
        let with = || block_on(fixture.package().unwrap().with_adapter(adapter(name))).unwrap();
        let error = |found: &Values, wanted: &Values| relative_error("logits", found, wanted, mask.as_deref());
        let plain = logits(&fixture, fixture.package().unwrap(), DeviceChoice::Cpu);
        verdict.holds(name, error(&plain, &wanted(name)) > 0.1, || "the adapters change nothing".into());
        for (device, bound) in DEVICES {
            let what = format!("{name} on {device:?}");
            verdict.error(&what, error(&logits(&fixture, with(), device), &wanted(name)), bound);
            let found = logits(&fixture, merged(&with()), device);
            verdict.error(format!("{what}, merged"), error(&found, &wanted(name)), bound);
        }
        let off = block_on(merged(&with()).with_adapter(adapter(name).negated())).unwrap();
        let found = logits(&fixture, merged(&off), DeviceChoice::Cpu);
        verdict.error(format!("{name}, taken off again"), error(&found, &plain), ROUNDED);
    }
    verdict.close("adapters");
}

#[test]
fn another_model_is_refused() {
    for (base, name) in [("gpt2", "llama_text"), ("llama_text", "gpt2"), ("qwen3", "llama_text")] {
        let found = block_on(fixture::named(base).package().unwrap().with_adapter(adapter(name)));
        let error = found.err().unwrap().to_string();
        assert!(error.contains(name) && !error.contains('\n'), "{name} beside {base}: {error}");
    }
}
