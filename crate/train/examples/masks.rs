//! Asks a trained model about held-out things, through the task as everybody uses it, and writes down what it answered:
//! means on the terminal, and a picture of the first answers, good or bad.
//!
//! `cargo run --release -p dynasty-train --example masks -- MODEL.gguf [SHEET.png] [SCENES]`

use std::path::Path;
use std::rc::Rc;

use dynasty_train::masks::{Asked, Atlas, Recipe, ask, means, sheet};
use run::tasks::segment::Segmenter;
use run::{DeviceChoice, LoadOptions, Model, Source};

/// The longest side of the scenes that are asked about: twice that of what the model sees.
const SIDE: usize = 256;
/// Answers on the sheet.
const SHOWN: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("the first argument is a model")?;
    let shown = arguments.next();
    let scenes = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let recipe = Recipe::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny-sam.toml"))?;
    let atlas = Atlas::open(&recipe.data, &recipe.data_root)?;
    let source = if Path::new(&model).is_dir() {
        Source::Folder(Rc::new(format::DirFolder::new(&model)?))
    } else {
        Source::File(Rc::new(format::FileBytes::open(&model)?))
    };
    let answers = pollster::block_on(async {
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        let model = Model::open(source, &options, &mut |_| ()).await?;
        let mut segmenter = Segmenter::new(model).await?;
        ask(&mut segmenter, &recipe, &atlas, (scenes, SIDE)).await
    })?;
    let all = means(&answers);
    println!(
        "{} held-out objects in {scenes} scenes: mean IoU {:.3} by a click, {:.3} by a box",
        all.count, all.point, all.area
    );
    for (i, answer) in answers.iter().take(SHOWN).enumerate() {
        let asked = if answer.asked == Asked::Point { "click" } else { "box" };
        println!("| {} | {asked} | {:.3} |", i + 1, answer.iou);
    }
    if let Some(path) = shown {
        let (width, height, rgba) = sheet(&answers[..SHOWN.min(answers.len())], 4, SIDE);
        std::fs::write(path, pictures::png_rgba(width, height, &rgba)?)?;
    }
    Ok(())
}
