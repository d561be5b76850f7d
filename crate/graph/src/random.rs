//! Random numbers that follow from where they are used, so that a recomputed mask is the same one everywhere.

/// The number of element `index` in the mask `salt` at `step` of a run with `seed`.
///
/// Each argument is mixed into a 32-bit state by an exclusive or and the finaliser `x ^= x >> 16; x *= 0x7feb352d;
/// x ^= x >> 15; x *= 0x846ca68b; x ^= x >> 16` (Wellons 2018, "Prospecting for hash functions").
pub fn random_u32(seed: u32, step: u32, salt: u32, index: u32) -> u32 {
    [seed, step, salt, index].into_iter().fold(0x9E37_79B9, |state, word| mix(state ^ word))
}

fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_masks_differ() {
        let kept = |salt| (0..100_000).filter(move |i| random_u32(7, 3, salt, *i) >= u32::MAX / 10);
        let count = kept(1).count();
        assert!((89_000..91_000).contains(&count), "{count}");
        assert_ne!(kept(1).collect::<Vec<_>>(), kept(2).collect::<Vec<_>>());
    }
}
