//! The loss goes down, by every rule, and the checkpoint is a model.

use std::ops::ControlFlow;
use std::rc::Rc;

use dynasty_train::metrics::{self, Record};
use dynasty_train::recipe::Precision;
use dynasty_train::session::{Ended, METRICS, PLOT};
use format::DirFolder;
use run::{Add, DeviceChoice, GenerateOptions, Listener, LoadOptions, Model, Source};

use crate::small::{Folder, curve, train, train_on};

/// The last loss of held-out texts.
fn held_out(recipe: &dynasty_train::Recipe) -> f64 {
    let records = metrics::read(&recipe.output.join(METRICS)).unwrap();
    let last = records.iter().rev().find_map(|record| match record {
        Record::Validation { loss, .. } => Some(*loss),
        _ => None,
    });
    last.unwrap()
}

#[track_caller]
fn check_loss(name: &str, more: &str, most: f64) {
    let folder = Folder::new(name);
    let recipe = folder.recipe("out", more);
    assert!(matches!(train(&recipe, 2, false).unwrap(), Ended::Finished(_)));
    let loss = held_out(&recipe);
    assert!(loss < most, "{name}: {loss}, expected less than {most}");
}

/// Before the first step the loss is ln 320 = 5.77.
#[test]
fn every_rule_learns() {
    check_loss("adamw", "[optimizer]\nlearning_rate = 0.02", 2.5);
    check_loss("sgd", "[optimizer]\nrule = 'sgd'\nlearning_rate = 0.5\nweight_decay = 0.0", 4.5);
    let dropped = "[optimizer]\nlearning_rate = 0.02\nema = 0.5\n\
        [regularization]\ndropout = 0.1\nlabel_smoothing = 0.1";
    check_loss("regularized", dropped, 3.2);
}

/// What is measured is what the checkpoint holds: averages that hardly move have learned nothing.
#[test]
fn averages_are_measured() {
    let folder = Folder::new("averages");
    let recipe = folder.recipe("out", "[optimizer]\nlearning_rate = 0.02\nema = 0.9999");
    train(&recipe, 2, false).unwrap();
    let loss = held_out(&recipe);
    assert!((loss - f64::ln(320.0)).abs() < 0.2, "{loss}");
}

/// The same weights, texts and rule on the GPU: the same losses but for the rounding of sums.
#[test]
fn the_gpu_learns_the_same() {
    let folder = Folder::new("gpu");
    let more = "[optimizer]\nlearning_rate = 0.02\nema = 0.5\n[regularization]\ndropout = 0.1";
    let (cpu, gpu) = (folder.recipe("cpu", more), folder.recipe("gpu", more));
    train(&cpu, 2, false).unwrap();
    let device = pollster::block_on(run::Device::gpu()).unwrap();
    train_on(&gpu, device).unwrap();
    let losses =
        |recipe: &dynasty_train::Recipe| curve(&recipe.output).into_iter().map(|(_, bits)| f64::from_bits(bits));
    for (at, (cpu, gpu)) in losses(&cpu).zip(losses(&gpu)).enumerate() {
        assert!((cpu - gpu).abs() < 0.02 * cpu, "record {at}: {cpu} on the processor, {gpu} on the GPU");
    }
    assert!(held_out(&gpu) < 3.2, "{}", held_out(&gpu));
}

/// In 16-bit factors where the adapter has them: nearly the same losses.
#[test]
fn the_gpu_learns_in_16_bits() {
    let folder = Folder::new("half");
    let more = "[optimizer]\nlearning_rate = 0.02";
    let (cpu, mut gpu) = (folder.recipe("cpu", more), folder.recipe("gpu", more));
    train(&cpu, 2, false).unwrap();
    gpu.train.precision = Precision::F16;
    let device = pollster::block_on(run::Device::gpu_in(gpu.train.precision.into())).unwrap();
    println!("{}", device.describe());
    train_on(&gpu, device).unwrap();
    let (cpu, gpu) = (held_out(&cpu), held_out(&gpu));
    assert!((cpu - gpu).abs() < 0.05 * cpu, "{cpu} on the processor, {gpu} in 16 bits");
}

#[test]
fn a_checkpoint_is_a_model_and_the_run_leaves_its_drawing() {
    let folder = Folder::new("model");
    let recipe =
        folder.recipe("out", "[optimizer]\nlearning_rate = 0.02\n[sampling]\nevery = 24\nprompts = ['Number']");
    let Ended::Finished(model) = train(&recipe, 1, false).unwrap() else { panic!("paused") };
    let page = std::fs::read_to_string(recipe.output.join(PLOT)).unwrap();
    assert!(page.contains("24 steps") && page.contains("<b>Number</b>"));
    pollster::block_on(async {
        let source = Source::Folder(Rc::new(DirFolder::new(&model).unwrap()));
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        let model = Model::open(source, &options, &mut |_| ()).await.unwrap();
        let tokenizer = model.package().files.tokenizer().await.unwrap();
        assert!(model.package().files.chat().await.unwrap().is_some());
        let prompt = tokenizer.encode("Number 5: the cat eats", Add::Special).unwrap();
        let options = GenerateOptions { max_tokens: Some(4), ..GenerateOptions::default() };
        let (mut piece, mut progress) = (|_: &str| ControlFlow::Continue(()), |_| ControlFlow::Continue(()));
        let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
        let mut session = model.session().unwrap();
        let done = model.generate(&mut session, Some(&tokenizer), &prompt, &options, &mut listener).await.unwrap();
        assert!(!done.text.is_empty());
    });
}
