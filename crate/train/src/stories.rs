//! Texts to learn from that another model writes, filtered: `{"text": …, "draw": …}`, one JSON a line.
//!
//! Each draw has a number that decides its prompt and its random numbers, so a file that was cut off is taken up again
//! after its last line and comes out the same.

use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use run::{Add, Finish, GenerateOptions, Listener, Model, SamplerConfig, Special, Tokenizer};
use serde_json::{Value, json};

use crate::digest::Digest;
use crate::{Error, Random};

/// Words of a run that is compared with earlier texts.
const SHINGLE: usize = 6;
/// The largest share of such runs that may have come before.
const MOST_KNOWN: f64 = 0.5;
/// How often a run of four words may come in one text.
const MOST_REPEATED: usize = 3;

/// What is written.
#[derive(Clone, Debug, PartialEq)]
pub struct StoryOptions {
    /// Beginnings, taken in turn; the text holds them too. An empty one leaves the beginning to the model.
    pub prompts: Vec<String>,
    /// Texts in all.
    pub count: u64,
    /// Decides every draw.
    pub seed: u64,
    /// Texts that end a story, beside the tokenizer's own end.
    pub stop: Vec<String>,
    /// How tokens are drawn.
    pub sampler: SamplerConfig,
    /// The most tokens of a text.
    pub max_tokens: usize,
    /// Fewest and most words of a text.
    pub words: [usize; 2],
}

/// How many texts were drawn and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of the next draw.
    pub draws: u64,
    /// Texts in the file.
    pub kept: u64,
    /// Their characters.
    pub chars: u64,
    /// Why the others were left out, in this run.
    pub refused: HashMap<&'static str, u64>,
}

/// Adds texts to a file until it has as many as wanted, or `listen` breaks off.
///
/// # Errors
/// The file is none of this kind or cannot be written; the model fails.
pub async fn write_stories(
    model: &Model,
    tokenizer: &Arc<Tokenizer>,
    options: &StoryOptions,
    path: &Path,
    listen: &mut dyn FnMut(&Tally) -> ControlFlow<()>,
) -> Result<Tally, Error> {
    let (mut tally, mut known) = take_up(path)?;
    let failed = |error| Error::io(path, error);
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    let mut session = model.session()?;
    while tally.kept < options.count && listen(&tally).is_continue() {
        let draw = tally.draws;
        tally.draws += 1;
        let prompt = options.prompts.get((draw % options.prompts.len().max(1) as u64) as usize);
        let prompt = prompt.map_or("", String::as_str);
        let ids = tokenizer.encode(prompt, Add::Special)?;
        let done = draw_one(model, &mut session, tokenizer, &ids, options, draw).await?;
        // All ids at once, since a text's first space is left out.
        let all: Vec<u32> = ids.iter().chain(&done.token_ids).copied().collect();
        let text = before_stop(&tokenizer.decode(&all, Special::Skip)?, &options.stop).trim().to_string();
        let verdict = if done.finish == Finish::Stop { check(&text, options.words) } else { Err("does not end") };
        if let Err(reason) = verdict.and_then(|()| known.add(&text)) {
            *tally.refused.entry(reason).or_default() += 1;
            continue;
        }
        let line = format!("{}\n", json!({"text": text, "draw": draw}));
        file.write_all(line.as_bytes()).map_err(failed)?;
        (tally.kept, tally.chars) = (tally.kept + 1, tally.chars + text.len() as u64);
    }
    file.sync_all().map_err(failed)?;
    Ok(tally)
}

async fn draw_one(
    model: &Model,
    session: &mut run::Session,
    tokenizer: &Arc<Tokenizer>,
    prompt: &[u32],
    options: &StoryOptions,
    draw: u64,
) -> Result<run::Completion, Error> {
    let seed = Random::new(options.seed).named("stories").at(draw);
    let sampler = SamplerConfig { seed: Some(seed), ..options.sampler.clone() };
    let eos = tokenizer.special().eos.into_iter().collect();
    let options = GenerateOptions {
        max_tokens: Some(options.max_tokens),
        sampler,
        stop: options.stop.clone(),
        eos,
        ..GenerateOptions::default()
    };
    let mut piece = |_: &str| ControlFlow::Continue(());
    let mut progress = |_| ControlFlow::Continue(());
    let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
    Ok(model.generate(session, Some(tokenizer), prompt, &options, &mut listener).await?)
}

/// What a file holds already. A last line without an end is cut off.
fn take_up(path: &Path) -> Result<(Tally, Known), Error> {
    let (mut tally, mut known) = (Tally::default(), Known::default());
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((tally, known)),
        other => other.map_err(|error| Error::io(path, error))?,
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let name = path.display().to_string();
    for (at, line) in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let value: Value = serde_json::from_slice(line).map_err(|error| Error::data(&name, at as u64 + 1, error))?;
        let (Some(text), Some(draw)) = (value["text"].as_str(), value["draw"].as_u64()) else {
            return Err(Error::data(&name, at as u64 + 1, "is no text with the number of its draw"));
        };
        // What is in the file has been compared.
        let _ = known.add(text);
        tally = Tally { draws: draw + 1, kept: tally.kept + 1, chars: tally.chars + text.len() as u64, ..tally };
    }
    let file = OpenOptions::new().write(true).open(path).map_err(|error| Error::io(path, error))?;
    file.set_len(whole as u64).map_err(|error| Error::io(path, error))?;
    Ok((tally, known))
}

