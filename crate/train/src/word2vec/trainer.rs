//! The loop over the corpus.

use std::ops::{ControlFlow, Range};

use format::WordTable;
use run::Pool;

use super::Corpus;
use super::batch::{Architecture, Batches, Center, Loss};
use super::parameters::Parameters;
use super::sample::{Alias, Draws, keep_chances};
use crate::Random;

/// How vectors are learned.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Skip-gram or CBOW.
    pub architecture: Architecture,
    /// Values of a vector.
    pub dim: usize,
    /// Words to each side, at most; each window draws its own width from 1 to this.
    pub window: u32,
    /// Drawn words for each window.
    pub negatives: usize,
    /// The power of a word's count by which it is drawn.
    pub power: f64,
    /// Words of a larger share of the corpus are thinned out; 0 for none.
    pub subsample: f64,
    /// Times that the corpus is read.
    pub epochs: u64,
    /// The learning rate at the beginning; it falls evenly to `floor` of it.
    pub learning_rate: f64,
    /// The share of the learning rate at the end.
    pub floor: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            architecture: Architecture::SkipGram,
            dim: 96,
            window: 5,
            negatives: 5,
            power: 0.75,
            subsample: 1e-4,
            epochs: 5,
            learning_rate: 0.025,
            floor: 1e-4,
        }
    }
}

/// How far training is.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Progress {
    /// Words of the corpus that were read, each epoch's counted.
    pub done: u64,
    /// Words that will be.
    pub total: u64,
    /// The learning rate.
    pub rate: f64,
    /// The mean of −log σ over a window's right word and its drawn ones, for each word around it, since the last report.
    pub loss: f64,
}

/// Tokens whose windows are prepared at once.
const PIECE: usize = 1 << 16;

/// Learns a vector for each word of a corpus. The same options, seed and corpus give the same vectors bit for bit, on
/// any number of threads (with the same instructions: a machine without fused multiplication rounds otherwise).
///
/// `progress` is told after every piece, and may stop the work; the vectors are those of that moment then.
///
/// # Panics
/// If the corpus is empty or the options are out of the bounds that [`super::Recipe`] checks.
pub fn train(
    corpus: &Corpus,
    options: &Options,
    seed: u64,
    threads: usize,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Vectors {
    let random = Random::new(seed);
    let (words, dim) = (corpus.words.len(), options.dim);
    let first = random.named("vectors");
    let start = |row: usize, column: usize| ((first.unit((row * dim + column) as u64) - 0.5) / dim as f64) as f32;
    let (inputs, outputs) = (Parameters::new(words, dim, start), Parameters::new(words, dim, |_, _| 0.0));
    let wrong = Alias::new(&corpus.counts.iter().map(|&count| (count as f64).powf(options.power)).collect::<Vec<_>>());
    let pool = Pool::new(threads);
    let Options { architecture, window, negatives, .. } = *options;
    let batches = Batches::new(&pool, &inputs, &outputs, architecture, window, negatives, &wrong);
    let keep = keep_chances(&corpus.counts, options.subsample);
    let mut state = State { done: 0, total: corpus.len() as u64 * options.epochs, options };
    'epochs: for epoch in 0..options.epochs {
        let random = random.named("epoch").of(epoch);
        let mut order: Vec<usize> = (0..corpus.documents.len()).collect();
        random.named("order").shuffle(&mut order);
        let mut sentences = order.iter().flat_map(|&document| corpus.document(document));
        loop {
            let piece = Piece::take(&mut sentences, corpus, &keep, random.named("keep"));
            if piece.read == 0 {
                break;
            }
            if progress(state.learn(&batches, &piece, random.named("windows"))).is_break() {
                break 'epochs;
            }
        }
    }
    drop(batches);
    Vectors { inputs, dim }
}

/// What was learned.
pub struct Vectors {
    inputs: Parameters,
    dim: usize,
}

impl Vectors {
    /// The vectors with their words, the most frequent first.
    ///
    /// # Errors
    /// The reason, if a value is no finite number: the learning rate was too large.
    pub fn table(&self, corpus: &Corpus) -> Result<WordTable, String> {
        let mut table = WordTable::new(self.dim);
        let rows = self.inputs.read();
        for (word, index) in corpus.words.iter().zip(0u32..) {
            table.push(word, &rows.row(index)[..self.dim])?;
        }
        Ok(table)
    }
}

/// How far the loop is.
struct State<'a> {
    done: u64,
    total: u64,
    options: &'a Options,
}

impl State<'_> {
    fn rate(&self, done: u64) -> f64 {
        let left = 1.0 - done as f64 / self.total as f64;
        self.options.learning_rate * left.max(self.options.floor)
    }

    fn learn(&mut self, batches: &Batches<'_>, piece: &Piece, random: Random) -> Progress {
        let mut loss = Loss::default();
        for (index, centers) in piece.centers.chunks(batches.size).enumerate() {
            let share = (index * batches.size) as f64 / piece.centers.len() as f64;
            let rate = self.rate(self.done + (share * piece.read as f64) as u64);
            let told = batches.step(&piece.kept, centers, random, rate as f32);
            loss = Loss { sum: loss.sum + told.sum, pairs: loss.pairs + told.pairs };
        }
        self.done += piece.read as u64;
        let loss = loss.sum / loss.pairs.max(1) as f64;
        Progress { done: self.done, total: self.total, rate: self.rate(self.done), loss }
    }
}

/// Some sentences' words without those that are thinned out.
#[derive(Default)]
struct Piece {
    /// Words of the corpus.
    read: usize,
    /// Those that stay.
    kept: Vec<u32>,
    centers: Vec<Center>,
}

impl Piece {
    /// The next sentences, [`PIECE`] words and no more than one sentence beyond.
    fn take(
        sentences: &mut impl Iterator<Item = Range<usize>>,
        corpus: &Corpus,
        keep: &[u32],
        random: Random,
    ) -> Piece {
        let mut piece = Piece::default();
        while piece.read < PIECE
            && let Some(sentence) = sentences.next()
        {
            piece.add(sentence, corpus, keep, random);
        }
        piece
    }

    fn add(&mut self, sentence: Range<usize>, corpus: &Corpus, keep: &[u32], random: Random) {
        let start = self.kept.len() as u32;
        let mut draws = Draws::at(random, sentence.start as u64);
        self.read += sentence.len();
        for (&word, place) in corpus.tokens[sentence.clone()].iter().zip(sentence.start as u64..) {
            if draws.bits() <= keep[word as usize] {
                let at = self.kept.len() as u32;
                self.kept.push(word);
                self.centers.push(Center { at, start, end: 0, place });
            }
        }
        let end = self.kept.len() as u32;
        self.centers[start as usize..].iter_mut().for_each(|center| center.end = end);
    }
}
