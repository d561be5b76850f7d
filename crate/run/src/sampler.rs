//! Logits to the next token.
//!
//! Order: repetition, presence and frequency penalties, logit bias, temperature, top-k, top-p, min-p, then one draw.
//! Penalties are those of the reference library (repetition) and of OpenAI's API (presence, frequency); top-p keeps the
//! token that crosses the threshold, min-p is measured against the most probable token, as in both.

use crate::Error;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The most tokens that a device is asked for: more are slower to find there than all logits are to copy.
const MOST_LIKELIEST: usize = 128;

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerConfig {
    /// Divides the logits; 0 takes the largest.
    pub temperature: f32,
    /// Keeps that many of the most probable tokens; 0 keeps all.
    pub top_k: u32,
    /// Keeps the most probable tokens until their probabilities sum up to this; 1 keeps all.
    pub top_p: f32,
    /// Keeps tokens at least this share as probable as the most probable; 0 keeps all.
    pub min_p: f32,
    /// Divides the positive logits of tokens that were there before and multiplies the negative ones; 1 does nothing.
    pub repetition_penalty: f32,
    /// Taken from the logits of tokens that were there before.
    pub presence_penalty: f32,
    /// Taken from the logit of a token once for each time it was there before.
    pub frequency_penalty: f32,
    /// Added to the logits of some tokens.
    pub logit_bias: Vec<(u32, f32)>,
    /// The same seed gives the same tokens; `None` draws one.
    pub seed: Option<u64>,
}

impl Default for SamplerConfig {
    /// Plain sampling from the model's own probabilities.
    fn default() -> Self {
        SamplerConfig {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
            seed: None,
        }
    }
}

impl SamplerConfig {
    /// Always the largest logit.
    pub fn greedy() -> SamplerConfig {
        SamplerConfig { temperature: 0.0, ..SamplerConfig::default() }
    }

    /// Whether nothing but the largest logit matters, so that a device can find it alone.
    pub fn is_plain_greedy(&self) -> bool {
        self.temperature == 0.0 && self.logit_bias.is_empty() && !self.has_penalties()
    }

    /// How many of the likeliest tokens decide alone, so that a device can find them: top-k comes first, and top-p and
    /// min-p see no more than it keeps. `None` if any token of the vocabulary of `n_vocab` may matter.
    pub fn likeliest(&self, n_vocab: usize) -> Option<usize> {
        let k = self.top_k as usize;
        let few = k > 0 && k <= MOST_LIKELIEST && k < n_vocab;
        (few && self.temperature > 0.0 && self.logit_bias.is_empty() && !self.has_penalties()).then_some(k)
    }

