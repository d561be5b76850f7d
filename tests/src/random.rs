//! Values that a seed reproduces.

use format::QuantType;

/// Random numbers by xorshift64*.
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        // A state of zero would stay zero.
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// The seed that belongs to a name (FNV-1a).
    pub fn seed_of(name: &str) -> u64 {
        name.bytes()
            .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Evenly from `low` to `high`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.bits() >> 40) as f32 / (1 << 24) as f32;
        low + (high - low) * unit
    }

    /// About normal: mean 0, variance 1.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform(-0.5, 0.5)).sum()
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 33) as usize % end.max(1)
    }

    /// `n` values, about normal.
    pub fn normals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal()).collect()
    }

    /// `n` values of a type, encoded. Types that are only read get random blocks with sensible scales.
    pub fn encoded(&mut self, ty: QuantType, n: usize) -> Vec<u8> {
        let scales: &[usize] = match ty {
            QuantType::Q2_K => &[80, 82],
            QuantType::Q3_K => &[108],
            _ => {
                let mut out = Vec::new();
                format::encode(ty, &self.normals(n), &mut out).unwrap();
                return out;
            }
        };
        let mut out = Vec::new();
        for _ in 0..n / ty.block_len() {
            let mut block: Vec<u8> = (0..ty.block_bytes()).map(|_| self.bits() as u8).collect();
            for &at in scales {
                let scale = format::f32_to_f16(self.uniform(0.01, 0.05));
                block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
            }
            out.extend(block);
        }
        out
    }
}
