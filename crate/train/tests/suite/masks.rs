//! Models that answer prompts with masks, learned from scenes of a few made-up shapes.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dynasty_train::Error;
use dynasty_train::masks::{Atlas, Overlap, Pool, Recipe, Scenes, begin};
use dynasty_train::metrics::Record;
use dynasty_train::session::{Event, Options};
use run::Device;
use serde_json::json;

use crate::small::{checkpoint_file, curve};

/// Pixels of a cell's side; cells of the picture.
const CELL: usize = 24;
const CELLS: usize = 40;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder with a picture of shapes: discs, squares, triangles and rings, each of its own colour.
fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("dynasty-masks-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("shapes.png"), shapes()).unwrap();
    Folder(path)
}

fn shapes() -> Vec<u8> {
    let (columns, rows) = (8, CELLS / 8);
    let mut rgba = vec![0; 4 * columns * rows * CELL * CELL];
    for (i, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        let (x, y) = (i % (columns * CELL), i / (columns * CELL));
        let cell = y / CELL * columns + x / CELL;
        let at = |v: usize| (v % CELL) as f32 / CELL as f32 - 0.5 + 0.5 / CELL as f32;
        let (x, y) = (at(x), at(y));
        let far = (x * x + y * y).sqrt();
        let inside = match cell % 4 {
            0 => far < 0.45,
            1 => x.abs().max(y.abs()) < 0.4,
            2 => y > -0.4 && y < 0.4 && x.abs() < (y + 0.4) * 0.55,
            _ => (0.25..0.45).contains(&far),
        };
        if inside {
            pixel.copy_from_slice(&[(cell * 53 % 256) as u8, (cell * 97 % 256) as u8, (cell * 151 % 256) as u8, 255]);
        }
    }
    pictures::png_rgba(columns * CELL, rows * CELL, &rgba).unwrap()
}

/// The recipe of our own model with a smaller model, smaller pictures and the made-up shapes.
fn small(folder: &Path, output: &str) -> Recipe {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny-sam.toml");
    let mut recipe = Recipe::open(&path).unwrap();
    let sizes = [
        (
            "vision_config",
            json!({"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_dim": 64,
            "image_size": 32, "patch_size": 4, "output_channels": 32}),
        ),
        (
            "prompt_encoder_config",
            json!({"hidden_size": 32, "image_size": 32, "patch_size": 4,
            "image_embedding_size": 8}),
        ),
        ("mask_decoder_config", json!({"hidden_size": 32, "mlp_dim": 64, "iou_head_hidden_dim": 32})),
    ];
    for (part, changed) in sizes {
        let fields = recipe.model.get_mut(part).and_then(|part| part.as_object_mut()).unwrap();
        fields.extend(changed.as_object().unwrap().clone());
    }
    (recipe.data.file, recipe.data.side, recipe.data.count) = ("shapes.png".into(), CELL, CELLS);
    (recipe.data_root, recipe.output) = (folder.to_path_buf(), folder.join(output));
    recipe.validation = 0.2;
    (recipe.scenes.objects, recipe.scenes.scale) = ([1, 2], [0.3, 0.7]);
    (recipe.train.steps, recipe.train.batch) = (800, 8);
    (recipe.schedule.warmup, recipe.optimizer.learning_rate) = (20, 3e-3);
    (recipe.checkpoints.every, recipe.evaluation.every, recipe.evaluation.batches) = (200, 200, 4);
    recipe
}

/// Runs until `listen` has heard of step `last`; the losses of the steps and what held-out shapes say then.
fn train(recipe: &Recipe, device: Device, resume: bool, last: u64) -> Result<(f64, Overlap), Error> {
    let options = Options { resume, max_seconds: None };
    let mut listen = |event: Event<'_>| match event {
        Event::Record(Record::Step { step, .. }) if *step >= last => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    pollster::block_on(async {
        let mut session = begin(recipe, device, 2, &options, &mut listen).await?;
        session.run(&options, &mut listen).await?;
        session.course.evaluate().await
    })
}

/// Shapes of colours and places that no scene had before are found by a click and by a box.
#[test]
fn shapes_are_cut_out() {
    let folder = folder("learned");
    let recipe = small(&folder.0, "out");
    let (loss, overlap) = train(&recipe, Device::cpu(2), false, u64::MAX).unwrap();
    println!("loss {loss:.3}, {overlap:?}");
    assert!(loss < 2.0, "{loss}");
    assert!(overlap.point > 0.45 && overlap.area > 0.45, "{overlap:?}");
    // What is written is a model that the task opens.
    let step = dynasty_train::checkpoint::folder(&recipe.output, recipe.train.steps);
    let source = run::Source::Folder(std::rc::Rc::new(format::DirFolder::new(&step).unwrap()));
    pollster::block_on(async {
        let model = run::Model::open(source, &run::LoadOptions::default(), &mut |_| ()).await.unwrap();
        let mut segmenter = run::tasks::segment::Segmenter::new(model).await.unwrap();
        let atlas = Atlas::open(&recipe.data, &recipe.data_root).unwrap();
        let answers = dynasty_train::masks::ask(&mut segmenter, &recipe, &atlas, (20, 64)).await.unwrap();
        let means = dynasty_train::masks::means(&answers);
        println!("{means:?}");
        assert!(means.count >= 20 && means.point > 0.4 && means.area > 0.4, "{means:?}");
    });
}

