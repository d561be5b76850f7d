//! GGUF and llama2.c files: magic, versions, counts, strings, dimensions, types and offsets that lie.

use crate::Case;
use crate::files::{self, Files};

const FILE: &str = "model.gguf";
const BIN: &str = "model.bin";
const TABLE: &str = "model.embed_tokens.weight";

pub fn cases() -> Vec<Case> {
    let files = files::quantized();
    let mut cases = starts(&files);
    cases.extend(entries(&files));
    cases.extend(llama2c());
    cases
}

/// Changes in the first bytes: magic, version, numbers of tensors and of metadata.
fn starts(files: &Files) -> Vec<Case> {
    let put = |name: &str, reasons: &'static [&'static str], at: usize, bytes: &[u8]| {
        Case::new(name, FILE, reasons, files, |f| {
            f.edit(FILE, |file| file[at..at + bytes.len()].copy_from_slice(bytes))
        })
    };
    let cut = |at: usize| {
        let reasons = &["end", "cut", "short", "bytes", "header"];
        Case::new(format!("cut at {at}"), FILE, reasons, files, |f| f.edit(FILE, |file| file.truncate(at)))
    };
    let most = u64::MAX.to_le_bytes();
    let mut cases = vec![
        Case::new("an empty file", FILE, &["empty"], files, |f| f.put(FILE, [])),
        put("another magic", &["header", "magic", "GGUF"], 0, b"GGUX"),
        put("a GGML file", &["GGML", "GGUF", "header"], 0, b"GGJT"),
        put("a zip file", &["zip", "header"], 0, b"PK\x03\x04"),
        put("version 0", &["version"], 4, &0u32.to_le_bytes()),
        put("version 99", &["version"], 4, &99u32.to_le_bytes()),
        put("a big-endian version", &["version", "endian"], 4, &3u32.to_be_bytes()),
        put("the largest number of tensors", &["tensor"], 8, &most),
        put("a million tensors", &["tensor", "end", "bytes"], 8, &1_000_000u64.to_le_bytes()),
        put("the largest number of metadata", &["metadata", "key", "entries"], 16, &most),
        put(
            "a million metadata",
            &["metadata", "key", "end", "string", "type", "bytes"],
            16,
            &1_000_000u64.to_le_bytes(),
        ),
        put("the longest key", &["string", "key", "bytes", "length"], 24, &most),
        put("a key of a gigabyte", &["string", "key", "bytes", "length"], 24, &(1u64 << 30).to_le_bytes()),
    ];
    let whole = files.bytes(FILE).len();
    cases.extend([1, 4, 8, 20, 24, 30, 200, 1000, whole / 2, whole - 33].map(cut));
    cases
}

/// Where a tensor's entry goes on after its name.
fn entry(file: &[u8], name: &str) -> usize {
    let start = [&(name.len() as u64).to_le_bytes(), name.as_bytes()].concat();
    file.windows(start.len()).position(|window| window == start).unwrap() + start.len()
}

/// Changes of one tensor's entry: number of dimensions, two dimensions, type, offset.
fn entries(files: &Files) -> Vec<Case> {
    let put = |name: &str, reasons: &'static [&'static str], at: usize, bytes: &[u8]| {
        Case::new(name, FILE, reasons, files, |f| {
            f.edit(FILE, |file| {
                let start = entry(file, TABLE) + at;
                file[start..start + bytes.len()].copy_from_slice(bytes);
            });
        })
    };
    let (most, next) = (u64::MAX.to_le_bytes(), 32u64.to_le_bytes());
    vec![
        put("nine dimensions", &["dimension"], 0, &9u32.to_le_bytes()),
        put("the most dimensions", &["dimension"], 0, &u32::MAX.to_le_bytes()),
        put("the largest dimension", &["dimension", "fit"], 4, &most),
        put(
            "dimensions whose product overflows",
            &["dimension", "fit"],
            4,
            &[1u64 << 33, 1 << 33].map(u64::to_le_bytes).concat(),
        ),
        put("another shape", &["shape", "lie", "overlap", "fit"], 12, &96u64.to_le_bytes()),
        put("no rows", &["shape", "lie", "dimension"], 12, &0u64.to_le_bytes()),
        put("an unknown type", &["type"], 20, &999u32.to_le_bytes()),
        put("a type that was removed", &["type"], 20, &4u32.to_le_bytes()),
        put("a type whose blocks do not fit", &["fit", "block", "dimension"], 20, &8u32.to_le_bytes()),
        put("a table of integers", &["floats", "lie", "overlap"], 20, &26u32.to_le_bytes()),
        put("the largest offset", &["offset", "lie", "align"], 24, &most),
        put("an aligned offset beyond the file", &["lie", "offset", "bytes"], 24, &(u64::MAX - 31).to_le_bytes()),
        put("an offset that is not aligned", &["align"], 24, &1u64.to_le_bytes()),
        put("an offset inside another tensor", &["overlap", "lie"], 24, &next),
        Case::new("another architecture inside", FILE, &["architecture"], files, |f| {
            replace(f, "LlamaForCausalLM", "LlombForCausalLM")
        }),
        Case::new("a broken config inside", FILE, &["expected", "JSON", "key"], files, |f| {
            replace(f, "\"architectures\"", "#architectures\"")
        }),
        Case::new("a key of the config is lost", FILE, &["hidden_size"], files, |f| {
            replace(f, "\"hidden_size\"", "\"hidden_sise\"")
        }),
        Case::new("a tensor is lost", FILE, &["missing"], files, |f| {
            replace(f, "model.norm.weight", "model.norm.wright")
        }),
        Case::new("a name that is no UTF-8", FILE, &["UTF-8"], files, |f| {
            f.edit(FILE, |file| {
                let at = entry(file, TABLE) - 1;
                file[at] = 0xFF;
            });
        }),
    ]
}

/// Puts a text of the same length in the place of another.
fn replace(files: &mut Files, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    files.edit(FILE, |file| {
        let at = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        file[at..at + to.len()].copy_from_slice(to.as_bytes());
    });
}

fn llama2c() -> Vec<Case> {
    let files = files::llama2c();
    let put = |name: &str, reasons: &'static [&'static str], field: usize, value: i32| {
        Case::new(name, BIN, reasons, &files, |f| {
            f.edit(BIN, |file| file[4 * field..4 * field + 4].copy_from_slice(&value.to_le_bytes()));
        })
    };
    let mut cases = vec![
        Case::new("an empty file", BIN, &["short", "empty"], &files, |f| f.put(BIN, [])),
        Case::new("a header alone", BIN, &["lie", "shape"], &files, |f| f.edit(BIN, |file| file.truncate(28))),
        Case::new("one byte less", BIN, &["lie", "shape"], &files, |f| {
            f.edit(BIN, |file| file.truncate(file.len() - 1))
        }),
        Case::new("one byte more", BIN, &["follow"], &files, |f| f.edit(BIN, |file| file.push(0))),
        put("no heads", &["header"], 3, 0),
        put("three heads", &["heads"], 3, 3),
        put("a negative width", &["header"], 0, -8),
        put("the least vocabulary", &["header"], 5, i32::MIN),
        put("an untied head that is not there", &["lie", "shape"], 5, -5),
    ];
    for field in 0..7 {
        cases.push(put(&format!("field {field} is the largest"), &["header", "many", "shape"], field, i32::MAX));
        cases.push(put(
            &format!("field {field} is large"),
            &["header", "many", "shape", "heads", "lie"],
            field,
            1 << 24,
        ));
    }
    cases
}
