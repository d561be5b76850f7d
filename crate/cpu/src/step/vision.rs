//! The nodes that look at pictures.

use graph::{Bias, Op, Window};

use super::Task;
use crate::Error;
use crate::kernels::window::Sliding;
use crate::kernels::{depthwise, fold, unfold};

/// Computes a node into `out`.
pub(super) fn run(task: &Task<'_>, out: &mut [f32]) -> Result<(), Error> {
    if !cfg!(feature = "vision") {
        return Err(task.fail("is left out of this build".into()));
    }
    match &task.node.op {
        Op::Unfold(window) => {
            let sliding = sliding(task, *window, task.four(0)?, task.out_shape())?;
            unfold::unfold(task.pool, &sliding, task.f32(0)?, out);
        }
        Op::Fold { window, .. } => {
            let shape = task.out_shape().try_into().map_err(|_| task.fail("needs four axes".into()))?;
            let sliding = sliding(task, *window, shape, task.shape(0)?)?;
            fold::fold(task.pool, &sliding, task.f32(0)?, out);
        }
        Op::Depthwise { window, bias, act } => {
            let sliding = sliding(task, *window, task.four(0)?, task.out_shape())?;
            let bias = if *bias == Bias::Add { Some(task.f32(2)?) } else { None };
            depthwise::depthwise(task.pool, &sliding, (task.f32(0)?, task.f32(1)?, bias), *act, out);
        }
        _ => return Err(task.fail("looks at no picture".into())),
    }
    Ok(())
}

/// A window on pictures [B, H, W, C] with places [B, H', W', ..].
pub(super) fn sliding(
    task: &Task<'_>,
    window: Window,
    [_, rows, columns, channels]: [usize; 4],
    places: &[usize],
) -> Result<Sliding, Error> {
    let (size, places) = ([rows, columns], [places[1], places[2]]);
    if window.places(size) != Some(places) {
        return Err(task.fail(format!("{window:?} has other places on {size:?} than {places:?}")));
    }
    Ok(Sliding { window, size, places, channels })
}
