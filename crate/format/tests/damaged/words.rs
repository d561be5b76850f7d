//! Damaged word vectors.

use std::rc::Rc;

use dynasty_format::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use dynasty_format::{Dtype, MemoryBytes, QuantType, WordTable};

use super::no_words;

#[test]
fn damaged_words_in_text() {
    no_words("empty", b"", "the file is empty");
    no_words("only a header", b"3 2\n", "0 bytes follow it");
    no_words("fewer words", b"3 2\na 0.25 1.125\nb 0.5 2.5\n", "the file ends after 2");
    no_words("more words", b"1 2\na 1 2\nb 3 4\n", "at byte 10: line 3: more words than the header claims");
    no_words("huge count", b"99999999999 2\na 1 2\n", "the header claims 99999999999 words");
    no_words("count beyond 64 bits", b"99999999999999999999 2\na 1 2\n", "is not two counts");
    no_words("negative count", b"-3 2\na 1 2\n", "is not two counts");
    no_words("no count", b"many 2\na 1 2\n", "is not two counts");
    no_words("nothing", b"0 2\n", "claims 0 words");
    no_words("no values", b"2 0\na\nb\n", "words of 0 values");
    no_words("huge vectors", b"1 4294967295\na 1 2\n", "words of 4294967295 values");
    no_words("short vector", b"2 3\na 1 2 3\nb 1 2 \n", "at byte 12: line 3: 2 values, expected 3");
    no_words("long vector", b"2 2\na 1 2\nb 1 2 3\n", "line 3: 3 values, expected 2");
    no_words("no header, short vector", b"a 1 2 3\nb 1 2", "at byte 8: line 2: 2 values, expected 3");
    no_words("no header, cut", b"a 1 2 3\nb", "line 2: 0 values, expected 3");
    no_words("no header, no vectors", b"words\nwithout\nvectors\n", "neither two counts nor a word");
    no_words("prose", b"Once upon a time there was a fox.\n", "value 1 of \"Once\", upon, is no number");
    no_words("no number", b"2 2\na 1 2\nb 1 x\n", "line 3: value 2 of \"b\", x, is no number");
    no_words("NaN", b"2 2\na 1 2\nb nan 1\n", "line 3: value 1 of \"b\" is NaN");
    no_words("infinity", b"2 2\na 1 2\nb 1 -inf\n", "value 2 of \"b\" is -inf");
    no_words("too large", b"2 2\na 1 2\nb 1 1e99\n", "value 2 of \"b\" is inf");
    no_words("twice", b"3 2\na 1 2\nb 1 2\na 3 4\n", "line 4: the word \"a\" comes twice, first as word 1");
    no_words("broken UTF-8", b"2 2\na 1 2\nb\xff\xfe 1 2\n", "line 3: the word \"b\u{fffd}\u{fffd}\" is not UTF-8");
    no_words("broken UTF-8 at the start", b"2 2\n\xffa 1 2\nb 1 2\n", "line 2: the word");
    no_words("broken UTF-8 as a number", b"2 2\na 1 2\nb 1 \xc3\n", "is no number");
    no_words("empty line", b"3 2\na 1 2\n\nb 1 2\nc 1 2\n", "line 3 is empty, but words follow it");
    no_words("a long line", &[&b"1 2\n"[..], &b"x".repeat(3 << 20)].concat(), "no line ends within");
    no_words("control characters", b"a\x1b[2J 1 2\nb 1\n", "line 2: 1 values");
}

