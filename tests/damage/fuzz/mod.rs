//! Every parser on damaged bytes: no panic, no hang, little memory, and messages of one line.
//!
//! A short run with a fixed seed is part of the tests; `cargo xtask fuzz SECONDS` runs each parser for so long.

mod memory;
mod mutate;
mod parsers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use dynasty_tests::Numbers;

/// Inputs of the short run.
const SHORT: u64 = 400;

/// What one damaged input may take: the program's contract.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1 << 30;

/// A parser and inputs that it accepts.
struct Parser {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    /// Reads and uses what was read; the message of an error.
    read: Box<Read>,
}

type Read = dyn Fn(&[u8]) -> Result<(), String>;

impl Parser {
    fn new(name: &'static str, seeds: Vec<Vec<u8>>, read: impl Fn(&[u8]) -> Result<(), String> + 'static) -> Self {
        assert!(!seeds.is_empty(), "{name} has no input to begin with");
        for (i, seed) in seeds.iter().enumerate() {
            read(seed).unwrap_or_else(|error| panic!("{name}: input {i} is refused undamaged: {error}"));
        }
        Self { name, seeds, read: Box::new(read) }
    }

    /// The damaged input of a number, which it is made anew from.
    fn input(&self, number: u64) -> Vec<u8> {
        let mut numbers = Numbers::new(Numbers::seed_of(self.name) ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (seed, other) = (numbers.below(self.seeds.len()), numbers.below(self.seeds.len()));
        mutate::mutate(&mut numbers, &self.seeds[seed], &self.seeds[other])
    }

    /// What is wrong with how an input is read, if anything is; whether it was accepted otherwise.
    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let start = Instant::now();
        let (outcome, bytes) = memory::most_during(|| catch_unwind(AssertUnwindSafe(|| (self.read)(input))));
        let message = match outcome {
            Err(_) => return Err("panics".into()),
            Ok(Ok(())) => None,
            Ok(Err(message)) => Some(message),
        };
        match (&message, start.elapsed()) {
            (_, took) if took > LONGEST => Err(format!("takes {took:?}")),
            _ if bytes > MOST_BYTES => Err(format!("takes {bytes} bytes")),
            (Some(message), _) if message.contains(['\n', '\r']) => Err(format!("several lines: {message:?}")),
            (Some(message), _) if message.len() > 1000 => Err(format!("a message of {} bytes", message.len())),
            _ => Ok(message.is_none()),
        }
    }

    /// Reads damaged inputs, as many as fit the time or [`SHORT`] without one.
    fn play(&self, time: Option<Duration>) {
        let (start, mut failures, mut accepted, mut number) = (Instant::now(), Vec::new(), 0u64, 0);
        while time.map_or(number < SHORT, |time| start.elapsed() < time) && failures.len() < 20 {
            match self.check(&self.input(number)) {
                Ok(true) => accepted += 1,
                Ok(false) => {}
                Err(why) => failures.push(format!("{} {number}: {why}", self.name)),
            }
            number += 1;
        }
        println!("{}: {number} inputs in {:.0?}, {accepted} accepted", self.name, start.elapsed());
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

/// How long each parser is to run, from the environment.
fn time() -> Option<Duration> {
    std::env::var("FUZZ_SECONDS").ok().map(|text| Duration::from_secs(text.parse().unwrap()))
}

macro_rules! fuzzed {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            parsers::$name().play(time());
        }
    )* };
}

fuzzed!(safetensors torch shard_index gguf config_json tokenizer_json tokenizer_model spiece_model vocab_txt
    vocab_merges gguf_vocabulary chat_template messages
    llama2c ctranslate2 ctranslate2_vocabulary sampler_values generation_config);
