//! Headers of safetensors files: lengths that lie, offsets that meet, types and shapes that do not fit.

use serde_json::{Value, json};

use crate::Case;
use crate::files;

const FILE: &str = "model.safetensors";
const NORM: &str = "model.norm.weight";

pub fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(texts());
    cases.extend(tensors());
    cases
}

fn lengths() -> Vec<Case> {
    let files = files::folder("llama_plain");
    let length = |name: &str, value: u64| {
        Case::new(name, FILE, &["header", "length", "bytes"], &files, |f| {
            f.edit(FILE, |bytes| bytes[..8].copy_from_slice(&value.to_le_bytes()));
        })
    };
    let cut = |at: usize| {
        let reasons = &["header", "short", "bytes", "lie", "length"];
        Case::new(format!("cut at {at}"), FILE, reasons, &files, |f| f.edit(FILE, |bytes| bytes.truncate(at)))
    };
    let whole = files.bytes(FILE).len();
    let mut cases = vec![
        length("a header of no bytes", 0),
        length("a header of one byte", 1),
        length("a header beyond the file", 1 << 20),
        length("a header of a gigabyte", 1 << 30),
        length("a header of the largest length", u64::MAX),
        length("a header whose end overflows", u64::MAX - 4),
    ];
    cases.extend([1, 7, 8, 9, 100, 2000, whole / 2, whole - 1].map(cut));
    cases
}

fn texts() -> Vec<Case> {
    let files = files::folder("llama_plain");
    let text = |name: &str, reasons: &'static [&'static str], text: String| {
        Case::new(name, FILE, reasons, &files, |f| f.header_text(FILE, &text))
    };
    let tensor = r#"{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}"#;
    vec![
        text("a header that is no JSON", &["header", "JSON", "expected"], "hello, world".into()),
        text("a header that is a list", &["header", "JSON", "object", "expected", "map"], "[1, 2, 3]".into()),
        text("an empty header", &["missing", "tensor"], "{}".into()),
        text("deep lists", &["recursion", "nested", "header"], "[".repeat(300_000)),
        text("a deep tensor", &["recursion", "nested", "header"], format!("{{\"a\": {}", "{\"b\":".repeat(100_000))),
        text(
            "deep metadata",
            &["recursion", "nested", "header", "metadata"],
            format!("{{\"__metadata__\": {}", "[".repeat(100_000)),
        ),
        text("the same tensor twice", &["twice", "duplicate"], format!(r#"{{"a": {tensor}, "a": {tensor}}}"#)),
        text("a million tensors", &["tensor", "overlap"], {
            let entries: Vec<String> = (0..300_000).map(|i| format!("\"t{i}\":{tensor}")).collect();
            format!("{{{}}}", entries.join(","))
        }),
    ]
}

/// Changes of one tensor's entry.
fn tensors() -> Vec<Case> {
    let files = files::folder("llama_plain");
    let change = |name: String, reasons: &'static [&'static str], key: &'static str, value: Value| {
        Case::new(name, FILE, reasons, &files, |f| {
            f.header(FILE, |header| drop(header[NORM].as_object_mut().unwrap().insert(key.into(), value)));
        })
    };
    let offsets = |value: Value| {
        change(format!("offsets {value}"), &["offset", "bytes", "overlap", "expected", "lie"], "data_offsets", value)
    };
    let shape = |value: Value| {
        change(format!("shape {value}"), &["shape", "dimension", "bytes", "expected", "invalid"], "shape", value)
    };
    let dtype = |value: Value| {
        change(format!("dtype {value}"), &["dtype", "type", "floats", "bytes", "shape", "expected"], "dtype", value)
    };
    let mut cases = vec![
        Case::new("a tensor is missing", FILE, &["missing", "belong to no tensor"], &files, |f| {
            f.header(FILE, |header| drop(header.remove(NORM)))
        }),
        Case::new("a tensor has another name", FILE, &["missing"], &files, |f| {
            f.header(FILE, |header| {
                let entry = header.remove(NORM).unwrap();
                header.insert("model.norm.wait".into(), entry);
            });
        }),
        Case::new("two tensors share bytes", FILE, &["overlap", "offset"], &files, |f| {
            f.header(FILE, |header| {
                let place = header["lm_head.weight"]["data_offsets"].clone();
                header["model.embed_tokens.weight"]["data_offsets"] = place;
            });
        }),
        Case::new("a tensor is no object", FILE, &["header", "tensor", "invalid", "expected"], &files, |f| {
            f.header(FILE, |header| drop(header.insert(NORM.into(), json!(3))));
        }),
        change("a table of integers".into(), &["floats", "type"], "dtype", json!("I32")),
    ];
    cases.extend(
        [
            json!([0, u64::MAX]),
            json!([u64::MAX, u64::MAX]),
            json!([144, 0]),
            json!([0, 1]),
            json!([-1, 143]),
            json!([0]),
            json!([0.5, 1.5]),
            json!("all"),
            json!([1u64 << 40, (1u64 << 40) + 144]),
            Value::Null,
        ]
        .map(offsets),
    );
    cases.extend(
        [
            json!([35]),
            json!([0]),
            json!([-36]),
            json!([36.5]),
            json!([u64::MAX, u64::MAX]),
            json!([1u64 << 62, 4]),
            json!("36"),
            json!([6, 6]),
            json!([]),
            Value::Null,
        ]
        .map(shape),
    );
    cases
        .extend([json!("F33"), json!(""), json!(32), json!("F16"), json!("F64"), json!("I64"), Value::Null].map(dtype));
    cases
}
