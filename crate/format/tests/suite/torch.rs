//! Checkpoints of PyTorch (`tests/fixtures/make_torch.py`).

use std::path::PathBuf;
use std::rc::Rc;

use dynasty_format::{Checkpoint, Dtype, FileBytes, MemoryBytes, MemoryFolder, QuantType};
use pollster::block_on;

use super::open;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/torch").join(name)
}

/// Compares every tensor with the one of safetensors that has the same name behind `prefix`.
fn check(file: &str, prefix: &str, count: usize) {
    let (torch, values) = (open(&fixture(file)), open(&fixture("values.safetensors")));
    assert_eq!(torch.tensors().len(), count, "{file}");
    for info in torch.tensors() {
        let name = format!("{prefix}{}", info.name);
        let wanted = values.tensor(&name).unwrap_or_else(|| panic!("{file}: {name}"));
        assert_eq!(
            (&info.shape, info.dtype, info.bytes),
            (&wanted.shape, wanted.dtype, wanted.bytes),
            "{file}: {name}"
        );
        let (got, wanted) = (block_on(torch.read(&info.name)).unwrap(), block_on(values.read(&name)).unwrap());
        assert_eq!(got, wanted, "{file}: {name}");
        let rows = info.rows();
        let part = block_on(torch.read_rows(&info.name, rows / 2..rows)).unwrap();
        assert_eq!(part, wanted[wanted.len() - part.len()..], "{file}: rows of {name}");
        assert_eq!(part.len(), (rows - rows / 2) * info.row_bytes(), "{file}: rows of {name}");
    }
}

#[test]
fn values_are_what_torch_saved() {
    for file in ["zip.pt", "protocol4.pt", "legacy.pt"] {
        check(file, "", 17);
    }
}

#[test]
fn state_dicts_are_found_beside_other_things() {
    for file in ["wrapped.pth", "wrapped_legacy.pth"] {
        check(file, "wrapped.", 2);
    }
}

#[test]
fn a_folder_may_have_them() {
    let zip = std::fs::read(fixture("zip.pt")).unwrap();
    let mut folder = MemoryFolder::new("folder");
    folder.insert("pytorch_model.bin", zip.clone());
    let checkpoint = block_on(Checkpoint::open_folder(&folder)).unwrap();
    assert_eq!(checkpoint.tensor("half").unwrap().dtype, Dtype::Quant(QuantType::F16));
    assert_eq!(checkpoint.name(), "folder/pytorch_model.bin");
}

/// Two containers, each with tensors whose values do not follow each other.
#[test]
fn an_index_may_name_several() {
    let mut folder = MemoryFolder::new("folder");
    folder.insert("pytorch_model-1.bin", std::fs::read(fixture("zip.pt")).unwrap());
    folder.insert("pytorch_model-2.bin", std::fs::read(fixture("legacy.pt")).unwrap());
    let places = [("grid.turned", 1), ("half", 1), ("grid.every_other", 2), ("permuted", 2), ("bfloat", 2)];
    let map: Vec<String> = places.iter().map(|(name, n)| format!("\"{name}\": \"pytorch_model-{n}.bin\"")).collect();
    let index = format!("{{\"weight_map\": {{{}}}}}", map.join(", "));
    folder.insert("pytorch_model.bin.index.json", index.into_bytes());
    let (found, values) = (block_on(Checkpoint::open_folder(&folder)).unwrap(), open(&fixture("values.safetensors")));
    assert_eq!(found.tensors().len(), places.len());
    for (name, shard) in places {
        let info = found.tensor(name).unwrap();
        assert_eq!((info.file, &info.shape), (shard - 1, &values.tensor(name).unwrap().shape), "{name}");
        assert_eq!(block_on(found.read(name)).unwrap(), block_on(values.read(name)).unwrap(), "{name}");
    }
}

#[test]
fn code_is_refused_by_its_name() {
    let said = |file: &str| {
        let bytes = Rc::new(FileBytes::open(fixture(file)).unwrap());
        block_on(Checkpoint::open_file(bytes)).err().unwrap().to_string()
    };
    for (file, name) in [
        ("system.pt", "posix.system"),
        ("eval_legacy.pt", "builtin"),
        ("getattr.pt", "builtins.getattr"),
        ("dump.pt", "torch.load"),
        ("stack.pt", "posix.system"),
        ("instance.pt", "os.system"),
    ] {
        let said = said(file);
        assert!(said.contains("the pickle asks for") && said.contains(name) && said.contains(file), "{said}");
    }
    assert!(said("short.pt").contains("tensor a: element type Short is not supported"));
    assert!(said("list.pt").contains("no state dict"));
}

#[test]
fn a_pickle_alone_is_refused() {
    let open = |data: &[u8]| block_on(Checkpoint::open_file(Rc::new(MemoryBytes::new("a.pt", data)))).err().unwrap();
    assert!(open(b"\x80\x04\x95 and so on").to_string().starts_with("a.pt: "));
    assert!(open(b"\x80\x02}q\x00.").to_string().contains("pickle"));
}
