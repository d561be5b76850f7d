//! The program on damaged files: exit code 1, one line on stderr, soon, in little memory, and no file left behind.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use dynasty_tests::{Scratch, built_program, fixtures};
use serde_json::{Value, json};

use crate::{config, gguf, headers, layout, unfitting};

/// The contract's.
const LONGEST: Duration = Duration::from_secs(10);

/// A damaged file may claim what it wants: this is what the program gets, in KiB.
const MEMORY: usize = 1 << 20;

/// Runs the program with bounded memory.
fn dynasty(program: &Path, args: &[&str]) -> Output {
    let script = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
    Command::new("sh").args(["-c", &script]).arg(program).args(args).stdin(Stdio::null()).output().unwrap()
}

/// What is wrong with how the program failed, if anything is.
fn failure(program: &Path, args: &[&str], file: &str, reasons: &[&str], left: &Path) -> Option<String> {
    let start = Instant::now();
    let output = dynasty(program, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    match () {
        () if output.status.code() != Some(1) => Some(format!("{}, {stderr}", output.status)),
        () if start.elapsed() > LONGEST => Some(format!("took {:?}", start.elapsed())),
        () if lines.len() != 1 => Some(format!("{} lines: {stderr}", lines.len())),
        () if left.exists() => Some("leaves a file behind".into()),
        () => unfitting(lines[0], file, reasons),
    }
}

#[test]
fn the_program_on_damaged_models() {
    let program = built_program().unwrap();
    let scratch = Scratch::new("models");
    let (inputs, out) = (fixtures("models/llama_plain/inputs.safetensors"), scratch.path().join("out"));
    let (inputs, output) = (inputs.to_str().unwrap(), out.to_str().unwrap());
    let mut failures = Vec::new();
    let all = [config::cases(), layout::cases(), headers::cases(), gguf::cases()];
    let few = all.iter().flat_map(|cases| cases.iter().filter(|case| case.file != "model.bin").step_by(6));
    for (i, case) in few.enumerate() {
        let path = case.files.write(&scratch.path().join(format!("case{i}")));
        let model = path.to_str().unwrap();
        let args: &[&str] = match i % 4 {
            0 => &["forward", "--model", model, "--inputs", inputs, "--outputs", output],
            1 => &["bench", "--model", model, "--device", "cpu", "--json"],
            2 => &["quantize", model, "--type", "q8_0", "--out", output],
            _ => &["inspect", "--model", model],
        };
        let found = failure(&program, args, case.file, case.reasons, &out);
        failures.extend(found.map(|why| format!("{} by {}: {why}", case.name, args[0])));
    }
    assert!(failures.is_empty(), "{} failures:\n  {}", failures.len(), failures.join("\n  "));
}

/// An input tensor's entry: name, type, shape, bytes.
type Entry = (&'static str, &'static str, Vec<usize>, Vec<u8>);

fn safetensors(entries: &[Entry]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in entries {
        let end = data.len() + bytes.len();
        header.insert((*name).into(), json!({"dtype": dtype, "shape": shape, "data_offsets": [data.len(), end]}));
        data.extend(bytes);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

fn integers(name: &'static str, shape: [usize; 2], values: &[i64]) -> Entry {
    (name, "I64", shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

#[test]
fn the_program_on_unfitting_inputs() {
    let program = built_program().unwrap();
    let scratch = Scratch::new("inputs");
    let model = fixtures("models/llama_plain");
    let (file, out) = (scratch.path().join("in.safetensors"), scratch.path().join("out.safetensors"));
    let ids = || integers("input_ids", [1, 3], &[1, 2, 3]);
    let cases: [(&str, &[&str], Vec<u8>); 12] = [
        ("empty", &["empty", "short", "length", "bytes"], Vec::new()),
        ("cut", &["bytes", "lie", "offset"], safetensors(&[ids()])[..90].to_vec()),
        ("no ids", &["input_ids"], safetensors(&[])),
        ("ids beyond the vocabulary", &["input_ids"], safetensors(&[integers("input_ids", [1, 2], &[1, 97])])),
        ("negative ids", &["input_ids"], safetensors(&[integers("input_ids", [1, 2], &[1, -1])])),
        ("ids beyond 32 bits", &["input_ids"], safetensors(&[integers("input_ids", [1, 2], &[1, 1 << 40])])),
        ("no tokens", &["input_ids"], safetensors(&[integers("input_ids", [1, 0], &[])])),
        ("ids of one axis", &["input_ids"], safetensors(&[("input_ids", "I64", vec![2], vec![0; 16])])),
        ("ids that are floats", &["input_ids"], safetensors(&[("input_ids", "F32", vec![1, 2], vec![0; 8])])),
        (
            "a mask of another shape",
            &["attention_mask"],
            safetensors(&[ids(), integers("attention_mask", [1, 2], &[1, 1])]),
        ),
        ("negative positions", &["position_ids"], safetensors(&[ids(), integers("position_ids", [1, 3], &[0, -1, 2])])),
        ("an unknown input", &["pixel_values"], safetensors(&[ids(), ("pixel_values", "F32", vec![1], vec![0; 4])])),
    ];
    let paths = [&model, &file, &out].map(|path| path.to_str().unwrap());
    let args = ["forward", "--model", paths[0], "--inputs", paths[1], "--outputs", paths[2], "--device", "cpu"];
    let mut failures = Vec::new();
    for (name, reasons, bytes) in cases {
        std::fs::write(&file, bytes).unwrap();
        let found = failure(&program, &args, "in.safetensors", reasons, &out);
        failures.extend(found.map(|why| format!("{name}: {why}")));
    }
    assert!(failures.is_empty(), "{} failures:\n  {}", failures.len(), failures.join("\n  "));
}

#[test]
fn the_program_on_damaged_words() {
    let program = built_program().unwrap();
    let scratch = Scratch::new("words");
    let (file, out) = (scratch.path().join("bad.vec"), scratch.path().join("out"));
    let long = [b"1 2\n".to_vec(), vec![b'x'; 5 << 20]].concat();
    let binary = |header: &str, values: [f32; 2]| {
        let row = values.iter().flat_map(|value| value.to_le_bytes());
        header.bytes().chain(*b"a ").chain(row).collect::<Vec<u8>>()
    };
    let cases: [(&str, &[&str], Vec<u8>); 12] = [
        ("empty", &["empty"], Vec::new()),
        ("more words than are claimed", &["more words"], b"1 1\na 1\nb 1\n".to_vec()),
        ("a huge count", &["claims"], b"4000000000 2\na 1 2\n".to_vec()),
        ("huge vectors", &["claims"], b"1 4000000000\na 1 2\n".to_vec()),
        ("a huge count of binary words", &["claims"], binary("1000000000000 2\n", [0.1, 0.2])),
        ("NaN", &["line 2", "NaN"], b"1 2\na 1 nan\n".to_vec()),
        ("NaN in binary", &["word 1", "NaN"], binary("1 2\n", [0.1, f32::NAN])),
        ("twice", &["twice"], b"a 1 2\na 1 2\n".to_vec()),
        ("no number", &["no number"], b"2 1\na 1\nb one\n".to_vec()),
        ("broken UTF-8", &["UTF-8"], b"2 4\na 1 2 3 4\n\xff\xfe 1 2 3 4\n".to_vec()),
        ("another width", &["values, expected 2"], b"2 2\na 1 1\nb 1 1 1\n".to_vec()),
        ("a line without an end", &["no line ends"], long),
    ];
    let (path, output) = (file.to_str().unwrap(), out.to_str().unwrap());
    let mut failures = Vec::new();
    for (name, reasons, bytes) in cases {
        std::fs::write(&file, bytes).unwrap();
        for task in [["--nearest", "a"], ["--out", output]] {
            let args = ["words", "--model", path, task[0], task[1]];
            let found = failure(&program, &args, "bad.vec", reasons, &out);
            failures.extend(found.map(|why| format!("{name}, {}: {why}", task[0])));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n  {}", failures.len(), failures.join("\n  "));
}

#[test]
fn the_program_without_a_file() {
    let program = built_program().unwrap();
    let scratch = Scratch::new("nothing");
    let (out, nothing) = (scratch.path().join("out"), scratch.path().join("nothing"));
    let (output, nothing) = (out.to_str().unwrap(), nothing.to_str().unwrap());
    let cases: [&[&str]; 6] = [
        &["inspect", "--model", nothing],
        &["generate", "--model", nothing, "--prompt", "a"],
        &["forward", "--model", nothing, "--inputs", nothing, "--outputs", output],
        &["quantize", nothing, "--type", "q8_0", "--out", output],
        &["tokenize", "--model", nothing, "--text", "a"],
        &["chat-template", "--model", nothing, "--messages", nothing],
    ];
    let reasons = &["not found", "No such file"];
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|args| failure(&program, args, "nothing", reasons, &out).map(|why| format!("{args:?}: {why}")))
        .collect();
    assert!(failures.is_empty(), "{} failures:\n  {}", failures.len(), failures.join("\n  "));
}
