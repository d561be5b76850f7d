//! A batch of windows: all read the same rows, then all their changes are added.
//!
//! First the windows, in parts of fixed size, compute their changes from rows that nobody writes; then each stripe of
//! rows takes its changes in the order of the windows. Neither step depends on which thread does what, so the result
//! is bit for bit the same for any number of threads; and a row is changed by one thread alone.

use std::sync::{PoisonError, RwLock};

use run::Pool;

use super::parameters::{Parameters, STRIPES, place};
use super::sample::{Alias, Draws};
use super::window::{Sigmoid, Window, loss};
use crate::Random;

/// Windows of a batch at most: all of them see the rows as they were before it.
const BATCH: usize = 512;
/// Words for each window of a batch: changes of one row that do not know of each other overshoot when there are many.
const WORDS: usize = 32;
/// Windows of a part.
const PART: usize = 64;
/// One window of so many tells its loss.
const TOLD: u64 = 16;

/// Whether words around tell the word in the middle, or their mean does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Each word alone: slower, better for rare words.
    #[default]
    SkipGram,
    /// The mean of the words: faster.
    Cbow,
}

/// A word with those around it: places in the kept tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Center {
    /// The word.
    pub(super) at: u32,
    /// Where its sentence begins.
    pub(super) start: u32,
    /// Where its sentence ends.
    pub(super) end: u32,
    /// Its place in the corpus, which its random numbers depend on.
    pub(super) place: u64,
}

/// What windows change, in their order.
#[derive(Default)]
struct Part {
    changes: Vec<f32>,
    used: usize,
    gains: Vec<f32>,
    /// For each stripe of the inputs, then of the outputs: a row's place in it, and where its change is.
    rows: Vec<Vec<(u32, u32)>>,
    loss: Loss,
}

/// The sum of −log σ(±h·o) over pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    pub(super) sum: f64,
    pub(super) pairs: u64,
}

/// What does not change while vectors are trained, and room to work in.
pub(super) struct Batches<'a> {
    pub(super) pool: &'a Pool,
    pub(super) inputs: &'a Parameters,
    pub(super) outputs: &'a Parameters,
    pub(super) architecture: Architecture,
    pub(super) window: u32,
    pub(super) negatives: usize,
    pub(super) wrong: &'a Alias,
    pub(super) sigmoid: Sigmoid,
    /// Windows of a batch.
    pub(super) size: usize,
    parts: Vec<RwLock<Part>>,
}

