//! Vectors of floats, and the products that attention and plain matrices are made of.

mod lanes;
mod panel;
mod product;

pub(crate) use lanes::prefetch;
pub(crate) use panel::{Block, Panels};
pub(crate) use product::{Grid, Sum, product, product_turned};

/// Which vectors the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the build allows everywhere.
    Plain,
}

impl Level {
    /// The widest.
    pub fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 {
                return if avx512 { Level::Avx512 } else { Level::Avx2 };
            }
        }
        Level::Plain
    }
}
