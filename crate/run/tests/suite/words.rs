//! Word vectors against sums in f64 over all words, and on real vectors the analogy counts that are known.

use std::io::Read;
use std::ops::ControlFlow;
use std::rc::Rc;

use dynasty_run::{AnalogyReport, AnalogySet, Neighbour, WordVectors};
use format::{MemoryBytes, WordTable};

use crate::shared::data;

/// Numbers from −1 to 1, the same on every run.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn table(words: usize, dim: usize) -> WordTable {
    let mut table = WordTable::new(dim);
    for (index, vector) in noise(words * dim).chunks(dim).enumerate() {
        table.push(&format!("w{index}"), vector).unwrap();
    }
    table
}

/// The cosines of all words with a weighted sum of some words' unit vectors, in f64, straight from the definition.
fn cosines(table: &WordTable, terms: &[(f64, usize)]) -> Vec<f64> {
    let row = |index: usize| table.values()[index * table.dim()..][..table.dim()].iter().map(|&v| f64::from(v));
    let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let unit = |index: usize| {
        let row: Vec<f64> = row(index).collect();
        let length = length(&row);
        row.iter().map(|v| v / length).collect::<Vec<f64>>()
    };
    let mut query = vec![0.0; table.dim()];
    for &(weight, index) in terms {
        query.iter_mut().zip(unit(index)).for_each(|(q, v)| *q += weight * v);
    }
    let scale = length(&query);
    (0..table.words().len()).map(|i| unit(i).iter().zip(&query).map(|(a, b)| a * b).sum::<f64>() / scale).collect()
}

/// Checks words and scores against cosines in f64.
fn check(case: &str, found: &[Neighbour], table: &WordTable, cosines: &[f64], leave_out: &[usize]) {
    let mut order: Vec<usize> = (0..cosines.len()).filter(|index| !leave_out.contains(index)).collect();
    order.sort_by(|&a, &b| cosines[b].total_cmp(&cosines[a]));
    for (rank, neighbour) in found.iter().enumerate() {
        let index = table.words().get_index_of(&neighbour.word).unwrap();
        assert!(!leave_out.contains(&index), "{case}: {} was asked about", neighbour.word);
        assert!((f64::from(neighbour.score) - cosines[index]).abs() < 1e-6, "{case}: {neighbour:?}");
        assert!((cosines[index] - cosines[order[rank]]).abs() < 1e-6, "{case}: {neighbour:?} is not number {rank}");
    }
}

#[test]
fn neighbours_and_analogies_are_those_of_the_definition() {
    for (words, dim) in [(5, 1), (17, 3), (100, 25), (1031, 96), (300, 301)] {
        let table = table(words, dim);
        for threads in [1, 3] {
            let vectors = WordVectors::new("words.vec", table.clone(), threads).unwrap();
            for index in [0, words / 2, words - 1] {
                let found = vectors.nearest(&format!("w{index}"), 7).unwrap();
                assert_eq!(found.len(), 7.min(words - 1));
                check("nearest", &found, &table, &cosines(&table, &[(1.0, index)]), &[index]);
                let (a, b) = ((index + 1) % words, (index + 3) % words);
                let names = [a, b, index].map(|i| format!("w{i}"));
                let found = vectors.analogy([&names[0], &names[1], &names[2]], 7).unwrap();
                let terms = [(-1.0, a), (1.0, b), (1.0, index)];
                check("analogy", &found, &table, &cosines(&table, &terms), &[a, b, index]);
            }
        }
    }
}

fn few(rows: &[(&str, &[f32])]) -> WordVectors {
    let mut table = WordTable::new(rows[0].1.len());
    rows.iter().for_each(|(word, vector)| table.push(word, vector).unwrap());
    WordVectors::new("words.vec", table, 1).unwrap()
}

fn words(found: &[Neighbour]) -> Vec<&str> {
    found.iter().map(|neighbour| neighbour.word.as_str()).collect()
}

#[test]
fn of_equal_words_the_earlier_comes_first() {
    let vectors =
        few(&[("z", &[2.0, 1.0]), ("q", &[1.0, 0.0]), ("a", &[4.0, 2.0]), ("zero", &[0.0, 0.0]), ("m", &[2.0, 1.0])]);
    assert_eq!(words(&vectors.nearest("q", 9).unwrap()), ["z", "a", "m", "zero"]);
    assert_eq!(words(&vectors.nearest("q", 2).unwrap()), ["z", "a"]);
    // No direction: every cosine is zero, none is NaN.
    let found = vectors.nearest("zero", 2).unwrap();
    assert_eq!(words(&found), ["z", "q"]);
    assert_eq!(found[0].score, 0.0);
}

