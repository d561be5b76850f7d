//! Models written as GGUF, against the reference on the weights that the file stands for.

use std::rc::Rc;

use dynasty_tests::Executor;
use format::gguf::Writer;
use format::{MemoryBytes, QuantType};
use pollster::block_on;
use run::{DeviceChoice, Package, Show, Source};

use crate::Verdict;
use crate::fixture::{self, relative_error};
use crate::loaded;
use crate::reference::reference_name;
use crate::written;

/// Families, biases, tied and untied heads, rows that do not divide into blocks.
const FIXTURES: [&str; 33] = [
    "llama_plain",
    "llama_biases",
    "llama_bf16",
    "mistral_full",
    "qwen2_window",
    "qwen3",
    "gpt2_scaled",
    "bert_labels",
    "roberta_masked",
    "distilbert_answer",
    "albert_masked",
    "gpt_neox",
    "phi3_window",
    "gemma",
    "gemma2",
    "gemma3_v5",
    "t5_gated",
    "bart_f16",
    "marian_two",
    "vit_labels",
    "deit_teacher",
    "dinov2_swiglu",
    "clip_both",
    "sam_all",
    "sam_masks",
    "sam2_all",
    "sam2_video",
    "m2m_100",
    "bart_labels",
    "llama_labels",
    "t5_encoder",
    "gemma3_both",
    "mobile_sam",
];
const TYPES: [QuantType; 5] = [QuantType::F16, QuantType::Q8_0, QuantType::Q4_0, QuantType::Q4_K, QuantType::Q6_K];

/// The contract's: activations of 8 bits fit, of 4 do not.
const BOUND: f64 = 2e-2;

/// Writes a package as one GGUF file in memory and opens that.
pub fn quantize(package: &Package, ty: QuantType) -> Result<Package, run::Error> {
    let planned = run::quantize_plan(package, ty)?;
    let begin = |metadata: &_, specs: &[_]| Writer::begin(Vec::new(), "model.gguf", metadata, specs);
    let bytes = block_on(run::quantize(package, &planned, begin, &mut |_| ()))?.finish()?;
    block_on(Package::open(Source::File(Rc::new(MemoryBytes::new("model.gguf", bytes)))))
}

#[test]
fn quantized_on_cpu() {
    on("cpu", DeviceChoice::Cpu);
}

#[test]
fn quantized_on_wgpu() {
    on("wgpu", DeviceChoice::Gpu);
}

fn on(device: &str, choice: DeviceChoice) {
    let mut verdict = Verdict::default();
    for name in FIXTURES {
        for ty in TYPES {
            let what = format!("{name} as {ty} on {device}");
            if let Some(worst) = verdict.ok(&what, worst_field(name, ty, choice)) {
                println!("{what}: {:.1e} at {}", worst.0, worst.1);
                verdict.error(&what, worst.0, BOUND);
            }
        }
    }
    verdict.close(&format!("quantized on {device}"));
}

fn worst_field(name: &str, ty: QuantType, device: DeviceChoice) -> Result<(f64, String), String> {
    let fixture = fixture::named(name);
    let text = |error: run::Error| error.to_string();
    let package = fixture.package().and_then(|package| quantize(&package, ty)).map_err(text)?;
    let inputs = fixture.inputs();
    let (graph, given) = written::forward(&package, &inputs);
    let weights = written::weights(&package, &graph).map_err(text)?;
    let wanted = written::play(Executor::Reference, &graph, &weights, &given)?;
    let model = loaded::load(package, device).map_err(text)?;
    let show = Show { attentions: true, hidden_states: true };
    let found = block_on(model.forward(&inputs, show)).map_err(text)?;
    let mut worst = (0.0, String::new());
    for (output, wanted) in graph.outputs.iter().zip(&wanted) {
        let name = reference_name(&output.name);
        let (_, shape, values) = found.iter().find(|(found, ..)| *found == name).ok_or(format!("no {name}"))?;
        let mut wanted = (wanted.shape.clone(), wanted.as_f32().unwrap().to_vec());
        fixture.shape_as_published(&name, &mut wanted.0);
        let mask = fixture::mask(&inputs, &name);
        let error = relative_error(&name, &(shape.clone(), values.clone()), &wanted, mask.as_deref());
        if error > worst.0 || error.is_nan() {
            worst = (error, name);
        }
    }
    Ok(worst)
}
