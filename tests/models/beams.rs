//! Beam search as the reference library's, to the token, on both devices.

use dynasty_tests::fixtures;
use pollster::block_on;
use run::{EarlyStopping, GenerateOptions, SamplerConfig, SearchOptions};
use serde_json::Value;

use crate::Verdict;
use crate::fixture::{self, ids};
use crate::loaded::{self, DEVICES};

/// Fewer would mean that a file was lost.
const AT_LEAST: usize = 15;

#[test]
fn texts_are_the_reference_s() {
    let mut verdict = Verdict::default();
    let mut names: Vec<String> = std::fs::read_dir(fixtures("beams"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= AT_LEAST, "{} files, expected {AT_LEAST}", names.len());
    for name in &names {
        let text = std::fs::read_to_string(fixtures("beams").join(format!("{name}.json"))).unwrap();
        let cases: Value = serde_json::from_str(&text).unwrap();
        for (device, choice) in DEVICES {
            let model = fixture::named(name).package().and_then(|package| loaded::load(package, choice));
            let Some(model) = verdict.ok(format!("{name} on {device}"), model) else { continue };
            // One session for all: its caches are used again.
            let mut session = model.session().unwrap();
            for (i, case) in cases.as_array().unwrap().iter().enumerate() {
                let what = format!("{name} on {device}, case {i}");
                let options = options(&case["settings"]);
                let prompt = ids(&case["prompt_ids"]);
                let written = loaded::generate(&model, &mut session, &prompt, &options, &mut |_| ());
                let Some(written) = verdict.ok(&what, written) else { continue };
                let mut wanted = ids(&case["token_ids"]);
                if wanted.last().is_some_and(|last| options.eos.contains(last)) {
                    wanted.pop();
                }
                verdict.holds(&what, written.token_ids == wanted, || {
                    format!("{:?}, expected {wanted:?}", written.token_ids)
                });
            }
        }
    }
    verdict.close("beams");
}

/// The settings of a case by the library's names.
fn options(settings: &Value) -> GenerateOptions {
    let whole = |key: &str| settings[key].as_u64().map(|n| n as usize);
    let early = &settings["early_stopping"];
    let early = early.as_str().map(str::to_string).or(early.as_bool().map(|on| on.to_string()));
    let search = SearchOptions {
        num_beams: whole("num_beams"),
        length_penalty: settings["length_penalty"].as_f64(),
        early_stopping: early.map(|name| EarlyStopping::parse(&name).unwrap()),
        no_repeat_ngram: whole("no_repeat_ngram_size"),
        min_length: whole("min_length"),
        max_length: whole("max_length"),
        min_new_tokens: whole("min_new_tokens"),
        max_new_tokens: whole("max_new_tokens"),
        forced_bos: None,
    };
    let penalty = settings["repetition_penalty"].as_f64().unwrap_or(1.0) as f32;
    let sampler = SamplerConfig { repetition_penalty: penalty, ..SamplerConfig::greedy() };
    GenerateOptions { sampler, search, eos: ids(&settings["eos_token_id"]), ..GenerateOptions::default() }
}

/// More beams than may be, and beams of texts that are drawn.
#[test]
fn searches_that_make_no_sense_are_refused() {
    let model = loaded::load(fixture::named("gpt2").package().unwrap(), run::DeviceChoice::Cpu).unwrap();
    let mut session = model.session().unwrap();
    let mut refuse = |search: SearchOptions, temperature: f32| {
        let sampler = SamplerConfig { temperature, ..SamplerConfig::default() };
        let options = GenerateOptions { search, sampler, max_tokens: Some(3), ..GenerateOptions::default() };
        loaded::generate(&model, &mut session, &[5, 6], &options, &mut |_| ()).unwrap_err().to_string()
    };
    let beams = |n| SearchOptions { num_beams: Some(n), ..SearchOptions::default() };
    assert_eq!(refuse(beams(0), 0.0), "num_beams: is 0, expected 1 to 256");
    assert_eq!(refuse(beams(300), 0.0), "num_beams: is 300, expected 1 to 256");
    assert_eq!(refuse(beams(2), 0.7), "num_beams: texts are searched for at temperature 0 only");
    let endless = SearchOptions { length_penalty: Some(f64::NAN), ..beams(2) };
    assert_eq!(refuse(endless, 0.0), "length_penalty: NaN is not a number");
}

/// The text that is heard is the text that is returned, and a caller may end the search.
#[test]
fn a_listener_hears_the_text_and_may_stop() {
    use std::ops::ControlFlow;
    let model = loaded::load(fixture::named("llama_text").package().unwrap(), run::DeviceChoice::Cpu).unwrap();
    let tokenizer = block_on(model.package().files.tokenizer()).unwrap();
    let prompt = tokenizer.encode("once upon a time", run::Add::Special).unwrap();
    let search = SearchOptions { num_beams: Some(3), ..SearchOptions::default() };
    let options = GenerateOptions {
        search,
        max_tokens: Some(12),
        sampler: SamplerConfig::greedy(),
        ..GenerateOptions::default()
    };
    let mut session = model.session().unwrap();
    let mut write = |stop_after: usize| {
        let (mut heard, mut steps) = (String::new(), 0);
        let mut piece = |text: &str| {
            heard.push_str(text);
            ControlFlow::Continue(())
        };
        let mut progress = |_| {
            steps += 1;
            if steps > stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut listener = run::Listener { piece: &mut piece, progress: &mut progress, pause: None };
        let done = block_on(model.generate(&mut session, Some(&tokenizer), &prompt, &options, &mut listener)).unwrap();
        (done, heard)
    };
    let (done, heard) = write(usize::MAX);
    assert_eq!((done.finish, done.token_ids.len()), (run::Finish::Length, 12));
    assert!(heard == done.text && !heard.is_empty());
    let (stopped, heard) = write(3);
    assert_eq!((stopped.finish, stopped.token_ids.len(), heard.as_str()), (run::Finish::Cancelled, 0, ""));
    assert_eq!(write(usize::MAX).0.token_ids, done.token_ids);
}
