//! A file from its beginning to its end, with little of it in memory.

use crate::{Bytes, Error};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// A place in a file, and the bytes that follow it.
pub(super) struct Stream<'a> {
    file: &'a dyn Bytes,
    buffer: Vec<u8>,
    /// The place in the buffer.
    at: usize,
    /// Where in the file the buffer ends.
    end: u64,
}

impl<'a> Stream<'a> {
    pub(super) fn new(file: &'a dyn Bytes) -> Stream<'a> {
        Stream { file, buffer: Vec::new(), at: 0, end: 0 }
    }

    /// The place in the file.
    pub(super) fn offset(&self) -> u64 {
        self.end - (self.buffer.len() - self.at) as u64
    }

    /// How much of the file follows.
    pub(super) fn left(&self) -> u64 {
        self.file.len() - self.offset()
    }

    /// At least the next `wanted` bytes, or all that follow.
    pub(super) async fn ahead(&mut self, wanted: usize) -> Result<&[u8], Error> {
        let held = self.buffer.len() - self.at;
        if held < wanted && self.end < self.file.len() {
            let more = (wanted - held).max(CHUNK) as u64;
            let end = self.end.saturating_add(more).min(self.file.len());
            let next = self.file.read(self.end..end).await?;
            self.buffer.drain(..self.at);
            self.buffer.extend(next);
            (self.at, self.end) = (0, end);
        }
        Ok(&self.buffer[self.at..])
    }

    /// Passes bytes that were seen ahead.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.buffer.len());
    }

    /// How many bytes come before the next `byte`, or `None` if it is not among the next `longest` bytes.
    pub(super) async fn until(&mut self, byte: u8, longest: usize) -> Result<Option<usize>, Error> {
        let mut wanted = 256;
        loop {
            let ahead = self.ahead(wanted).await?;
            let found = ahead.iter().take(longest).position(|&b| b == byte);
            if found.is_some() || ahead.len() < wanted || wanted >= longest {
                return Ok(found);
            }
            wanted = longest.min(ahead.len().max(wanted) * 2);
        }
    }

    /// An error at the present place.
    pub(super) fn damaged(&self, reason: impl std::fmt::Display) -> Error {
        Error::damaged(self.file.name(), self.offset(), reason)
    }
}
