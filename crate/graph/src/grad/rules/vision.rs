//! Gradient rules of operations on pictures.

use super::{Emitted, Site};
use crate::{Act, Bias, Dim, Op, UnaryOp, Var, Window};

/// Height and width of [B, H, W, C].
fn size(x: Var<'_>) -> Result<[usize; 2], String> {
    let known = x.dim(1).known().zip(x.dim(2).known());
    known.map(|(rows, columns)| [rows, columns]).ok_or_else(|| "the picture's size is not known".into())
}

pub(super) fn unfold<'g>(site: &Site<'_, 'g>, window: Window) -> Emitted<'g> {
    let (dy, size) = (site.dy()?, size(site.x(0))?);
    Ok(site.one(0, || dy.fold(window, size)))
}

/// With each place's window written out, [B, H', W', kh·kw, C], the sums are elementwise products.
pub(super) fn depthwise<'g>(site: &Site<'_, 'g>, window: Window, bias: Bias, act: Option<Act>) -> Emitted<'g> {
    let (x, weight, mut dy) = (site.x(0), site.x(1), site.dy()?);
    let (size, taps) = (size(x)?, window.taps());
    if let Some(act) = act {
        let others: Vec<Var<'g>> = (1..site.node.inputs.len()).map(|i| site.x(i)).collect();
        let before = x.apply(Op::Depthwise { window, bias, act: None }, &others);
        dy = before.apply(Op::UnaryGrad(UnaryOp::Act(act)), &[dy]);
    }
    let places = dy.dim(0) * dy.dim(1) * dy.dim(2);
    let each = dy.reshape([places.clone(), Dim::from(1), dy.dim(3)]); // [P, 1, C]
    let wide = [dy.dim(0), dy.dim(1), dy.dim(2), dy.dim(3) * Dim::from(taps)];
    let mut emitted = site.one(0, || (each * weight).reshape(wide).fold(window, size));
    emitted.extend(site.one(1, || {
        let seen = x.unfold(window).reshape([places, taps.into(), dy.dim(3)]); // [P, kh·kw, C]
        (seen * each).sum_to(weight.shape())
    }));
    if bias == Bias::Add {
        emitted.extend(site.one(2, || dy.sum_to(site.x(2).shape())));
    }
    Ok(emitted)
}

/// Axial tables [B, T, H, R + C] as a bias [B, H, T, R·C].
pub(super) fn spread(tables: Var<'_>, columns: usize) -> Var<'_> {
    let rows = tables.dim(3).known().unwrap_or(0).saturating_sub(columns);
    let outer = [tables.dim(0), tables.dim(1), tables.dim(2)];
    let shaped = |r: usize, c: usize| [&outer[..], &[r.into(), c.into()]].concat();
    let down = tables.slice(3, 0, rows);
    let across = tables.slice(3, rows, columns);
    let bias = down.reshape(shaped(rows, 1)) + across.reshape(shaped(1, columns)); // [B, T, H, R, C]
    bias.reshape([&outer[..], &[(rows * columns).into()]].concat()).permute([0, 2, 1, 3])
}

/// The gradient of axial tables from that of the scores: [B, H, T, R·C] → [B, T, H, R + C].
pub(super) fn gather(dscores: Var<'_>, both: Dim, columns: usize) -> Var<'_> {
    let rows = both.known().unwrap_or(0).saturating_sub(columns);
    let d = dscores.permute([0, 2, 1, 3]); // [B, T, H, S]
    let outer = [d.dim(0), d.dim(1), d.dim(2)];
    let shaped = |r: usize, c: usize| [&outer[..], &[r.into(), c.into()]].concat();
    let grid = d.reshape(shaped(rows, columns)); // [B, T, H, R, C]
    let flat = |n: usize| [&outer[..], &[n.into()]].concat();
    let (down, across) = (grid.sum_to(shaped(rows, 1)), grid.sum_to(shaped(1, columns)));
    down.reshape(flat(rows)).concat(&[across.reshape(flat(columns))], 3)
}