/// A text up to the first of its ends.
fn before_stop<'t>(text: &'t str, stop: &[String]) -> &'t str {
    let end = stop.iter().filter_map(|stop| text.find(&**stop)).min();
    &text[..end.unwrap_or(text.len())]
}

/// Whether a text by itself is worth learning.
fn check(text: &str, [least, most]: [usize; 2]) -> Result<(), &'static str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() < least {
        return Err("too short");
    }
    if words.len() > most {
        return Err("too long");
    }
    if !text.is_ascii() || text.contains(|c: char| c.is_ascii_control() && c != '\n') {
        return Err("odd characters");
    }
    if !text.starts_with(|c: char| c.is_ascii_uppercase() || c == '"') || !text.ends_with(['.', '!', '?', '"']) {
        return Err("no whole sentences");
    }
    if text.matches('"').count() % 2 == 1 {
        return Err("an open quotation");
    }
    let ends = |c: char| matches!(c, '.' | '!' | '?');
    let letters = |c: char| c.is_ascii_alphabetic();
    if text.split(ends).skip(1).any(|after| after.starts_with(letters)) {
        return Err("no space between sentences");
    }
    let mut sentences = HashSet::new();
    if text.split(ends).map(str::trim).filter(|s| s.len() > 12).any(|sentence| !sentences.insert(sentence)) {
        return Err("repeats itself");
    }
    let mut counts: HashMap<&[&str], usize> = HashMap::new();
    for run in words.windows(4) {
        let count = counts.entry(run).or_default();
        *count += 1;
        if *count > MOST_REPEATED {
            return Err("repeats itself");
        }
    }
    Ok(())
}

/// The runs of words of all texts so far.
#[derive(Default)]
struct Known(HashSet<u64>);

impl Known {
    /// Adds a text, unless too much of it has come before.
    fn add(&mut self, text: &str) -> Result<(), &'static str> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let runs: Vec<u64> = words.windows(SHINGLE).map(key).collect();
        let known = runs.iter().filter(|run| self.0.contains(run)).count();
        if known as f64 > MOST_KNOWN * runs.len() as f64 {
            return Err("came before");
        }
        self.0.extend(runs);
        Ok(())
    }
}

fn key(words: &[&str]) -> u64 {
    let mut digest = Digest::default();
    words.iter().for_each(|word| digest.text(word));
    digest.short()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [usize; 2] = [4, 40];

    #[test]
    fn texts_are_filtered() {
        let cases = [
            ("Once there was a dog.", Ok(())),
            ("Once.", Err("too short")),
            ("once there was a dog.", Err("no whole sentences")),
            ("Once there was a dog and", Err("no whole sentences")),
            ("Once there was a \"dog.", Err("an open quotation")),
            ("Once there was a dög.", Err("odd characters")),
            ("Once there was.a dog here.", Err("no space between sentences")),
            ("The bird helped the dog. The bird helped the dog.", Err("repeats itself")),
            ("A b c d. A b c d. A b c d. A b c d.", Err("repeats itself")),
        ];
        for (text, wanted) in cases {
            assert_eq!(check(text, WORDS), wanted, "{text}");
        }
    }

    #[test]
    fn the_end_mark_is_no_part_of_a_text() {
        let stop = ["<end>".to_string(), "<stop>".to_string()];
        assert_eq!(before_stop("A dog.<stop><end>", &stop), "A dog.");
        assert_eq!(before_stop("A dog.", &stop), "A dog.");
    }

    #[test]
    fn what_came_before_is_left_out() {
        let mut known = Known::default();
        assert_eq!(known.add("One day a small dog went to the big park to play."), Ok(()));
        assert_eq!(known.add("One day a small dog went to the big park to sleep."), Err("came before"));
        assert_eq!(known.add("Then a red bird sang a song for all of the children."), Ok(()));
    }

    #[test]
    fn a_file_that_was_cut_off_is_taken_up() {
        let folder = crate::test_folder("stories");
        let path = folder.join("stories.jsonl");
        assert_eq!(take_up(&path).unwrap().0, Tally::default());
        let whole = "{\"text\":\"A dog.\",\"draw\":4}\n";
        fs::write(&path, format!("{whole}{{\"text\":\"A c")).unwrap();
        let (tally, _) = take_up(&path).unwrap();
        assert_eq!((tally.draws, tally.kept, tally.chars), (5, 1, 6));
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        fs::write(&path, "{\"text\":1}\n").unwrap();
        assert!(take_up(&path).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
