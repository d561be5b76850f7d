//! Draws one after another from a source that is a function of its purpose.

use crate::Random;

/// Draws of one scene or picture.
pub(crate) struct Dice {
    random: Random,
    at: u64,
}

impl Dice {
    pub fn new(random: Random) -> Self {
        Self { random, at: 0 }
    }

    /// Another source.
    pub fn fork(&mut self) -> Random {
        self.at += 1;
        self.random.of(self.at).named("fork")
    }

    /// 0 to below 1.
    pub fn unit(&mut self) -> f32 {
        self.at += 1;
        // 24 bits, which a float holds.
        (self.random.at(self.at) >> 40) as f32 / (1 << 24) as f32
    }

    pub fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * self.unit()
    }

    /// 0 to below `n`, which is at least 1.
    pub fn below(&mut self, n: usize) -> usize {
        ((f64::from(self.unit()) * n as f64) as usize).min(n.saturating_sub(1))
    }

    pub fn chance(&mut self, share: f32) -> bool {
        self.unit() < share
    }

    /// About normal, of deviation 1 and never beyond 3.5: the sum of four uniform numbers of 16 bits.
    pub fn normal(&mut self) -> f32 {
        self.at += 1;
        let bits = self.random.at(self.at);
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        (sum as f32 / 65_536.0 - 2.0) * 3f32.sqrt()
    }
}
