//! Damaged and unsupported models: each gives one line that names the file and a fitting reason, soon, and never a panic.

mod config;
mod ctranslate2;
mod families;
mod files;
mod fuzz;
mod gguf;
mod headers;
mod layout;
mod llama_cpp;
mod program;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use format::{MemoryBytes, MemoryFolder};
use graph::Taps;
use models::{Call, Head};
use pollster::block_on;
use run::{Package, Source};

use files::Files;

/// Longer than this is a hang, on a busy machine too.
const LONGEST: Duration = Duration::from_secs(60);

/// A damaged model.
pub struct Case {
    name: String,
    /// The message names it.
    file: &'static str,
    /// The message holds one of these, in any case of letters.
    reasons: &'static [&'static str],
    files: Files,
}

impl Case {
    /// What becomes of `files` by `damage`.
    pub fn new(
        name: impl Into<String>,
        file: &'static str,
        reasons: &'static [&'static str],
        files: &Files,
        damage: impl FnOnce(&mut Files),
    ) -> Self {
        let mut files = files.clone();
        damage(&mut files);
        Self { name: name.into(), file, reasons, files }
    }
}

/// What loading does before a device is opened.
fn open(files: &Files) -> Result<(), String> {
    if let Some(bytes) = files.llama2c() {
        let opened = block_on(format::llama2c::open(Rc::new(MemoryBytes::new("model.bin", bytes))));
        return opened.map(|_| ()).map_err(|error| error.to_string());
    }
    let source = match files.single() {
        Some((name, bytes)) => Source::File(Rc::new(MemoryBytes::new(name, bytes))),
        None => {
            let mut folder = MemoryFolder::new("damaged");
            for (name, bytes) in files.iter() {
                folder.insert(name, bytes.clone());
            }
            Source::Folder(Rc::new(folder))
        }
    };
    let text = |error: run::Error| error.to_string();
    let package = block_on(Package::open(source)).map_err(text)?;
    let graph = package.build(&Call::step(Head::Logits), Taps::none()).map_err(text)?;
    package.find(&graph).map(|_| ()).map_err(text)
}

/// Why a case fails, if it does.
fn check(case: &Case) -> Option<String> {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| open(&case.files)));
    if start.elapsed() > LONGEST {
        return Some(format!("took {:?}", start.elapsed()));
    }
    match outcome {
        Err(_) => Some("panics".into()),
        Ok(Ok(())) => Some("is accepted".into()),
        Ok(Err(message)) => unfitting(&message, case.file, case.reasons),
    }
}

/// What is wrong with a message, if anything is.
pub fn unfitting(message: &str, file: &str, reasons: &[&str]) -> Option<String> {
    let small = message.to_lowercase();
    let fits = reasons.iter().any(|reason| small.contains(&reason.to_lowercase()));
    match () {
        () if message.contains('\n') => Some(format!("more than one line: {message:?}")),
        () if message.len() > 1000 => Some(format!("{} bytes long", message.len())),
        () if !message.contains(file) => Some(format!("does not name {file}: {message}")),
        () if !fits => Some(format!("says none of {reasons:?}: {message}")),
        () => None,
    }
}

/// Checks all cases, then fails with every message at once.
fn play(suite: &str, cases: &[Case]) {
    let failures: Vec<String> =
        cases.iter().filter_map(|case| check(case).map(|why| format!("{}: {why}", case.name))).collect();
    println!("{suite}: {} cases", cases.len());
    assert!(failures.is_empty(), "{} failures in {} cases:\n  {}", failures.len(), cases.len(), failures.join("\n  "));
}

#[test]
fn whole_models_open() {
    for files in [
        files::folder("llama_plain"),
        files::folder("llama_sharded"),
        files::quantized(),
        files::llama2c(),
        files::ctranslate2(),
        files::converted("phi3_long"),
    ] {
        open(&files).unwrap();
    }
}

#[test]
fn configurations() {
    play("configurations", &config::cases());
}

#[test]
fn every_family() {
    play("every family", &families::cases());
}

#[test]
fn ctranslate2_layout() {
    play("CTranslate2's layout", &ctranslate2::cases());
}

#[test]
fn layouts() {
    play("layouts", &layout::cases());
}

#[test]
fn safetensors_headers() {
    play("safetensors headers", &headers::cases());
}

#[test]
fn llama_cpp_layout() {
    play("llama.cpp's layout", &llama_cpp::cases());
}

#[test]
fn gguf_headers() {
    play("gguf headers", &gguf::cases());
}

/// Any single byte of a header may change: no panic, no hang, no message of several lines.
#[test]
fn changed_bytes() {
    let mut numbers = dynasty_tests::Numbers::new(2024);
    let mut failures = Vec::new();
    let translator = files::ctranslate2();
    let translator_bytes = translator.bytes("model.bin").len();
    for (files, header) in [
        (files::folder("llama_plain"), 2200),
        (files::quantized(), 3500),
        (files::llama2c(), 28),
        (translator, translator_bytes),
    ] {
        let name = files.weights_name();
        for _ in 0..1500 {
            let (at, byte) = (numbers.below(header), numbers.bits() as u8);
            let mut changed = files.clone();
            changed.edit(&name, |bytes| bytes[at] = byte);
            match catch_unwind(AssertUnwindSafe(|| open(&changed))) {
                Err(_) => failures.push(format!("{name}: byte {at} as {byte}: panics")),
                Ok(Err(message)) if message.contains('\n') => failures.push(format!("{name}: {message:?}")),
                Ok(Ok(()) | Err(_)) => {}
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Files end anywhere.
#[test]
fn cut_files() {
    let mut failures = Vec::new();
    for files in [files::folder("llama_plain"), files::quantized(), files::llama2c(), files::ctranslate2()] {
        let name = files.weights_name();
        let whole = files.bytes(&name).len();
        for at in (0..whole).step_by((whole / 199).max(1)) {
            let mut cut = files.clone();
            cut.edit(&name, |bytes| bytes.truncate(at));
            let case = Case { name: format!("{name} cut at {at}"), file: "", reasons: &[""], files: cut };
            failures.extend(check(&case).map(|why| format!("{}: {why}", case.name)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
