//! From checked files to weights on a device.

use format::{Dtype, QuantType};
use graph::{Graph, WeightSpec};

use crate::device::{Device, Weights};
use crate::package::{Found, Package};
use crate::{Error, Progress};

/// Models up to this many values are multiplied in f32 on the processor: they are fast whatever their type, and the
/// rounding of activations to eight bits would be their largest error.
const SMALL: usize = 4 << 20;

/// Reads every weight of `graph` into `weights`, one tensor at a time, in the order of the files, so that what is
/// fetched by ranges is fetched once and ahead.
///
/// # Errors
/// A tensor is missing, has another shape, cannot be read, or does not fit the device.
pub(crate) async fn load(
    device: &Device,
    package: &Package,
    graph: &Graph,
    weights: &mut Weights,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let found = package.find(graph)?;
    let place = |found: &Found| package.checkpoint().tensor(&found.name).map(|info| (info.file, info.offset));
    let mut order: Vec<(&WeightSpec, &Found)> = graph.weights.iter().zip(&found).collect();
    order.sort_by_key(|(_, found)| place(found));
    let total = found.iter().filter_map(|f| package.checkpoint().tensor(&f.name)).map(|info| info.bytes).sum();
    let values: usize = graph.weights.iter().map(|w| w.shape.iter().product::<usize>()).sum();
    let widen = matches!(weights, Weights::Cpu(_)) && values <= SMALL;
    let mut done = 0;
    for (spec, found) in order {
        if !weights.contains(&spec.name) {
            let (ty, data) = read(package, spec, found, widen).await?;
            device.insert(weights, &spec.name, &spec.shape, ty, data)?;
        }
        done += package.checkpoint().tensor(&found.name).map_or(0, |info| info.bytes);
        progress(Progress::Load { done, total });
    }
    Ok(())
}

/// A weight in its own type or, if it is to be widened or turned, in f32.
async fn read(package: &Package, spec: &WeightSpec, found: &Found, widen: bool) -> Result<(QuantType, Vec<u8>), Error> {
    let checkpoint = package.checkpoint();
    let dtype = checkpoint.tensor(&found.name).map(|info| info.dtype);
    match dtype {
        Some(Dtype::Quant(ty)) if !found.transpose && !widen => return Ok((ty, checkpoint.read(&found.name).await?)),
        Some(_) | None => {}
    }
    let (_, mut values) = checkpoint.read_f32(&found.name).await?;
    let mut ty = QuantType::F32;
    if let (true, [n, k]) = (found.transpose, spec.shape.as_slice()) {
        values = transposed(&values, *n, *k);
        // Blocks lie along the other axis now; eight bits keep what fewer bits held.
        let blocks = matches!(dtype, Some(Dtype::Quant(ty)) if ty.block_len() > 1);
        if blocks && !widen && k.is_multiple_of(QuantType::Q8_0.block_len()) {
            ty = QuantType::Q8_0;
        }
    }
    let mut data = Vec::new();
    format::encode(ty, &values, &mut data)?;
    Ok((ty, data))
}

/// [K, N] → [N, K].
fn transposed(values: &[f32], n: usize, k: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..n {
        out.extend((0..k).map(|row| values[row * n + column]));
    }
    out
}
