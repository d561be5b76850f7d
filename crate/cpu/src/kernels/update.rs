//! Changes of weights in place, each in one pass over memory.

use graph::Update;

use crate::parts::{PART, together, widest};
use crate::pool::Pool;

/// Changes `weights`, of which those that the rule does not have are empty. `hyper` and `scale` are empty where the rule
/// has none.
pub(crate) fn update(
    pool: &Pool,
    rule: Update,
    weights: [&mut [f32]; 3],
    value: &[f32],
    (hyper, scale): (&[f32], &[f32]),
) {
    let scale = scale.first().copied().unwrap_or(1.0);
    if !scale.is_finite() {
        return;
    }
    let hyper: [f32; 4] = std::array::from_fn(|i| hyper.get(i).copied().unwrap_or(0.0));
    together(pool, weights, [PART; 3], |part, [w, first, second]| {
        let value = &value[part * PART..][..w.len()];
        match rule {
            Update::Assign => w.copy_from_slice(value),
            Update::Add => add(w, value),
            Update::Ema => average(hyper[0], w, value),
            Update::Sgd { momentum: 0.0 } => descend(hyper, scale, w, value),
            Update::Sgd { momentum } => roll(hyper, scale, momentum, w, first, value),
            Update::AdamW { beta1, beta2, eps } => adamw(hyper, scale, [beta1, beta2, eps], [w, first, second], value),
        }
    });
}

widest! {
    fn add(w: &mut [f32], value: &[f32]) {
        w.iter_mut().zip(value).for_each(|(w, value)| *w += value);
    }
}

widest! {
    fn average(decay: f32, w: &mut [f32], value: &[f32]) {
        let rest = 1.0 - decay;
        w.iter_mut().zip(value).for_each(|(w, value)| *w = decay * *w + rest * value);
    }
}

widest! {
    fn descend(hyper: [f32; 4], scale: f32, w: &mut [f32], gradient: &[f32]) {
        let [rate, decay, ..] = hyper;
        w.iter_mut().zip(gradient).for_each(|(w, g)| *w -= rate * (scale * g + decay * *w));
    }
}

widest! {
    fn roll(hyper: [f32; 4], scale: f32, momentum: f32, w: &mut [f32], v: &mut [f32], gradient: &[f32]) {
        let [rate, decay, ..] = hyper;
        for ((w, v), g) in w.iter_mut().zip(v).zip(gradient) {
            *v = momentum * *v + (scale * g + decay * *w);
            *w -= rate * *v;
        }
    }
}

widest! {
    fn adamw(hyper: [f32; 4], scale: f32, rule: [f32; 3], weights: [&mut [f32]; 3], gradient: &[f32]) {
        let ([rate, decay, correct1, correct2], [beta1, beta2, eps], [w, m, v]) = (hyper, rule, weights);
        let (inverse1, inverse2) = (1.0 / correct1, 1.0 / correct2);
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(gradient) {
            let g = scale * g;
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * (g * g);
            let step = *m * inverse1 / ((*v * inverse2).sqrt() + eps);
            *w -= rate * (step + decay * *w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descent_with_momentum_and_a_scale_that_is_no_number() {
        let (mut w, mut v) = ([1.0], [0.5]);
        let rule = Update::Sgd { momentum: 0.5 };
        for scale in [1.0, f32::INFINITY] {
            update(&Pool::new(1), rule, [&mut w, &mut v, &mut []], &[2.0], (&[0.5, 0.25], &[scale]));
            assert_eq!((w, v), ([-0.25], [2.5]));
        }
    }
}
