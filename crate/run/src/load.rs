//! From checked files to weights on a device.

use format::{Dtype, QuantType};
use graph::{Graph, Stored, WeightSpec};

use crate::device::{Device, Weights};
use crate::found::Found;
use crate::package::Package;
use crate::{Error, Progress};

/// Models up to this many values are multiplied in f32 on the processor: they are fast whatever their type, and the
/// rounding of activations to eight bits would be their largest error.
const SMALL: usize = 8 << 20;

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
    let mut order: Vec<(&WeightSpec, &Found)> = graph.weights.iter().zip(&found).collect();
    order.sort_by_key(|(_, found)| package.start(found));
    let total = found.iter().map(|found| package.stored_bytes(found)).sum();
    let values: usize = graph.weights.iter().map(|w| w.shape.iter().product::<usize>()).sum();
    let widen = matches!(weights, Weights::Cpu(_)) && values <= SMALL;
    let mut done = 0;
    for (spec, found) in order {
        let held = weights.contains(&spec.name);
        if !held && (widen || !in_parts(device, package, weights, spec, found).await?) {
            let (ty, data) = read(package, spec, found, widen).await?;
            device.insert(weights, &spec.name, &spec.shape, ty, data)?;
        }
        done += package.stored_bytes(found);
        progress(Progress::Load { done, total });
    }
    Ok(())
}

/// Bytes that are read and packed at once: they stay in the processor's caches.
const PART: usize = 1 << 20;

/// Packs a matrix for the processor while it is read; whether that is possible.
async fn in_parts(
    device: &Device,
    package: &Package,
    weights: &mut Weights,
    spec: &WeightSpec,
    found: &Found,
) -> Result<bool, Error> {
    let info = package.holder(found).tensor(&found.name);
    let (Device::Cpu(engine), Weights::Cpu(weights), [n, k], Some(info)) = (device, weights, &*spec.shape, info) else {
        return Ok(false);
    };
    let Dtype::Quant(ty) = info.dtype else { return Ok(false) };
    let rows = PART / info.row_bytes().max(1) / cpu::Begun::ROWS * cpu::Begun::ROWS;
    if !found.stored.is_plain() || info.cols() != *k || !(1..*n).contains(&rows) {
        return Ok(false);
    }
    let Some(mut begun) = engine.begin(&spec.name, ty, *n, *k)? else { return Ok(false) };
    let start = found.rows.as_ref().map_or(0, |rows| rows.start);
    for first in (0..*n).step_by(rows) {
        let part = start + first..start + (first + rows).min(*n);
        engine.push(&mut begun, &package.holder(found).read_rows(&found.name, part).await?);
    }
    engine.end(weights, begun)?;
    Ok(true)
}

/// A weight in its own type or, if it is to be widened or changed, in f32.
async fn read(package: &Package, spec: &WeightSpec, found: &Found, widen: bool) -> Result<(QuantType, Vec<u8>), Error> {
    let dtype = package.holder(found).tensor(&found.name).map(|info| info.dtype);
    match dtype {
        Some(Dtype::Quant(ty)) if found.stored.is_plain() && !widen => {
            return Ok((ty, package.read(found).await?));
        }
        Some(_) | None => {}
    }
    let values = package.values(spec, found).await?;
    // Blocks lie along the other axis of a turned matrix; eight bits keep what fewer bits held.
    let turned = found.stored == Stored::Transposed && spec.shape.len() == 2;
    let blocks = matches!(dtype, Some(Dtype::Quant(ty)) if ty.block_len() > 1);
    let divides = spec.shape.last().is_some_and(|k| k.is_multiple_of(QuantType::Q8_0.block_len()));
    let ty = if turned && blocks && divides && !widen { QuantType::Q8_0 } else { QuantType::F32 };
    let mut data = Vec::new();
    format::encode(ty, &values, &mut data)?;
    Ok((ty, data))
}
