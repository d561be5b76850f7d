//! The forms in which quantized weights are kept: how many bits, what scales, what offset.
//!
//! The file's types are kept without loss in one of eight forms. A value is `scale * q + min`, where `q` is an integer
//! of 4, 6 or 8 bits and scale and min belong to 16 or 32 values. They are halves for each 32 values, or, with
//! `SUPER`, products of a half for each 256 values and a small integer for each 16 or 32. Where `min` is a fixed
//! multiple of the scale, it is not stored.

use format::QuantType;

/// A form, as constants for the kernels.
pub(crate) trait Form: Copy + 'static {
    /// Bits kept of a number: 4, 6 (both unsigned) or 8 (signed).
    const BITS: usize;
    /// Values that share a scale: 16 or 32.
    const GROUP: usize;
    /// Scales are small integers times a scale of 256 values.
    const SUPER: bool;
    /// What a stored number is too high by.
    const OFFSET: i32;
    /// A minimum is stored.
    const MIN: bool;
}

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident: $bits:literal, $group:literal, $super:literal, $offset:literal, $min:literal;)*) => {
        /// A form, as a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum FormKind { $($(#[$doc])* $name),* }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(crate) struct $name;

            impl Form for $name {
                const BITS: usize = $bits;
                const GROUP: usize = $group;
                const SUPER: bool = $super;
                const OFFSET: i32 = $offset;
                const MIN: bool = $min;
            }
        )*

        impl FormKind {
            /// The constants of the form.
            pub(crate) fn traits(self) -> Traits {
                match self {
                    $(FormKind::$name => Traits {
                        bits: $bits, group: $group, supers: $super, offset: $offset, min: $min,
                    },)*
                }
            }
        }
    };
}

forms! {
    /// Q8_0, and Q5_0 widened.
    Byte: 8, 32, false, 0, false;
    /// Q5_1 widened.
    ByteMin: 8, 32, false, 0, true;
    /// Q4_0.
    Nibble: 4, 32, false, 8, false;
    /// Q4_1.
    NibbleMin: 4, 32, false, 0, true;
    /// Q4_K.
    NibbleSuper: 4, 32, true, 0, true;
    /// Q2_K widened.
    NibbleSuper16: 4, 16, true, 0, true;
    /// Q5_K widened.
    SixSuper: 6, 32, true, 0, true;
    /// Q6_K, and Q3_K widened.
    SixSuper16: 6, 16, true, 32, false;
}

/// The constants of a [`Form`], as values for packing and unpacking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) bits: usize,
    pub(crate) group: usize,
    pub(crate) supers: bool,
    pub(crate) offset: i32,
    pub(crate) min: bool,
}

impl FormKind {
    /// The form of a file's type; none for floats.
    pub(crate) fn of(ty: QuantType) -> Option<FormKind> {
        Some(match ty {
            QuantType::F32 | QuantType::F16 | QuantType::BF16 => return None,
            QuantType::Q8_0 | QuantType::Q5_0 => FormKind::Byte,
            QuantType::Q5_1 => FormKind::ByteMin,
            QuantType::Q4_0 => FormKind::Nibble,
            QuantType::Q4_1 => FormKind::NibbleMin,
            QuantType::Q4_K => FormKind::NibbleSuper,
            QuantType::Q2_K => FormKind::NibbleSuper16,
            QuantType::Q5_K => FormKind::SixSuper,
            QuantType::Q6_K | QuantType::Q3_K => FormKind::SixSuper16,
        })
    }
}

/// Where the numbers and scales of a group of rows are, for a form on an instruction set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Rows that are interleaved.
    pub(crate) lanes: usize,
    /// Bytes of the numbers of 32 columns.
    pub(crate) quant_bytes: usize,
    /// Bytes of a lane's scale: 2 as halves, 4 as floats.
    pub(crate) scale_bytes: usize,
    /// Bytes between the scales of 256 columns (with supers) or 32 (without).
    pub(crate) scale_stride: usize,
    /// With supers: where the small integers begin.
    pub(crate) sub_start: usize,
    /// With supers: bytes of the small integers of 32 columns.
    pub(crate) sub_stride: usize,
}

impl Layout {
    /// The layout of a form with so many lanes and so many bytes a scale.
    pub(crate) const fn new(
        bits: usize,
        group: usize,
        supers: bool,
        min: bool,
        lanes: usize,
        scale_bytes: usize,
    ) -> Layout {
        let parts = if min { 2 } else { 1 };
        let sub_start = lanes * scale_bytes * parts;
        let sub_stride = lanes * (32 / group) * parts;
        let scale_stride = if supers { sub_start + 8 * sub_stride } else { sub_start };
        Layout { lanes, quant_bytes: bits * 4 * lanes, scale_bytes, scale_stride, sub_start, sub_stride }
    }

    /// The layout of a form known by its traits.
    pub(crate) fn of(traits: Traits, lanes: usize, scale_bytes: usize) -> Layout {
        Layout::new(traits.bits, traits.group, traits.supers, traits.min, lanes, scale_bytes)
    }

    /// Bytes of the scales of a group of rows with `blocks` blocks of 32 columns.
    pub(crate) fn group_scales(&self, supers: bool, blocks: usize) -> usize {
        self.scale_stride * if supers { blocks / 8 } else { blocks }
    }
}
