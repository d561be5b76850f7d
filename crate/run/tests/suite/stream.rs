//! Streamed text: the pieces together are the whole text, no piece has a broken character, stop strings are kept back.

use crate::shared::{data, fixture, tokenizer};
use dynasty_run::{Add, Special, TextStream, Tokenizer};
use std::sync::Arc;

const TEXTS: [&str; 8] = [
    "Hello world",
    "  two leading",
    "小猫说：你好，世界。",
    "😀 👋🏽 👨‍👩‍👧 end",
    "naïve Ωmega",
    "a\n\n\tb ",
    " ",
    "क्षि 한국어",
];

/// All pieces of some ids, the last from `finish`.
fn pieces(tokenizer: &Arc<Tokenizer>, ids: &[u32], stop: &[&str]) -> Vec<String> {
    let stop: Vec<String> = stop.iter().map(|text| text.to_string()).collect();
    let mut stream = TextStream::new(tokenizer.clone(), &stop);
    let mut found: Vec<String> = ids.iter().filter_map(|&id| stream.push(id).unwrap()).collect();
    found.extend(stream.finish().unwrap());
    found
}

fn tokenizers() -> Vec<(String, Arc<Tokenizer>)> {
    let names = ["byte_bpe", "split_bpe", "gpt2_files", "llama_legacy", "llama_metaspace"];
    let mut list: Vec<_> = names.iter().map(|name| (name.to_string(), fixture("tokenizers").join(name))).collect();
    list.extend(
        ["tinystories-656k", "tokenizers/minimind"].iter().filter_map(|name| Some((name.to_string(), data(name)?))),
    );
    list.into_iter().map(|(name, folder)| (name, Arc::new(tokenizer(&folder)))).collect()
}

#[test]
fn pieces_are_whole_and_make_the_text() {
    for (name, tokenizer) in tokenizers() {
        for text in TEXTS {
            let ids = tokenizer.encode(text, Add::Special).unwrap();
            let found = pieces(&tokenizer, &ids, &[]);
            assert_eq!(found.concat(), tokenizer.decode(&ids, Special::Skip).unwrap(), "{name}: {text:?}");
            let lossless = !found.concat().contains('\u{FFFD}');
            assert!(lossless || name.contains("tinystories"), "{name}: {found:?}");
        }
    }
}

#[test]
fn any_ids_stream_to_what_they_decode_to() {
    for (name, tokenizer) in tokenizers() {
        let mut state = 7u64;
        for round in 0..400 {
            let ids: Vec<u32> = (0..1 + round % 23)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (state >> 33) as u32 % (tokenizer.vocab_len() as u32 + 2)
                })
                .collect();
            let found = pieces(&tokenizer, &ids, &[]).concat();
            assert_eq!(found, tokenizer.decode(&ids, Special::Skip).unwrap(), "{name}: {ids:?}");
        }
    }
}

#[test]
fn text_comes_as_soon_as_it_is_certain() {
    let tokenizer = Arc::new(tokenizer(&fixture("tokenizers/byte_bpe")));
    let ids = tokenizer.encode("the cat 你", Add::Nothing).unwrap();
    let mut stream = TextStream::new(tokenizer, &[]);
    let mut whole = 0;
    for &id in &ids[..ids.len() - 1] {
        whole += usize::from(stream.push(id).unwrap().is_some());
    }
    assert!(whole >= 2, "{whole} pieces of {} tokens", ids.len());
    assert_eq!(stream.push(ids[ids.len() - 1]).unwrap().as_deref(), Some("你"));
    assert_eq!(stream.finish().unwrap(), None);
}

#[test]
fn stop_strings_are_kept_back_and_end_the_text() {
    let tokenizer = Arc::new(tokenizer(&fixture("tokenizers/byte_bpe")));
    let ids = |text: &str| tokenizer.encode(text, Add::Nothing).unwrap();
    let all = |text: &str, stop: &[&str]| pieces(&tokenizer, &ids(text), stop).concat();
    assert_eq!(all("one STOP two", &["STOP"]), "one ");
    assert_eq!(all("one STO two", &["STOP"]), "one STO two");
    assert_eq!(all("one STO", &["STOP"]), "one STO");
    assert_eq!(all("aaab", &["aab"]), "a");
    assert_eq!(all("x 停止 y", &["停止"]), "x ");
    assert_eq!(all("b then a", &["a", "b"]), "");
    assert_eq!(all("kept", &[""]), "kept");
    let mut stream = TextStream::new(tokenizer.clone(), &["\n\n".to_string(), "User:".to_string()]);
    let mut shown = String::new();
    for id in ids("Hi Use User: no") {
        shown.extend(stream.push(id).unwrap());
        assert!(!shown.contains("User"), "{shown:?}");
    }
    assert_eq!((shown.as_str(), stream.stopped()), ("Hi Use ", Some("User:")));
    assert_eq!(stream.finish().unwrap(), None);
}
