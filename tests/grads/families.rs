//! Every family that there is, as the checkpoints of the reference library have it: no tensor of any architecture is
//! without a gradient but those named here, every gradient is candle's, and the loss changes as the gradients say. The
//! loss is a sum of all results, each component with a factor of its own.

use std::collections::BTreeMap;

use dynasty_tests::{Executor, Numbers};
use graph::{Checkpointing, Reduce, Taps, Tensor, Training, Var};
use models::vision::{Vision, dinov2, vit};
use models::{Model, bart, encoder, gemma, llama};

use crate::samples::{self, Sample, Tensors};
use crate::suite::{Case, Draft, SINGLE};
use crate::without::{self, unexplained};

/// One test a family. The `match` has no `_`: a family without a test does not compile, and a test without a checkpoint
/// fails.
macro_rules! families {
    ($($name:ident: $pattern:pat,)*) => {
        fn family_of(model: &Model) -> &'static str {
            match model {
                $($pattern => stringify!($name),)*
            }
        }

        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

families! {
    llama: Model::Llama(llama::Config { kind: llama::Kind::Llama, .. }),
    mistral: Model::Llama(llama::Config { kind: llama::Kind::Mistral, .. }),
    phi3: Model::Llama(llama::Config { kind: llama::Kind::Phi3, .. }),
    qwen2: Model::Llama(llama::Config { kind: llama::Kind::Qwen2, .. }),
    qwen3: Model::Llama(llama::Config { kind: llama::Kind::Qwen3, .. }),
    gpt2: Model::Gpt2(_),
    gpt_neox: Model::GptNeox(_),
    gemma: Model::Gemma(gemma::Config { kind: gemma::Kind::Gemma, .. }),
    gemma2: Model::Gemma(gemma::Config { kind: gemma::Kind::Gemma2, .. }),
    gemma3: Model::Gemma(gemma::Config { kind: gemma::Kind::Gemma3, .. }),
    bert: Model::Encoder(encoder::Config { kind: encoder::Kind::Bert, .. }),
    roberta: Model::Encoder(encoder::Config { kind: encoder::Kind::Roberta, .. }),
    distilbert: Model::Encoder(encoder::Config { kind: encoder::Kind::DistilBert, .. }),
    albert: Model::Encoder(encoder::Config { kind: encoder::Kind::Albert, .. }),
    t5: Model::T5(_),
    bart: Model::Bart(bart::Config { kind: bart::Kind::Bart, .. }),
    marian: Model::Bart(bart::Config { kind: bart::Kind::Marian, .. }),
    mbart: Model::Bart(bart::Config { kind: bart::Kind::MBart, .. }),
    m2m_100: Model::Bart(bart::Config { kind: bart::Kind::M2M100, .. }),
    transformer: Model::Bart(bart::Config { kind: bart::Kind::Transformer, .. }),
    vit: Model::Vision(Vision::Vit(vit::Config { kind: vit::Kind::Vit, .. })),
    deit: Model::Vision(Vision::Vit(vit::Config { kind: vit::Kind::Deit, .. })),
    dinov2: Model::Vision(Vision::Dinov2(dinov2::Config { registers: None, .. })),
    dinov2_with_registers: Model::Vision(Vision::Dinov2(dinov2::Config { registers: Some(_), .. })),
    clip: Model::Vision(Vision::Clip(_)),
    sam: Model::Vision(Vision::Sam(_)),
    mobile_sam: Model::Vision(Vision::MobileSam(_)),
    sam2: Model::Vision(Vision::Sam2(_)),
}

/// Of single precision, through norms of a few values and a decoder behind them.
const PROMPTED: f64 = 1e-6;

/// What plays every sample.
const COMMON: [Executor; 2] = [Executor::Cpu(1), Executor::Gpu(gpu::Kernels::Plain)];

/// What plays one sample of each family, with its blocks computed again: kernels that share work within a group are slow
/// where there is no GPU.
const MORE: [Executor; 2] = [Executor::Cpu(1), Executor::Gpu(gpu::Kernels::Wide)];

fn check(family: &str) {
    let mut known: BTreeMap<String, Tensors> = BTreeMap::new();
    let samples: Vec<Sample> = samples::all().into_iter().filter(|s| family_of(&s.model) == family).collect();
    for sample in &samples {
        known.entry(sample.architecture.clone()).or_default().extend(play(sample, &COMMON, Checkpointing::None));
    }
    let first = samples.first().unwrap_or_else(|| panic!("{family}: there is nothing to play"));
    play(first, &MORE, Checkpointing::EveryBlock);
    let still = known.values().flat_map(|tensors| tensors.still.difference(&tensors.learn));
    let left = unexplained(without::GRADIENT, family, still);
    assert!(left.is_empty(), "{family}: no gradient, and no reason for none: {left:?}");
    let unread = known.values().flat_map(|tensors| tensors.unread.iter().filter(|name| !tensors.reads(name)));
    let left = unexplained(without::READER, family, unread);
    assert!(left.is_empty(), "{family}: not read, and no reason why: {left:?}");
}

/// Compares the gradients of a sample with candle's and with differences.
fn play(sample: &Sample, executors: &[Executor], keep: Checkpointing) -> Tensors {
    let (call, inputs) = sample.given.bind(&sample.model).unwrap();
    let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let prompted = sample.model.vision().is_some_and(|model| model.prompts().is_some());
    let case = Case {
        name: &sample.name,
        training: Training::default(),
        keep,
        inputs: &inputs,
        executors,
        single: if prompted { PROMPTED } else { SINGLE },
    };
    let graph = sample.model.build(&call, Taps::none()).unwrap();
    let checked = case.play(&|graph| sample.weights(graph), &|d| {
        sample.model.write(d.g, &call).unwrap();
        let results = graph.outputs.iter().map(|output| mixed(d, d.g.result(&output.name).unwrap()));
        results.reduce(|a, b| a + b).unwrap()
    });
    checked.differences(&case);
    sample.tensors(&checked.forward, &checked.without().collect())
}

/// One number that depends on every component of the last axis in another way, or on the squares of what has no fixed
/// number of them.
fn mixed<'g>(d: &Draft<'g>, y: Var<'g>) -> Var<'g> {
    let each = match y.shape().last_known() {
        Some(n) => (y * d.floats([n], &Numbers::new(n as u64).normals(n))).reduce(Reduce::Sum),
        None => y * y,
    };
    each.reshape([each.shape().elements()]).reduce(Reduce::Sum)
}
