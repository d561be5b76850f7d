//! `dynasty words`: what it prints, what it writes, and how it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Directions in a plane: north, east, and what is between.
const VECTORS: &str =
    "7 2\nnorth 0.0 2.0\neast 1.0 0.0\nnortheast 1.0 1.0\nup 0.0 1.0\nright 3.0 0.0\n-1 1.0 0.5\nzero 0.0 0.0\n";

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dynasty-words-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("plane.vec"), VECTORS).unwrap();
    folder
}

fn words(model: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dynasty");
    Command::new(program).arg("words").arg("--model").arg(model).args(args).output().unwrap()
}

fn printed(model: &Path, args: &[&str]) -> Value {
    let output = words(model, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn found(printed: &Value) -> Vec<&str> {
    printed["neighbours"].as_array().unwrap().iter().map(|n| n["word"].as_str().unwrap()).collect()
}

#[test]
fn neighbours_and_analogies() {
    let folder = folder("search");
    let plane = folder.join("plane.vec");
    let near = printed(&plane, &["--nearest", "east", "--top", "3", "--json", "--device", "cpu"]);
    assert_eq!(found(&near), ["right", "-1", "northeast"]);
    assert!((near["neighbours"][2]["score"].as_f64().unwrap() - 0.5f64.sqrt()).abs() < 1e-6);
    let like = printed(&plane, &["--analogy", "north", "east", "up", "--top", "1", "--json"]);
    assert_eq!(found(&like), ["right"]);
    // A word may begin as an option does.
    assert_eq!(found(&printed(&plane, &["--nearest", "-1", "--top", "1", "--json"])), ["northeast"]);
    assert_eq!(found(&printed(&plane, &["--nearest", "up", "--json"])).len(), 6);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn questions_are_counted() {
    let folder = folder("questions");
    let questions = folder.join("questions.txt");
    std::fs::write(&questions, ": turns\nnorth east up right\nNorth East Up -1\nwest east up right\n").unwrap();
    let report = printed(&folder.join("plane.vec"), &["--evaluate", questions.to_str().unwrap(), "--json"]);
    assert_eq!(report["total"], json!({"name": "all", "questions": 3, "known": 2, "first": 1, "first_five": 2}));
    assert_eq!(report["sections"][0]["name"], "turns");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_format_that_is_written_is_read() {
    let folder = folder("formats");
    for format in ["text", "headerless", "binary", "binary-lines", "f32", "f16"] {
        let out = folder.join(format);
        let output = words(&folder.join("plane.vec"), &["--out", out.to_str().unwrap(), "--as", format]);
        assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(found(&printed(&out, &["--nearest", "east", "--top", "1", "--json"])), ["right"], "{format}");
    }
    let out = folder.join("q8_0");
    let output = words(&folder.join("plane.vec"), &["--out", out.to_str().unwrap(), "--as", "q8_0"]);
    assert!(!output.status.success() && !out.exists(), "two values are no block");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 7, "nothing else is left");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn failures_are_one_line() {
    let folder = folder("failures");
    let plane = folder.join("plane.vec");
    std::fs::write(folder.join("bad.vec"), "2 2\nnorth 0.0 2.0\neast 1.0\n").unwrap();
    let check = |model: &Path, args: &[&str], parts: &[&str]| {
        let output = words(model, args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{args:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
        parts.iter().for_each(|part| assert!(told.contains(part), "{args:?}: {told}"));
    };
    check(&plane, &["--nearest", "west"], &["plane.vec", "\"west\" is not in the vocabulary"]);
    check(&plane, &["--nearest", "EAST"], &["but \"east\" is"]);
    check(&plane, &["--analogy", "north", "south", "up"], &["\"south\" is not in the vocabulary"]);
    check(&plane, &["--analogy", "north", "up"], &["--analogy"]);
    check(&plane, &["--nearest", "east", "--analogy", "north", "east", "up"], &["--nearest"]);
    check(&plane, &["--nearest", "east", "--device", "wgpu"], &["on the processor"]);
    check(&plane, &["--evaluate", "no/such/file"], &["no/such/file", "not found"]);
    check(&folder.join("bad.vec"), &["--nearest", "east"], &["bad.vec", "line 3: 1 values, expected 2"]);
    check(&folder, &["--nearest", "east"], &["not a regular file"]);
    check(&folder.join("none"), &["--nearest", "east"], &["none: not found"]);
    std::fs::remove_dir_all(folder).unwrap();
}
