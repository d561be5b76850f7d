//! The format package against references, against itself, and on real files.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

mod checkpoint;
mod codecs;
mod gguf;
mod llama2c;
mod torch;
mod words;

use dynasty_format::{Checkpoint, FileBytes};
use std::path::PathBuf;
use std::rc::Rc;

/// A committed file of reference data.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/quants").join(name)
}

/// A checkpoint in one file.
fn open(path: &std::path::Path) -> Checkpoint {
    let file = FileBytes::open(path).unwrap();
    pollster::block_on(Checkpoint::open_file(Rc::new(file))).unwrap()
}

/// Numbers that are the same on every run, roughly normal.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0).collect()
}
