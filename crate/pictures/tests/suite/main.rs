//! Pictures and masks against Pillow, the reference library, pycocotools and OpenCV
//! (`tests/fixtures/make_processors.py`, `make_masks.py`).
#![expect(clippy::unwrap_used, reason = "a test may end here")]

mod damaged;
mod everything;
mod files;
mod masks;
mod prepared;

use std::path::PathBuf;
use std::rc::Rc;

use dynasty_pictures::{Mask, Picture};
use format::{Checkpoint, FileBytes};
use serde_json::Value;

/// A file among the committed fixtures.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
}

/// Tensors of a safetensors file.
struct Tensors(Checkpoint);

impl Tensors {
    fn open(name: &str) -> Self {
        let file = FileBytes::open(fixture(name)).unwrap();
        Self(pollster::block_on(Checkpoint::open_file(Rc::new(file))).unwrap())
    }

    fn names(&self) -> Vec<String> {
        self.0.tensors().map(|info| info.name.clone()).collect()
    }

    fn floats(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        pollster::block_on(self.0.read_f32(name)).unwrap()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        pollster::block_on(self.0.read(name)).unwrap()
    }

    /// Red, green and blue: [H, W, 3].
    fn picture(&self, name: &str) -> Picture {
        let shape = &self.0.tensor(name).unwrap().shape;
        Picture::from_rgb(shape[1], shape[0], self.bytes(name)).unwrap()
    }
}

/// A mask of lines of 0 and 1.
fn mask(rows: &Value) -> Mask {
    let rows: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    let inside = rows.iter().flat_map(|row| row.bytes()).map(|byte| byte == b'1').collect();
    Mask::new(rows[0].len(), rows.len(), inside).unwrap()
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn numbers(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(number).collect()
}
