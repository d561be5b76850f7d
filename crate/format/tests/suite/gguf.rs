//! GGUF written here and elsewhere.

use crate::{fixture, noise, open};
use dynasty_format::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use dynasty_format::{Checkpoint, Dtype, Error, MemoryBytes, QuantType, encode};
use std::rc::Rc;

#[test]
fn a_file_of_the_reference_writer_gives_the_checkpoint_back() {
    let (ours, original) = (open(&fixture("llama.gguf")), open(&fixture("llama.safetensors")));
    assert_eq!(ours.architecture(), Some("llama"));
    let metadata = ours.metadata.as_ref().unwrap();
    assert_eq!(metadata.strings("tokenizer.ggml.tokens").unwrap(), ["<s>", "甲", "b c"]);
    assert_eq!(metadata.f32s("tokenizer.ggml.scores").unwrap(), [0.0, -1.5, 2.0]);
    assert_eq!(metadata.i32s("tokenizer.ggml.token_type").unwrap(), [3, 1, 1]);
    assert_eq!(metadata.bool("tokenizer.ggml.add_bos_token"), Some(true));
    assert_eq!(metadata.f32("llama.attention.layer_norm_rms_epsilon"), Some(1e-5));
    assert_eq!(ours.tensors().len(), original.tensors().len());
    for info in original.tensors() {
        let expected = pollster::block_on(original.read_f32(&info.name)).unwrap();
        assert_eq!(pollster::block_on(ours.read_f32(&info.name)).unwrap(), expected, "{}", info.name);
    }
}

#[test]
fn rows_of_reordered_tensors_are_rows_of_the_whole() {
    let checkpoint = open(&fixture("llama.gguf"));
    for info in checkpoint.tensors() {
        let whole = pollster::block_on(checkpoint.read(&info.name)).unwrap();
        for (start, end) in [(0, 1), (0, info.rows()), (info.rows() / 2, info.rows()), (info.rows(), info.rows())] {
            let rows = pollster::block_on(checkpoint.read_rows(&info.name, start..end)).unwrap();
            assert_eq!(rows, whole[start * info.row_bytes()..end * info.row_bytes()], "{} {start}..{end}", info.name);
        }
        let past = pollster::block_on(checkpoint.read_rows(&info.name, 0..info.rows() + 1));
        assert!(matches!(past, Err(Error::Tensor { .. })));
    }
}

/// Metadata with a value of every type.
fn every_value() -> Metadata {
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", Value::String("dynasty".into()));
    metadata.insert("dynasty.config.json", Value::String("{\"model_type\":\"t5\"}".into()));
    let nested = Array::Array(vec![Array::U16(vec![1, 2]), Array::Bool(vec![true, false])]);
    let values = [
        Value::U8(1),
        Value::I8(-1),
        Value::U16(2),
        Value::I16(-2),
        Value::U32(3),
        Value::I32(-3),
        Value::F32(0.5),
        Value::Bool(true),
        Value::U64(4),
        Value::I64(-4),
        Value::F64(0.25),
        Value::Array(Array::String(vec!["a".into(), String::new(), "世".into()])),
        Value::Array(Array::U8(vec![1])),
        Value::Array(Array::I8(vec![-1])),
        Value::Array(Array::I16(vec![-2])),
        Value::Array(Array::U32(vec![3])),
        Value::Array(Array::I32(vec![-3])),
        Value::Array(Array::F32(vec![1.5; 3])),
        Value::Array(Array::U64(vec![4])),
        Value::Array(Array::I64(vec![-4])),
        Value::Array(Array::F64(Vec::new())),
        Value::Array(nested),
    ];
    for (index, value) in values.into_iter().enumerate() {
        metadata.insert(format!("test.{index}"), value);
    }
    metadata
}

fn specs() -> Vec<TensorSpec> {
    let spec = |name: &str, shape: &[usize], dtype| TensorSpec { name: name.into(), shape: shape.to_vec(), dtype };
    vec![
        spec("token_embd.weight", &[3, 5], Dtype::Quant(QuantType::F32)),
        spec("scale", &[], Dtype::Quant(QuantType::F16)),
        spec("empty", &[0, 7], Dtype::Quant(QuantType::F32)),
        spec("quantized", &[2, 256], Dtype::Quant(QuantType::Q6_K)),
        spec("ids", &[1, 3], Dtype::I64),
        spec("nothing", &[0], Dtype::I32),
    ]
}

