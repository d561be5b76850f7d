//! Which instruction set serves a weight, and the kernels of each.
#![expect(unsafe_code, reason = "a kernel may run only where its instructions exist")]

use std::ops::Range;

use format::QuantType;

use super::activations::{PutRecords, put_records};
use super::float::{Brain, Element, Half, Single, float};
use super::form::{self, FormKind};
#[cfg(target_arch = "aarch64")]
use super::isa::Neon;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use super::isa::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::isa::Simd128;
#[cfg(test)]
use super::isa::Sixteen;
#[cfg(target_arch = "x86_64")]
use super::isa::{Avx2, Avx512};
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
use super::isa::{Bytes, DotSigned, DotUnsigned};
use super::isa::{Isa, Scale};
use super::kernel::{Kernel, Product, quantized};
use super::pack::{self, PackGroup};

macro_rules! targets {
    ($($(#[$cfg:meta])* $name:ident $(: $features:literal)?, $text:literal, $available:expr;)*) => {
        /// An instruction set that this build has kernels for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Target {
            $($(#[$cfg])* #[doc = concat!("`", $text, "`")] $name,)*
        }

        impl Target {
            /// All that this machine can run, the best first.
            pub fn available() -> impl Iterator<Item = Target> {
                [$($(#[$cfg])* ($available).then_some(Target::$name),)*].into_iter().flatten()
            }

            /// The name, as in `avx2`.
            pub fn name(self) -> &'static str {
                match self { $($(#[$cfg])* Target::$name => $text,)* }
            }

            /// Rows that are interleaved.
            pub(crate) fn lanes(self) -> usize {
                match self { $($(#[$cfg])* Target::$name => <$name as Isa>::LANES,)* }
            }

            /// Rows of `x` in a tile.
            pub(crate) fn tile(self) -> usize {
                match self { $($(#[$cfg])* Target::$name => <$name as Isa>::TILE,)* }
            }

            /// Whether numbers of 8 bits are stored too high by 128.
            pub(crate) fn biased(self) -> bool {
                match self { $($(#[$cfg])* Target::$name => <$name as Isa>::BIASED,)* }
            }

            /// Whether numbers of 8 bits are multiplied by 16-bit `x`.
            pub(crate) fn wide(self) -> bool {
                match self { $($(#[$cfg])* Target::$name => <$name as Isa>::WIDE,)* }
            }

            /// Bytes of a stored scale.
            pub(crate) fn scale_bytes(self) -> usize {
                match self { $($(#[$cfg])* Target::$name => size_of::<<$name as Isa>::Scale>(),)* }
            }

            /// What packs the rows of a group.
            pub(crate) fn packer(self) -> PackGroup {
                match self { $($(#[$cfg])* Target::$name => pack::group::<$name>,)* }
            }

            /// Reads a stored scale.
            pub(crate) fn scale(self, bytes: &[u8]) -> f32 {
                match self { $($(#[$cfg])* Target::$name => <<$name as Isa>::Scale as Scale>::read(bytes),)* }
            }

            /// The kernel for a form, or for floats of a type.
            pub(crate) fn kernel(self, ty: QuantType, form: Option<FormKind>) -> Kernel {
                match self { $($(#[$cfg])* Target::$name => kernels::$name::kernel(ty, form),)* }
            }

            /// What makes 8-bit records of `x`, or 16-bit ones.
            pub(crate) fn put_records(self, wide: bool) -> PutRecords {
                match (self, wide) {
                    $(
                        $(#[$cfg])*
                        (Target::$name, false) => kernels::$name::put::<false>,
                        $(#[$cfg])*
                        (Target::$name, true) => kernels::$name::put::<true>,
                    )*
                }
            }

            /// What a kernel is called, as in `q8_0 avx2`.
            pub(crate) fn kernel_name(self, ty: QuantType) -> &'static str {
                match self { $($(#[$cfg])* Target::$name => kernels::$name::name(ty),)* }
            }
        }

        #[expect(non_snake_case, reason = "a module an instruction set, of its name")]
        mod kernels {
            use super::*;
            $(
                $(#[$cfg])*
                pub(super) mod $name {
                    use super::*;
                    use crate::matrix::isa::$name as Set;

                    $(#[target_feature(enable = $features)])?
                    unsafe fn run<F: form::Form>(product: &Product, groups: Range<usize>, rows: Range<usize>) {
                        // SAFETY: the caller's promise.
                        unsafe { quantized::<Set, F, { <Set as Isa>::TILE }>(product, groups, rows) }
                    }

                    $(#[target_feature(enable = $features)])?
                    unsafe fn run_float<E: Element>(
                        product: &Product,
                        groups: Range<usize>,
                        rows: Range<usize>,
                    ) {
                        // SAFETY: the caller's promise.
                        unsafe { float::<Set, E>(product, groups, rows) }
                    }

                    $(#[target_feature(enable = $features)])?
                    pub(in super::super) unsafe fn put<const WIDE: bool>(row: &[f32], out: *mut u8, stride: usize) {
                        // SAFETY: the caller's promise.
                        unsafe { put_records::<WIDE>(row, out, stride) }
                    }

                    pub(in super::super) fn kernel(ty: QuantType, form: Option<FormKind>) -> Kernel {
                        match form {
                            Some(FormKind::Byte) => run::<form::Byte>,
                            Some(FormKind::ByteMin) => run::<form::ByteMin>,
                            Some(FormKind::Nibble) => run::<form::Nibble>,
                            Some(FormKind::NibbleMin) => run::<form::NibbleMin>,
                            Some(FormKind::NibbleSuper) => run::<form::NibbleSuper>,
                            Some(FormKind::NibbleSuper16) => run::<form::NibbleSuper16>,
                            Some(FormKind::SixSuper) => run::<form::SixSuper>,
                            Some(FormKind::SixSuper16) => run::<form::SixSuper16>,
                            None if ty == QuantType::F16 => run_float::<Half>,
                            None if ty == QuantType::BF16 => run_float::<Brain>,
                            None => run_float::<Single>,
                        }
                    }

                    pub(in super::super) fn name(ty: QuantType) -> &'static str {
                        match ty {
                            QuantType::F32 => concat!("f32 ", $text),
                            QuantType::F16 => concat!("f16 ", $text),
                            QuantType::BF16 => concat!("bf16 ", $text),
                            QuantType::Q8_0 => concat!("q8_0 ", $text),
                            QuantType::Q4_0 => concat!("q4_0 ", $text),
                            QuantType::Q4_1 => concat!("q4_1 ", $text),
                            QuantType::Q5_0 => concat!("q5_0 ", $text),
                            QuantType::Q5_1 => concat!("q5_1 ", $text),
                            QuantType::Q2_K => concat!("q2_k ", $text),
                            QuantType::Q3_K => concat!("q3_k ", $text),
                            QuantType::Q4_K => concat!("q4_k ", $text),
                            QuantType::Q5_K => concat!("q5_k ", $text),
                            QuantType::Q6_K => concat!("q6_k ", $text),
                        }
                    }
                }
            )*
        }
    };
}

targets! {
    #[cfg(target_arch = "x86_64")]
    Avx512: "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c", "avx512-vnni",
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
    #[cfg(target_arch = "x86_64")]
    Avx2: "avx2,fma,f16c", "avx2",
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
    #[cfg(target_arch = "aarch64")]
    Neon: "neon", "neon", std::arch::is_aarch64_feature_detected!("neon");
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    DotUnsigned, "relaxed-dot-unsigned", Bytes::of_engine() == Bytes::Unsigned;
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    DotSigned, "relaxed-dot-signed", Bytes::of_engine() == Bytes::Signed;
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128", target_feature = "relaxed-simd"))]
    Simd128, "relaxed-simd128", true;
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
    Simd128, "simd128", true;
    // A page whose module has vectors never runs what has none.
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    Portable, "portable", true;
    #[cfg(test)]
    Sixteen, "portable-16", true;
}

impl Target {
    /// The best that this machine can run.
    pub fn best() -> Target {
        static BEST: std::sync::OnceLock<Target> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Target::available().next().unwrap_or(LEAST))
    }
}

/// What every machine that runs this build can run.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
const LEAST: Target = Target::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
const LEAST: Target = Target::Simd128;