#[test]
fn the_same_word_may_come_twice_in_an_analogy() {
    let vectors = few(&[("a", &[1.0, 0.0]), ("b", &[0.0, 1.0]), ("c", &[1.0, 1.0])]);
    assert_eq!(words(&vectors.analogy(["a", "b", "a"], 5).unwrap()), ["c"]);
    // b − a + c is zero where a = b and c is zero.
    assert_eq!(words(&vectors.analogy(["a", "a", "b"], 5).unwrap()), ["c"]);
}

#[test]
fn unknown_words_are_named() {
    let vectors = few(&[("king", &[1.0]), ("queen", &[1.0])]);
    let error = vectors.nearest("kin\ng", 3).unwrap_err();
    assert_eq!((error.code(), error.to_string().lines().count()), ("word", 1));
    let told = vectors.analogy(["king", "queen", "bishop"], 1).unwrap_err().to_string();
    assert_eq!(told, "words.vec: the word \"bishop\" is not in the vocabulary");
    let told = vectors.nearest("King", 1).unwrap_err().to_string();
    assert_eq!(told, "words.vec: the word \"King\" is not in the vocabulary, but \"king\" is");
}

#[test]
fn counts_are_those_of_single_questions() {
    let table = table(400, 8);
    let vectors = WordVectors::new("words.vec", table, 2).unwrap();
    let mut text = String::from(": one\n");
    for index in 0..300usize {
        let section = if index == 150 { "\n: two\n" } else { "" };
        let word = |factor: usize| (index * factor + factor) % 400;
        // The answers are the second best for every third question, and unknown or wrong words for others.
        let (a, b, c) = (word(7), word(11), word(13));
        let found = vectors.analogy([&format!("w{a}"), &format!("w{b}"), &format!("w{c}")], 7).unwrap();
        let answer = match index % 4 {
            0 => found[0].word.to_uppercase(),
            1 => found[4].word.clone(),
            2 => found[5].word.clone(),
            _ => "unknown".into(),
        };
        text += &format!("{section}w{a} w{b} w{c} {answer}\r\n");
    }
    let set = AnalogySet::parse("questions", text.as_bytes()).unwrap();
    let report = vectors.evaluate(&set, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let counts = |r: &dynasty_run::SectionReport| [r.questions, r.known, r.first, r.first_five];
    assert_eq!(counts(&report.total), [300, 225, 75, 150]);
    assert_eq!(report.sections.iter().map(counts).collect::<Vec<_>>(), [[150, 113, 38, 76], [150, 112, 37, 74]]);
    let mut calls = 0;
    let stopped = vectors.evaluate(&set, &mut |done, total| {
        calls += 1;
        assert!(done < total);
        ControlFlow::Break(())
    });
    assert_eq!((stopped, calls), (None, 1));
}

#[test]
fn damaged_questions_are_refused() {
    let refused = |text: &[u8], expected: &str| {
        let told = AnalogySet::parse("questions.txt", text).unwrap_err().to_string();
        assert!(told.starts_with("questions.txt: line ") && told.contains(expected), "{told}");
    };
    refused(b"", "no questions");
    refused(b": a section\n", "no questions");
    refused(b": s\na b c d\na b c\n", "line 3: expected four words");
    refused(b"a b c d e\n", "line 1: expected four words");
    refused(b"a b c d\n\xff b c d\n", "line 2: not UTF-8");
    assert_eq!(AnalogySet::parse("q", b"a b c d").unwrap().questions(), 1);
}

/// A file of the large test data, unpacked if it is packed.
fn unpacked(path: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(data(path)?).unwrap();
    if !path.ends_with(".gz") {
        return Some(bytes);
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
    Some(plain)
}

/// The counts are those that the description of the data gives: 1,123 of 6,163 at the first place, 2,096 in the first
/// five.
#[test]
fn real_vectors_answer_as_many_questions_as_is_known() {
    let Some(vectors) = unpacked("glove-twitter-25d/glove-twitter-25d-12k.vec.gz") else { return };
    let Some(questions) = unpacked("word-analogies/questions-words.txt") else { return };
    let file = Rc::new(MemoryBytes::new("glove", vectors));
    let vectors = pollster::block_on(WordVectors::open(file, 2)).unwrap();
    assert_eq!((vectors.words().len(), vectors.dim()), (11_925, 25));
    let set = AnalogySet::parse("questions-words.txt", &questions).unwrap();
    let report: AnalogyReport = vectors.evaluate(&set, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let total = &report.total;
    assert_eq!([total.questions, total.known, total.first, total.first_five], [19_544, 6_163, 1_123, 2_096]);
    assert_eq!(report.sections.len(), 14);
}
