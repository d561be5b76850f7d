//! Damaged files: each gives one line of error, at once, and never much memory.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dynasty_format::{Checkpoint, Error, MemoryBytes, WordTable};

mod gguf;
mod mutated;
mod safetensors;
mod torch;
mod words;

/// Remembers the largest block that was ever asked for.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// No file here is larger than a few megabytes, so nothing may ask for more than some of them.
const MOST: usize = 64 << 20;

fn open(data: &[u8]) -> Result<Checkpoint, Error> {
    pollster::block_on(Checkpoint::open_file(Rc::new(MemoryBytes::new("bad.bin", data))))
}

/// Opens a file that has to be refused, and compares a part of the message.
fn refused(case: &str, data: &[u8], expected: &str) {
    told(case, open(data).map(drop), expected);
}

/// As [`refused`], of word vectors.
fn no_words(case: &str, data: &[u8], expected: &str) {
    let opened = pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("bad.bin", data))));
    told(case, opened.map(drop), expected);
}

fn told(case: &str, outcome: Result<(), Error>, expected: &str) {
    let error = match outcome {
        Ok(()) => panic!("{case}: it was opened"),
        Err(error) => error.to_string(),
    };
    assert!(error.starts_with("bad.bin: "), "{case}: {error}");
    assert!(error.contains(expected), "{case}: {error}");
    assert!(!error.contains('\n') && error.len() < 1000, "{case}: {error}");
    assert!(LARGEST.load(Ordering::Relaxed) < MOST, "{case}: too much memory");
}
