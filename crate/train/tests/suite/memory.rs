//! A training in memory is the same training.

use std::rc::Rc;

use dynasty_train::memory::InMemory;
use dynasty_train::metrics::Record;
use format::DirFolder;
use run::{Device, Package, Source};

use crate::small::{Folder, checkpoint_file, curve, train};

/// Every loss of a whole run in memory, bit for bit, and the model's weights.
fn in_memory(recipe: &dynasty_train::Recipe, folder: &Folder) -> (Vec<(u64, u64)>, Vec<u8>) {
    pollster::block_on(async {
        let texts = DirFolder::new(&folder.0).unwrap();
        let start = match &recipe.start {
            Some(path) => Some(Package::open(Source::Folder(Rc::new(DirFolder::new(path).unwrap()))).await.unwrap()),
            None => None,
        };
        let mut run = InMemory::begin(recipe, &texts, start, (Device::cpu(2), 2), &mut |_| ()).await.unwrap();
        let mut losses = Vec::new();
        while !run.is_finished() {
            for record in run.step().await.unwrap() {
                // As a file of records gives it back.
                match serde_json::from_str(&record.line()).unwrap() {
                    Record::Step { step, loss, .. } => losses.push((step, loss.unwrap().to_bits())),
                    Record::Validation { step, loss } => losses.push((step, loss.to_bits())),
                    other => panic!("{other:?}"),
                }
            }
        }
        let files = run.files().await.unwrap();
        let model = files.into_iter().find(|(name, _)| name == "model.safetensors").unwrap();
        (losses, model.1)
    })
}

#[test]
fn the_losses_and_the_model_are_the_same() {
    let folder = Folder::new("memory");
    let recipe = folder.recipe("disk", "[optimizer]\nlearning_rate = 0.02\nema = 0.9\n[regularization]\ndropout = 0.1");
    train(&recipe, 1, false).unwrap();
    let (losses, model) = in_memory(&recipe, &folder);
    assert_eq!(curve(&recipe.output), losses);
    assert!(checkpoint_file(&recipe.output, 24, "model.safetensors") == model);
}
