//! Beam search: scores in, choice out. No device, no tokenizer.
//!
//! Reference: `GenerationMixin._beam_search` of transformers 5, for one text. Sums are in single precision as there, so
//! that what is nearly alike is chosen alike.

use std::cmp::Ordering;

use super::{BeamConfig, EarlyStopping};

/// The score of what must not be chosen. It is finite: a beam that has to go on goes on with it.
const OUT: f32 = -1e9;

/// A text and its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Beam {
    /// Its tokens, those that it began with among them.
    pub tokens: Vec<u32>,
    /// The log-probability of the new ones; of a finished text by its length.
    pub score: f32,
}

/// A beam with one more token.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    parent: usize,
    token: u32,
    score: f32,
    /// It ends with this token.
    ends: bool,
}

/// The search for one text.
#[derive(Clone, Debug)]
pub struct BeamSearch {
    config: BeamConfig,
    eos: Vec<u32>,
    /// Tokens that were there before.
    start: usize,
    longest: usize,
    running: Vec<Beam>,
    /// The best finished texts in falling order, no more than there are beams.
    finished: Vec<Beam>,
}

impl BeamSearch {
    /// Begins with some tokens; a text ends with one of `eos` or at `longest` tokens.
    pub fn new(config: BeamConfig, start: &[u32], longest: usize, eos: &[u32]) -> Self {
        // All beams are alike at first: only the first one may be continued.
        let beam = |i| Beam { tokens: start.to_vec(), score: if i == 0 { 0.0 } else { OUT } };
        let running = (0..config.beams).map(beam).collect();
        Self { config, eos: eos.to_vec(), start: start.len(), longest, running, finished: Vec::new() }
    }

    /// The beams, the best first.
    pub fn running(&self) -> &[Beam] {
        &self.running
    }

    /// Tokens of each running beam.
    pub fn len(&self) -> usize {
        self.running.first().map_or(0, |beam| beam.tokens.len())
    }

    /// Whether there are no tokens yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Continues each beam. Returns which beams of before the new ones continue, or `None` at the end of the search.
    ///
    /// # Shapes
    /// `scores` [beams, V]: the log-probability of each next token, −∞ where it must not come.
    pub fn step(&mut self, scores: &[f32]) -> Option<Vec<usize>> {
        let n = self.config.beams;
        let mut candidates = self.candidates(scores);
        let grown = self.len() + 1 - self.start;
        // Those behind the first n are there so that enough beams can go on.
        let full = self.is_full();
        for candidate in candidates.iter().take(n).filter(|candidate| candidate.ends) {
            if !(full && self.config.early_stopping == EarlyStopping::Enough) {
                self.finish(candidate, grown);
            }
        }
        let none_goes_on = candidates.iter().all(|candidate| candidate.ends);
        candidates.iter_mut().filter(|candidate| candidate.ends).for_each(|candidate| candidate.score += OUT);
        candidates.sort_by(|a, b| falling(a.score, b.score));
        candidates.truncate(n);
        let parents = candidates.iter().map(|candidate| candidate.parent).collect();
        self.running = candidates.iter().map(|candidate| self.continued(candidate, candidate.score)).collect();
        (!none_goes_on && !self.is_over(grown)).then_some(parents)
    }

    /// The likeliest continuations in falling order: enough that some go on even if all end tokens come.
    fn candidates(&self, scores: &[f32]) -> Vec<Candidate> {
        let n_vocab = scores.len() / self.config.beams;
        let most = self.config.beams * (1 + self.eos.len()).max(2);
        let longest = self.len() + 1 >= self.longest;
        let mut best: Vec<Candidate> = Vec::with_capacity(most + 1);
        for (parent, (beam, scores)) in self.running.iter().zip(scores.chunks_exact(n_vocab.max(1))).enumerate() {
            for (token, score) in (0u32..).zip(scores) {
                let score = score + beam.score;
                if best.len() == most && best.last().is_some_and(|last| falling(last.score, score) != Ordering::Greater)
                {
                    continue;
                }
                let at = best.partition_point(|other| falling(other.score, score) != Ordering::Greater);
                let ends = longest || self.eos.contains(&token);
                best.insert(at, Candidate { parent, token, score, ends });
                best.truncate(most);
            }
        }
        best
    }

    fn continued(&self, candidate: &Candidate, score: f32) -> Beam {
        let mut tokens = self.running[candidate.parent].tokens.clone();
        tokens.push(candidate.token);
        Beam { tokens, score }
    }

    /// Keeps a finished text of `grown` new tokens if it is among the best.
    fn finish(&mut self, candidate: &Candidate, grown: usize) {
        let score = candidate.score / self.divisor(grown);
        if score <= OUT || score.is_nan() {
            return;
        }
        let at = self.finished.partition_point(|other| falling(other.score, score) != Ordering::Greater);
        self.finished.insert(at, self.continued(candidate, score));
        self.finished.truncate(self.config.beams);
    }

    fn divisor(&self, length: usize) -> f32 {
        (length as f64).powf(self.config.length_penalty) as f32
    }

