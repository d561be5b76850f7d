//! What is refused before a step is taken.

use std::fs;

use dynasty_train::Recipe;

use crate::small::{Folder, train, train_until};

#[track_caller]
fn check(recipe: &Recipe, resume: bool, wanted: &str) {
    let error = train(recipe, 1, resume).unwrap_err().to_string();
    assert!(error.contains(wanted) && !error.contains('\n'), "{error}");
}

#[test]
fn checkpoints_are_not_overwritten() {
    let folder = Folder::new("overwritten");
    let recipe = folder.recipe("out", "");
    train_until(&recipe, 1, false, 2).unwrap();
    let before = fs::read(recipe.output.join("metrics.jsonl")).unwrap();
    check(&recipe, false, "holds checkpoints; --resume goes on from them");
    let other = folder.recipe("out", "[optimizer]\nlearning_rate = 0.5");
    check(&other, true, "state.json: belongs to another recipe");
    assert_eq!(fs::read(recipe.output.join("metrics.jsonl")).unwrap(), before);
}

#[test]
fn texts_that_changed_are_noticed() {
    let folder = Folder::new("changed");
    let recipe = folder.recipe("out", "");
    train_until(&recipe, 1, false, 2).unwrap();
    let path = folder.0.join("texts.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"text\":\"One more sentence.\"}}\n")).unwrap();
    check(&recipe, true, "belongs to another tokenizer");
}

#[test]
fn damaged_texts_and_models_are_named() {
    let folder = Folder::new("texts");
    let recipe = folder.recipe("out", "");
    fs::write(folder.0.join("texts.jsonl"), "").unwrap();
    check(&recipe, false, "texts.jsonl: is empty");
    fs::write(folder.0.join("texts.jsonl"), b"{\"text\":\"a\"}\n{\"text\":\"\xff\"}").unwrap();
    check(&recipe, false, "texts.jsonl:2: broken UTF-8");
    fs::remove_file(folder.0.join("texts.jsonl")).unwrap();
    check(&recipe, false, "texts.jsonl: ");
    let folder = Folder::new("wrong-model");
    let mut recipe = folder.recipe("out", "");
    recipe.model.insert("num_attention_heads".into(), 5.into());
    check(&recipe, false, "field num_key_value_heads is 2, which does not divide 5 heads");
}

#[test]
fn a_vocabulary_that_does_not_match_is_refused() {
    let folder = Folder::new("vocabulary");
    let recipe = folder.recipe("out", "");
    train_until(&recipe, 1, false, 1).unwrap();
    let start = recipe.output.join("step-1");
    let config = fs::read_to_string(start.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["vocab_size"] = 200.into();
    fs::write(start.join("config.json"), config.to_string()).unwrap();
    let tuned = Recipe { start: Some(start), tokenizer: None, output: folder.0.join("tuned"), ..recipe };
    let tuned = Recipe { model: serde_json::Map::new(), ..tuned };
    check(&tuned, false, "tokens, the model knows 200");
}
