//! Which device: asked for, or chosen by a short timed trial.

use graph::{Taps, Tensor};
use models::{Call, Head};
use web_time::Instant;

use crate::device::{Device, DeviceChoice};
use crate::model::LoadOptions;
use crate::package::Package;
use crate::{Error, load};

/// Steps that are timed on each device.
const STEPS: usize = 4;

/// The device to use, and why.
///
/// # Errors
/// The wanted device cannot be opened.
pub(crate) async fn choose(package: &Package, options: &LoadOptions) -> Result<(Device, String), Error> {
    match options.device {
        DeviceChoice::Cpu => Ok((Device::cpu(options.threads), "asked for".into())),
        DeviceChoice::Gpu => Ok((Device::gpu().await?, "asked for".into())),
        DeviceChoice::Auto => {
            let cpu = Device::cpu(options.threads);
            match Device::gpu().await {
                Err(error) => Ok((cpu, format!("no GPU: {error}"))),
                Ok(Device::Gpu(gpu)) if gpu.software() => Ok((cpu, format!("{} is no GPU", gpu.adapter()))),
                Ok(gpu) => compare(package, cpu, gpu).await,
            }
        }
    }
}

/// Times the first block of the model on both devices; the rest has the same shape.
async fn compare(package: &Package, cpu: Device, gpu: Device) -> Result<(Device, String), Error> {
    let on_cpu = time(package, &cpu).await?;
    match time(package, &gpu).await {
        Ok(on_gpu) if on_gpu < on_cpu => {
            let reason = format!("one block takes {on_gpu:.2} ms on the GPU and {on_cpu:.2} ms on the processor");
            Ok((gpu, reason))
        }
        Ok(on_gpu) => {
            let reason = format!("one block takes {on_cpu:.2} ms on the processor and {on_gpu:.2} ms on the GPU");
            Ok((cpu, reason))
        }
        Err(error) => Ok((cpu, format!("the GPU failed its trial: {error}"))),
    }
}

/// Milliseconds of a decode step through one block.
async fn time(package: &Package, device: &Device) -> Result<f64, Error> {
    let mut one_block = package.model.clone();
    one_block.keep_blocks(1);
    one_block.drop_head();
    let graph = one_block.build(&Call::step(Head::Logits), Taps::none())?;
    let states = graph.states.clone();
    let mut weights = device.weights();
    load::load(package, &graph, &mut weights, &mut |_| ()).await?;
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
