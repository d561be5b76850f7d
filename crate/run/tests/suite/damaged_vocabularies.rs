//! Damaged tokenizer files: each has one line that names the file and the reason.

use crate::shared::fixture;
use dynasty_run::{Files, Source, Tokenizer};
use format::MemoryFolder;
use format::gguf::{Array, Metadata, Value};
use std::rc::Rc;

/// What opening a folder's tokenizer says.
fn reason(files: &[(&str, &[u8])]) -> String {
    let mut folder = MemoryFolder::new("folder");
    files.iter().for_each(|(name, data)| folder.insert(*name, data.to_vec()));
    let opened = pollster::block_on(async { Files::open(Source::Folder(Rc::new(folder))).await?.tokenizer().await });
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    opened.map(|_| ()).expect_err(&format!("{names:?}")).to_string()
}

fn check(files: &[(&str, &[u8])], wanted: &str) {
    let found = reason(files);
    assert!(found.starts_with(wanted) && !found.contains(['\n', '\r']), "found {found}\nwanted {wanted}");
}

fn whole(folder: &str, file: &str) -> Vec<u8> {
    std::fs::read(fixture("tokenizers").join(folder).join(file)).unwrap()
}

#[test]
fn words_and_pairs() {
    let merges: (&str, &[u8]) = ("merges.txt", b"#version: 0.2\na b\n");
    check(&[], "folder/tokenizer.json: not found");
    check(&[("vocab.txt", b"")], "vocab.txt: the vocabulary is empty");
    check(&[("vocab.txt", b"\xff")], "folder/vocab.txt: at byte 0: not UTF-8 text");
    check(&[("vocab.json", b"{}")], "folder/tokenizer.json: not found");
    check(&[("vocab.json", b""), merges], "vocab.json: not tokens and their ids: EOF");
    check(&[("vocab.json", b"[]"), merges], "vocab.json: not tokens and their ids: invalid type");
    check(&[("vocab.json", br#"{"a": -1}"#), merges], "vocab.json: not tokens and their ids: invalid value");
    check(
        &[("vocab.json", "[".repeat(99).as_bytes()), merges],
        "vocab.json: at byte 24: nested more than 24 levels deep",
    );
    check(&[("vocab.json", br#"{"a": 0}"#), merges], "merges.txt: the vocabulary has no token \"b\"");
    check(&[("vocab.json", br#"{"a": 0, "b": 1}"#), merges], "merges.txt: the vocabulary has no token \"ab\"");
    check(&[("vocab.json", br#"{"a": 0}"#), ("merges.txt", b"#v\na\n")], "merges.txt: line 2: not two tokens: \"a\"");
}

#[test]
fn settings() {
    let vocab = whole("bert_uncased", "vocab.txt");
    let with = |name, data| [("vocab.txt", &vocab[..]), (name, data)];
    check(&with("tokenizer_config.json", b"[]"), "tokenizer_config.json: not a JSON object");
    check(&with("tokenizer_config.json", b"{"), "tokenizer_config.json: EOF");
    check(&with("special_tokens_map.json", b"1"), "special_tokens_map.json: not a JSON object");
    check(&with("added_tokens.json", b"[]"), "added_tokens.json: not a JSON object");
    check(&with("config.json", b"{"), "folder/config.json: EOF");
    let deep = "[".repeat(99);
    check(
        &with("added_tokens.json", deep.as_bytes()),
        "added_tokens.json: at byte 24: nested more than 24 levels deep",
    );
}

#[test]
fn sentencepiece_files() {
    let model = whole("t5_spiece", "spiece.model");
    check(&[("spiece.model", b"")], "spiece.model: the vocabulary is empty");
    check(&[("tokenizer.model", b"\x0a")], "tokenizer.model: ends in the middle of a field");
    check(&[("tokenizer.model", b"\x0b")], "tokenizer.model: is damaged: a field of wire type 3");
    check(&[("tokenizer.model", b"\x0a\x03\x0a\x01\xff")], "tokenizer.model: a piece is no UTF-8");
    check(&[("tokenizer.model", b"\x0a\x08\x0a\x01a\x15\0\0\xc0\x7f")], "tokenizer.model: the score of token 0");
    check(&[("tokenizer.model", b"\x0a\x03\x0a\x01a\x12\x02\x18\x03")], "tokenizer.model: is neither of pairs");
    check(&[("spiece.model", &model[..model.len() / 2])], "spiece.model: ends in the middle of a field");
    let unigram: &[u8] = b"\x0a\x03\x0a\x01a\x1a\x06\x12\x04\xff\xff\xff\x7f";
    check(&[("spiece.model", unigram)], "spiece.model: the precompiled_charsmap is damaged");
    let pairs = whole("llama_spm", "tokenizer.model");
    check(&[("source.spm", &pairs), ("vocab.json", b"{}")], "source.spm: is not of unigrams");
    check(&[("source.spm", &model), ("vocab.json", b"{}")], "vocab.json: the vocabulary has no unk_token");
    check(&[("source.spm", &model), ("vocab.json", br#"{"<unk>": 0}"#)], "vocab.json: the vocabulary has no eos_token");
}

#[test]
fn rules_inside_tokenizer_json() {
    let with = |rules: &str| {
        format!(
            r#"{{"version":"1.0","normalizer":{{"type":"Precompiled","precompiled_charsmap":"{rules}"}},
               "model":{{"type":"Unigram","unk_id":0,"vocab":[["a",0.0]]}}}}"#
        )
    };
    check(&[("tokenizer.json", with("!").as_bytes())], "tokenizer.json: the precompiled_charsmap is not base64");
    check(&[("tokenizer.json", with("////fwAA").as_bytes())], "tokenizer.json: the precompiled_charsmap is damaged");
    let merge = br#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]}}"#;
    check(&[("tokenizer.json", merge)], "tokenizer.json: a merge makes a token that the vocabulary does not have");
}

#[test]
fn gguf_vocabularies() {
    let mut metadata = Metadata::default();
    let mut say = |key: &str, value: Value, wanted: &str| {
        metadata.insert(format!("tokenizer.ggml.{key}"), value);
        let found = Tokenizer::from_gguf(&metadata).map(|_| ()).expect_err(wanted).to_string();
        assert_eq!(found, format!("GGUF vocabulary: {wanted}"));
    };
    let tokens = |list: &[&str]| Value::Array(Array::String(list.iter().map(|token| token.to_string()).collect()));
    say("model", Value::String("rwkv".into()), "the key tokenizer.ggml.tokens is missing");
    say("tokens", tokens(&["a", "b"]), "vocabularies of kind \"rwkv\" are not supported");
    say("model", Value::String("t5".into()), "the key tokenizer.ggml.scores is missing");
    say("scores", Value::Array(Array::F32(vec![0.0])), "1 entries of scores for 2 tokens");
    say("scores", Value::Array(Array::F32(vec![0.0, f32::NAN])), "the score of token 1 is not a number");
    say("token_type", Value::Array(Array::I32(vec![1])), "1 entries of token_type for 2 tokens");
    say("token_type", Value::Array(Array::I32(vec![1, 1])), "the score of token 1 is not a number");
    say("unknown_token_id", Value::U32(7), "unknown_token_id 7 is not below the 2 tokens");
    say("unknown_token_id", Value::U32(0), "the score of token 1 is not a number");
    say("precompiled_charsmap", Value::Array(Array::U8(vec![255; 4])), "the score of token 1 is not a number");
    say("scores", Value::Array(Array::F32(vec![0.0, 0.0])), "the precompiled_charsmap is damaged");
}