fn write(metadata: &Metadata) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), "test", metadata, &specs()).unwrap();
    let mut data = Vec::new();
    encode(QuantType::F32, &noise(1, 15), &mut data).unwrap();
    let (first, second) = data.split_at(13);
    writer.append(first).unwrap();
    writer.append(second).unwrap();
    writer.append(&0x3c00u16.to_le_bytes()).unwrap();
    let mut data = Vec::new();
    encode(QuantType::Q6_K, &noise(2, 512), &mut data).unwrap();
    writer.append(&data).unwrap();
    writer.append(&[7i64, -8, 9].map(i64::to_le_bytes).concat()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    for alignment in [None, Some(8), Some(256)] {
        let mut metadata = every_value();
        if let Some(alignment) = alignment {
            metadata.insert("general.alignment", Value::U32(alignment));
        }
        let file = MemoryBytes::new("test.gguf", write(&metadata));
        let checkpoint = pollster::block_on(Checkpoint::open_file(Rc::new(file))).unwrap();
        assert_eq!(checkpoint.metadata.as_ref().unwrap(), &metadata);
        assert_eq!(checkpoint.embedded("config.json"), Some("{\"model_type\":\"t5\"}"));
        let names: Vec<&str> = checkpoint.tensors().map(|info| info.name.as_str()).collect();
        assert_eq!(names, ["token_embd.weight", "scale", "empty", "quantized", "ids", "nothing"]);
        let read = |name: &str| pollster::block_on(checkpoint.read_f32(name)).unwrap();
        assert_eq!(read("token_embd.weight"), (vec![3, 5], noise(1, 15)));
        assert_eq!(read("scale"), (vec![], vec![1.0]));
        assert_eq!(read("empty"), (vec![0, 7], vec![]));
        assert_eq!(pollster::block_on(checkpoint.read_i64("ids")).unwrap(), (vec![1, 3], vec![7, -8, 9]));
    }
}

#[test]
fn long_headers_are_read_in_parts() {
    let mut metadata = Metadata::default();
    let tokens: Vec<String> = (0..200_000).map(|n| format!("token {n}")).collect();
    metadata.insert("tokens", Value::Array(Array::String(tokens.clone())));
    let file =
        MemoryBytes::new("long.gguf", Writer::begin(Vec::new(), "test", &metadata, &[]).unwrap().finish().unwrap());
    let checkpoint = pollster::block_on(Checkpoint::gguf(Rc::new(file))).unwrap();
    assert_eq!(checkpoint.metadata.unwrap().strings("tokens").unwrap(), tokens);
}

#[test]
fn writers_refuse_what_cannot_be_stored() {
    let begin = |shape: &[usize], dtype| {
        let spec = TensorSpec { name: "t".into(), shape: shape.to_vec(), dtype };
        Writer::begin(Vec::new(), "test", &Metadata::default(), &[spec]).map(drop)
    };
    assert!(begin(&[1, 1, 1, 1, 1], Dtype::I32).is_err());
    assert!(begin(&[2, 100], Dtype::Quant(QuantType::Q4_K)).is_err());
    assert!(begin(&[2], Dtype::Bool).is_err());
    let metadata = Metadata::default();
    let mut writer = Writer::begin(Vec::new(), "test", &metadata, &specs()).unwrap();
    assert!(writer.append(&[0; 61]).is_err());
    assert!(matches!(writer.finish(), Err(Error::Tensor { tensor, .. }) if tensor == "token_embd.weight"));
}

#[test]
fn files_appear_when_they_are_whole() {
    let path = std::env::temp_dir().join(format!("dynasty-writer-{}.gguf", std::process::id()));
    let spec = TensorSpec { name: "t".into(), shape: vec![4], dtype: Dtype::I32 };
    let begin = || Writer::create(&path, &every_value(), std::slice::from_ref(&spec)).unwrap();
    let mut writer = begin();
    writer.append(&[1; 12]).unwrap();
    assert!(writer.commit().is_err());
    assert!(!path.exists());
    let mut writer = begin();
    writer.append(&[0; 16]).unwrap();
    writer.commit().unwrap();
    assert_eq!(pollster::block_on(open(&path).read_i64("t")).unwrap(), (vec![4], vec![0; 4]));
    std::fs::remove_file(&path).unwrap();
}
