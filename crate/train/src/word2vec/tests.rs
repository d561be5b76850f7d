//! The trainer against sums in f64, against itself on other numbers of threads, and on texts whose order is known.

use std::ops::ControlFlow;
use std::rc::Rc;

use format::{FileBytes, WordTable};
use run::WordVectors;

use super::window::{Sigmoid, Window};
use super::*;
use crate::Random;

const CONTINUE: ControlFlow<()> = ControlFlow::Continue(());

/// The changes of a window by the formulas of the paper in f64, with σ itself.
fn changes(inputs: &[Vec<f32>], outputs: &[Vec<f32>], rate: f64) -> Vec<f64> {
    let width = inputs[0].len();
    let mut changes = vec![0.0; (inputs.len() + outputs.len()) * width];
    for (i, h) in inputs.iter().enumerate() {
        for (j, o) in outputs.iter().enumerate() {
            let product: f64 = h.iter().zip(o).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let label = f64::from(u8::from(j == 0));
            let gain = rate * (label - 1.0 / (1.0 + (-product).exp()));
            for (at, (h, o)) in h.iter().zip(o).enumerate() {
                changes[i * width + at] += gain * f64::from(*o);
                changes[(inputs.len() + j) * width + at] += gain * f64::from(*h);
            }
        }
    }
    changes
}

#[test]
fn a_window_changes_as_the_formulas_say() {
    for (inputs, outputs, width, size) in [(1, 1, 16, 0.5), (1, 6, 96, 0.2), (10, 6, 96, 0.1), (7, 26, 304, 0.3)] {
        let random = Random::new(5);
        let row = |index: usize| -> Vec<f32> {
            (0..width).map(|at| (random.normal((index * width + at) as u64) * size) as f32).collect()
        };
        let from: Vec<Vec<f32>> = (0..inputs).map(row).collect();
        let to: Vec<Vec<f32>> = (inputs..inputs + outputs).map(row).collect();
        let wanted = changes(&from, &to, 0.025);
        let (mut found, mut gains) = (vec![f32::NAN; wanted.len()], vec![f32::NAN; inputs * outputs]);
        let from: Vec<&[f32]> = from.iter().map(Vec::as_slice).collect();
        let to: Vec<&[f32]> = to.iter().map(Vec::as_slice).collect();
        let (gains, changes) = (&mut gains[..], &mut found[..]);
        Window { inputs: &from, outputs: &to, gains, changes, rate: 0.025, sigmoid: &Sigmoid::new() }.compute();
        let apart: f64 = found.iter().zip(&wanted).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
        let all: f64 = wanted.iter().map(|b| b * b).sum();
        assert!(apart.sqrt() < 2e-3 * all.sqrt(), "{inputs} x {outputs} x {width}: {apart} of {all}");
    }
}

/// Sentences of two topics that share no word, and of words that come in either.
fn topics(sentences: u64) -> Corpus {
    let mut builder = CorpusBuilder::new(&[]);
    let random = Random::new(11);
    for index in 0..sentences {
        let topic = if index % 2 == 0 { "sea" } else { "hill" };
        let word = |at: u64| match random.of(index).at(at) % 10 {
            0 => "the".to_string(),
            1 => "and".to_string(),
            other => format!("{topic}{}", (other - 2) * 5 + random.of(index).at(at + 100) % 5),
        };
        builder.add(&(0..12).map(word).collect::<Vec<_>>().join(" "));
    }
    builder.build(5, 1000)
}

fn options(architecture: Architecture) -> Options {
    Options { architecture, dim: 20, subsample: 1e-2, epochs: 4, learning_rate: 0.05, ..Options::default() }
}

fn trained(corpus: &Corpus, options: &Options, seed: u64, threads: usize) -> (WordTable, f64) {
    let mut loss = 0.0;
    let vectors = train(corpus, options, seed, threads, &mut |told| {
        loss = told.loss;
        CONTINUE
    });
    (vectors.table(corpus).unwrap(), loss)
}

