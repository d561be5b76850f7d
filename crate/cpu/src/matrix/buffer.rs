//! Memory that begins at a cache line.

#[cfg(target_os = "linux")]
use super::huge::Piece;

/// The bytes of a cache line.
#[derive(Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zeroed bytes that begin at a cache line.
#[derive(Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
    /// What is used in the place of `lines` where the system has large pages.
    #[cfg(target_os = "linux")]
    piece: Option<Piece>,
}

impl Buffer {
    /// So many zeros.
    pub(crate) fn zeroed(len: usize) -> Buffer {
        #[cfg(target_os = "linux")]
        if let Some(piece) = Piece::zeroed(len) {
            return Buffer { lines: Vec::new(), len, piece: Some(piece) };
        }
        // Pages that the system fills with zeros when they are first touched, where it does.
        Buffer { lines: bytemuck::zeroed_vec(len.div_ceil(64)), len, ..Buffer::default() }
    }

    /// Makes room for so many bytes; what they hold is left open.
    pub(crate) fn resize(&mut self, len: usize) {
        #[cfg(target_os = "linux")]
        {
            self.piece = None;
        }
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
        #[cfg(target_os = "linux")]
        if let Some(piece) = &self.piece {
            return piece.bytes();
        }
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The bytes, to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        #[cfg(target_os = "linux")]
        if let Some(piece) = &mut self.piece {
            return piece.bytes_mut();
        }
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len);
        copy.bytes_mut().copy_from_slice(self.bytes());
        copy
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}
