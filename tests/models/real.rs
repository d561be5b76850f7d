//! Real models beside the project: greedy text to the letter.

use std::path::Path;
use std::rc::Rc;

use dynasty_tests::{Executor, real_data};
use format::{DirFolder, FileBytes, QuantType};
use graph::Tensor;
use pollster::block_on;
use run::{Add, DeviceChoice, ForwardInputs, Package, Source, Special};
use serde_json::Value;

use crate::Verdict;
use crate::fixture::ids;
use crate::loaded::{self, DEVICES};
use crate::quantized;
use crate::written;

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn tinystories(folder: &Path) -> Result<Package, run::Error> {
    block_on(Package::open(Source::Folder(Rc::new(DirFolder::new(folder)?))))
}

#[test]
fn tinystories_656k() {
    let Some(folder) = real_data("tinystories-656k") else { return };
    let wanted = json(&folder.join("reference.json"));
    let (prompt, all) = (ids(&wanted["prompt_ids"]), ids(&wanted["ids"]));
    let new = &all[prompt.len()..];
    let mut verdict = Verdict::default();
    for (device, choice) in DEVICES {
        let Some(model) = verdict.ok(device, tinystories(&folder).and_then(|p| loaded::load(p, choice))) else {
            continue;
        };
        let tokenizer = block_on(model.package().files.tokenizer()).unwrap();
        let encoded = tokenizer.encode(wanted["prompt"].as_str().unwrap(), Add::Special).unwrap();
        verdict.holds(format!("{device}: prompt"), encoded == prompt, || format!("{encoded:?}"));
        let mut session = model.session().unwrap();
        let written = loaded::greedy(&model, &mut session, Some(&tokenizer), &prompt, new.len()).unwrap();
        verdict.holds(format!("{device}: ids"), written.token_ids == new, || format!("{:?}", written.token_ids));
        let text = wanted["text"].as_str().unwrap();
        let ends = !written.text.is_empty() && text.ends_with(&written.text);
        verdict.holds(format!("{device}: text"), ends, || format!("{:?}", written.text));
    }
    verdict.close("tinystories-656k");
}

/// Eight bits turn close choices early, so the text is that of the weights which the file stands for: in f64 exactly on
/// the GPU, which multiplies in single precision, and for most of the way with activations in 8 bits.
#[test]
fn tinystories_656k_as_q8_0() {
    let Some(folder) = real_data("tinystories-656k") else { return };
    let all = ids(&json(&folder.join("reference.json"))["prompt_ids"]);
    let package = || tinystories(&folder).and_then(|package| quantized::quantize(&package, QuantType::Q8_0));
    let wanted = exact_greedy(&package().unwrap(), &all, 24);
    let mut verdict = Verdict::default();
    for (device, choice) in DEVICES {
        let Some(model) = verdict.ok(device, package().and_then(|p| loaded::load(p, choice))) else { continue };
        let mut session = model.session().unwrap();
        let written = loaded::greedy(&model, &mut session, None, &all, wanted.len()).unwrap().token_ids;
        let same = written.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        println!("tinystories-656k as q8_0 on {device}: {same} of {} tokens agree", wanted.len());
        let least = if choice == DeviceChoice::Gpu { wanted.len() } else { 8 };
        verdict.holds(device, same >= least, || format!("only {same} tokens agree"));
    }
    verdict.close("tinystories-656k as q8_0");
}

/// The likeliest tokens by the reference, each from the whole text.
fn exact_greedy(package: &Package, prompt: &[u32], n: usize) -> Vec<u32> {
    let mut text: Vec<i32> = prompt.iter().map(|id| *id as i32).collect();
    let mut weights = Vec::new();
    for _ in 0..n {
        let input_ids = Tensor::i32([1, text.len()], text.clone()).unwrap();
        let given = ForwardInputs::tokens(input_ids);
        let (graph, inputs) = written::forward(package, &given);
        if weights.is_empty() {
            weights = written::weights(package, &graph).unwrap();
        }
        let outputs = written::play(Executor::Reference, &graph, &weights, &inputs).unwrap();
        let at = graph.outputs.iter().position(|output| output.name == "logits").unwrap();
        let logits = outputs[at].as_f32().unwrap();
        text.push(run::argmax(&logits[logits.len() - package.model.n_vocab()..]) as i32);
    }
    text[prompt.len()..].iter().map(|id| *id as u32).collect()
}

#[test]
fn tinyllama_260k() {
    let Some(folder) = real_data("tinyllama-260k") else { return };
    let wanted = json(&folder.join("reference.json"));
    let mut verdict = Verdict::default();
    for (device, choice) in DEVICES {
        let model = llama2c(&folder).and_then(|package| loaded::load(package, choice));
        let Some(model) = verdict.ok(device, model) else { continue };
        continues(&model, &wanted["empty_prompt"], "", device, &mut verdict);
        continues(&model, &wanted["zoo"], "Zoo", device, &mut verdict);
    }
    // As one GGUF file with its tokenizer inside.
    let package = llama2c(&folder).and_then(|package| quantized::quantize(&package, QuantType::F32));
    if let Some(model) = verdict.ok("as GGUF", package.and_then(|p| loaded::load(p, DeviceChoice::Cpu))) {
        continues(&model, &wanted["zoo"], "Zoo", "as GGUF", &mut verdict);
    }
    verdict.close("tinyllama-260k");
}

