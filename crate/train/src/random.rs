//! Random numbers without a hidden state: each is a function of a seed and of what it is for.
//!
//! So an epoch's order, a weight's first value or a split is the same whenever it is asked for, in whatever order and
//! on however many threads. The mixing function is SplitMix64's finalizer (Steele, Lea and Flood 2014,
//! "Fast splittable pseudorandom number generators"), applied to each word of the key.

/// A source of numbers for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    key: u64,
}

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self { key: mix(seed ^ 0x5851_f42d_4c95_7f2d) }
    }

    /// The numbers of a part of the purpose: an epoch, a document.
    #[must_use]
    pub fn of(self, part: u64) -> Self {
        Self { key: mix(self.key.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ mix(part)) }
    }

    /// The numbers of a part that has a name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        name.bytes().fold(self.of(name.len() as u64), |random, byte| random.of(u64::from(byte)))
    }

    /// The number at a place, each of the 2⁶⁴ as likely.
    pub fn at(self, index: u64) -> u64 {
        self.of(index).key
    }

    /// A number in 0..1 at a place.
    pub fn unit(self, index: u64) -> f64 {
        to_unit(self.at(index))
    }

    /// A number of the standard normal distribution at a place, by Box and Muller's method.
    pub fn normal(self, index: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit(2 * index)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit(2 * index + 1)).cos()
    }

    /// Puts `items` into an order of this source's own (Fisher and Yates).
    pub fn shuffle<T>(self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (u128::from(self.at(last as u64)) * (last as u128 + 1)) >> 64;
            items.swap(last, other as usize);
        }
    }
}

/// 64 bits as a number in 0..1.
pub fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_and_repeatable() {
        let random = Random::new(7).named("weights");
        let values: Vec<f64> = (0..10_000).map(|i| random.normal(i)).collect();
        let mean = values.iter().sum::<f64>() / 1e4;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert_eq!(random.at(5), Random::new(7).named("weights").at(5));
        assert_ne!(random.at(5), Random::new(8).named("weights").at(5));
        assert_ne!(Random::new(7).named("ab").at(0), Random::new(7).named("ba").at(0));
    }

    #[test]
    fn every_order_comes_as_often() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6000 {
            let mut items = [0, 1, 2];
            Random::new(seed).shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
