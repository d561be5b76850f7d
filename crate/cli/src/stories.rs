//! `dynasty stories`

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use train::stories::{StoryOptions, Tally, write_stories};

use crate::args::Stories;
use crate::failure::Failure;
use crate::{source, train::interrupted};

/// Tokens of a text, where nothing else is said.
const MAX_TOKENS: usize = 400;

pub async fn run(args: Stories) -> Result<(), Failure> {
    let prompts = match &args.openings {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
            text.lines().filter(|line| !line.trim().is_empty()).map(str::to_string).collect()
        }
        None => Vec::new(),
    };
    let package = source::package(&args.model).await?;
    let tokenizer = package.files.tokenizer().await?;
    let sampling = source::generate_options(&package.files, &args.sampler).await?;
    sampling.sampler.validate()?;
    let options = StoryOptions {
        prompts,
        count: args.count,
        seed: args.sampler.seed.unwrap_or(0),
        stop: sampling.stop,
        sampler: sampling.sampler,
        max_tokens: args.sampler.max_tokens.unwrap_or(MAX_TOKENS),
        words: [args.min_words, args.max_words],
    };
    let model = source::load_package(package, &args.model.device).await?;
    let stop = interrupted()?;
    let bar = ProgressBar::new(args.count);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} texts, {msg}, {eta} left") {
        bar.set_style(style);
    }
    let mut listen = |tally: &Tally| {
        bar.set_position(tally.kept);
        bar.set_message(format!("{} draws", tally.draws));
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let tally = write_stories(&model, &tokenizer, &options, &args.out, &mut listen).await?;
    bar.finish_and_clear();
    println!("{} texts, {} characters, of {} draws", tally.kept, tally.chars, tally.draws);
    let mut refused: Vec<_> = tally.refused.into_iter().collect();
    refused.sort_unstable();
    for (reason, count) in refused {
        println!("left out: {count} {reason}");
    }
    Ok(())
}
