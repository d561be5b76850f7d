//! The recipes of our own models in small form: their sources' layouts, schedules and tuning, on made-up texts.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dynasty_train::metrics::{self, Record};
use dynasty_train::recipe::{DataSpec, Layout, Role};
use dynasty_train::session::{Ended, METRICS};
use dynasty_train::{Recipe, word2vec};
use serde_json::json;

use crate::small::{Folder, train};

/// One document of a source in its layout, with a pattern that can be learned.
fn document(spec: &DataSpec, source: usize, i: usize) -> String {
    let animal = ["cat", "dog", "bird", "fox", "hen"][i % 5];
    let (ask, say) = (format!("What does {animal} {i} of {source} eat?"), format!("The {animal} eats milk and bread."));
    let speaker = |role: Role| spec.roles.iter().find(|(_, own)| **own == role).map(|(name, _)| name.as_str());
    match spec.layout {
        Layout::Text => format!("{say} {ask}\n\n"),
        Layout::Jsonl => format!("{}\n", json!({"text": format!("Story {i} of {source}. {say} {say}")})),
        Layout::Dialogue => {
            let messages = json!([
                {"role": speaker(Role::User).unwrap_or("user"), "content": ask},
                {"role": speaker(Role::Assistant).unwrap_or("assistant"), "content": say},
            ]);
            format!("{}\n", json!({spec.field.as_deref().unwrap_or("messages"): messages}))
        }
        Layout::Pairs if spec.answer.as_deref().is_some_and(|answer| answer.contains("{text}")) => {
            format!("{}\n", json!({"text": format!("{ask} {say}")}))
        }
        Layout::Pairs => format!("{ask}\t{say}\n"),
        Layout::Questions => format!("{}\n", json!({"questions": [ask], "answers": {"friendly": say}})),
        Layout::Conversations | Layout::Answers => format!("- - {ask}\n  - {say}\n"),
    }
}

/// The files of a source.
fn write_source(folder: &Path, spec: &DataSpec, source: usize) -> PathBuf {
    let yaml = matches!(spec.layout, Layout::Conversations | Layout::Answers);
    let head = if yaml { "conversations:\n" } else { "" };
    let documents: String = (0..40).map(|i| document(spec, source, i)).collect();
    let name = PathBuf::from(format!("source-{source}"));
    fs::write(folder.join(&name), format!("{head}{documents}")).unwrap();
    name
}

fn path(recipe: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(format!("{recipe}.toml"))
}

/// A recipe of the project with a small model, few steps and the made-up texts.
fn small(folder: &Path, name: &str) -> Recipe {
    let mut recipe = Recipe::open(&path(name)).unwrap();
    let texts = folder.join(format!("texts-{name}"));
    fs::create_dir_all(&texts).unwrap();
    for (source, spec) in recipe.data.iter_mut().enumerate() {
        (spec.files, spec.beside_output, spec.weight) = (vec![write_source(&texts, spec, source)], false, 1.0);
    }
    (recipe.data_root, recipe.output) = (texts, folder.join(name));
    recipe.start = recipe.start.map(|_| folder.join("story-chat-base"));
    if !recipe.model.is_empty() {
        for (field, size) in [("hidden_size", 32), ("intermediate_size", 64), ("num_hidden_layers", 2)] {
            recipe.model.insert(field.into(), json!(size));
        }
    }
    if let Some(tokenizer) = &mut recipe.tokenizer {
        tokenizer.vocab_size = 320;
    }
    (recipe.train.steps, recipe.train.batch, recipe.train.context) = (40, 4, 48);
    (recipe.schedule.warmup, recipe.optimizer.learning_rate) = (4, 0.01);
    (recipe.checkpoints.every, recipe.evaluation.every, recipe.evaluation.batches) = (20, 40, 4);
    recipe.sampling.every = 0;
    recipe.validation = 0.1;
    recipe
}

/// The loss of held-out texts after the last step.
fn held_out(recipe: &Recipe) -> f64 {
    assert!(matches!(train(recipe, 2, false).unwrap(), Ended::Finished(_)));
    let records = metrics::read(&recipe.output.join(METRICS)).unwrap();
    let last = records.iter().rev().find_map(|record| match record {
        Record::Validation { loss, .. } => Some(*loss),
        _ => None,
    });
    last.unwrap()
}

/// The recipe of our word vectors with small vectors and the made-up texts, several times over.
#[test]
fn the_word_vectors_are_trained() {
    let folder = Folder::new("words");
    let mut recipe = word2vec::Recipe::open(&path("words-en")).unwrap();
    for (source, spec) in recipe.data.iter_mut().enumerate() {
        (spec.files, spec.beside_output) = (vec![write_source(&folder.0, spec, source)], false);
    }
    (recipe.data_root, recipe.output) = (folder.0.clone(), folder.0.join("words.gguf"));
    (recipe.train.dim, recipe.train.epochs, recipe.train.subsample) = (32, 20, 0.0);
    let report = recipe.run(2, &mut |_| ControlFlow::Continue(())).unwrap().unwrap();
    // Six words by chance give 6 ln 2 = 4.16.
    assert!(report.loss < 2.5 && recipe.output.exists(), "{report:?}");
}

/// Every recipe of the project is played here, by `masks` or by `classes`.
#[test]
fn no_recipe_is_left_out() {
    let files = fs::read_dir(path("").parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut found: Vec<String> = files.filter_map(|name| Some(name.to_str()?.strip_suffix(".toml")?.into())).collect();
    found.sort();
    assert_eq!(found, ["story-chat", "story-chat-base", "tiny-sam", "tiny-vit", "words-en"]);
}

/// Before the first step the loss is ln 320 = 5.77.
#[test]
fn the_chat_model_is_trained_and_tuned() {
    let folder = Folder::new("recipes");
    let base = held_out(&small(&folder.0, "story-chat-base"));
    assert!(base < 2.5, "{base} after pre-training");
    let tuned = held_out(&small(&folder.0, "story-chat"));
    assert!(tuned < 1.5, "{tuned} after tuning");
}