    /// Whether the tokens before matter.
    pub fn has_penalties(&self) -> bool {
        self.repetition_penalty != 1.0 || self.presence_penalty != 0.0 || self.frequency_penalty != 0.0
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Sampler`] names the first setting that has no meaning.
    pub fn validate(&self) -> Result<(), Error> {
        let check = |setting, value: f32, fits: bool, rule: &str| match fits && value.is_finite() {
            true => Ok(()),
            false => Err(Error::sampler(setting, format!("{value} is not {rule}"))),
        };
        check("temperature", self.temperature, self.temperature >= 0.0, "a number of at least 0")?;
        check("top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "above 0 and at most 1")?;
        check("min_p", self.min_p, (0.0..=1.0).contains(&self.min_p), "between 0 and 1")?;
        check("repetition_penalty", self.repetition_penalty, self.repetition_penalty > 0.0, "a number above 0")?;
        check("presence_penalty", self.presence_penalty, true, "a number")?;
        check("frequency_penalty", self.frequency_penalty, true, "a number")?;
        self.logit_bias.iter().try_for_each(|&(_, bias)| check("logit_bias", bias, true, "a number"))
    }
}

/// Chooses one token after the other.
#[derive(Debug, Clone)]
pub struct Sampler {
    config: SamplerConfig,
    random: Random,
    /// Reused from token to token.
    counts: HashMap<u32, u32>,
    candidates: Vec<Candidate>,
    weights: Vec<f64>,
}

/// A token that may be chosen.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    id: u32,
    logit: f32,
}

/// Larger logits first, lower ids first among equals.
fn by_logit(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id))
}

impl Sampler {
    /// A sampler with its own random numbers.
    ///
    /// # Errors
    /// [`Error::Sampler`] if a setting has no meaning, or there is no source of randomness to draw a seed from.
    pub fn new(config: SamplerConfig) -> Result<Sampler, Error> {
        config.validate()?;
        let seed = match config.seed {
            Some(seed) => seed,
            None => fresh_seed()?,
        };
        let random = Random { seed, drawn: 0 };
        Ok(Sampler { config, random, counts: HashMap::new(), candidates: Vec::new(), weights: Vec::new() })
    }

    /// The settings.
    pub fn config(&self) -> &SamplerConfig {
        &self.config
    }

    /// The next token, given its logits and the ids before it (prompt included). The logits are changed.
    ///
    /// Logits that are not numbers are never chosen; if none is a number, the first token is.
    ///
    /// # Shapes
    /// `logits` [V]; `history` any length.
    pub fn sample(&mut self, logits: &mut [f32], history: &[u32]) -> u32 {
        self.adjust(logits, history);
        if self.config.temperature == 0.0 {
            return argmax(logits);
        }
        self.collect((0u32..).zip(logits.iter().copied()));
        self.keep_top_k();
        self.choose()
    }

    /// Penalties and biases.
    pub(crate) fn adjust(&mut self, logits: &mut [f32], history: &[u32]) {
        self.penalise(logits, history);
        for &(id, bias) in &self.config.logit_bias {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit += bias;
            }
        }
    }

    /// The next token, given the logits of the likeliest alone, as many as [`SamplerConfig::likeliest`] says: the token
    /// that [`Sampler::sample`] would draw from all.
    ///
    /// # Shapes
    /// `logits` [k] in falling order, lower ids first among equals; `ids` [k].
    pub fn sample_likeliest(&mut self, logits: &[f32], ids: &[i32]) -> u32 {
        self.collect(ids.iter().map(|id| *id as u32).zip(logits.iter().copied()));
        self.choose()
    }

    fn choose(&mut self) -> u32 {
        self.weigh();
        self.keep_min_p();
        self.draw()
    }

    /// Lowers the logits of tokens that were there before.
    fn penalise(&mut self, logits: &mut [f32], history: &[u32]) {
        if !self.config.has_penalties() {
            return;
        }
        self.counts.clear();
        for &id in history {
            *self.counts.entry(id).or_default() += 1;
        }
        for (&id, &count) in &self.counts {
            if let Some(logit) = logits.get_mut(id as usize) {
                let factor = self.config.repetition_penalty;
                *logit = if *logit < 0.0 { *logit * factor } else { *logit / factor };
                *logit -= self.config.presence_penalty + self.config.frequency_penalty * count as f32;
            }
        }
    }

    /// The tokens whose logits are numbers; an infinite one counts as the largest number.
    fn collect(&mut self, logits: impl Iterator<Item = (u32, f32)>) {
        self.candidates.clear();
        let usable = logits.filter(|(_, logit)| *logit > f32::NEG_INFINITY);
        self.candidates.extend(usable.map(|(id, logit)| Candidate { id, logit: logit.min(f32::MAX) }));
    }

    /// Keeps the k largest in falling order, without sorting the rest.
    fn keep_top_k(&mut self) {
        let k = self.config.top_k as usize;
        if k > 0 && k < self.candidates.len() {
            self.candidates.select_nth_unstable_by(k - 1, by_logit);
            self.candidates.truncate(k);
            self.candidates.sort_unstable_by(by_logit);
        }
    }

    /// Gives each candidate its probability times a common factor: the most probable has weight 1.
    fn weigh(&mut self) {
        let largest = self.candidates.iter().map(|candidate| candidate.logit).fold(f32::MIN, f32::max);
        let temperature = f64::from(self.config.temperature);
        let weight = |candidate: &Candidate| ((f64::from(candidate.logit) - f64::from(largest)) / temperature).exp();
        let total: f64 = self.candidates.iter().map(weight).sum();
        if self.config.top_p < 1.0 {
            keep_top_p(&mut self.candidates, total * f64::from(self.config.top_p), weight);
        }
        self.weights.clear();
        self.weights.extend(self.candidates.iter().map(weight));
    }

    /// Keeps tokens that are at least min-p times as probable as the most probable, whose weight is 1.
    fn keep_min_p(&mut self) {
        let least = f64::from(self.config.min_p);
        if least == 0.0 {
            return;
        }
        let mut kept = 0;
        for at in 0..self.candidates.len() {
            if self.weights[at] >= least {
                self.candidates.swap(kept, at);
                self.weights.swap(kept, at);
                kept += 1;
            }
        }
        self.candidates.truncate(kept);
        self.weights.truncate(kept);
    }

    /// Draws one of the candidates by their weights.
    fn draw(&mut self) -> u32 {
        let total: f64 = self.weights.iter().sum();
        let mut point = self.random.next() * total;
        for (candidate, weight) in self.candidates.iter().zip(&self.weights) {
            point -= weight;
            if point < 0.0 {
                return candidate.id;
            }
        }
        self.candidates.last().map_or(0, |candidate| candidate.id)
    }
}

/// Keeps the most probable candidates until their weights reach `wanted`. Only as many are sorted as are needed, in steps
/// that grow.
fn keep_top_p(candidates: &mut Vec<Candidate>, wanted: f64, weight: impl Fn(&Candidate) -> f64) {
    let (mut sorted, mut sum) = (0, 0.0);
    while sorted < candidates.len() {
        let rest = &mut candidates[sorted..];
        let step = (sorted * 3).max(256).min(rest.len());
        if step < rest.len() {
            rest.select_nth_unstable_by(step - 1, by_logit);
        }
        rest[..step].sort_unstable_by(by_logit);
        for (at, candidate) in rest[..step].iter().enumerate() {
            sum += weight(candidate);
            if sum >= wanted {
                candidates.truncate(sorted + at + 1);
                return;
            }
        }
        sorted += step;
    }
}

/// The id of the largest logit, the lowest of equals; 0 if none is a number.
pub fn argmax(logits: &[f32]) -> u32 {
    let mut best: Option<(u32, f32)> = None;
    for (id, &logit) in (0u32..).zip(logits) {
        if !logit.is_nan() && best.is_none_or(|(_, largest)| logit > largest) {
            best = Some((id, logit));
        }
    }
    best.map_or(0, |(id, _)| id)
}

/// A seed that nobody knows.
fn fresh_seed() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Error::sampler("seed", format!("no random numbers here: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Random numbers counted from a seed, so that a saved sampler goes on where it stopped (SplitMix64: Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    /// The next one, from 0 to below 1.
    fn next(&mut self) -> f64 {
        self.drawn += 1;
        let mut z = self.seed.wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
