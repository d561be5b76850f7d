//! What is done about losses that are no numbers, or jump.

use serde::{Deserialize, Serialize};

use crate::recipe::GuardSpec;

/// Steps before a jump can be told from the beginning of learning.
const SETTLED: u64 = 20;
/// How much of the recent mean stays in each step.
const MEMORY: f64 = 0.98;
/// A jump is also this much above the mean, in nats, so that small losses may vary.
const LEAST_JUMP: f64 = 0.5;

/// What is to be done with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The weights change.
    Apply,
    /// They stay, for this reason.
    Skip(String),
    /// The last checkpoint is taken up again, and the learning rate lowered.
    RollBack(String),
    /// Training ends.
    Stop(String),
}

/// Watches the losses. Its state is part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The recent mean's bits, since decimals may round.
    mean: u64,
    seen: u64,
    skipped: u32,
    rollbacks: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self { mean: 0f64.to_bits(), seen: 0, skipped: 0, rollbacks: 0 }
    }
}

impl Guard {
    /// Judges the loss and the norm of the gradients of a step.
    pub fn judge(&mut self, spec: &GuardSpec, loss: f64, norm: f64) -> Verdict {
        let Some(reason) = self.objection(spec, loss, norm) else {
            let mean = f64::from_bits(self.mean);
            // Plain mean at first, then one that forgets.
            let memory = MEMORY.min(self.seen as f64 / (self.seen + 1) as f64);
            self.mean = (memory * mean + (1.0 - memory) * loss).to_bits();
            (self.seen, self.skipped) = (self.seen + 1, 0);
            return Verdict::Apply;
        };
        self.skipped += 1;
        if self.skipped < spec.patience {
            return Verdict::Skip(reason);
        }
        self.skipped = 0;
        self.rollbacks += 1;
        let reason = format!("{reason}, {} steps in a row", spec.patience);
        if self.rollbacks > spec.rollbacks { Verdict::Stop(reason) } else { Verdict::RollBack(reason) }
    }

    /// What the learning rate is multiplied by after all that happened.
    pub fn slower(&self, spec: &GuardSpec) -> f64 {
        (0..self.rollbacks).fold(1.0, |factor, _| factor * spec.slower)
    }

    /// Whether the last step was taken.
    pub fn is_calm(&self) -> bool {
        self.skipped == 0
    }

    /// The state after an older checkpoint is taken up again: its mean, but what was learned about the rate stays.
    #[must_use]
    pub fn rolled_back(&self, older: &Self) -> Self {
        Self { rollbacks: self.rollbacks, skipped: 0, ..older.clone() }
    }

    fn objection(&self, spec: &GuardSpec, loss: f64, norm: f64) -> Option<String> {
        if !loss.is_finite() {
            return Some(format!("the loss is {loss}"));
        }
        if !norm.is_finite() {
            return Some(format!("the norm of the gradients is {norm}"));
        }
        let mean = f64::from_bits(self.mean);
        let jumped = self.seen >= SETTLED && loss > spec.spike * mean && loss > mean + LEAST_JUMP;
        jumped.then(|| format!("the loss jumped from {mean:.3} to {loss:.3}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> GuardSpec {
        GuardSpec { spike: 2.0, patience: 3, slower: 0.5, rollbacks: 2 }
    }

    fn settled() -> Guard {
        let mut guard = Guard::default();
        for _ in 0..30 {
            assert_eq!(guard.judge(&spec(), 2.0, 1.0), Verdict::Apply);
        }
        guard
    }

    #[test]
    fn single_steps_are_left_out() {
        let mut guard = settled();
        assert_eq!(guard.judge(&spec(), f64::NAN, 1.0), Verdict::Skip("the loss is NaN".into()));
        assert_eq!(guard.judge(&spec(), 2.0, 1.0), Verdict::Apply);
        let infinite = Verdict::Skip("the norm of the gradients is inf".into());
        assert_eq!(guard.judge(&spec(), 2.0, f64::INFINITY), infinite);
        assert_eq!(guard.judge(&spec(), 4.5, 1.0), Verdict::Skip("the loss jumped from 2.000 to 4.500".into()));
        assert_eq!(guard.judge(&spec(), 3.9, 1.0), Verdict::Apply);
    }

    #[test]
    fn the_beginning_may_be_wild_and_small_losses_may_vary() {
        let mut guard = Guard::default();
        assert_eq!(guard.judge(&spec(), 2.0, 1.0), Verdict::Apply);
        assert_eq!(guard.judge(&spec(), 9.0, 1.0), Verdict::Apply);
        for _ in 0..300 {
            guard.judge(&spec(), 0.01, 1.0);
        }
        assert_eq!(guard.judge(&spec(), 0.4, 1.0), Verdict::Apply);
    }

    #[test]
    fn many_in_a_row_go_back_slower_and_at_last_end() {
        let mut guard = settled();
        let checkpoint = guard.clone();
        let reason = "the loss is inf, 3 steps in a row".to_string();
        for round in 0..3 {
            for _ in 0..2 {
                assert!(matches!(guard.judge(&spec(), f64::INFINITY, 1.0), Verdict::Skip(_)));
            }
            let last = guard.judge(&spec(), f64::INFINITY, 1.0);
            if round == 2 {
                assert_eq!(last, Verdict::Stop(reason.clone()));
                continue;
            }
            assert_eq!(last, Verdict::RollBack(reason.clone()));
            guard = guard.rolled_back(&checkpoint);
            assert_eq!(guard.slower(&spec()), [0.5, 0.25][round]);
        }
    }

    #[test]
    fn its_state_survives_the_disk() {
        let mut guard = settled();
        guard.judge(&spec(), 1.0 / 3.0, 1.0);
        let text = serde_json::to_string(&guard).unwrap();
        assert_eq!(serde_json::from_str::<Guard>(&text).unwrap(), guard);
    }
}
