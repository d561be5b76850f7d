//! Asks a trained model about held-out pictures, through the task as everybody uses it, and writes down what it answered:
//! the share that is right in either ink, how often which class was told as which, and the first answers, good or bad.
//!
//! `cargo run --release -p dynasty-train --example classes -- MODEL.gguf`

use std::path::Path;
use std::rc::Rc;

use dynasty_train::classes::{Ink, Pictures, Recipe, Told, accuracy, ask, confusions};
use run::tasks::Viewer;
use run::{DeviceChoice, LoadOptions, Model, Source};

/// Answers that are shown.
const SHOWN: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = std::env::args().nth(1).ok_or("the first argument is a model")?;
    let recipe = Recipe::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny-vit.toml"))?;
    let pictures = Pictures::open(&recipe.data, &recipe.data_root)?;
    let (_, held) = pictures.split(recipe.seed, recipe.validation);
    let source = if Path::new(&model).is_dir() {
        Source::Folder(Rc::new(format::DirFolder::new(&model)?))
    } else {
        Source::File(Rc::new(format::FileBytes::open(&model)?))
    };
    let classes = &*recipe.data.classes;
    let [light, dark] = pollster::block_on(async {
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        let viewer = Viewer::new(Model::open(source, &options, &mut |_| ()).await?).await?;
        let light = ask(&viewer, &pictures, (&held, classes), Ink::Light).await?;
        Ok::<_, Box<dyn std::error::Error>>([light, ask(&viewer, &pictures, (&held, classes), Ink::Dark).await?])
    })?;
    println!(
        "{} held-out pictures: {:.4} right, {:.4} in black on white",
        held.len(),
        accuracy(&light),
        accuracy(&dark)
    );
    show_confusions(&light, classes);
    show_first(&light, classes);
    Ok(())
}

fn show_confusions(all: &[Told], classes: &[String]) {
    println!("\n| | {} |\n|---|{}", classes.join(" | "), "---|".repeat(classes.len()));
    for (class, row) in classes.iter().zip(confusions(all, classes.len())) {
        let counts: Vec<String> = row.iter().map(usize::to_string).collect();
        println!("| **{class}** | {} |", counts.join(" | "));
    }
}

fn show_first(all: &[Told], classes: &[String]) {
    println!("\n| picture | shows | told as | probability |\n|---|---|---|---|");
    for told in all.iter().take(SHOWN) {
        println!("| {} | {} | {} | {:.3} |", told.picture, classes[told.truth], classes[told.answer], told.score);
    }
}
