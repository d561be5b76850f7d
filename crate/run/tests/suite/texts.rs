//! Translations and summaries, against what the reference library writes (`tests/fixtures/make_texts.py`).

use std::ops::ControlFlow;
use std::rc::Rc;

use dynasty_run::tasks::{Generated, TranslateOptions, WriteOptions};
use dynasty_run::{
    DeviceChoice, Error, Finish, GenerateOptions, Listener, LoadOptions, Model, Progress, Reader, SamplerConfig, Source,
};
use format::DirFolder;
use pollster::block_on;
use serde_json::Value;

use crate::shared::fixture;

/// A model on the processor.
fn open(name: &str) -> Rc<Model> {
    let folder = DirFolder::new(fixture("texts").join(name)).unwrap();
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    Rc::new(block_on(Model::open(Source::Folder(Rc::new(folder)), &options, &mut |_| ())).unwrap())
}

fn writing(model: &Model, prefix: Option<String>) -> WriteOptions {
    let eos = block_on(model.generation()).unwrap().eos.clone();
    let generate = GenerateOptions { eos, sampler: SamplerConfig::greedy(), ..GenerateOptions::default() };
    WriteOptions { prefix, generate }
}

fn translate(model: &Rc<Model>, texts: &[&str], languages: [Option<&str>; 2]) -> Result<Vec<Generated>, Error> {
    let [source, target] = languages.map(|language| language.map(str::to_string));
    let options = TranslateOptions { source, target, writing: writing(model, None) };
    heard(async |listener| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_string()).collect();
        Reader::new(model.clone()).await?.translate(&texts, &options, listener).await
    })
}

fn heard(task: impl AsyncFnOnce(&mut Listener<'_>) -> Result<Vec<Generated>, Error>) -> Result<Vec<Generated>, Error> {
    let mut listener = Listener {
        piece: &mut |_| ControlFlow::Continue(()),
        progress: &mut |_| ControlFlow::Continue(()),
        pause: None,
    };
    block_on(task(&mut listener))
}

fn cases(name: &str) -> Vec<Value> {
    let text = std::fs::read(fixture("texts").join(name).join("cases.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap().as_array().unwrap().clone()
}

fn check(name: &str) {
    let model = open(name);
    for case in cases(name) {
        let text = case["source"].as_str().unwrap();
        let written = match case["task"].as_str().unwrap() {
            "translation" => {
                let languages = case["languages"].as_array().unwrap();
                translate(&model, &[text], [0, 1].map(|i| languages.get(i).and_then(Value::as_str)))
            }
            _ => heard(async |listener| {
                let prefix = case["prefix"].as_str().map(str::to_string);
                let options = writing(&model, prefix);
                Reader::new(model.clone()).await?.summarize(&[text.to_string()], &options, listener).await
            }),
        };
        let written = written.unwrap().swap_remove(0);
        let ids: Vec<u64> = case["token_ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        assert_eq!(written.token_ids.iter().map(|id| u64::from(*id)).collect::<Vec<_>>(), ids, "{name}: {case}");
        assert_eq!(written.text, case["text"].as_str().unwrap(), "{name}: {case}");
    }
}

#[test]
fn prefixes_and_settings_by_task() {
    check("t5");
}

#[test]
fn languages_as_tokens() {
    check("mbart");
}

#[test]
fn languages_before_the_text() {
    check("marian");
}

#[test]
fn several_texts_are_written_one_by_one() {
    let model = open("t5");
    let both = translate(&model, &["a bird", "the river"], [Some("en"), Some("de")]).unwrap();
    assert_eq!(both.len(), 2);
    // A text that has the prefix already says which languages are meant.
    let again = translate(&model, &["translate English to German: the river"], [None, None]);
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(both[1], translate(&model, &["the river"], [None, Some("de")]).unwrap()[0]);
}

#[test]
fn a_listener_may_stop_between_texts() {
    let model = open("mbart");
    let mut steps = 0;
    let mut progress = |progress: Progress| {
        steps += usize::from(matches!(progress, Progress::Tokens { .. }));
        if steps > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut listener = Listener { piece: &mut |_| ControlFlow::Continue(()), progress: &mut progress, pause: None };
    let options = TranslateOptions { writing: writing(&model, None), ..TranslateOptions::default() };
    let texts = ["a bird", "the river"].map(str::to_string);
    let done =
        block_on(async { Reader::new(model.clone()).await?.translate(&texts, &options, &mut listener).await }).unwrap();
    assert_eq!((done.len(), done[0].finish), (1, Finish::Cancelled));
}

#[test]
fn what_the_model_does_not_know_is_said() {
    let reason = |name, languages| translate(&open(name), &["a"], languages).unwrap_err().to_string();
    let t5 = reason("t5", [None, None]);
    assert!(t5.contains("say which languages are meant; it knows en_to_de, en_to_fr"), "{t5}");
    assert!(reason("t5", [Some("de"), Some("en")]).contains("does not translate so, but en_to_de, en_to_fr"));
    assert!(reason("mbart", [None, Some("xx_XX")]).contains("does not know the language \"xx_XX\""));
    assert!(reason("marian", [None, Some("deu")]).contains("does not know the language \"deu\""));
}
