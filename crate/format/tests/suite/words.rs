//! Word vectors: each format written and read, made files byte by byte, and files of other programs.

use dynasty_format::gguf::{Metadata, Value};
use dynasty_format::{Error, MemoryBytes, QuantType, WordFormat, WordTable};
use std::rc::Rc;

use crate::noise;

fn open(data: &[u8]) -> Result<WordTable, Error> {
    pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("words.vec", data))))
}

/// Words of all kinds, and values that test the digits.
fn table(dim: usize) -> WordTable {
    let words = ["the", "naïve", "中文", "42", "-1.5", "don't", "\u{a0}", "😀", "nan", "</s>", "a"];
    let mut values = noise(7, words.len() * dim);
    values[..4.min(dim)].copy_from_slice(&[0.0, f32::MIN_POSITIVE / 8.0, f32::MAX, -0.1][..4.min(dim)]);
    let mut table = WordTable::new(dim);
    for (word, vector) in words.iter().zip(values.chunks(dim)) {
        table.push(word, vector).unwrap();
    }
    table
}

#[test]
fn every_format_gives_back_the_same_words() {
    for dim in [1, 2, 3, 25, 100, 301] {
        let table = table(dim);
        for format in [WordFormat::Text, WordFormat::Headerless, WordFormat::Binary, WordFormat::BinaryLines] {
            let written = table.write(Vec::new(), "words.vec", format).unwrap();
            let read = open(&written).unwrap_or_else(|error| panic!("{format:?}, {dim} values: {error}"));
            assert_eq!(read, table, "{format:?}, {dim} values");
        }
    }
}

#[test]
fn many_words_cross_the_pieces_of_a_file() {
    let mut table = WordTable::new(300);
    for (index, vector) in noise(3, 300 * 4000).chunks(300).enumerate() {
        table.push(&format!("word{index}"), vector).unwrap();
    }
    for format in [WordFormat::Text, WordFormat::Binary, WordFormat::BinaryLines] {
        let written = table.write(Vec::new(), "words.vec", format).unwrap();
        assert!(written.len() > 3 << 20, "{format:?}: more than one piece");
        assert_eq!(open(&written).unwrap(), table, "{format:?}");
    }
}

#[test]
fn gguf_holds_words_in_every_type_that_is_written() {
    let table = table(256);
    let mut about = Metadata::default();
    about.insert("general.license", Value::String("MIT".into()));
    let types = [(QuantType::F32, 0.0), (QuantType::F16, 1e-3), (QuantType::Q8_0, 1e-2), (QuantType::Q4_K, 0.2)];
    for (ty, most) in types {
        let small = WordTable::new(256);
        let mut small = table.words().iter().skip(1).fold(small, |mut small, word| {
            let at = table.words().get_index_of(word).unwrap() * 256;
            small.push(word, &table.values()[at..at + 256]).unwrap();
            small
        });
        if ty == QuantType::F32 {
            small = table.clone();
        }
        let written = small.write_gguf(Vec::new(), "words.gguf", ty, &about).unwrap();
        let read = open(&written).unwrap();
        assert_eq!(read.words(), small.words());
        let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        let apart: Vec<f32> = read.values().iter().zip(small.values()).map(|(a, b)| a - b).collect();
        let error = norm(&apart) / norm(small.values());
        assert!(error <= most * most, "{ty}: {error}");
    }
    let odd = self::table(25).write_gguf(Vec::new(), "words.gguf", QuantType::Q8_0, &about);
    assert!(odd.unwrap_err().to_string().contains("q8_0 blocks"));
}

#[test]
fn made_files_read_as_they_are_written() {
    let vector = |table: &WordTable, word: &str| {
        let at = table.words().get_index_of(word).unwrap() * table.dim();
        table.values()[at..at + table.dim()].to_vec()
    };
    // As word2vec.c writes text: a blank after each value.
    let text = open(b"2 3\n</s> 0.5 -1e-3 2 \nking 1.0 2.0 3.0 \n").unwrap();
    assert_eq!(vector(&text, "</s>"), [0.5, -1e-3, 2.0]);
    // Lines of another system, tabs, an empty last line.
    let text = open(b"2 2\r\na\t1\t2\r\nb 3 4\r\n\r\n").unwrap();
    assert_eq!(vector(&text, "b"), [3.0, 4.0]);
    // Without a header; a number is a word too, and a word may hold blanks.
    let glove = open(b"7 0.1 0.2\n. . . 1 2\nat name@domain.com 3 4").unwrap();
    assert_eq!(glove.dim(), 2);
    assert_eq!(vector(&glove, ". . ."), [1.0, 2.0]);
    assert_eq!(vector(&glove, "at name@domain.com"), [3.0, 4.0]);
    // Binary: a newline after each vector, after none, after all but the last.
    let one = 1.0f32.to_le_bytes();
    let rows = |ends: [&[u8]; 2]| [b"2 1\n", &b"a "[..], &one, ends[0], b"b ", &one, ends[1]].concat();
    for ends in [[&b"\n"[..], &b"\n"[..]], [b"", b""], [b"\n", b""]] {
        assert_eq!(vector(&open(&rows(ends)).unwrap(), "b"), [1.0]);
    }
}

#[test]
fn words_that_would_not_be_read_again_are_not_written() {
    for word in ["two words", "tab\tbed", "new\nline"] {
        let mut table = WordTable::new(1);
        table.push(word, &[1.0]).unwrap();
        let error = table.write(Vec::new(), "out.vec", WordFormat::Text).unwrap_err().to_string();
        assert!(error.starts_with("out.vec: the word") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_not_left() {
    let folder = std::env::temp_dir().join(format!("dynasty-words-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut bad = WordTable::new(1);
    bad.push("fine", &[1.0]).unwrap();
    bad.push("not fine", &[1.0]).unwrap();
    assert!(bad.save(folder.join("a.vec"), WordFormat::Text).is_err());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    table(3).save(folder.join("a.vec"), WordFormat::Text).unwrap();
    assert_eq!(open(&std::fs::read(folder.join("a.vec")).unwrap()).unwrap(), table(3));
    std::fs::remove_dir_all(&folder).unwrap();
}
