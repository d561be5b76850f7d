//! Folders: files that are missing, empty, of another kind, or shards that do not fit their index.

use dynasty_tests::fixtures;
use serde_json::json;

use crate::Case;
use crate::files;

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

pub fn cases() -> Vec<Case> {
    let plain = files::folder("llama_plain");
    let sharded = files::folder("llama_sharded");
    let kind = |name: &str, reasons: &'static [&'static str], start: &[u8]| {
        let bytes = [start, &[7; 4000]].concat();
        Case::new(name, WEIGHTS, reasons, &plain, |f| f.put(WEIGHTS, bytes))
    };
    let shard = sharded.weights_name();
    vec![
        Case::new("no config", "config.json", &["not found"], &plain, |f| f.remove("config.json")),
        Case::new("no weights", WEIGHTS, &["not found"], &plain, |f| f.remove(WEIGHTS)),
        Case::new("a pickle without its container", "pytorch_model.bin", &["convert"], &plain, |f| {
            f.remove(WEIGHTS);
            f.put("pytorch_model.bin", b"\x80\x04\x95".to_vec());
        }),
        Case::new("a cut off archive", "pytorch_model.bin", &["cut off"], &plain, |f| {
            f.remove(WEIGHTS);
            f.put("pytorch_model.bin", b"PK\x03\x04".to_vec());
        }),
        Case::new("a pickle with code", "pytorch_model.bin", &["posix.system"], &plain, |f| {
            f.remove(WEIGHTS);
            f.put("pytorch_model.bin", std::fs::read(fixtures("torch/system.pt")).unwrap());
        }),
        Case::new("empty weights", WEIGHTS, &["empty", "short", "length", "bytes"], &plain, |f| f.put(WEIGHTS, [])),
        kind("a Git LFS pointer", &["header", "LFS"], b"version https://git-lfs.github.com/spec/v1\n"),
        kind("a zip file", &["header", "zip"], b"PK\x03\x04"),
        kind("an HTML page", &["header"], b"<!DOCTYPE html><html>"),
        kind("zeros", &["header"], &[0; 100]),
        Case::new("a shard is missing", "model-0000", &["not found"], &sharded, |f| f.remove(&shard)),
        Case::new("an empty shard", "model-0000", &["empty", "short", "length", "bytes"], &sharded, |f| {
            f.put(&shard, [])
        }),
        Case::new("an index that is no JSON", INDEX, &["index"], &sharded, |f| f.put(INDEX, "shards")),
        Case::new("an empty index", INDEX, &["index"], &sharded, |f| f.put(INDEX, [])),
        Case::new("an index without shards", INDEX, &["0 files"], &sharded, |f| f.put(INDEX, "{\"weight_map\": {}}")),
        Case::new("a shard outside the folder", INDEX, &["leads out"], &sharded, |f| {
            f.json(INDEX, |index| drop(index.insert("weight_map".into(), json!({"a": "../../secret.safetensors"}))));
        }),
        Case::new("an absolute shard", INDEX, &["leads out"], &sharded, |f| {
            f.json(INDEX, |index| drop(index.insert("weight_map".into(), json!({"a": "/etc/passwd"}))));
        }),
        Case::new("a tensor in no shard", INDEX, &["not in"], &sharded, |f| {
            f.json(INDEX, |index| {
                drop(index["weight_map"].as_object_mut().unwrap().insert("extra".into(), json!(shard.clone())))
            });
        }),
        Case::new("a tensor that the index forgot", "model", &["missing"], &sharded, |f| {
            f.json(INDEX, |index| drop(index["weight_map"].as_object_mut().unwrap().remove("model.norm.weight")));
        }),
    ]
}
