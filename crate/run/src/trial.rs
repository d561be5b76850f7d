//! Which device: asked for, or chosen by a short timed trial.

use graph::{Taps, Tensor};
use models::{Call, Head, Model, Parts};
use web_time::Instant;

use crate::device::{Device, DeviceChoice};
use crate::model::LoadOptions;
use crate::package::Package;
use crate::{Error, ForwardInputs, load};

/// Steps that are timed on each device.
const STEPS: usize = 4;

/// Tokens of a forward pass that is timed.
const TOKENS: usize = 64;

/// What a timed trial found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trial {
    /// The devices and the block that were timed; another key asks for another trial.
    pub key: String,
    /// Whether the GPU was faster.
    pub gpu: bool,
    /// The times, for people.
    pub reason: String,
}

/// The device to use, and why.
pub(crate) struct Chosen {
    pub device: Device,
    pub reason: String,
    /// The trial, if one was made now.
    pub trial: Option<Trial>,
}

impl Chosen {
    fn new(device: Device, reason: impl Into<String>) -> Self {
        Self { device, reason: reason.into(), trial: None }
    }
}

/// Opens the device to use.
///
/// # Errors
/// The wanted device cannot be opened.
pub(crate) async fn choose(package: &Package, options: &LoadOptions) -> Result<Chosen, Error> {
    match options.device {
        DeviceChoice::Cpu => Ok(Chosen::new(Device::cpu(options.threads), "asked for")),
        DeviceChoice::Gpu => Ok(Chosen::new(Device::gpu().await?, "asked for")),
        DeviceChoice::Auto => {
            let cpu = Device::cpu(options.threads);
            match Device::gpu().await {
                Err(error) => Ok(Chosen::new(cpu, format!("no GPU: {error}"))),
                Ok(Device::Gpu(gpu)) if gpu.software() => Ok(Chosen::new(cpu, format!("{} is no GPU", gpu.adapter()))),
                Ok(gpu) => known_or_timed(package, &options.known, cpu, gpu).await,
            }
        }
    }
}

async fn known_or_timed(package: &Package, known: &[Trial], cpu: Device, gpu: Device) -> Result<Chosen, Error> {
    let key = key(package, &cpu, &gpu)?;
    if let Some(trial) = known.iter().find(|trial| trial.key == key) {
        let device = if trial.gpu { gpu } else { cpu };
        return Ok(Chosen::new(device, format!("{}, measured before", trial.reason)));
    }
    let on_cpu = time(package, &cpu).await?;
    let on_gpu = match time(package, &gpu).await {
        Ok(on_gpu) => on_gpu,
        Err(error) => return Ok(Chosen::new(cpu, format!("the GPU failed its trial: {error}"))),
    };
    let reason = format!("one block takes {on_gpu:.2} ms on the GPU and {on_cpu:.2} ms on the processor");
    let trial = Trial { key, gpu: on_gpu < on_cpu, reason };
    let device = if trial.gpu { gpu } else { cpu };
    Ok(Chosen { device, reason: trial.reason.clone(), trial: Some(trial) })
}

/// What a trial depends on: both devices, and the weights of one block with their types.
fn key(package: &Package, cpu: &Device, gpu: &Device) -> Result<String, Error> {
    let graph = one_block(package).build(&Call::step(Head::Logits), Taps::none())?;
    let weights = graph.weights.iter().zip(package.find(&graph)?).map(|(spec, found)| {
        let ty = package.checkpoint().tensor(&found.name).map(|info| info.dtype.to_string());
        format!("{:?}{}", spec.shape, ty.unwrap_or_default())
    });
    let weights: String = weights.collect();
    let family = package.model.family();
    Ok(format!("{}; {}; {family} {:016x}", gpu.describe(), cpu.describe(), fnv(weights.as_bytes())))
}

/// The FNV-1a hash, which is the same on every visit.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The model's first block alone; the rest has the same shape.
fn one_block(package: &Package) -> Model {
    let mut one_block = package.model.clone();
    one_block.keep_blocks(1);
    one_block.drop_head();
    one_block
}

/// Milliseconds of what the model is used for, through one block.
async fn time(package: &Package, device: &Device) -> Result<f64, Error> {
    match package.model.parts() {
        Parts::Decoder => time_steps(package, device).await,
        Parts::Encoder | Parts::EncoderDecoder | Parts::Pictures => time_passes(package, device).await,
    }
}

/// Milliseconds of a forward pass through one block.
async fn time_passes(package: &Package, device: &Device) -> Result<f64, Error> {
    let model = one_block(package);
    let tokens = TOKENS.min(model.max_positions().saturating_sub(2)).max(1);
    let ids = Tensor::i32([1, tokens], vec![0; tokens])?;
    let given = match model.vision() {
        Some(vision) => ForwardInputs::usual(vision)?,
        None if model.parts() == Parts::EncoderDecoder => {
            ForwardInputs::new(["input_ids", "decoder_input_ids"].map(|name| (name.to_string(), ids.clone())))
        }
        None => ForwardInputs::tokens(ids),
    };
    let (call, inputs) = given.bind(&model)?;
    let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let graph = model.build(&call, Taps::none())?;
    let mut weights = device.weights();
    load::load(device, package, &graph, &mut weights, &mut |_| ()).await?;
    let mut program = device.prepare(graph, &weights)?;
    let mut best = f64::INFINITY;
    let passes = if model.parts() == Parts::Pictures { 1 } else { STEPS };
    for pass in 0..=passes {
        let start = Instant::now();
        device.run(&mut program, None, &inputs).await?;
        // The first pass compiles and plans.
        if pass > 0 {
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(best)
}

/// Milliseconds of a decode step through one block.
async fn time_steps(package: &Package, device: &Device) -> Result<f64, Error> {
    let graph = one_block(package).build(&Call::step(Head::Logits), Taps::none())?;
    let states = graph.states.clone();
    let mut weights = device.weights();
    load::load(device, package, &graph, &mut weights, &mut |_| ()).await?;
    let mut program = device.prepare(graph, &weights)?;
    let mut state = device.session(&states, 1, STEPS + 1)?;
    let mut best = f64::INFINITY;
    for step in 0..=STEPS as i32 {
        let (one, zero) = (Tensor::i32([1, 1], vec![step])?, Tensor::i32([1], vec![0])?);
        let (ids, past) = (Tensor::i32([1, 1], vec![0])?, Tensor::i32([1], vec![step])?);
        let inv_freq = package.model.inv_freq(1).map(|f| Tensor::f32([f.len()], f)).transpose()?;
        let mut inputs = vec![("input_ids", &ids), ("position_ids", &one), ("past", &past), ("rows", &zero)];
        if let Some(inv_freq) = &inv_freq {
            inputs.push(("inv_freq", inv_freq));
        }
        let start = Instant::now();
        device.run(&mut program, Some(&mut state), &inputs).await?;
        let elapsed = start.elapsed().as_secs_f64() * 1e3;
        // The first step compiles and plans.
        if step > 0 {
            best = best.min(elapsed);
        }
    }
    Ok(best)
}
