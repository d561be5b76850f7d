//! What the pages' pickers offer: every model in a folder.

use std::path::{Path, PathBuf};

use models::{Model, Parts, Task};
use run::Package;
use serde::Serialize;
use serde_json::Value;

use crate::source;

/// One model.
#[derive(Serialize)]
struct Entry {
    /// The name of its folder or file.
    name: String,
    /// Where the page reads it.
    url: String,
    /// Bytes of its weights.
    bytes: u64,
    /// `folder` or `file`.
    kind: &'static str,
    /// What its head is for, such as `generate` or `fill_mask`.
    task: &'static str,
    /// Whether it has a chat template.
    template: bool,
    /// The family, such as `llama`.
    family: &'static str,
    /// A folder's files, which a page cannot list.
    files: Vec<String>,
}

/// Every model in `folder`, then those that the site brings by its own list, but for names that the folder has too.
pub fn offered(folder: Option<&Path>, own: &Path) -> Vec<Value> {
    let listed = folder.map(list).unwrap_or_default();
    let mut all: Vec<Value> = listed.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
    let own = std::fs::read(own).ok().and_then(|bytes| serde_json::from_slice::<Vec<Value>>(&bytes).ok());
    for model in own.unwrap_or_default() {
        if !all.iter().any(|other| other["name"] == model["name"]) {
            all.push(model);
        }
    }
    all
}

/// Every model in `folder`, by name. What is no model is left out.
fn list(folder: &Path) -> Vec<Entry> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().filter_map(|path| pollster::block_on(entry(path))).collect()
}

/// The names of all models in `folder`.
pub fn names(folder: &Path) -> Vec<String> {
    list(folder).into_iter().map(|entry| entry.name).collect()
}

async fn entry(path: &Path) -> Option<Entry> {
    let name = path.file_name()?.to_str()?.to_string();
    let source = source::open(path).ok()?;
    let package = Package::open(source).await.ok()?;
    let template = package.files.chat().await.ok()?.is_some();
    let is_folder = path.is_dir();
    Some(Entry {
        url: format!("/models/{name}{}", if is_folder { "/" } else { "" }),
        name,
        bytes: package.checkpoint().weight_bytes(),
        kind: if is_folder { "folder" } else { "file" },
        task: task(&package.model),
        template,
        family: package.model.family(),
        files: if is_folder { files(path) } else { Vec::new() },
    })
}

/// As the pages name it.
fn task(model: &Model) -> &'static str {
    let parts = model.parts();
    let both = matches!(model, Model::Vision(vision) if vision.text().is_some() && vision.patches().is_some());
    match model.task() {
        Task::Base if both => "match",
        Task::ImageClassification => "classify_image",
        Task::Segmentation => "segment",
        Task::Base if parts == Parts::Pictures => "embed_image",
        Task::Base if parts == Parts::EncoderDecoder => "",
        Task::CausalLm => "generate",
        Task::Base => "embed",
        Task::MaskedLm => "fill_mask",
        Task::SequenceClassification => "classify",
        Task::TokenClassification => "entities",
        Task::QuestionAnswering => "answer",
        Task::Seq2SeqLm => "translate",
        Task::PreTraining | Task::NextSentence => "",
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> =
        entries.filter(|e| e.path().is_file()).filter_map(|e| e.file_name().to_str().map(str::to_string)).collect();
    names.sort();
    names
}
