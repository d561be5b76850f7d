//! llama2.c files: a made one here, a real one where it is at hand.

use dynasty_format::{FileBytes, MemoryBytes, llama2c};
use std::path::PathBuf;
use std::rc::Rc;

/// A file of that header with numbers counted up from zero.
fn made(header: [i32; 7], floats: usize) -> Rc<MemoryBytes> {
    let mut data: Vec<u8> = header.iter().flat_map(|n| n.to_le_bytes()).collect();
    data.extend((0..floats).flat_map(|n| (n as f32).to_le_bytes()));
    Rc::new(MemoryBytes::new("made.bin", data))
}

/// dim 8, hidden 3, 2 layers, 2 heads, 1 key head, 5 tokens untied, 6 positions.
const HEADER: [i32; 7] = [8, 3, 2, 2, 1, -5, 6];
const FLOATS: usize = 40 + 2 * (8 + 64 + 32 + 32 + 64 + 8 + 24 + 24 + 24) + 8 + 24 + 40;

#[test]
fn tensors_lie_where_the_reference_reads_them() {
    let (config, checkpoint) = pollster::block_on(llama2c::open(made(HEADER, FLOATS))).unwrap();
    assert!(!config.tied);
    let first = |name: &str| pollster::block_on(checkpoint.read_f32(name)).unwrap().1[0];
    assert_eq!(first("model.embed_tokens.weight"), 0.0);
    assert_eq!(first("model.layers.1.input_layernorm.weight"), 48.0);
    assert_eq!(first("model.layers.0.self_attn.q_proj.weight"), 56.0);
    assert_eq!(first("lm_head.weight"), (FLOATS - 40) as f32);
    // Row 1 of the published order is row 2 of the interleaved one.
    let rows = pollster::block_on(checkpoint.read_rows("model.layers.0.self_attn.q_proj.weight", 1..2)).unwrap();
    assert_eq!(rows[..4], (56.0f32 + 2.0 * 8.0).to_le_bytes());
    let config: serde_json::Value = serde_json::from_str(&config.json()).unwrap();
    assert_eq!(config["num_key_value_heads"], 1);
}

#[test]
fn damaged_models_are_refused() {
    let open = |header, floats| pollster::block_on(llama2c::open(made(header, floats))).map(drop);
    assert!(open(HEADER, FLOATS - 1).is_err());
    assert!(open(HEADER, FLOATS + 1).is_err());
    assert!(open([8, 3, 2, 0, 1, 5, 6], FLOATS).is_err());
    assert!(open([i32::MIN; 7], FLOATS).is_err());
    assert!(open([i32::MAX; 7], FLOATS).is_err());
    assert!(open([8, 3, 2, 2, 3, 5, 6], FLOATS).is_err());
    let short = Rc::new(MemoryBytes::new("short.bin", vec![0; 27]));
    assert!(pollster::block_on(llama2c::open(short)).is_err());
}

#[test]
fn damaged_tokenizers_are_refused() {
    let read = |data: &[u8]| pollster::block_on(llama2c::read_tokenizer(&MemoryBytes::new("tok.bin", data)));
    let mut good = vec![2, 0, 0, 0, 0, 0, 128, 63, 2, 0, 0, 0, b'h', b'i'];
    assert_eq!(read(&good).unwrap().tokens, [(1.0, b"hi".to_vec())]);
    assert!(read(&good[..13]).is_err());
    assert!(read(&good[..9]).is_err());
    assert!(read(&[]).is_err());
    good[8..12].fill(255);
    assert!(read(&good).is_err());
}

#[test]
fn a_real_model_opens() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tinyllama-260k");
    let folder = std::env::var_os("DYNASTY_DATA").map_or(folder, |data| PathBuf::from(data).join("tinyllama-260k"));
    let Ok(file) = FileBytes::open(folder.join("stories260K.bin")) else {
        eprintln!(
            "NOT RUN: {} has no stories260K.bin; set DYNASTY_DATA to a folder with tinyllama-260k",
            folder.display()
        );
        return;
    };
    let (config, checkpoint) = pollster::block_on(llama2c::open(Rc::new(file))).unwrap();
    assert_eq!((config.dim, config.n_layers, config.vocab_size, config.tied), (64, 5, 512, true));
    for info in checkpoint.tensors() {
        let (_, values) = pollster::block_on(checkpoint.read_f32(&info.name)).unwrap();
        assert!(values.iter().all(|v| v.abs() < 100.0), "{}", info.name);
    }
    let tokenizer = FileBytes::open(folder.join("tok512.bin")).unwrap();
    let tokenizer = pollster::block_on(llama2c::read_tokenizer(&tokenizer)).unwrap();
    assert_eq!(tokenizer.tokens.len(), 512);
    assert_eq!(tokenizer.tokens[3].1, b"<0x00>");
}
