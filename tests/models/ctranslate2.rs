//! A real translator of CTranslate2, in single precision and in eight bits: its words, and the probabilities that its own
//! library gives them.

use std::ops::ControlFlow;
use std::rc::Rc;

use dynasty_tests::{fixtures, real_data};
use format::{DirFolder, QuantType};
use graph::Tensor;
use pollster::block_on;
use run::tasks::TranslateOptions;
use run::{
    ForwardInputs, GenerateOptions, Listener, Model, Package, Reader, SamplerConfig, SearchOptions, Show, Source,
};
use serde_json::Value;

use crate::Verdict;
use crate::loaded::{self, DEVICES};
use crate::quantized::quantize;

const MODELS: [&str; 2] = ["ct2-aren-transliteration", "ct2-aren-transliteration-i8"];

/// Probabilities of eight bits: the library multiplies activations of eight bits, too.
const BOUNDS: [f64; 2] = [2e-4, 3e-2];

fn package(name: &str) -> Option<Package> {
    let folder = DirFolder::new(real_data(name)?).unwrap();
    Some(block_on(Package::open(Source::Folder(Rc::new(folder)))).unwrap())
}

fn translate(model: &Rc<Model>, text: &str, num_beams: usize) -> Result<run::tasks::Generated, run::Error> {
    let reader = block_on(Reader::new(model.clone()))?;
    let eos = block_on(model.generation())?.eos.clone();
    let search = SearchOptions { num_beams: Some(num_beams), ..SearchOptions::default() };
    let sampler = SamplerConfig::greedy();
    let mut options = TranslateOptions::default();
    options.writing.generate = GenerateOptions { eos, search, sampler, max_tokens: Some(40), ..Default::default() };
    let mut listener = Listener {
        piece: &mut |_| ControlFlow::Continue(()),
        progress: &mut |_| ControlFlow::Continue(()),
        pause: None,
    };
    Ok(block_on(reader.translate(&[text.to_string()], &options, &mut listener))?.swap_remove(0))
}

/// The mean log-probability of a text and its end, as the library scores it.
fn score(model: &Model, text: &str, written: &[u32]) -> f64 {
    let tokenizer = block_on(model.package().files.tokenizer()).unwrap();
    let own = block_on(model.generation()).unwrap();
    let source: Vec<i32> = tokenizer.encode(text, run::Add::Special).unwrap().iter().map(|id| *id as i32).collect();
    let wanted: Vec<u32> = written.iter().copied().chain(own.eos.first().copied()).collect();
    let target: Vec<i32> = own.decoder_start.into_iter().chain(written.iter().copied()).map(|id| id as i32).collect();
    let row = |ids: Vec<i32>| Tensor::i32([1, ids.len()], ids).unwrap();
    let inputs = vec![("input_ids".to_string(), row(source)), ("decoder_input_ids".to_string(), row(target))];
    let out = block_on(model.forward(&ForwardInputs::new(inputs), Show::default())).unwrap();
    let (_, shape, logits) = out.iter().find(|(name, ..)| name == "logits").unwrap();
    let log_prob = |(row, id): (&[f32], &u32)| {
        let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        f64::from(row[*id as usize]) - sum.ln()
    };
    let sum: f64 = logits.chunks_exact(shape[2]).zip(&wanted).map(log_prob).sum();
    sum / wanted.len() as f64
}

#[test]
fn words_are_the_library_s() {
    let Some(reference) = real_data("ct2-aren-transliteration/reference.json") else { return };
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(reference).unwrap()).unwrap();
    let mut verdict = Verdict::default();
    for (name, bound) in MODELS.into_iter().zip(BOUNDS) {
        let Some(package) = package(name) else { continue };
        for (device, choice) in DEVICES {
            let Some(model) = verdict.ok(name, loaded::load(package.clone(), choice)) else { continue };
            let model = Rc::new(model);
            for case in reference["results"][name].as_array().unwrap() {
                let joined = |key: &str| -> String {
                    case[key].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect()
                };
                let (text, wanted) = (joined("input"), joined("output"));
                let what = format!("{name} on {device}: {wanted}");
                let Some(written) = verdict.ok(&what, translate(&model, &text, 1)) else { continue };
                verdict.holds(&what, written.text == wanted, || written.text.clone());
                let score = score(&model, &text, &written.token_ids);
                verdict.error(&what, (score - case["score"].as_f64().unwrap()).abs(), bound);
            }
        }
    }
    verdict.close("ctranslate2");
}

/// By beam search, too, which finds better words than the likeliest letters.
#[test]
fn beams_are_the_library_s() {
    let wanted: Value = serde_json::from_slice(&std::fs::read(fixtures("ctranslate2.json")).unwrap()).unwrap();
    let Some(package) = package(MODELS[0]) else { return };
    let mut verdict = Verdict::default();
    for (device, choice) in DEVICES {
        let Some(model) = verdict.ok(device, loaded::load(package.clone(), choice).map(Rc::new)) else { continue };
        for case in wanted["cases"].as_array().unwrap() {
            let (text, beams) = (case["text"].as_str().unwrap(), case["num_beams"].as_u64().unwrap() as usize);
            let what = format!("{text} with {beams} beams on {device}");
            let Some(written) = verdict.ok(&what, translate(&model, text, beams)) else { continue };
            verdict.holds(&what, case["written"] == *written.text, || written.text.clone());
            let error = (score(&model, text, &written.token_ids) - case["score"].as_f64().unwrap()).abs();
            verdict.error(&what, error, BOUNDS[0]);
        }
    }
    verdict.close("ctranslate2 by beams");
}

/// One file of our own holds vocabularies and all, and writes the same.
#[test]
fn one_file_writes_the_same() {
    for name in MODELS {
        let Some(package) = package(name) else { return };
        let file = quantize(&package, QuantType::F16).unwrap();
        for (device, choice) in DEVICES {
            let model = Rc::new(loaded::load(file.clone(), choice).unwrap());
            assert_eq!(translate(&model, "آتزمون", 1).unwrap().text, "atzmon", "{name} on {device}");
            assert_eq!(translate(&model, "آ ت ز م و ن", 4).unwrap().text, "atzmon", "{name} on {device}");
        }
    }
}
