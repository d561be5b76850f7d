//! Damaged GGUF.

use dynasty_format::gguf::{Metadata, TensorSpec, Value, Writer};
use dynasty_format::{Dtype, QuantType};

use super::{open, refused};

/// A GGUF header of counts and raw bytes.
fn gguf(version: u32, tensors: u64, keys: u64, rest: &[u8]) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend(version.to_le_bytes());
    file.extend(tensors.to_le_bytes());
    file.extend(keys.to_le_bytes());
    file.extend(rest);
    file
}

/// A key `k` of a type, without its value.
fn key(type_id: u32) -> Vec<u8> {
    [&1u64.to_le_bytes()[..], b"k", &type_id.to_le_bytes()].concat()
}

/// A tensor `t`.
fn tensor(dims: &[u64], type_id: u32, offset: u64) -> Vec<u8> {
    let mut out = [&1u64.to_le_bytes()[..], b"t", &(dims.len() as u32).to_le_bytes()].concat();
    out.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
    out.extend(type_id.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out
}

#[test]
fn damaged_gguf_metadata() {
    refused("magic only", b"GGUF", "should follow");
    refused("version 1", &gguf(1, 0, 0, &[]), "version 1 is not supported");
    refused("big endian", &gguf(0x0300_0000, 0, 0, &[]), "big-endian");
    refused("tensor count", &gguf(3, 1 << 60, 0, &[0; 100]), "tensors cannot be");
    refused("key count", &gguf(3, 0, 1 << 60, &[0; 100]), "metadata keys cannot be");
    refused("key length", &gguf(3, 0, 1, &[255; 100]), "should follow");
    let cases: [(&str, u32, Vec<u8>, &str); 10] = [
        ("unknown type", 13, vec![0; 32], "unknown type 13"),
        ("truth", 7, vec![2; 32], "truth value of 2"),
        ("string length", 8, vec![255; 32], "should follow"),
        ("string bytes", 8, [&4u64.to_le_bytes()[..], &[255; 32]].concat(), "not UTF-8"),
        ("array type", 9, vec![99; 32], "array of unknown type"),
        ("array count", 9, [&4u32.to_le_bytes()[..], &(1u64 << 60).to_le_bytes(), &[0; 32]].concat(), "cannot be"),
        ("string count", 9, [&8u32.to_le_bytes()[..], &(1u64 << 60).to_le_bytes(), &[0; 32]].concat(), "cannot be"),
        ("count overflow", 9, [&12u32.to_le_bytes()[..], &u64::MAX.to_le_bytes(), &[0; 32]].concat(), "cannot be"),
        ("ends early", 5, vec![0; 2], "should follow"),
        ("nested", 9, [9u32.to_le_bytes().as_slice(), &1u64.to_le_bytes()].concat().repeat(100_000), "nested deeper"),
    ];
    for (case, type_id, value, expected) in cases {
        refused(case, &gguf(3, 0, 1, &[key(type_id), value].concat()), expected);
    }
    let twice = [key(0), vec![1], key(0), vec![1]].concat();
    refused("key twice", &gguf(3, 0, 2, &twice), "comes twice");
    let alignment = |value: u32| {
        let name = b"general.alignment";
        let all = [&17u64.to_le_bytes()[..], name, &4u32.to_le_bytes(), &value.to_le_bytes()].concat();
        gguf(3, 0, 1, &all)
    };
    refused("alignment 0", &alignment(0), "general.alignment");
    refused("alignment 3", &alignment(3), "general.alignment");
    refused("alignment 2^31", &alignment(1 << 31), "general.alignment");
}

#[test]
fn damaged_gguf_tensors() {
    let one = |tensor: Vec<u8>| gguf(3, 1, 0, &[tensor, vec![0; 200]].concat());
    assert!(open(&one(tensor(&[8, 2], 0, 0))).is_ok());
    refused("five dimensions", &one(tensor(&[1; 5], 0, 0)), "5 dimensions");
    refused("many dimensions", &one([&1u64.to_le_bytes()[..], b"t", &u32::MAX.to_le_bytes()].concat()), "dimensions");
    refused("unknown type", &one(tensor(&[256], 16, 0)), "ggml type 16 is not supported");
    refused("no whole blocks", &one(tensor(&[33], 8, 0)), "do not fit q8_0");
    refused("overflowing product", &one(tensor(&[1 << 32, 1 << 32], 0, 0)), "do not fit");
    refused("huge dimension", &one(tensor(&[u64::MAX], 0, 0)), "do not fit");
    refused("past the end", &one(tensor(&[1000], 0, 0)), "do not lie");
    refused("unaligned", &one(tensor(&[8], 0, 4)), "not aligned");
    refused("offset past the end", &one(tensor(&[8], 0, 1 << 40)), "do not lie");
    refused("offset overflows", &one(tensor(&[8], 0, u64::MAX - 31)), "do not lie");
    let name = |offset| tensor(&[8, 2], 0, offset);
    refused("name twice", &gguf(3, 2, 0, &[name(0), name(64), vec![0; 300]].concat()), "comes twice");
    let mut other = name(32);
    other[8] = b'u';
    refused("overlap", &gguf(3, 2, 0, &[name(0), other, vec![0; 300]].concat()), "overlaps");
}

#[test]
fn gguf_of_impossible_heads() {
    let file = |heads: u32, rows: usize| {
        let mut metadata = Metadata::default();
        metadata.insert("general.architecture", Value::String("llama".into()));
        metadata.insert("llama.attention.head_count", Value::U32(heads));
        let dtype = Dtype::Quant(QuantType::F32);
        let spec = TensorSpec { name: "blk.0.attn_q.weight".into(), shape: vec![rows, 4], dtype };
        let mut writer = Writer::begin(Vec::new(), "test", &metadata, &[spec]).unwrap();
        writer.append(&vec![0; rows * 16]).unwrap();
        writer.finish().unwrap()
    };
    assert!(open(&file(2, 8)).is_ok());
    refused("no heads", &file(0, 8), "head_count");
    refused("odd heads", &file(2, 6), "not 2 heads");
    refused("more heads than rows", &file(1 << 20, 8), "heads");
    refused("huge heads", &file(u32::MAX, 8), "head_count");
}
