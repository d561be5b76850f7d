//! Sound files with a few bytes changed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use dynasty_format::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use dynasty_format::{Dtype, QuantType, write_safetensors};

use super::{LARGEST, MOST, open};

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// A few changes of the kinds that real damage has.
fn mutate(data: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(data.len());
        match random.below(7) {
            0 => data.truncate(at),
            1 => data[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (random.next() % 8)),
            2 => data[at..].iter_mut().take(1).for_each(|byte| *byte = random.next() as u8),
            3 => {
                let values = [0, 1, u64::MAX, 1 << 60, 1 << 32, i64::MAX as u64, u64::from(u32::MAX), random.next()];
                let value = values[random.below(values.len())].to_le_bytes();
                data[at..].iter_mut().zip(value).for_each(|(byte, value)| *byte = value);
            }
            4 => {
                let part = data[at..(at + random.below(64)).min(data.len())].to_vec();
                let to = random.below(data.len());
                data.splice(to..to, part);
            }
            5 => drop(data.drain(at..(at + random.below(16)).min(data.len()))),
            _ => {
                let digit = b"0123456789[]{}\",:-e."[random.below(20)];
                data[at..].iter_mut().take(1).for_each(|byte| *byte = digit);
            }
        }
    }
}

fn good_gguf() -> Vec<u8> {
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", Value::String("llama".into()));
    metadata.insert("llama.attention.head_count", Value::U32(2));
    metadata.insert("tokens", Value::Array(Array::String(vec!["a".into(), "bc".into()])));
    metadata.insert("nested", Value::Array(Array::Array(vec![Array::U16(vec![1, 2, 3])])));
    metadata.insert("scores", Value::Array(Array::F32(vec![0.5; 4])));
    let dtype = Dtype::Quant(QuantType::Q8_0);
    let spec = |name: &str, shape: &[usize]| TensorSpec { name: name.into(), shape: shape.to_vec(), dtype };
    let specs = [spec("blk.0.attn_q.weight", &[8, 32]), spec("token_embd.weight", &[3, 64])];
    let mut writer = Writer::begin(Vec::new(), "test", &metadata, &specs).unwrap();
    writer.append(&[1; 8 * 34]).unwrap();
    writer.append(&[2; 3 * 68]).unwrap();
    writer.finish().unwrap()
}

fn good_safetensors() -> Vec<u8> {
    let tensors = [("a.weight", vec![2, 3], 6), ("b", vec![], 1), ("c", vec![0, 4], 0)];
    let tensors = tensors.map(|(name, shape, n)| (name.to_string(), shape, vec![1.0; n]));
    write_safetensors(&tensors).unwrap()
}

fn good_torch(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/torch");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn mutated_files_never_do_worse_than_an_error() {
    let seconds = std::env::var("DYNASTY_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (mut seed, mut opened) = (1u64, 0);
    let good = [good_gguf(), good_safetensors(), good_torch("zip.pt"), good_torch("legacy.pt")];
    while end.map_or(seed <= 40_000, |end| Instant::now() < end) {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut data = good[random.below(good.len())].clone();
        mutate(&mut data, &mut random);
        let result = std::panic::catch_unwind(|| match open(&data) {
            Ok(checkpoint) => {
                for info in checkpoint.tensors() {
                    // A shape with a zero may still claim many rows; reading them is checked like any other range.
                    let _ = pollster::block_on(checkpoint.read_f32(&info.name));
                    let _ = pollster::block_on(checkpoint.read_rows(&info.name, 0..1));
                }
                true
            }
            Err(error) => {
                assert!(!error.to_string().contains('\n'));
                false
            }
        });
        opened += u32::from(result.unwrap_or_else(|_| panic!("seed {seed}")));
        assert!(LARGEST.load(Ordering::Relaxed) < MOST, "seed {seed}: too much memory");
        seed += 1;
    }
    println!("{} files, {opened} of them still sound", seed - 1);
    assert!(opened > 0);
}
