//! Rotary embedding as decoders use it: positions, frequencies and layout in one handle.

use graph::{Builder, DType, Rope, RopeLayout, Tensor, Var};

use crate::rope::Frequencies;

/// Turns queries and keys [B, T, H, D] by their positions.
#[derive(Clone, Copy)]
pub(crate) struct Rotary<'g> {
    positions: Var<'g>,
    inv_freq: Var<'g>,
    spec: Rope,
}

impl<'g> Rotary<'g> {
    /// Frequencies as a constant, or as the input `inv_freq` where they depend on the length of the sequence.
    ///
    /// # Errors
    /// They do not fit their shape.
    pub fn declare(g: &'g Builder, rope: &Frequencies, positions: Var<'g>) -> Result<Self, graph::Error> {
        let half = rope.half();
        let inv_freq = if rope.depends_on_length() {
            g.input("inv_freq", DType::F32, [half])
        } else {
            g.constant(Tensor::f32([half], rope.inv_freq(0))?)
        };
        let spec = Rope { layout: RopeLayout::Half, scale: rope.attention_factor };
        Ok(Self { positions, inv_freq, spec })
    }

    /// The turned queries or keys.
    pub fn turn(self, x: Var<'g>) -> Var<'g> {
        x.rope(self.positions, self.inv_freq, self.spec)
    }
}
