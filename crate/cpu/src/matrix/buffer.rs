//! Memory that begins at a cache line.

/// The bytes of a cache line.
#[derive(Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zeroed bytes that begin at a cache line.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// So many zeros.
    pub(crate) fn zeroed(len: usize) -> Buffer {
        // Pages that the system fills with zeros when they are first touched, where it does.
        Buffer { lines: bytemuck::zeroed_vec(len.div_ceil(64)), len }
    }

    /// Makes room for so many bytes; what they hold is left open.
    pub(crate) fn resize(&mut self, len: usize) {
        self.lines.resize(len.div_ceil(64), Line([0; 64]));
        self.len = len;
    }

    /// As [`Buffer::resize`] to at least so many bytes, keeping nothing of what was there.
    ///
    /// # Errors
    /// There is not enough memory.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), std::collections::TryReserveError> {
        if len > self.len {
            *self = Buffer::default();
            self.lines.try_reserve_exact(len.div_ceil(64))?;
            self.resize(len);
        }
        Ok(())
    }

    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The bytes, to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}
