//! A small recipe in a folder of its own.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dynasty_train::metrics::{self, Record};
use dynasty_train::session::{Ended, Event, METRICS, Options, begin};
use dynasty_train::{Error, Recipe};
use run::Device;

/// A folder that is removed with its value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dynasty-training-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("texts.jsonl"), texts()).unwrap();
        Self(path)
    }

    /// The recipe with more lines at its end, writing to `output`.
    pub fn recipe(&self, output: &str, more: &str) -> Recipe {
        let path = self.0.join(format!("{output}.toml"));
        fs::write(&path, format!("output = '{output}'\n{RECIPE}\n{more}\n")).unwrap();
        Recipe::open(&path).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RECIPE: &str = r#"
name = "small"
seed = 11
validation = 0.1
[model]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 4
num_key_value_heads = 2
tie_word_embeddings = true
[tokenizer]
vocab_size = 320
[[data]]
name = "sentences"
files = ["texts.jsonl"]
layout = "jsonl"
licence = "our own"
[train]
steps = 24
batch = 4
accumulate = 2
context = 16
[schedule]
warmup = 4
[checkpoints]
every = 10
keep = 2
[evaluation]
every = 8
batches = 2
"#;

/// Sentences with a pattern that can be learned.
fn texts() -> String {
    let (who, what) = (["cat", "dog", "bird", "fish", "fox"], ["milk", "bones", "seeds", "worms", "berries"]);
    let sentence = |i: usize| {
        let k = i * i % 5;
        format!("{{\"text\":\"Number {i}: the {} eats {}. It eats {} every day.\"}}\n", who[k], what[k], what[k])
    };
    (0..400).map(sentence).collect()
}

/// Runs a recipe to its end on the processor.
pub fn train(recipe: &Recipe, threads: usize, resume: bool) -> Result<Ended, Error> {
    train_until(recipe, threads, resume, u64::MAX)
}

/// Runs a recipe to its end on a device.
pub fn train_on(recipe: &Recipe, device: Device) -> Result<Ended, Error> {
    run(recipe, device, 1, false, u64::MAX)
}

/// Runs a recipe until `listen` has heard of step `last`, then pauses.
pub fn train_until(recipe: &Recipe, threads: usize, resume: bool, last: u64) -> Result<Ended, Error> {
    run(recipe, Device::cpu(threads), threads, resume, last)
}

fn run(recipe: &Recipe, device: Device, threads: usize, resume: bool, last: u64) -> Result<Ended, Error> {
    let options = Options { resume, max_seconds: None };
    let mut listen = |event: Event<'_>| match event {
        Event::Record(Record::Step { step, .. }) if *step >= last => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    pollster::block_on(async {
        let mut session = begin(recipe, device, threads, &options, &mut listen).await?;
        session.run(&options, &mut listen).await
    })
}

/// Every loss of a finished run, bit for bit: of steps and of held-out texts.
pub fn curve(output: &Path) -> Vec<(u64, u64)> {
    let bits = |record: Record| match record {
        Record::Step { step, loss, .. } => Some((step, loss.unwrap().to_bits())),
        Record::Validation { step, loss } => Some((step, loss.to_bits())),
        _ => None,
    };
    metrics::read(&output.join(METRICS)).unwrap().into_iter().filter_map(bits).collect()
}

/// The bytes of a checkpoint's file.
pub fn checkpoint_file(output: &Path, step: u64, name: &str) -> Vec<u8> {
    fs::read(dynasty_train::checkpoint::folder(output, step).join(name)).unwrap()
}
