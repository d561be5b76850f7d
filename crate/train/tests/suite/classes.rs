//! Models that say what a picture shows, learned from made-up digits.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use dynasty_train::classes::{Ink, Pictures, Recipe, Seen, accuracy, ask, begin, confusions};
use dynasty_train::metrics::Record;
use dynasty_train::session::{Event, Options};
use dynasty_train::{Error, Random};
use run::{Device, LoadOptions, Model, Source};

use crate::small::{checkpoint_file, curve};

/// Pixels of a picture's side; pictures.
const SIDE: usize = 12;
const COUNT: usize = 600;

/// Digits of 5 by 7 dots, a row each, the leftmost dot highest.
const DOTS: [[u8; 7]; 10] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
];

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder with both files: digits at random places, of random strength, with specks.
fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("dynasty-classes-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    let digits: Vec<u8> = (0..COUNT).map(|i| (i * 7 % 10) as u8).collect();
    let pixels: Vec<u8> = digits.iter().enumerate().flat_map(|(i, digit)| picture(i, *digit)).collect();
    fs::write(path.join("pictures"), idx(&[COUNT, SIDE, SIDE], &pixels)).unwrap();
    fs::write(path.join("labels"), idx(&[COUNT], &digits)).unwrap();
    Folder(path)
}

fn picture(number: usize, digit: u8) -> Vec<u8> {
    let random = Random::new(5).of(number as u64);
    let below = |at: u64, n: usize| (random.unit(at) * n as f64) as usize;
    let (left, top, ink) = (3 + below(0, 2), 2 + below(1, 2), 170 + below(2, 80));
    let mut pixels: Vec<u8> = (0..SIDE * SIDE).map(|i| below(10 + i as u64, 40) as u8).collect();
    for (y, row) in DOTS[usize::from(digit)].iter().enumerate() {
        for x in (0..5).filter(|x| row >> (4 - x) & 1 == 1) {
            pixels[(top + y) * SIDE + left + x] = ink as u8;
        }
    }
    pixels
}

fn idx(sizes: &[usize], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| (*size as u32).to_be_bytes()));
    bytes.extend(elements);
    bytes
}

/// The recipe of our own model with a smaller model, smaller pictures and the made-up digits.
fn small(folder: &Path, output: &str) -> Recipe {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny-vit.toml");
    let mut recipe = Recipe::open(&path).unwrap();
    for (field, size) in [
        ("hidden_size", 32),
        ("num_hidden_layers", 2),
        ("intermediate_size", 64),
        ("image_size", SIDE),
        ("patch_size", 3),
    ] {
        recipe.model.insert(field.into(), size.into());
    }
    (recipe.data.pictures, recipe.data.labels) = ("pictures".into(), "labels".into());
    (recipe.data_root, recipe.output) = (folder.to_path_buf(), folder.join(output));
    (recipe.augment.shift, recipe.augment.turn, recipe.augment.scale) = (1.0, 5.0, [0.95, 1.05]);
    (recipe.train.steps, recipe.train.batch) = (800, 32);
    (recipe.schedule.warmup, recipe.optimizer.learning_rate, recipe.optimizer.ema) = (20, 3e-3, Some(0.98));
    (recipe.checkpoints.every, recipe.evaluation.every) = (200, 200);
    recipe
}

/// Runs until `listen` has heard of step `last`; what held-out digits say then.
fn train(recipe: &Recipe, device: Device, resume: bool, last: u64) -> Result<Seen, Error> {
    let options = Options { resume, max_seconds: None };
    let mut listen = |event: Event<'_>| match event {
        Event::Record(Record::Step { step, .. }) if *step >= last => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    pollster::block_on(async {
        let mut session = begin(recipe, device, &options, &mut listen).await?;
        session.run(&options, &mut listen).await?;
        session.course.evaluate().await
    })
}

/// Before the first step the loss is ln 10 = 2.30.
#[test]
fn digits_are_told_in_either_ink() {
    let folder = folder("learned");
    let recipe = small(&folder.0, "out");
    let seen = train(&recipe, Device::cpu(2), false, u64::MAX).unwrap();
    println!("{seen:?}");
    assert!(seen.loss < 0.35 && seen.asked > 60 && seen.right * 10 >= seen.asked * 9, "{seen:?}");
    // What is written is a model that the task opens, and says the same.
    let step = dynasty_train::checkpoint::folder(&recipe.output, recipe.train.steps);
    let source = Source::Folder(Rc::new(format::DirFolder::new(&step).unwrap()));
    let pictures = Pictures::open(&recipe.data, &recipe.data_root).unwrap();
    let (learned, held) = pictures.split(recipe.seed, recipe.validation);
    assert!(learned.len() + held.len() == COUNT && learned.iter().all(|at| !held.contains(at)));
    pollster::block_on(async {
        let model = Model::open(source, &LoadOptions::default(), &mut |_| ()).await.unwrap();
        let viewer = run::tasks::Viewer::new(model).await.unwrap();
        let asked = (&*held, &*recipe.data.classes);
        let light = ask(&viewer, &pictures, asked, Ink::Light).await.unwrap();
        assert_eq!(light.iter().filter(|told| told.truth == told.answer).count(), seen.right);
        let table = confusions(&light, 10);
        assert_eq!(table.iter().flatten().sum::<usize>(), held.len());
        assert_eq!((0..10).map(|i| table[i][i]).sum::<usize>(), seen.right);
        let dark = ask(&viewer, &pictures, asked, Ink::Dark).await.unwrap();
        assert!(accuracy(&dark) > 0.7, "{}", accuracy(&dark));
    });
}

