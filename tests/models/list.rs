//! `MODELS.md` is made from the fixtures: what each architecture was compared with, and which formats and types there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use dynasty_tests::fixtures;
use format::QuantType;
use serde_json::Value;

use crate::fixture;

/// What the pages and the program say of formats.
const HEAD: &str = "# Models

Made from `tests/fixtures` by `UPDATE=1 cargo test --profile ci -p dynasty-tests --test models list`; a test fails when it is stale.

Each architecture below is compared with the reference library's outputs for small random checkpoints (`tests/fixtures/make_*.py`, \
versions in `VERSIONS.json`), on the processor and on the GPU, in floats and as our own GGUF files of every quant type \
(`tests/models`). The largest relative L2 error of a field is 1e-4 on the processor and 1e-3 on the GPU; 1e-3 and 2e-3 with weights \
of 16 bits; 2e-2 between quantized weights and the same weights decoded.

## Architectures

| architecture | family | compared | texts | fixtures |
|---|---|---|---|---|
";

const FORMATS: &str = "
## Formats

| format | read | written |
|---|---|---|
| safetensors: one file, shards with an index | F64, F32, F16, BF16 | F32, adapters |
| GGUF v2 and v3 by llama.cpp (architectures below) | all quant types below | |
| GGUF with the checkpoint's own names, every family | all quant types below | `dynasty quantize` |
| PyTorch `.pt`, `.pth`, `.bin` (a reader that runs nothing) | F32, F16, BF16, whole numbers | |
| CTranslate2 (Transformer encoder and decoder) | float32, int8 | |
| llama2.c | f32 | |
| tokenizers: `tokenizer.json`; `vocab.json` + `merges.txt`; `vocab.txt`; `tokenizer.model`, `spiece.model`, `sentencepiece.bpe.model`; `source.spm` + `vocab.json`; GGUF's | | |
| word vectors: word2vec text and binary, GloVe | f32 | text, binary |

## Names of llama.cpp

";

const TYPES: &str = "
## Quant types

| type | values a block | bytes a block | bits a value | written |
|---|---|---|---|---|
";

/// What is known of an architecture.
#[derive(Default)]
struct Row {
    family: String,
    fields: BTreeSet<String>,
    texts: BTreeSet<&'static str>,
    fixtures: Vec<String>,
}

fn architecture(config: &Value) -> String {
    let named = config["architectures"][0].as_str().map(str::to_string);
    named.unwrap_or_else(|| format!("model type `{}`", config["model_type"].as_str().unwrap_or_default()))
}

fn rows() -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for fixture in fixture::all() {
        let folder = fixtures("models").join(&fixture.name);
        let config: Value = serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap();
        let row = rows.entry(architecture(&config)).or_default();
        row.family = fixture.package().unwrap().model.family().to_string();
        row.fields.extend(fixture.outputs().iter().map(|(name, _)| name.split('.').next().unwrap_or(name).to_string()));
        row.texts.extend(fixture.greedy().map(|_| "greedy"));
        row.texts.extend(fixtures("beams").join(format!("{}.json", fixture.name)).exists().then_some("beams"));
        row.fixtures.push(fixture.name);
    }
    rows
}

fn joined(words: impl IntoIterator<Item = impl Into<String>>) -> String {
    words.into_iter().map(Into::into).collect::<Vec<String>>().join(", ")
}

fn text() -> String {
    let mut text = HEAD.to_string();
    for (name, row) in rows() {
        let (fields, texts) = (joined(row.fields), joined(row.texts));
        let _ = writeln!(text, "| {name} | {} | {fields} | {texts} | {} |", row.family, joined(row.fixtures));
    }
    text.push_str(FORMATS);
    let entries = fs::read_dir(fixtures("gguf")).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<String> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "gguf"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let _ = writeln!(
        text,
        "Files as llama.cpp names and turns them, each equal to the checkpoint of its name: {}.",
        joined(files)
    );
    text.push_str(TYPES);
    for ty in QuantType::all() {
        let (len, bytes) = (ty.block_len(), ty.block_bytes());
        let written = if format::encode(ty, &vec![0.5; len], &mut Vec::new()).is_ok() { "yes" } else { "" };
        let _ = writeln!(text, "| {ty} | {len} | {bytes} | {} | {written} |", bytes as f64 * 8.0 / len as f64);
    }
    text
}

#[test]
fn the_committed_list_is_current() {
    let (file, made) = (fixtures("../../MODELS.md"), text());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == made, "MODELS.md is stale: run this test with UPDATE=1");
}
