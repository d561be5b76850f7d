//! Operations on pictures.

use candle_core::Tensor;
use graph::Window;

use crate::Error;

/// For each place along an axis, the row or column of the padded picture that element `tap` of the window sees.
fn seen(window: &Window, axis: usize, tap: usize, places: usize, x: &Tensor) -> Result<Tensor, Error> {
    let at = |place: usize| (place * window.stride[axis] + tap * window.dilation[axis]) as i64;
    Ok(Tensor::from_vec((0..places).map(at).collect::<Vec<i64>>(), places, x.device())?)
}

/// What each element of the window sees at each place: kh·kw of [B, H', W', C].
fn views(x: &Tensor, window: &Window) -> Result<Vec<Tensor>, Error> {
    let size = [x.dims()[1], x.dims()[2]];
    let places = window.places(size).ok_or_else(|| Error::Session(format!("{window:?} has no place on {size:?}")))?;
    let [down, across] = window.padding;
    let padded = x.pad_with_zeros(1, down, down)?.pad_with_zeros(2, across, across)?;
    let mut views = Vec::new();
    for p in 0..window.kernel[0] {
        let rows = padded.index_select(&seen(window, 0, p, places[0], x)?, 1)?;
        for q in 0..window.kernel[1] {
            views.push(rows.index_select(&seen(window, 1, q, places[1], x)?, 2)?);
        }
    }
    Ok(views)
}

pub(crate) fn unfold(x: &Tensor, window: &Window) -> Result<Tensor, Error> {
    Ok(Tensor::cat(&views(x, window)?, 3)?)
}

/// Each element of the window adds its share to a padded picture, first down its rows and then across.
pub(crate) fn fold(x: &Tensor, window: &Window, [height, width]: [usize; 2]) -> Result<Tensor, Error> {
    let (batch, down, across, wide) = x.dims4()?;
    let c = wide / window.taps();
    let padded = [height + 2 * window.padding[0], width + 2 * window.padding[1]];
    let mut sum = Tensor::zeros((batch, padded[0], padded[1], c), x.dtype(), x.device())?;
    for p in 0..window.kernel[0] {
        for q in 0..window.kernel[1] {
            let share = x.narrow(3, (p * window.kernel[1] + q) * c, c)?.contiguous()?; // [B, H', W', C]
            let rows = Tensor::zeros((batch, padded[0], across, c), x.dtype(), x.device())?;
            let rows = rows.index_add(&seen(window, 0, p, down, x)?, &share, 1)?;
            sum = sum.index_add(&seen(window, 1, q, across, x)?, &rows, 2)?;
        }
    }
    Ok(sum.narrow(1, window.padding[0], height)?.narrow(2, window.padding[1], width)?.contiguous()?)
}

pub(crate) fn depthwise(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, window: &Window) -> Result<Tensor, Error> {
    let views = views(x, window)?;
    let mut sum = views[0].zeros_like()?;
    for (tap, view) in views.iter().enumerate() {
        sum = (sum + view.broadcast_mul(&weight.get(tap)?)?)?;
    }
    Ok(match bias {
        Some(bias) => sum.broadcast_add(bias)?,
        None => sum,
    })
}

/// Axial tables [B, T, H, R + C] as a bias [B, H, T, R·C].
pub(crate) fn spread(tables: &Tensor, columns: usize) -> Result<Tensor, Error> {
    let (b, t, h, both) = tables.dims4()?;
    let rows = both - columns;
    let down = tables.narrow(3, 0, rows)?.unsqueeze(4)?;
    let across = tables.narrow(3, rows, columns)?.unsqueeze(3)?;
    Ok(down.broadcast_add(&across)?.reshape((b, t, h, rows * columns))?.transpose(1, 2)?.contiguous()?)
}
