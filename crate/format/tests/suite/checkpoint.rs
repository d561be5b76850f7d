//! Folders, shards, and the conversion of types.

use dynasty_format::safetensors::{Entry, write};
use dynasty_format::{Checkpoint, DirFolder, Dtype, Error, Folder, MemoryFolder, write_safetensors};

fn tensors(names: &[&str]) -> Vec<u8> {
    let tensors: Vec<_> = names.iter().map(|name| (name.to_string(), vec![2], vec![name.len() as f32, 1.5])).collect();
    write_safetensors(&tensors).unwrap()
}

fn open(folder: &dyn Folder) -> Result<Checkpoint, Error> {
    pollster::block_on(Checkpoint::open_folder(folder))
}

/// Two shards: `shared` is in both, the index takes it from the second.
fn sharded(index: &str) -> MemoryFolder {
    let mut folder = MemoryFolder::new("model");
    folder.insert("model.safetensors.index.json", index.as_bytes());
    folder.insert("one.safetensors", tensors(&["a", "shared"]));
    folder.insert("two.safetensors", tensors(&["bb", "shared"]));
    folder
}

#[test]
fn shards_are_one_checkpoint() {
    let folder = sharded(
        r#"{"metadata": {"total_size": 24}, "weight_map":
            {"a": "one.safetensors", "bb": "two.safetensors", "shared": "two.safetensors"}}"#,
    );
    let checkpoint = open(&folder).unwrap();
    assert_eq!(checkpoint.files().len(), 2);
    assert_eq!(checkpoint.weight_bytes(), 24);
    assert_eq!(checkpoint.tensor("shared").unwrap().file, 1);
    assert_eq!(pollster::block_on(checkpoint.read_f32("bb")).unwrap(), (vec![2], vec![2.0, 1.5]));
}

#[test]
fn bad_indices_are_refused() {
    let cases = [
        (r#"{"weight_map": {"a": "three.safetensors"}}"#, "model/three.safetensors: not found"),
        (r#"{"weight_map": {"c": "one.safetensors"}}"#, "tensor c: it is not in one.safetensors"),
        (r#"{"weight_map": {"a": "../one.safetensors"}}"#, "leads out of the folder"),
        (r#"{"weight_map": {"a": "/etc/passwd"}}"#, "leads out of the folder"),
        (r#"{"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}}"#, "comes twice"),
        (r#"{"weight_map": {}}"#, "it names 0 files"),
        (r#"{"metadata": {}}"#, "missing field `weight_map`"),
        ("[", "no index of weights"),
        ("", "no index of weights"),
    ];
    for (index, expected) in cases {
        let error = open(&sharded(index)).err().unwrap().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{index}: {error}");
    }
}

#[test]
fn folders_are_searched_in_order() {
    let mut folder = MemoryFolder::new("model");
    assert_eq!(open(&folder).err().unwrap().to_string(), "model/model.safetensors: not found");
    folder.insert("pytorch_model.bin", *b"PK");
    assert!(matches!(open(&folder), Err(Error::Unsupported { .. })));
    folder.insert("diffusion_pytorch_model.safetensors", tensors(&["part"]));
    assert!(open(&folder).unwrap().tensor("part").is_some());
    folder.insert("model.safetensors", tensors(&["whole"]));
    assert!(open(&folder).unwrap().tensor("whole").is_some());
}

#[test]
fn folders_on_disk_do_not_lead_out() {
    let folder = DirFolder::new(env!("CARGO_MANIFEST_DIR")).unwrap();
    assert!(pollster::block_on(folder.open("Cargo.toml")).unwrap().is_some());
    assert!(pollster::block_on(folder.open("src/lib.rs")).unwrap().is_some());
    assert!(pollster::block_on(folder.open("absent")).unwrap().is_none());
    assert!(pollster::block_on(folder.open("../cli/Cargo.toml")).is_err());
    assert!(pollster::block_on(folder.open("src")).is_err());
}

#[test]
fn every_type_becomes_numbers() {
    let entry = |name, dtype, data| Entry { name, shape: &[2], dtype, data };
    let (long, double) = ([3i64, -4].map(i64::to_le_bytes).concat(), [0.5f64, 2.0].map(f64::to_le_bytes).concat());
    let int = [3i32, -4].map(i32::to_le_bytes).concat();
    let entries = [
        entry("long", Dtype::I64, &long),
        entry("int", Dtype::I32, &int),
        entry("byte", Dtype::U8, &[0, 255]),
        entry("flag", Dtype::Bool, &[1, 0]),
        entry("double", Dtype::F64, &double),
    ];
    let mut folder = MemoryFolder::new("types");
    folder.insert("model.safetensors", write(&entries).unwrap());
    let checkpoint = open(&folder).unwrap();
    let floats = |name: &str| pollster::block_on(checkpoint.read_f32(name)).unwrap().1;
    assert_eq!(floats("long"), [3.0, -4.0]);
    assert_eq!(floats("byte"), [0.0, 255.0]);
    assert_eq!(floats("double"), [0.5, 2.0]);
    let ints = |name: &str| pollster::block_on(checkpoint.read_i64(name)).map(|read| read.1);
    assert_eq!(ints("int").unwrap(), [3, -4]);
    assert_eq!(ints("flag").unwrap(), [1, 0]);
    assert!(matches!(ints("double"), Err(Error::Tensor { .. })));
    assert!(matches!(ints("absent"), Err(Error::Tensor { .. })));
}
