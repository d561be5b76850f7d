//! `dynasty train`, killed and resumed, interrupted, and given nonsense.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const RECIPE: &str = "name = 'small'\noutput = 'out'\nseed = 3\nvalidation = 0.1\n\
    [model]\nhidden_size = 32\nintermediate_size = 64\nnum_hidden_layers = 2\nnum_attention_heads = 4\n\
    tie_word_embeddings = true\n[tokenizer]\nvocab_size = 300\n\
    [[data]]\nname = 'lines'\nfiles = ['lines.txt']\nlayout = 'text'\nseparator = '--'\nlicence = 'our own'\n\
    [train]\nsteps = 60\nbatch = 4\ncontext = 32\n[checkpoints]\nevery = 5\n[evaluation]\nevery = 20\nbatches = 2\n";

/// A folder with a recipe and texts, removed with its value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, recipe: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("dynasty-train-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let lines: Vec<String> =
            (0..300).map(|i| format!("Line {i} of {}.", ["a song", "a tale", "a letter"][i * i % 3])).collect();
        fs::write(folder.join("lines.txt"), lines.join("\n--\n")).unwrap();
        fs::write(folder.join("recipe.toml"), recipe).unwrap();
        Self(folder)
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dynasty"));
        command.arg("train").arg("--recipe").arg(self.0.join("recipe.toml")).args(["--device", "cpu"]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    fn out(&self) -> PathBuf {
        self.0.join("out")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Steps and their losses.
fn curve(out: &Path) -> Vec<(u64, Value)> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps = records.filter(|record| record["kind"] == "step");
    steps.map(|record| (record["step"].as_u64().unwrap(), record["loss"].clone())).collect()
}

/// Waits until a child has written the checkpoint of a step, or ended.
fn wait_for(child: &mut Child, checkpoint: &Path) {
    let start = Instant::now();
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120), "no {}", checkpoint.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_killed_run_comes_to_the_same_curve() {
    let (whole, killed) = (Folder::new("whole", RECIPE), Folder::new("killed", RECIPE));
    let done = whole.run(&["--threads", "2"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let wanted = curve(&whole.out());
    assert_eq!(wanted.len(), 60);
    for (at, step) in [5, 20, 40].into_iter().enumerate() {
        let resume: &[&str] = if at == 0 { &["--threads", "1"] } else { &["--threads", "1", "--resume"] };
        let mut child = killed.command(resume).spawn().unwrap();
        wait_for(&mut child, &killed.out().join(format!("step-{step}")));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let done = killed.run(&["--threads", "1", "--resume"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(curve(&killed.out()), wanted);
    let weights = |folder: &Folder| fs::read(folder.out().join("step-60/model.safetensors")).unwrap();
    assert!(weights(&whole) == weights(&killed));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_a_checkpoint() {
    let folder = Folder::new("interrupted", &RECIPE.replace("steps = 60", "steps = 100000"));
    let mut child = folder.command(&[]).spawn().unwrap();
    wait_for(&mut child, &folder.out().join("step-5"));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let step = told.strip_prefix("paused after step ").and_then(|rest| rest.split(';').next()).unwrap();
    assert!(folder.out().join(format!("step-{step}/model.safetensors")).exists(), "{told}");
}

#[track_caller]
fn check_refused(folder: &Folder, more: &[&str], wanted: &str) {
    let output = folder.run(more);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.lines().last().is_some_and(|line| line.contains(wanted)), "{told}");
}

#[test]
fn nonsense_is_refused_in_one_line() {
    let wrong = Folder::new("wrong", &RECIPE.replace("batch = 4", "batch = 4\nbatches = 2"));
    check_refused(&wrong, &[], "recipe.toml: train.batches: unknown field `batches`");
    assert!(!wrong.out().exists());
    let folder = Folder::new("nonsense", RECIPE);
    check_refused(&folder, &["--start", "elsewhere"], "--start is for recipes that go on from one");
    assert!(folder.run(&["--max-seconds", "0"]).status.success(), "a run of no time pauses");
    check_refused(&folder, &[], "holds checkpoints; --resume goes on from them");
    fs::write(folder.0.join("lines.txt"), b"a\xff").unwrap();
    check_refused(&folder, &["--resume"], "lines.txt:1: broken UTF-8 at byte 1 of the line");
}