#[test]
fn a_run_goes_on_to_the_same_weights() {
    let folder = folder("resumed");
    let mut whole = small(&folder.0, "whole");
    whole.train.steps = 12;
    (whole.checkpoints.every, whole.evaluation.every) = (4, 6);
    train(&whole, Device::cpu(2), false, u64::MAX).unwrap();
    let parts = Recipe { output: folder.0.join("parts"), ..whole.clone() };
    train(&parts, Device::cpu(2), false, 5).unwrap();
    let again = train(&parts, Device::cpu(2), false, u64::MAX).unwrap_err().to_string();
    assert!(again.contains("--resume"), "{again}");
    train(&parts, Device::cpu(1), true, u64::MAX).unwrap();
    assert_eq!(curve(&parts.output), curve(&whole.output));
    for file in ["model.safetensors", "optimizer.safetensors"] {
        assert!(checkpoint_file(&parts.output, 12, file) == checkpoint_file(&whole.output, 12, file), "{file}");
    }
    let other = Recipe { seed: 2, ..parts };
    let error = train(&other, Device::cpu(2), true, u64::MAX).unwrap_err().to_string();
    assert!(error.contains("belongs to another recipe"), "{error}");
}

#[test]
fn a_gpu_learns_the_same() {
    let folder = folder("gpu");
    let mut recipe = small(&folder.0, "cpu");
    (recipe.train.steps, recipe.train.batch, recipe.evaluation.every) = (3, 2, 0);
    train(&recipe, Device::cpu(2), false, u64::MAX).unwrap();
    let other = Recipe { output: folder.0.join("gpu"), ..recipe.clone() };
    train(&other, pollster::block_on(Device::gpu()).unwrap(), false, u64::MAX).unwrap();
    for ((_, a), (_, b)) in curve(&recipe.output).into_iter().zip(curve(&other.output)) {
        let (a, b) = (f64::from_bits(a), f64::from_bits(b));
        assert!((a - b).abs() < 1e-3 * a.abs(), "{a} {b}");
    }
}

#[test]
fn wrong_recipes_and_data_are_refused() {
    let folder = folder("refused");
    let refused = |change: &dyn Fn(&mut Recipe), wanted: &str| {
        let mut recipe = small(&folder.0, "out");
        change(&mut recipe);
        let error = train(&recipe, Device::cpu(1), false, 1).unwrap_err().to_string();
        assert!(error.contains(wanted) && !error.contains('\n'), "{error}, expected {wanted}");
    };
    refused(&|recipe| recipe.data.file = "none.png".into(), "none.png");
    refused(&|recipe| recipe.data.count = 41, "8×5 cells of 24 pixels, the recipe says 41");
    refused(&|recipe| recipe.validation = 0.0, "0 held out");
    fs::write(folder.0.join("cut.png"), &shapes()[..300]).unwrap();
    refused(&|recipe| recipe.data.file = "cut.png".into(), "cut.png");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny-sam.toml")).unwrap();
    for (from, to, wanted) in [
        ("batch = 16", "batch = 0", "train.batch"),
        ("objects = [1, 5]", "objects = [3, 2]", "scenes.objects"),
        ("scale = [0.18, 0.8]", "scale = [0.8, 0.18]", "scenes.scale"),
        ("prompts = 4", "prompts = 4\nprompt = 4", "scenes.prompt"),
        ("licence = \"Apache-2.0\"", "licence = \"\"", "data.licence"),
        ("image_size = 128\npatch_size = 8\nnum", "image_size = 8\npatch_size = 8\nnum", "model"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Recipe::parse("recipe.toml", &changed).unwrap_err().to_string();
        assert!(error.starts_with("recipe.toml: ") && error.contains(wanted), "{error}, expected {wanted}");
    }
    let broken = folder.0.join("broken.toml");
    fs::write(&broken, b"kind = \"masks\"\n\xff").unwrap();
    let error = Recipe::open(&broken).unwrap_err().to_string();
    assert!(error.contains("broken.toml") && error.contains("broken UTF-8 at byte 15"), "{error}");
}

/// Scenes are functions of seed and step, on any number of threads; held-out things are in none that is learned from.
#[test]
fn scenes_are_the_same_each_time() {
    let folder = folder("scenes");
    let recipe = small(&folder.0, "out");
    let atlas = Atlas::open(&recipe.data, &recipe.data_root).unwrap();
    let pool = |pool| atlas.pool(recipe.seed, recipe.validation, pool);
    let (learned, held) = (pool(Pool::Learned), pool(Pool::HeldOut));
    assert_eq!(learned.len() + held.len(), CELLS);
    assert!(held.len() > 2 && learned.iter().all(|cell| !held.contains(cell)));
    let batch = |step, threads| dynasty_train::masks::Batch::learned(&recipe, &atlas, &learned, step, threads).unwrap();
    assert_eq!(batch(7, 1), batch(7, 3));
    assert_ne!(batch(7, 1), batch(8, 1));
    assert!(Scenes::configure(&recipe).is_ok());
}