#[test]
fn damaged_words_in_binary() {
    let row = |word: &[u8], values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        [word, b" "].concat().into_iter().chain(bytes).collect::<Vec<u8>>()
    };
    let file = |header: &[u8], rows: &[Vec<u8>]| [header, &rows.concat()].concat();
    let (a, b) = (row(b"a", &[0.1, 0.2, 0.3]), row(b"b", &[0.4, 0.5, 0.6]));
    let whole = file(b"2 3\n", &[a.clone(), b.clone()]);
    assert!(pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("good.bin", &whole[..])))).is_ok());
    for cut in 1..whole.len() {
        no_words(&format!("cut at {cut}"), &whole[..cut], "");
    }
    no_words("cut", &whole[..whole.len() - 1], "the header claims 2 words of 3 values, 27 bytes follow it");
    let long = [row(b"a-long-word", &[0.1, 0.2, 0.3]), row(b"another", &[0.1, 0.2, 0.3])];
    let long = file(b"2 3\n", &long);
    no_words("cut in a vector", &long[..long.len() - 2], "the file ends in the vector of word 2");
    no_words(
        "huge count",
        &file(b"1152921504606846976 3\n", std::slice::from_ref(&a)),
        "the header claims 1152921504606846976",
    );
    no_words(
        "counts that overflow",
        &file(b"18446744073709551615 65536\n", std::slice::from_ref(&a)),
        "the header claims",
    );
    no_words("one word more", &file(b"1 3\n", &[a.clone(), b.clone()]), "14 bytes follow the last of 1 words");
    no_words("wider than it claims", &file(b"2 2\n", &[a.clone(), b.clone()]), "");
    no_words(
        "NaN",
        &file(b"2 3\n", &[a.clone(), row(b"b", &[0.1, f32::NAN, 0.3])]),
        "at byte 18: word 2: value 2 of \"b\"",
    );
    no_words("twice", &file(b"2 3\n", &[a.clone(), a.clone()]), "word 2: the word \"a\" comes twice, first as word 1");
    no_words("broken UTF-8", &file(b"2 3\n", &[a.clone(), row(b"\xc3(", &[0.1; 3])]), "word 2: the word");
    no_words("no word", &file(b"2 3\n", &[a.clone(), row(b"", &[0.1; 3]), vec![0]]), "a word of 0 bytes");
    let endless = [b"x".repeat(10_000), vec![0; 40]].concat();
    no_words("a word without end", &file(b"2 3\n", &[a, endless]), "does not end within 4096 bytes");
}

#[test]
fn damaged_words_in_gguf_and_other_files() {
    let file = |arch: &str, words: &[&str], shape: &[usize], values: &[f32]| {
        let mut metadata = Metadata::default();
        metadata.insert("general.architecture", Value::String(arch.into()));
        let words = words.iter().map(|word| word.to_string()).collect();
        metadata.insert("word2vec.words", Value::Array(Array::String(words)));
        let spec = TensorSpec { name: "vectors".into(), shape: shape.to_vec(), dtype: Dtype::Quant(QuantType::F32) };
        let mut writer = Writer::begin(Vec::new(), "bad.bin", &metadata, &[spec]).unwrap();
        writer.append(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()).unwrap();
        writer.finish().unwrap()
    };
    let good = file("word2vec", &["a", "b"], &[2, 2], &[1.0; 4]);
    assert!(pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("good.bin", &good[..])))).is_ok());
    // Two rows of two values and half a block of padding are at the end.
    for cut in (0..good.len() - 16).step_by(7) {
        no_words(&format!("cut at {cut}"), &good[..cut], "");
    }
    no_words("another model", &file("gpt2", &["a", "b"], &[2, 2], &[1.0; 4]), "its architecture is \"gpt2\"");
    no_words(
        "fewer words",
        &file("word2vec", &["a"], &[2, 2], &[1.0; 4]),
        "tensor vectors: has shape [2, 2], for 1 words",
    );
    no_words("one axis", &file("word2vec", &["a"], &[4], &[1.0; 4]), "expected floats [words, dim]");
    no_words("twice", &file("word2vec", &["a", "a"], &[2, 2], &[1.0; 4]), "row 2: the word \"a\" comes twice");
    no_words(
        "NaN",
        &file("word2vec", &["a", "b"], &[2, 2], &[1.0, 1.0, f32::NAN, 1.0]),
        "row 2: value 1 of \"b\" is NaN",
    );
    no_words("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "compressed by gzip");
    no_words("zip", b"PK\x03\x04 and the rest of it", "a zip archive");
    no_words("pickle", b"\x80\x04\x95 and the rest of it", "a Python pickle");
    no_words("zeros", &[0; 5000], "");
    no_words("ones", &[255; 3 << 20], "no line ends within");
}