    fn is_full(&self) -> bool {
        self.finished.len() == self.config.beams
    }

    /// Whether no beam can or need become better, after `grown` new tokens.
    fn is_over(&self, grown: usize) -> bool {
        if !self.is_full() {
            return false;
        }
        if self.config.early_stopping == EarlyStopping::Enough {
            return true;
        }
        let hopes = self.config.early_stopping == EarlyStopping::Never && self.config.length_penalty > 0.0;
        let length = if hopes { self.longest - self.start } else { grown };
        let best = self.running.first().map_or(OUT, |beam| beam.score) / self.divisor(length);
        let worst = self.finished.last().map_or(OUT, |beam| beam.score);
        !matches!(best.partial_cmp(&worst), Some(Ordering::Greater))
    }

    /// The new tokens of the best finished text and its score; of the best running one if none is finished.
    pub fn best(self) -> Beam {
        let start = self.start;
        let mut best =
            self.finished.into_iter().chain(self.running).next().unwrap_or(Beam { tokens: vec![], score: OUT });
        best.tokens.drain(..start.min(best.tokens.len()));
        best
    }
}

/// Larger scores first; what is no number last.
fn falling(a: f32, b: f32) -> Ordering {
    let order = |score: f32| if score.is_nan() { f32::NEG_INFINITY } else { score };
    order(b).total_cmp(&order(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BeamConfig = BeamConfig { beams: 2, length_penalty: 1.0, early_stopping: EarlyStopping::Likely };
    const END: u32 = 0;

    fn row(probs: [f32; 4]) -> [f32; 4] {
        probs.map(f32::ln)
    }

    #[test]
    fn the_likeliest_text_is_not_that_of_the_likeliest_tokens() {
        // 1 is likelier than 2 at first, but what follows 1 is uncertain.
        let mut search = BeamSearch::new(CONFIG, &[9], 4, &[END]);
        let first = row([0.0, 0.6, 0.4, 0.0]);
        assert_eq!(search.step(&[first, first].concat()), Some(vec![0, 0]));
        assert_eq!(search.running().iter().map(|beam| beam.tokens[1]).collect::<Vec<_>>(), [1, 2]);
        let second = [row([0.1, 0.3, 0.3, 0.3]), row([0.9, 0.05, 0.05, 0.0])].concat();
        // The end after 2 is the best candidate; both that go on continue 1.
        assert_eq!(search.step(&second), Some(vec![0, 0]));
        let third = [row([0.25; 4]), row([0.25; 4])].concat();
        assert_eq!(search.step(&third), None, "the longest text");
        let best = search.best();
        assert_eq!(best.tokens, [2, END]);
        assert!((best.score - (0.36f32.ln() / 2.0)).abs() < 1e-6);
    }

    /// Whether the search is over after two steps with these probabilities, at each of which a text ends.
    fn over_after_two(probs: [f32; 4], early_stopping: EarlyStopping, length_penalty: f64) -> bool {
        let config = BeamConfig { early_stopping, length_penalty, ..CONFIG };
        let mut search = BeamSearch::new(config, &[9], 50, &[END]);
        let both = [row(probs), row(probs)].concat();
        search.step(&both).unwrap();
        search.step(&both).is_none()
    }

    #[test]
    fn the_search_ends_as_it_is_told() {
        use EarlyStopping::{Enough, Likely, Never};
        // The end is the second choice: −0.51 a token goes on, −1.2 is the worst finished text.
        let goes_on = [0.3, 0.6, 0.1, 0.0];
        assert!(over_after_two(goes_on, Enough, 1.0));
        assert!(!over_after_two(goes_on, Likely, 1.0) && !over_after_two(goes_on, Likely, 0.0));
        // The end is the first choice: −1.2 a token goes on, −0.86 is the worst finished text.
        let ends = [0.6, 0.3, 0.1, 0.0];
        assert!(over_after_two(ends, Likely, 1.0) && over_after_two(ends, Never, 0.0));
        assert!(!over_after_two(ends, Never, 1.0), "fifty tokens could make it −0.05 a token");
    }

    #[test]
    fn what_must_not_come_does_not_come() {
        let mut search = BeamSearch::new(CONFIG, &[9], 5, &[END]);
        let only = [f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0];
        search.step(&[only, only].concat()).unwrap();
        assert_eq!(search.running()[0], Beam { tokens: vec![9, 3], score: 0.0 });
        // Nothing at all is possible: the search goes on to its end and does not fail.
        let none = [f32::NEG_INFINITY; 8];
        while search.step(&none).is_some() {}
        assert_eq!(search.best().tokens.len(), 4);
    }

    #[test]
    fn numbers_that_are_none_come_last() {
        let mut search = BeamSearch::new(CONFIG, &[9], 5, &[END]);
        let odd = [f32::NAN, -1.0, f32::NAN, -2.0];
        search.step(&[odd, odd].concat()).unwrap();
        assert_eq!(search.running().iter().map(|beam| beam.tokens[1]).collect::<Vec<_>>(), [1, 3]);
    }
}
