//! A run that was paused, killed or given other threads comes to the same weights, bit for bit.

use std::fs;

use dynasty_train::session::{Ended, METRICS};

use crate::small::{Folder, checkpoint_file, curve, train, train_until};

const MORE: &str = "[optimizer]\nlearning_rate = 0.02\nema = 0.9\n[regularization]\ndropout = 0.1";

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = Folder::new("threads");
    let (one, two) = (folder.recipe("one", MORE), folder.recipe("two", MORE));
    train(&one, 1, false).unwrap();
    train(&two, 2, false).unwrap();
    assert_eq!(curve(&one.output), curve(&two.output));
    for name in ["model.safetensors", "optimizer.safetensors"] {
        assert!(checkpoint_file(&one.output, 24, name) == checkpoint_file(&two.output, 24, name), "{name}");
    }
}

#[test]
fn checkpointing_activations_changes_nothing() {
    let folder = Folder::new("activations");
    let (all, blocks) = (folder.recipe("all", MORE), folder.recipe("blocks", MORE));
    let blocks = dynasty_train::Recipe {
        checkpoints: dynasty_train::recipe::Checkpoints {
            activations: dynasty_train::recipe::Activations::Blocks,
            ..blocks.checkpoints.clone()
        },
        ..blocks
    };
    train(&all, 2, false).unwrap();
    train(&blocks, 2, false).unwrap();
    assert_eq!(curve(&all.output), curve(&blocks.output));
}

#[test]
fn a_paused_run_goes_on() {
    let folder = Folder::new("paused");
    let (whole, parts) = (folder.recipe("whole", MORE), folder.recipe("parts", MORE));
    train(&whole, 2, false).unwrap();
    assert_eq!(train_until(&parts, 1, false, 3).unwrap(), Ended::Paused(3));
    assert_eq!(train_until(&parts, 2, true, 13).unwrap(), Ended::Paused(13));
    assert!(matches!(train(&parts, 1, true).unwrap(), Ended::Finished(_)));
    assert_eq!(curve(&whole.output), curve(&parts.output));
    for name in ["model.safetensors", "optimizer.safetensors"] {
        assert!(checkpoint_file(&whole.output, 24, name) == checkpoint_file(&parts.output, 24, name), "{name}");
    }
}

/// What a kill between two checkpoints leaves: records of steps that no checkpoint knows, half a checkpoint, half a line.
#[test]
fn a_killed_run_goes_on() {
    let folder = Folder::new("killed");
    let (whole, killed) = (folder.recipe("whole", MORE), folder.recipe("killed", MORE));
    train(&whole, 2, false).unwrap();
    train_until(&killed, 2, false, 14).unwrap();
    fs::rename(killed.output.join("step-14"), killed.output.join(".step-14.part")).unwrap();
    fs::remove_file(killed.output.join(".step-14.part/state.json")).unwrap();
    let metrics = fs::read(killed.output.join(METRICS)).unwrap();
    fs::write(killed.output.join(METRICS), &metrics[..metrics.len() - 9]).unwrap();
    assert!(matches!(train(&killed, 2, true).unwrap(), Ended::Finished(_)));
    assert_eq!(curve(&whole.output), curve(&killed.output));
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let folder = Folder::new("damaged");
    let (whole, damaged) = (folder.recipe("whole", MORE), folder.recipe("damaged", MORE));
    train(&whole, 2, false).unwrap();
    train_until(&damaged, 2, false, 12).unwrap();
    let path = damaged.output.join("step-12/optimizer.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    train(&damaged, 2, true).unwrap();
    assert_eq!(curve(&whole.output), curve(&damaged.output));
}
