//! What is drawn: which tokens stay, and which words are shown as wrong answers.

use crate::Random;

/// Numbers in a row from one seed (SplitMix64).
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    /// The numbers that belong to a place of a corpus.
    pub(super) fn at(random: Random, place: u64) -> Draws {
        Draws(random.at(place))
    }

    /// The next 32 bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x >> 32) as u32
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(limit)) >> 32) as u32
    }
}

/// Words drawn by given weights in constant time (Walker's alias method, in Vose's form).
pub(super) struct Alias {
    /// Where the drawn word itself is taken: below this of 2³².
    keep: Vec<u32>,
    /// What is taken otherwise.
    other: Vec<u32>,
}

impl Alias {
    /// How many words there are to draw from.
    pub(super) fn len(&self) -> usize {
        self.keep.len()
    }

    /// `weights` are not negative, and not all zero.
    pub(super) fn new(weights: &[f64]) -> Alias {
        let count = weights.len();
        let scale = count as f64 / weights.iter().sum::<f64>();
        let mut share: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..count).partition(|&word| share[word] < 1.0);
        let mut alias = Alias { keep: vec![u32::MAX; count], other: (0..count as u32).collect() };
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            alias.keep[low] = (share[low] * 4_294_967_296.0) as u32;
            alias.other[low] = high as u32;
            share[high] -= 1.0 - share[low];
            if share[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        alias
    }

    /// A word.
    pub(super) fn draw(&self, draws: &mut Draws) -> u32 {
        let word = draws.below(self.keep.len() as u32);
        if draws.bits() <= self.keep[word as usize] { word } else { self.other[word as usize] }
    }
}

/// How likely each token of a word is kept, of 2³²: (√(f/t) + 1) · t/f for a word of share f, as `word2vec.c` has it.
/// A threshold of 0 keeps all.
pub(super) fn keep_chances(counts: &[u64], threshold: f64) -> Vec<u32> {
    let total = counts.iter().sum::<u64>() as f64;
    let chance = |&count: &u64| {
        let ratio = threshold * total / count as f64;
        if threshold == 0.0 { 1.0 } else { (ratio.sqrt() + ratio).min(1.0) }
    };
    counts.iter().map(chance).map(|chance: f64| (chance * f64::from(u32::MAX)) as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_as_often_as_their_weights_say() {
        let weights = [5.0, 0.0, 1.0, 2.5, 0.001, 1.499];
        let alias = Alias::new(&weights);
        let mut draws = Draws::at(Random::new(1), 0);
        let mut counts = [0.0; 6];
        (0..200_000).for_each(|_| counts[alias.draw(&mut draws) as usize] += 1.0);
        for (count, weight) in counts.iter().zip(weights) {
            let wanted = 20_000.0 * weight;
            assert!((count - wanted).abs() <= 5.0 * f64::sqrt(wanted), "{counts:?}");
        }
    }

    #[test]
    fn one_word_is_always_drawn() {
        let mut draws = Draws::at(Random::new(1), 3);
        assert_eq!(Alias::new(&[2.0]).draw(&mut draws), 0);
    }

    #[test]
    fn frequent_words_are_kept_less() {
        // Of 1000 tokens one word has 900: with t = 0.01, √(0.01/0.9) + 0.01/0.9 = 0.1165.
        let chances = keep_chances(&[900, 91, 9], 0.01);
        let share = |chance: u32| f64::from(chance) / f64::from(u32::MAX);
        assert!((share(chances[0]) - 0.11652).abs() < 1e-4);
        assert!((share(chances[1]) - 0.44138).abs() < 1e-4);
        assert_eq!(chances[2], u32::MAX);
        assert_eq!(keep_chances(&[900, 1], 0.0), [u32::MAX; 2]);
    }
}
