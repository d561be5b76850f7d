//! Many queries over a handful of keys, as where a picture attends to a prompt's tokens: some queries side by side in the
//! lanes of a vector, so that no sum goes across one.

use graph::Attention;

use super::{Keys, Operands, Place, Sizes};
use crate::matrix::act::exp;
use crate::parts::{Shared, widest};
use crate::pool::Pool;

/// The most keys.
const KEYS: usize = 16;

/// Queries side by side.
const LANES: usize = 16;

/// The widest head.
const WIDTH: usize = 128;

/// Queries of a unit of work.
const UNIT: usize = 16 * LANES;

/// Whether these sizes are few keys for many queries that all see them.
pub(super) fn fits(spec: &Attention, sizes: &Sizes, operands: &Operands<'_>, lse: &[f32]) -> bool {
    let plain = !spec.causal && spec.window.is_none() && spec.soft_cap.is_none() && lse.is_empty();
    let all = operands.past.is_none() && operands.bias.is_none() && matches!(operands.keys, Keys::Dense { .. });
    plain && all && (1..=KEYS).contains(&sizes.keys) && sizes.head_dim <= WIDTH && sizes.list() >= 4 * LANES
}

/// `out` [B, T, H, D].
pub(super) fn attention(pool: &Pool, scale: f32, sizes: &Sizes, operands: &Operands<'_>, out: &mut [f32]) {
    let Keys::Dense { k, v, batch } = operands.keys else { return };
    let units = sizes.list().div_ceil(UNIT);
    let shared = Shared::new(out);
    pool.run(sizes.batch * sizes.n_kv_head * units, &|unit| {
        let place = Place::new(sizes, unit / units, unit % units * UNIT, UNIT);
        let mut own = [[0.0; WIDTH]; 2 * KEYS];
        let (keys, values) = own.split_at_mut(KEYS);
        for s in 0..sizes.keys {
            let at = ((place.row % batch * sizes.keys + s) * sizes.n_kv_head + place.head) * sizes.head_dim;
            keys[s][..sizes.head_dim].copy_from_slice(&k[at..][..sizes.head_dim]);
            values[s][..sizes.head_dim].copy_from_slice(&v[at..][..sizes.head_dim]);
        }
        // Lanes behind the last query keep what they held, and nobody reads them.
        let mut lanes = [[0.0; LANES]; WIDTH];
        for first in (0..place.count).step_by(LANES) {
            let n = LANES.min(place.count - first);
            for i in 0..n {
                let q = &operands.q[place.at(sizes, first + i)..][..sizes.head_dim];
                lanes.iter_mut().zip(q).for_each(|(lane, value)| lane[i] = value * scale);
            }
            let lanes = &mut lanes[..sizes.head_dim];
            some(&keys[..sizes.keys], &values[..sizes.keys], lanes);
            for i in 0..n {
                // SAFETY: each unit writes the heads of its own queries.
                let out = unsafe { shared.slice(place.at(sizes, first + i), sizes.head_dim) };
                out.iter_mut().zip(&*lanes).for_each(|(value, lane)| *value = lane[i]);
            }
        }
    });
}

widest! {
    /// Queries [D][lanes] become results; keys and values [S][D].
    fn some(keys: &[[f32; WIDTH]], values: &[[f32; WIDTH]], lanes: &mut [[f32; LANES]]) {
        let mut scores = [[0.0f32; LANES]; KEYS];
        let mut most = [f32::NEG_INFINITY; LANES];
        for (score, key) in scores.iter_mut().zip(keys) {
            for (lane, k) in lanes.iter().zip(key) {
                for i in 0..LANES {
                    score[i] += k * lane[i];
                }
            }
            for i in 0..LANES {
                most[i] = if score[i] > most[i] { score[i] } else { most[i] };
            }
        }
        let mut sum = [0.0f32; LANES];
        for score in &mut scores[..keys.len()] {
            for i in 0..LANES {
                score[i] = exp(score[i] - most[i]);
                sum[i] += score[i];
            }
        }
        for score in &mut scores[..keys.len()] {
            for i in 0..LANES {
                score[i] /= sum[i];
            }
        }
        for (d, lane) in lanes.iter_mut().enumerate() {
            *lane = [0.0; LANES];
            for (weight, value) in scores.iter().zip(values) {
                for i in 0..LANES {
                    lane[i] += weight[i] * value[d];
                }
            }
        }
    }
}
