//! Loss scaling, by which small gradients survive 16-bit factors (Micikevicius et al. 2018, arXiv:1710.03740).

use run::Precision;

/// The first factor.
const FIRST: f64 = 65_536.0;
/// The largest, far below where sums of squares overflow.
const MOST: f64 = 16_777_216.0;
/// Steps that must fit before the factor is doubled.
const CALM: u32 = 200;

/// What the loss is multiplied by before the backward pass, and the gradients divided by when they are used. It falls
/// when gradients overflow and rises when they have long fitted. In 32 bits it stays 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    factor: f64,
    most: f64,
    calm: u32,
}

impl LossScale {
    /// For gradients of this precision.
    pub fn new(precision: Precision) -> Self {
        let (factor, most) = match precision {
            Precision::F32 => (1.0, 1.0),
            Precision::F16 => (FIRST, MOST),
        };
        Self { factor, most, calm: 0 }
    }

    /// The factor of the next step.
    pub fn next(&mut self) -> f64 {
        if self.calm >= CALM {
            (self.factor, self.calm) = ((2.0 * self.factor).min(self.most), 0);
        }
        self.factor
    }

    /// Whether gradients of this norm can be used; if not, the step is worth another try with the smaller factor.
    pub fn accepts(&mut self, norm: f64) -> bool {
        if norm.is_finite() || self.factor <= 1.0 {
            self.calm += 1;
            return true;
        }
        (self.factor, self.calm) = ((self.factor / 4.0).max(1.0), 0);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_until_gradients_fit_and_rises_again() {
        let mut scale = LossScale::new(Precision::F16);
        assert_eq!(scale.next(), FIRST);
        assert!(!scale.accepts(f64::INFINITY) && !scale.accepts(f64::NAN));
        assert_eq!(scale.next(), FIRST / 16.0);
        for _ in 0..CALM {
            assert_eq!(scale.next(), FIRST / 16.0);
            assert!(scale.accepts(1.0));
        }
        assert_eq!(scale.next(), FIRST / 8.0);
    }

    #[test]
    fn it_ends_at_one_and_then_leaves_the_step_to_the_guard() {
        let mut scale = LossScale::new(Precision::F16);
        let tries = (0..20).take_while(|_| !scale.accepts(f64::NAN)).count();
        assert_eq!((tries, scale.next()), (8, 1.0));
        let mut plain = LossScale::new(Precision::F32);
        assert!((0..1000).all(|_| plain.next() == 1.0 && plain.accepts(f64::INFINITY)));
    }
}
