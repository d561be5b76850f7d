//! The learning rate over the steps, and AdamW's corrections.

use crate::Recipe;
use crate::recipe::Decay;

/// The learning rate of a step, counted from 0: it rises along a line for `warmup` steps, then falls to `floor` times
/// its highest (Loshchilov and Hutter 2017, arXiv:1608.03983, for the cosine).
pub fn learning_rate(recipe: &Recipe, step: u64) -> f64 {
    let (schedule, steps) = (&recipe.schedule, recipe.train.steps);
    let highest = recipe.optimizer.learning_rate;
    if step < schedule.warmup {
        return highest * (step + 1) as f64 / schedule.warmup as f64;
    }
    let done = (step - schedule.warmup) as f64 / (steps - schedule.warmup).max(1) as f64;
    let left = match schedule.decay {
        Decay::Constant => return highest,
        Decay::Linear => 1.0 - done.min(1.0),
        Decay::Cosine => 0.5 + 0.5 * (std::f64::consts::PI * done.min(1.0)).cos(),
    };
    highest * (schedule.floor + (1.0 - schedule.floor) * left)
}

/// What AdamW's means are divided by after `updates` changes, at least 1: they began at zero.
pub fn bias_corrections(betas: [f64; 2], updates: u64) -> [f64; 2] {
    betas.map(|beta| 1.0 - beta.powf(updates as f64))
}

/// What all gradients are multiplied by so that their norm is at most `clip`; 0 clips nothing.
pub fn clip_factor(clip: f64, norm: f64) -> f64 {
    if clip > 0.0 && norm > clip { clip / norm } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(schedule: &str) -> Recipe {
        let text = format!(
            "name = 'n'\noutput = 'o'\nstart = 's'\n[train]\nsteps = 110\nbatch = 1\ncontext = 4\n\
             [optimizer]\nlearning_rate = 2.0\n[schedule]\n{schedule}\n\
             [[data]]\nname = 'd'\nfiles = ['f']\nlicence = 'MIT'\nlayout = 'text'"
        );
        Recipe::parse("recipe", &text).unwrap()
    }

    #[track_caller]
    fn check(schedule: &str, wanted: &[(u64, f64)]) {
        let recipe = recipe(schedule);
        for (step, rate) in wanted {
            let found = learning_rate(&recipe, *step);
            assert!((found - rate).abs() < 1e-12, "step {step}: {found}, expected {rate}");
        }
    }

    #[test]
    fn rates() {
        check("decay = 'constant'", &[(0, 2.0), (109, 2.0)]);
        check("decay = 'constant'\nwarmup = 10", &[(0, 0.2), (4, 1.0), (9, 2.0), (10, 2.0)]);
        check("decay = 'linear'\nwarmup = 10\nfloor = 0.0", &[(10, 2.0), (60, 1.0), (85, 0.5), (110, 0.0), (500, 0.0)]);
        check("decay = 'cosine'\nwarmup = 10\nfloor = 0.1", &[(10, 2.0), (60, 1.1), (110, 0.2)]);
        check("decay = 'cosine'\nwarmup = 110", &[(109, 2.0), (110, 2.0)]);
    }

    #[test]
    fn corrections_and_clipping() {
        let [first, second] = bias_corrections([0.9, 0.999], 2);
        assert!((first - 0.19).abs() < 1e-12 && (second - 0.001_999).abs() < 1e-12);
        assert_eq!((clip_factor(1.0, 4.0), clip_factor(1.0, 0.5), clip_factor(0.0, 4.0)), (0.25, 1.0, 1.0));
    }
}
