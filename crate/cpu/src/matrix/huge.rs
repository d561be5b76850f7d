//! Zeroed memory in large pages, of which weights take pieces.
//!
//! A token reads every weight once, so that with pages of 4 KiB the look-up of addresses and the prefetcher's stop at
//! each page's end cost as much as the reading itself. Weights are smaller than a large page; they lie behind each other
//! in slabs that ask for them. A slab goes with its last piece.
#![expect(unsafe_code, reason = "memory is asked of the system and handed out in pieces")]

use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Bytes of a large page.
const PAGE: usize = 2 << 20;

/// Bytes of a slab of small pieces.
const SLAB: usize = 32 << 20;

/// Zeroed memory of the system, from the first large page in it on.
struct Slab {
    mapped: NonNull<libc::c_void>,
    mapped_len: usize,
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory belongs to the slab, and its pieces do not overlap.
unsafe impl Send for Slab {}
// SAFETY: as above.
unsafe impl Sync for Slab {}

impl Slab {
    /// `None` if the system gives no memory.
    fn new(len: usize) -> Option<Self> {
        let len = len.checked_next_multiple_of(PAGE)?;
        let mapped_len = len.checked_add(PAGE)?;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory at a place of the system's choice.
        let mapped = unsafe { libc::mmap(std::ptr::null_mut(), mapped_len, access, kind, -1, 0) };
        if mapped == libc::MAP_FAILED {
            return None;
        }
        let mapped = NonNull::new(mapped)?;
        let before = mapped.as_ptr().align_offset(PAGE);
        // SAFETY: at most a page behind the beginning, of which there is one more than is used; the advice may be refused.
        let start = unsafe {
            let start = mapped.as_ptr().cast::<u8>().add(before);
            libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE);
            NonNull::new(start)?
        };
        Some(Self { mapped, mapped_len, start, len })
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: what was mapped; no piece is left.
        unsafe { libc::munmap(self.mapped.as_ptr(), self.mapped_len) };
    }
}

/// Some bytes of a slab, which begin at a cache line.
pub(crate) struct Piece {
    slab: Arc<Slab>,
    start: usize,
    len: usize,
}

/// The slab that small pieces are taken of, and how much of it is taken.
static OPEN: Mutex<(Weak<Slab>, usize)> = Mutex::new((Weak::new(), 0));

impl Piece {
    /// So many zeros, or `None` if the system gives no memory.
    pub(crate) fn zeroed(len: usize) -> Option<Self> {
        if len > SLAB / 2 {
            return Some(Self { slab: Arc::new(Slab::new(len)?), start: 0, len });
        }
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let (slab, start) = match open.0.upgrade() {
            Some(slab) if open.1 + len <= slab.len => (slab, open.1),
            _ => (Arc::new(Slab::new(SLAB)?), 0),
        };
        *open = (Arc::downgrade(&slab), (start + len).next_multiple_of(64));
        Some(Self { slab, start, len })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: inside the slab, which lives as long as the piece; only this piece writes there.
        unsafe { std::slice::from_raw_parts(self.slab.start.as_ptr().add(self.start), self.len) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the piece is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.slab.start.as_ptr().add(self.start), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_zero_apart_and_aligned() {
        let mut pieces: Vec<Piece> = [100, 1, 20 << 20, 64, 17 << 20].map(|len| Piece::zeroed(len).unwrap()).into();
        for (i, piece) in pieces.iter_mut().enumerate() {
            assert!(piece.bytes().iter().all(|byte| *byte == 0), "piece {i}");
            assert_eq!(piece.bytes().as_ptr() as usize % 64, 0);
            piece.bytes_mut().fill(i as u8 + 1);
        }
        for (i, piece) in pieces.iter().enumerate() {
            assert!(piece.bytes().iter().all(|byte| *byte == i as u8 + 1), "piece {i}");
        }
    }
}