#[test]
fn words_of_one_topic_come_together() {
    let corpus = topics(4000);
    for (architecture, most) in [(Architecture::SkipGram, 3.1), (Architecture::Cbow, 2.9)] {
        let (table, loss) = trained(&corpus, &options(architecture), 3, 2);
        // Six words by chance give 6 ln 2 = 4.16.
        assert!(loss < most, "{architecture:?}: {loss}");
        let vectors = WordVectors::new("topics", table, 1).unwrap();
        for topic in ["sea", "hill"] {
            for word in 0..40 {
                let near = vectors.nearest(&format!("{topic}{word}"), 20).unwrap();
                let right = near.iter().filter(|near| near.word.starts_with(topic)).count();
                assert!(right >= 18, "{architecture:?}: {right} of 20 near {topic}{word}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let corpus = topics(1500);
    for architecture in [Architecture::SkipGram, Architecture::Cbow] {
        let options = Options { epochs: 2, ..options(architecture) };
        let bits = |seed, threads| -> Vec<u32> {
            trained(&corpus, &options, seed, threads).0.values().iter().map(|value| value.to_bits()).collect()
        };
        let one = bits(1, 1);
        assert!(one == bits(1, 2) && one == bits(1, 5), "{architecture:?}");
        assert!(one != bits(2, 2), "{architecture:?}: another seed");
    }
}

fn recipe(folder: &std::path::Path, more: &str) -> Recipe {
    let text = format!(
        "kind = \"word2vec\"\nname = \"test\"\noutput = \"out.gguf\"\nquant = \"f16\"\n[train]\ndim = 8\n{more}\n\
         [vocabulary]\nmin_count = 2\n[[data]]\nname = \"a\"\nfiles = [\"a.txt\"]\nlayout = \"text\"\n\
         licence = \"public domain\"\n"
    );
    std::fs::write(folder.join("recipe.toml"), text).unwrap();
    std::fs::write(folder.join("a.txt"), "one two three one two three four\n".repeat(300)).unwrap();
    Recipe::open(&folder.join("recipe.toml")).unwrap()
}

#[test]
fn a_recipe_becomes_a_file() {
    let folder = crate::test_folder("word2vec");
    let report = recipe(&folder, "subsample = 0.0").run(2, &mut |_| CONTINUE).unwrap().unwrap();
    assert_eq!((report.words, report.tokens), (4, 2100));
    let file = Rc::new(FileBytes::open(folder.join("out.gguf")).unwrap());
    let table = pollster::block_on(WordTable::open(file)).unwrap();
    assert_eq!(table.words().iter().collect::<Vec<_>>(), ["one", "three", "two", "four"]);
    assert_eq!(table.dim(), 8);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_stopped_or_lost_leaves_no_file() {
    let folder = crate::test_folder("word2vec-stopped");
    let names = || std::fs::read_dir(&folder).unwrap().count();
    let stopped = recipe(&folder, "").run(1, &mut |_| ControlFlow::Break(()));
    assert!(stopped.unwrap().is_none());
    assert_eq!(names(), 2);
    let empty = recipe(&folder, "");
    std::fs::write(folder.join("a.txt"), "").unwrap();
    let told = empty.run(1, &mut |_| CONTINUE).unwrap_err().to_string();
    assert!(told.contains("a.txt") && told.contains("empty"), "{told}");
    std::fs::write(folder.join("a.txt"), b"fine\n\xff\n").unwrap();
    let told = empty.run(1, &mut |_| CONTINUE).unwrap_err().to_string();
    assert!(told.contains("a.txt:2") && told.contains("UTF-8"), "{told}");
    std::fs::write(folder.join("a.txt"), "each word once").unwrap();
    let told = empty.run(1, &mut |_| CONTINUE).unwrap_err().to_string();
    assert!(told.contains("no word that comes 2 times"), "{told}");
    assert_eq!(names(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn wrong_recipes_are_refused_by_field() {
    let check = |train: &str, data: &str, expected: &str| {
        let text = format!(
            "kind = \"word2vec\"\nname = \"test\"\noutput = \"out.gguf\"\n[train]\n{train}\n[[data]]\nname = \"a\"\n\
             files = [\"a.txt\"]\nlayout = \"text\"\nlicence = \"MIT\"\n{data}\n"
        );
        let told = Recipe::parse("r.toml", &text).map(drop).map_err(|error| error.to_string());
        let told = told.expect_err(expected);
        assert!(told.starts_with("r.toml: ") && told.contains(expected) && !told.contains('\n'), "{told}");
    };
    check("dim = 0", "", "train.dim: is 0");
    check("dim = 50", "", "train.dim: is 50, no whole blocks of q8_0");
    check("window = 0", "", "train.window: is 0");
    check("window = 900\ndim = 1024", "", "train.window: and train.negatives are too large");
    check("negatives = 0", "", "train.negatives: is 0");
    check("epochs = 0", "", "train.epochs: is 0");
    check("learning_rate = -1.0", "", "train.learning_rate: is -1");
    check("learning_rate = nan", "", "train.learning_rate");
    check("architecture = \"glove\"", "", "train.architecture");
    check("layers = 2", "", "train.layers");
    check("", "weight = 2.0", "data.a.weight");
    assert!(Recipe::parse("r.toml", "kind = \"gpt\"").is_err());
    assert!(Recipe::is_meant("kind = \"word2vec\"") && !Recipe::is_meant("name = \"gpt\"") && !Recipe::is_meant("["));
}

/// The recipe of the vectors in `models-quantized`, on two of its own sources where they are at hand, once over; the
/// suite plays it on made-up texts.
#[test]
fn our_recipe_in_small_form() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/words-en.toml");
    let mut recipe = Recipe::open(&path).unwrap();
    if !recipe.data_root.exists() {
        println!("NOT RUN: {} is not there", recipe.data_root.display());
        return;
    }
    let folder = crate::test_folder("word2vec-recipe");
    recipe.data.retain(|data| ["tinystories", "onestop-english"].contains(&&*data.name));
    recipe.train.epochs = 1;
    recipe.output = folder.join("words.gguf");
    let report = recipe.run(2, &mut |_| CONTINUE).unwrap().unwrap();
    assert!(report.tokens > 900_000 && report.words > 8_000, "{report:?}");
    assert!(report.loss < 3.0, "{report:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
