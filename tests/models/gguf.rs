//! Files in llama.cpp's layout: they give what the checkpoint gives that they were made from.

use std::path::Path;
use std::rc::Rc;

use dynasty_tests::{Executor, fixtures};
use format::{FileBytes, QuantType};
use pollster::block_on;
use run::{DeviceChoice, Package, Show, Source};

use crate::Verdict;
use crate::fixture::{self, Fixture, relative_error};
use crate::forward::{bound, greedy};
use crate::loaded::{self, DEVICES};
use crate::quantized::quantize;
use crate::reference::reference_name;
use crate::written;

/// Quantized files that stand beside outputs of their own.
const MIXED: [&str; 4] = ["gemma2", "gpt_neox", "llama", "phi3"];
/// Fewer would mean that a file was lost.
const AT_LEAST: usize = 16;

fn open(path: &Path) -> Result<Package, run::Error> {
    block_on(Package::open(Source::File(Rc::new(FileBytes::open(path)?))))
}

/// The names of unquantized files, which are those of the checkpoints.
fn whole() -> Vec<String> {
    let files = std::fs::read_dir(fixtures("gguf")).unwrap().map(|entry| entry.unwrap().path());
    let stem = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = files.filter(|path| path.is_file()).map(|path| stem(&path)).collect();
    names.sort();
    assert!(names.len() >= AT_LEAST, "{} files, expected {AT_LEAST}", names.len());
    names
}

/// In f64: names, configuration and order of rows are right.
fn in_f64(package: &Package, fixture: &Fixture, verdict: &mut Verdict) {
    let (graph, given) = written::forward(package, &fixture.inputs());
    let Some(weights) = verdict.ok(&fixture.name, written::weights(package, &graph)) else { return };
    let played = written::play(Executor::Reference, &graph, &weights, &given);
    let Some(outputs) = verdict.ok(&fixture.name, played) else { return };
    let inputs = fixture.inputs();
    for (name, wanted) in fixture.outputs().into_iter().filter(|(name, _)| name != "last_hidden_state") {
        let at = graph.outputs.iter().position(|output| reference_name(&output.name) == name);
        let found = at.map(|at| (outputs[at].shape.clone(), outputs[at].as_f32().unwrap().to_vec()));
        let mask = fixture::mask(&inputs, &name);
        let error = found.map_or(f64::INFINITY, |found| relative_error(&name, &found, &wanted, mask.as_deref()));
        verdict.error(format!("{} {name}", fixture.name), error, 2e-5);
    }
}

/// What the contract allows for unquantized weights.
fn whole_bound(device: DeviceChoice) -> f64 {
    bound(device, false)
}

/// What it allows for quantized ones; the processor multiplies models as small as these in f32.
fn mixed_bound(device: DeviceChoice) -> f64 {
    if device == DeviceChoice::Cpu { bound(device, false) } else { 2e-2 }
}

/// As the program runs it, on both devices.
fn on_devices(
    open: &dyn Fn() -> Result<Package, run::Error>,
    fixture: &Fixture,
    bound: fn(DeviceChoice) -> f64,
    verdict: &mut Verdict,
) {
    let show = Show { attentions: true, hidden_states: true };
    let (inputs, outputs) = (fixture.inputs(), fixture.outputs());
    for (device, choice) in DEVICES {
        let what = format!("{} on {device}", fixture.name);
        let model = open().and_then(|package| loaded::load(package, choice));
        let Some(model) = verdict.ok(&what, model) else { continue };
        let Some(found) = verdict.ok(&what, block_on(model.forward(&inputs, show))) else { continue };
        for (name, wanted) in outputs.iter().filter(|(name, _)| name != "last_hidden_state") {
            let found = found.iter().find(|(found, ..)| found == name);
            let mask = fixture::mask(&inputs, name);
            let error = found.map_or(f64::INFINITY, |(_, shape, values)| {
                relative_error(name, &(shape.clone(), values.clone()), wanted, mask.as_deref())
            });
            verdict.error(format!("{what}: {name}"), error, bound(choice));
        }
        greedy(fixture, &model, &what, verdict);
    }
}

#[test]
fn converted_checkpoints_give_what_they_gave() {
    let mut verdict = Verdict::default();
    for name in whole() {
        let fixture = fixture::named(&name);
        let path = fixtures("gguf").join(format!("{name}.gguf"));
        if let Some(package) = verdict.ok(&name, open(&path)) {
            in_f64(&package, &fixture, &mut verdict);
            on_devices(&|| open(&path), &fixture, whole_bound, &mut verdict);
        }
    }
    verdict.close("llama.cpp's layout");
}

/// Every type that the reference package writes, rows of heads moved in their blocks.
#[test]
fn quantized_files_give_what_their_values_give() {
    let mut verdict = Verdict::default();
    for name in MIXED {
        let folder = fixtures("gguf").join(name);
        let (fixture, path) = (Fixture::at(&folder), folder.join("model.gguf"));
        if let Some(package) = verdict.ok(name, open(&path)) {
            in_f64(&package, &fixture, &mut verdict);
            on_devices(&|| open(&path), &fixture, mixed_bound, &mut verdict);
        }
    }
    verdict.close("llama.cpp's quantized files");
}

/// `dynasty quantize` takes such a file too, and what it writes needs none of llama.cpp's habits.
#[test]
fn files_of_our_own_from_llama_cpp() {
    let mut verdict = Verdict::default();
    for name in ["llama_plain", "gpt2_hub", "gpt_neox", "phi3_long", "gemma3"] {
        let path = fixtures("gguf").join(format!("{name}.gguf"));
        let own = || open(&path).and_then(|package| quantize(&package, QuantType::F32));
        on_devices(&own, &fixture::named(name), whole_bound, &mut verdict);
    }
    verdict.close("from llama.cpp's files to our own");
}
