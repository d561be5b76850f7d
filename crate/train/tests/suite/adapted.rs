//! Adapters beside a quantized base: they learn, the base stays, and merged they say the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use dynasty_train::recipe::Lora;
use dynasty_train::session::Ended;
use dynasty_train::{Recipe, checkpoint};
use format::gguf::Writer;
use format::{Checkpoint, DirFolder, FileBytes, QuantType};
use run::{Adapter, Device, DeviceChoice, ForwardInputs, LoadOptions, Model, Package, Show, Source, Tensor};

use crate::small::{Folder, checkpoint_file, curve, train, train_on, train_until};

const TARGETS: [&str; 4] = ["q_proj", "v_proj", "down_proj", "gate_proj"];

fn open(path: &Path) -> Source {
    if path.is_dir() {
        Source::Folder(Rc::new(DirFolder::new(path).unwrap()))
    } else {
        Source::File(Rc::new(FileBytes::open(path).unwrap()))
    }
}

/// Writes a package as one file.
async fn write(package: &Package, planned: &[run::Planned], path: &Path) {
    let begin = |metadata: &_, specs: &[_]| Writer::create(path, metadata, specs);
    run::quantize(package, planned, begin, &mut |_| ()).await.unwrap().commit().unwrap();
}

/// A base that has learned a little, in Q8_0.
fn base(folder: &Folder) -> PathBuf {
    let mut recipe = folder.recipe("base", "[optimizer]\nlearning_rate = 0.02");
    recipe.train.steps = 14;
    let Ended::Finished(model) = train(&recipe, 2, false).unwrap() else { panic!("paused") };
    let path = folder.0.join("base.gguf");
    pollster::block_on(async {
        let package = Package::open(open(&model)).await.unwrap();
        write(&package, &run::quantize_plan(&package, QuantType::Q8_0).unwrap(), &path).await;
    });
    path
}

/// A recipe that trains adapters beside a base.
fn recipe(folder: &Folder, name: &str, base: &Path) -> Recipe {
    let whole = folder.recipe(name, "[optimizer]\nlearning_rate = 0.02");
    let lora = Lora { targets: TARGETS.map(String::from).to_vec(), rank: 4, alpha: 8.0, dropout: 0.1 };
    let start = Some(base.to_path_buf());
    Recipe { start, lora: Some(lora), model: Default::default(), tokenizer: None, ..whole }
}

fn adapter(folder: &Path) -> Adapter {
    pollster::block_on(Adapter::open(&DirFolder::new(folder).unwrap())).unwrap()
}

/// The logits of a package for some tokens.
fn logits(package: Package) -> Vec<f32> {
    pollster::block_on(async {
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        let model = Model::load(package, &options, &mut |_| ()).await.unwrap();
        let ids: Vec<i32> = (0..24).map(|i| (i * 37 + 5) % 256).collect();
        let input_ids = Tensor::i32([2, 12], ids).unwrap();
        model.forward(&ForwardInputs::tokens(input_ids), Show::default()).await.unwrap().swap_remove(0).2
    })
}

fn package(path: &Path) -> Package {
    pollster::block_on(Package::open(open(path))).unwrap()
}

fn apart(a: &[f32], b: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| f64::from(a - b)));
    difference / norm(&mut b.iter().map(|b| f64::from(*b)))
}

fn last_loss(recipe: &Recipe) -> f64 {
    f64::from_bits(curve(&recipe.output).last().unwrap().1)
}

#[test]
fn adapters_learn_and_the_base_stays() {
    let folder = Folder::new("adapters");
    let base = base(&folder);
    let before = fs::read(&base).unwrap();
    let recipe = recipe(&folder, "lora", &base);
    let Ended::Finished(out) = train(&recipe, 2, false).unwrap() else { panic!("paused") };
    assert!(fs::read(&base).unwrap() == before, "the base has changed");
    let losses = curve(&recipe.output);
    let (first, last) = (f64::from_bits(losses[0].1), last_loss(&recipe));
    assert!(last < 0.95 * first, "from {first} to {last}");

    let overlaid = pollster::block_on(package(&base).with_adapter(adapter(&out))).unwrap();
    let merged = folder.0.join("merged.gguf");
    let plan = run::merge_plan(&overlaid, QuantType::F32).unwrap();
    pollster::block_on(write(&overlaid, &plan, &merged));
    let (plain, lain) = (logits(package(&base)), logits(overlaid));
    assert!(apart(&lain, &plain) > 0.05, "the adapters change nothing");
    let together = logits(package(&merged));
    assert!(apart(&together, &lain) < 1e-4, "{} from the overlaid", apart(&together, &lain));

    let negated = pollster::block_on(package(&merged).with_adapter(adapter(&out).negated())).unwrap();
    let apart_again = folder.0.join("unmerged.gguf");
    let plan = run::merge_plan(&negated, QuantType::F32).unwrap();
    pollster::block_on(write(&negated, &plan, &apart_again));
    assert!(apart(&logits(package(&apart_again)), &plain) < 1e-4);
}