impl<'a> Batches<'a> {
    pub(super) fn new(
        pool: &'a Pool,
        inputs: &'a Parameters,
        outputs: &'a Parameters,
        architecture: Architecture,
        window: u32,
        negatives: usize,
        wrong: &'a Alias,
    ) -> Batches<'a> {
        let parts = (0..BATCH / PART).map(|_| RwLock::default()).collect();
        let sigmoid = Sigmoid::new();
        let size = (wrong.len() / WORDS).clamp(1, BATCH);
        Batches { pool, inputs, outputs, architecture, window, negatives, wrong, sigmoid, size, parts }
    }

    /// Learns from up to [`Batches::size`] windows over `kept`; gives the loss of some of them, as it was before.
    pub(super) fn step(&self, kept: &[u32], centers: &[Center], random: Random, rate: f32) -> Loss {
        let groups: Vec<&[Center]> = centers.chunks(PART).collect();
        self.pool.run(groups.len(), &|index| {
            let mut part = self.parts[index].write().unwrap_or_else(PoisonError::into_inner);
            self.changes(&mut part, kept, groups[index], random, rate);
        });
        self.pool.run(2 * STRIPES, &|stripe| self.add(stripe, groups.len()));
        let mut loss = Loss::default();
        for part in &self.parts[..groups.len()] {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            loss.sum += part.loss.sum;
            loss.pairs += part.loss.pairs;
        }
        loss
    }

    /// Adds the changes of all parts to one stripe.
    fn add(&self, stripe: usize, parts: usize) {
        let parameters = if stripe < STRIPES { self.inputs } else { self.outputs };
        let width = parameters.width();
        let mut rows = parameters.write(stripe % STRIPES);
        for part in &self.parts[..parts] {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            for &(row, at) in &part.rows[stripe] {
                let change = &part.changes[at as usize..][..width];
                rows[row as usize * width..][..width]
                    .iter_mut()
                    .zip(change)
                    .for_each(|(value, change)| *value += change);
            }
        }
    }

    fn changes(&self, part: &mut Part, kept: &[u32], centers: &[Center], random: Random, rate: f32) {
        let width = self.inputs.width();
        let most = 2 * self.window as usize + 2 + self.negatives;
        part.changes.resize(PART * most * width, 0.0);
        part.gains.resize(most * (self.negatives + 1), 0.0);
        part.rows.resize(2 * STRIPES, Vec::new());
        part.rows.iter_mut().for_each(Vec::clear);
        (part.used, part.loss) = (0, Loss::default());
        let (input_rows, output_rows) = (self.inputs.read(), self.outputs.read());
        let mut mean = vec![0.0; width];
        let (mut around, mut asked) = (Vec::new(), Vec::new());
        let (mut from, mut to): (Vec<&[f32]>, Vec<&[f32]>) = (Vec::new(), Vec::new());
        for center in centers {
            let mut draws = Draws::at(random, center.place);
            self.words(kept, center, &mut draws, &mut around, &mut asked);
            if around.is_empty() {
                continue;
            }
            from.clear();
            from.extend(around.iter().map(|&word| input_rows.row(word)));
            to.clear();
            to.extend(asked.iter().map(|&word| output_rows.row(word)));
            let inputs = match self.architecture {
                Architecture::SkipGram => &from[..],
                Architecture::Cbow => {
                    average(&from, &mut mean);
                    &[&mean[..]]
                }
            };
            self.window(part, inputs, &to, rate);
            if center.place.is_multiple_of(TOLD) {
                part.loss.sum += loss(&part.gains[..inputs.len() * to.len()], rate);
                part.loss.pairs += inputs.len() as u64;
            }
            part.note(self.architecture, &around, &asked, width);
        }
    }

    /// The words around a word, and those that it is told from, itself first.
    fn words(&self, kept: &[u32], center: &Center, draws: &mut Draws, around: &mut Vec<u32>, asked: &mut Vec<u32>) {
        let reach = 1 + draws.below(self.window);
        let first = center.at.saturating_sub(reach).max(center.start);
        let end = (center.at + reach + 1).min(center.end);
        let word = kept[center.at as usize];
        around.clear();
        around.extend_from_slice(&kept[first as usize..center.at as usize]);
        around.extend_from_slice(&kept[center.at as usize + 1..end as usize]);
        asked.clear();
        asked.push(word);
        asked.extend((0..self.negatives).map(|_| self.wrong.draw(draws)).filter(|&wrong| wrong != word));
    }

    fn window(&self, part: &mut Part, from: &[&[f32]], to: &[&[f32]], rate: f32) {
        let room = (from.len() + to.len()) * self.inputs.width();
        let gains = &mut part.gains[..from.len() * to.len()];
        let changes = &mut part.changes[part.used..][..room];
        Window { inputs: from, outputs: to, gains, changes, rate, sigmoid: &self.sigmoid }.compute();
    }
}

impl Part {
    /// Remembers which rows the changes of the last window belong to.
    fn note(&mut self, architecture: Architecture, around: &[u32], asked: &[u32], width: usize) {
        let mut note = |first: usize, word: u32, at: usize| {
            let (stripe, row) = place(word);
            self.rows[first + stripe].push((row as u32, at as u32));
        };
        let mut at = self.used;
        for &word in around {
            note(0, word, at);
            if architecture == Architecture::SkipGram {
                at += width;
            }
        }
        if architecture == Architecture::Cbow {
            at += width;
        }
        for &word in asked {
            note(STRIPES, word, at);
            at += width;
        }
        self.used = at;
    }
}

fn average(rows: &[&[f32]], mean: &mut [f32]) {
    mean.fill(0.0);
    for row in rows {
        mean.iter_mut().zip(*row).for_each(|(mean, value)| *mean += value);
    }
    let share = 1.0 / rows.len() as f32;
    mean.iter_mut().for_each(|mean| *mean *= share);
}