fn llama2c(folder: &Path) -> Result<Package, run::Error> {
    let model = FileBytes::open(folder.join("stories260K.bin"))?;
    let tokenizer = FileBytes::open(folder.join("tok512.bin"))?;
    block_on(Package::from_llama2c(Rc::new(model), &tokenizer))
}

fn continues(model: &run::Model, wanted: &Value, prompt: &str, what: &str, verdict: &mut Verdict) {
    let tokenizer = block_on(model.package().files.tokenizer()).unwrap();
    let encoded = tokenizer.encode(prompt, Add::Special).unwrap();
    let all = ids(&wanted["ids"]);
    verdict.holds(format!("{what}: prompt {prompt:?}"), all.starts_with(&encoded), || format!("{encoded:?}"));
    let new = &all[encoded.len()..];
    let mut session = model.session().unwrap();
    let written = loaded::greedy(model, &mut session, Some(&tokenizer), &encoded, new.len()).unwrap();
    verdict.holds(format!("{what}: ids after {prompt:?}"), written.token_ids == new, || {
        format!("{:?}, expected {new:?}", written.token_ids)
    });
    // As the reference library decodes the new ids alone: without a space before the first word.
    let text = wanted["text"].as_str().unwrap();
    let whole = tokenizer.decode(&all, Special::Skip).unwrap();
    verdict.holds(format!("{what}: whole text after {prompt:?}"), whole == text, || format!("{whole:?}"));
    let rest = text.strip_prefix(prompt).map(str::trim_start);
    verdict.holds(format!("{what}: text after {prompt:?}"), rest == Some(&written.text), || {
        format!("{:?}, expected {rest:?}", written.text)
    });
}

/// A trained ALBERT that reads reactions: hidden states, logits, one row of attention, and each token masked in turn.
#[test]
fn rxnmapper_albert() {
    let Some(folder) = real_data("rxnmapper-albert") else { return };
    let wanted = json(&folder.join("reference.json"));
    let numbers = |key: &str| -> Vec<f32> {
        wanted[key].as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as f32).collect()
    };
    let all: Vec<i32> = ids(&wanted["ids"]).into_iter().map(|id| id as i32).collect();
    let vocabulary = std::fs::read_to_string(folder.join("vocab.txt")).unwrap();
    let words: Vec<&str> = vocabulary.lines().collect();
    let mask = words.iter().position(|word| *word == "[MASK]").unwrap() as i32;
    let mut verdict = Verdict::default();
    for (device, choice) in DEVICES {
        let Some(model) = verdict.ok(device, tinystories(&folder).and_then(|p| loaded::load(p, choice))) else {
            continue;
        };
        let n_vocab = model.package().model.n_vocab();
        let forward = |rows: Vec<i32>, show| {
            let given = ForwardInputs::tokens(Tensor::i32([rows.len() / all.len(), all.len()], rows).unwrap());
            block_on(model.forward(&given, show)).unwrap()
        };
        let whole = forward(all.clone(), run::Show { attentions: true, hidden_states: true });
        let row = all.len();
        let places = [
            ("hidden_states.12", 0, "last_hidden_cls_first16"),
            ("logits", n_vocab, "mlm_logits_pos1_first16"),
            ("attentions.10", (5 * row + 1) * row, "attention_layer10_head5_row1"),
        ];
        for (name, start, key) in places {
            let (_, _, values) = whole.iter().find(|(found, ..)| found == name).unwrap();
            let wanted = numbers(key);
            let error = graph::nmse(&values[start..start + wanted.len()], &wanted).sqrt();
            verdict.error(format!("{name} on {device}"), error, 1e-3);
        }
        let masked = |at: usize| all.iter().enumerate().map(move |(i, id)| if i == at { mask } else { *id });
        let rows: Vec<i32> = (1..row - 1).flat_map(masked).collect();
        let found = forward(rows, run::Show::default());
        let logits = &found.iter().find(|(name, ..)| name == "logits").unwrap().2;
        let best = |at: usize| {
            let start = ((at - 1) * row + at) * n_vocab;
            run::argmax(&logits[start..start + n_vocab])
        };
        let right = (1..row - 1).filter(|at| best(*at) as i32 == all[*at]).count();
        let top: Vec<&str> = (1..row - 1).map(|at| words[best(at) as usize]).collect();
        let wanted: Vec<&str> =
            wanted["masked_one_at_a_time_top1"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        println!("{device}: {right} of {} masked tokens", row - 2);
        verdict.holds(format!("{device}: masked tokens"), top == wanted, || format!("{right} right: {top:?}"));
    }
    verdict.close("rxnmapper-albert");
}