/// The merged weight by the plain formula W + α/r · B A in f64.
#[test]
fn a_merged_weight_is_the_formula() {
    let folder = Folder::new("formula");
    let base = base(&folder);
    let recipe = recipe(&folder, "lora", &base);
    let Ended::Finished(out) = train(&recipe, 2, false).unwrap() else { panic!("paused") };
    pollster::block_on(async {
        let tensors = Checkpoint::open_file(Rc::new(FileBytes::open(out.join(run::adapter::WEIGHTS)).unwrap()));
        let tensors = tensors.await.unwrap();
        assert_eq!(tensors.tensors().count(), 2 * 2 * 4);
        let place = "model.layers.1.mlp.down_proj";
        let part = |end: &str| format!("base_model.model.{place}.{end}.weight");
        let (_, a) = tensors.read_f32(&part("lora_A")).await.unwrap(); // [4, 64]
        let (shape, b) = tensors.read_f32(&part("lora_B")).await.unwrap(); // [32, 4]
        assert_eq!(shape, [32, 4]);
        let name = format!("{place}.weight");
        let (_, w) = package(&base).checkpoint().read_f32(&name).await.unwrap(); // [32, 64]
        let overlaid = package(&base).with_adapter(adapter(&out)).await.unwrap();
        let merged = folder.0.join("merged.gguf");
        write(&overlaid, &run::merge_plan(&overlaid, QuantType::F32).unwrap(), &merged).await;
        let (_, found) = package(&merged).checkpoint().read_f32(&name).await.unwrap();
        for (at, found) in found.iter().enumerate() {
            let (row, column) = (at / 64, at % 64);
            let sum = (0..4).map(|r| f64::from(b[row * 4 + r]) * f64::from(a[r * 64 + column])).sum::<f64>();
            let wanted = f64::from(w[at]) + 8.0 / 4.0 * sum;
            assert!((f64::from(*found) - wanted).abs() < 1e-6, "{at}: {found}, expected {wanted}");
        }
    });
}

#[test]
fn a_paused_run_goes_on() {
    let folder = Folder::new("adapters-paused");
    let base = base(&folder);
    let (whole, parts) = (recipe(&folder, "whole", &base), recipe(&folder, "parts", &base));
    train(&whole, 2, false).unwrap();
    assert_eq!(train_until(&parts, 1, false, 13).unwrap(), Ended::Paused(13));
    train(&parts, 2, true).unwrap();
    assert_eq!(curve(&whole.output), curve(&parts.output));
    let file = |recipe: &Recipe| checkpoint_file(&recipe.output, 24, run::adapter::WEIGHTS);
    assert!(file(&whole) == file(&parts));
}

#[test]
fn the_gpu_learns_the_same() {
    let folder = Folder::new("adapters-gpu");
    let base = base(&folder);
    let (cpu, gpu) = (recipe(&folder, "cpu", &base), recipe(&folder, "gpu", &base));
    train(&cpu, 2, false).unwrap();
    train_on(&gpu, pollster::block_on(Device::gpu()).unwrap()).unwrap();
    let (cpu, gpu) = (last_loss(&cpu), last_loss(&gpu));
    assert!((cpu - gpu).abs() < 0.02 * cpu, "{cpu} on the processor, {gpu} on the GPU");
}

#[test]
fn another_base_is_refused() {
    let folder = Folder::new("adapters-refused");
    let base = base(&folder);
    let lora = recipe(&folder, "lora", &base);
    train(&lora, 2, false).unwrap();
    let out = checkpoint::folder(&lora.output, 24);
    let with = |path: &Path| pollster::block_on(package(path).with_adapter(adapter(&out))).err().unwrap().to_string();
    let seeded = Recipe { seed: 99, ..folder.recipe("seeded", "") };
    let Ended::Finished(model) = train(&seeded, 2, false).unwrap() else { panic!("paused") };
    let error = with(&model);
    assert!(error.contains("was trained beside another model") && !error.contains('\n'), "{error}");
    let mut wide = folder.recipe("wide", "");
    wide.model.insert("hidden_size".into(), 48.into());
    let Ended::Finished(model) = train(&wide, 2, false).unwrap() else { panic!("paused") };
    assert!(!with(&model).is_empty());

    let nose = lora.lora.clone().map(|spec| Lora { targets: vec!["nose".into()], ..spec });
    let wrong = Recipe { lora: nose, output: folder.0.join("wrong"), ..lora };
    let error = train(&wrong, 1, false).unwrap_err().to_string();
    assert!(error.contains("lora.targets: nose is no projection"), "{error}");
}