#[test]
fn a_run_goes_on_to_the_same_weights() {
    let folder = folder("resumed");
    let mut whole = small(&folder.0, "whole");
    // More than an epoch.
    whole.train.steps = 24;
    (whole.checkpoints.every, whole.evaluation.every) = (4, 6);
    train(&whole, Device::cpu(2), false, u64::MAX).unwrap();
    let parts = Recipe { output: folder.0.join("parts"), ..whole.clone() };
    train(&parts, Device::cpu(2), false, 5).unwrap();
    let again = train(&parts, Device::cpu(2), false, u64::MAX).unwrap_err().to_string();
    assert!(again.contains("--resume"), "{again}");
    train(&parts, Device::cpu(1), true, 19).unwrap();
    train(&parts, Device::cpu(1), true, u64::MAX).unwrap();
    assert_eq!(curve(&parts.output), curve(&whole.output));
    for file in ["model.safetensors", "optimizer.safetensors", "config.json", "preprocessor_config.json"] {
        assert!(checkpoint_file(&parts.output, 24, file) == checkpoint_file(&whole.output, 24, file), "{file}");
    }
    let other = Recipe { seed: 2, ..parts.clone() };
    let error = train(&other, Device::cpu(2), true, u64::MAX).unwrap_err().to_string();
    assert!(error.contains("belongs to another recipe"), "{error}");
    let labels: Vec<u8> = (0..COUNT).map(|i| (i * 3 % 10) as u8).collect();
    fs::write(folder.0.join("labels"), idx(&[COUNT], &labels)).unwrap();
    let error = train(&parts, Device::cpu(2), true, u64::MAX).unwrap_err().to_string();
    assert!(error.contains("belongs to another set of"), "{error}");
}

#[test]
fn a_gpu_learns_the_same() {
    let folder = folder("gpu");
    let mut recipe = small(&folder.0, "cpu");
    (recipe.train.steps, recipe.train.batch, recipe.evaluation.every) = (3, 4, 0);
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
    let write = |name: &str, bytes: &[u8]| fs::write(folder.0.join(name), bytes).unwrap();
    let whole = fs::read(folder.0.join("pictures")).unwrap();
    write("cut", &whole[..1000]);
    write("long", &[&whole[..], &[0]].concat());
    write("empty", &[]);
    write("oblong", &idx(&[COUNT, SIDE, SIDE + 1], &vec![0; COUNT * SIDE * (SIDE + 1)]));
    write("huge", &idx(&[u32::MAX as usize; 3], &[]));
    write("gzip", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    write("few", &idx(&[COUNT - 1], &vec![0; COUNT - 1]));
    write("eleven", &idx(&[COUNT], &[&vec![3; 20][..], &vec![10; COUNT - 20]].concat()));
    for (file, wanted) in [
        ("none", "none: "),
        ("cut", "cut: ends after 984 of the 86400 elements"),
        ("long", "long: goes on behind the 86400 elements"),
        ("empty", "empty: has no whole header, byte 0"),
        ("oblong", "oblong: has 600 pictures of 13×12 pixels"),
        ("huge", "huge: claims [4294967295, 4294967295, 4294967295] elements"),
        ("gzip", "gzip: has no whole header, byte 0"),
        ("labels", "labels: holds elements of type 0x08 with 1 sizes, expected 0x08 with 3"),
    ] {
        refused(&|recipe| recipe.data.pictures = file.into(), wanted);
    }
    refused(&|recipe| recipe.data.labels = "few".into(), "few: has 599 labels, there are 600 pictures");
    refused(&|recipe| recipe.data.labels = "eleven".into(), "eleven: label 20 is 10, there are 10 classes");
    refused(&|recipe| recipe.validation = 0.0, "0 held out");
    refused(&|recipe| _ = recipe.model.insert("image_size".into(), 28.into()), "reads 28 pixels a side");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/tiny-vit.toml")).unwrap();
    for (from, to, wanted) in [
        ("batch = 64", "batch = 0", "train.batch"),
        ("\"8\", \"9\"", "\"8\", \"8\"", "data.classes: names 8 twice"),
        ("scale = [0.7, 1.2]", "scale = [1.2, 0.7]", "augment.scale"),
        ("colours = 0.6", "colours = 1.5", "augment.colours"),
        ("turn = 12.0", "turns = 12.0", "augment.turns"),
        ("licence = \"CC BY-SA 3.0\"", "licence = \"\"", "data.licence"),
        ("image_size = 28", "image_size = 0", "model.image_size"),
        ("image_size = 28", "image_size = \"large\"", "model.image_size"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Recipe::parse("recipe.toml", &changed).unwrap_err().to_string();
        assert!(error.starts_with("recipe.toml: ") && error.contains(wanted), "{error}, expected {wanted}");
    }
    let broken = folder.0.join("broken.toml");
    fs::write(&broken, b"kind = \"classes\"\n\xff").unwrap();
    let error = Recipe::open(&broken).unwrap_err().to_string();
    assert!(error.contains("broken.toml") && error.contains("broken UTF-8 at byte 17"), "{error}");
}
