//! `dynasty train`

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use run::{Device, DeviceChoice};
use train::metrics::Record;
use train::prepare::{Step, disk::prepare};
use train::session::{Ended, Event, Options, begin};
use train::{Recipe, masks, tokens::Tokens};

use crate::args::Train;
use crate::failure::Failure;

pub async fn run(args: Train) -> Result<(), Failure> {
    if std::fs::read_to_string(&args.recipe).is_ok_and(|text| masks::Recipe::is_meant(&text)) {
        return run_masks(args).await;
    }
    let mut recipe = Recipe::open(&args.recipe)?;
    recipe.data_root = args.data.unwrap_or(recipe.data_root);
    recipe.output = args.out.unwrap_or(recipe.output);
    if args.start.is_some() && recipe.start.is_none() {
        return Err(Failure::file(&args.recipe, "begins a new model; --start is for recipes that go on from one"));
    }
    recipe.start = args.start.or(recipe.start);
    if args.prepare {
        let prepared = prepare(&recipe, &mut |step| note(&step)).await?;
        show_sources(&prepared.tokens);
        return Ok(());
    }
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let device = match args.device.into() {
        DeviceChoice::Gpu => Device::gpu_in(recipe.train.precision.into()).await?,
        DeviceChoice::Cpu | DeviceChoice::Auto => Device::cpu(threads),
    };
    if device.precision() != recipe.train.precision.into() {
        eprintln!("precision f16 needs a GPU with shader-f16: products are in 32 bits");
    }
    let stop = interrupted()?;
    let options = Options { resume: args.resume, max_seconds: args.max_seconds };
    let mut show = Show::new(recipe.train.steps, "tokens");
    let mut listen = |event: Event<'_>| {
        show.event(event);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut session = begin(&recipe, device, threads, &options, &mut listen).await?;
    let ended = session.run(&options, &mut listen).await;
    show.bar.finish_and_clear();
    tell(ended?);
    Ok(())
}

/// A model that answers prompts with masks.
async fn run_masks(args: Train) -> Result<(), Failure> {
    let mut recipe = masks::Recipe::open(&args.recipe)?;
    recipe.data_root = args.data.unwrap_or(recipe.data_root);
    recipe.output = args.out.unwrap_or(recipe.output);
    if args.start.is_some() || args.prepare {
        return Err(Failure::file(&args.recipe, "begins a new model from scenes; it has no --start and no --prepare"));
    }
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let device = match args.device.into() {
        DeviceChoice::Gpu => Device::gpu().await?,
        DeviceChoice::Cpu | DeviceChoice::Auto => Device::cpu(threads),
    };
    let stop = interrupted()?;
    let options = Options { resume: args.resume, max_seconds: args.max_seconds };
    let mut show = Show::new(recipe.train.steps, "prompts");
    let mut listen = |event: Event<'_>| {
        show.event(event);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut session = masks::begin(&recipe, device, threads, &options, &mut listen).await?;
    let ended = session.run(&options, &mut listen).await;
    show.bar.finish_and_clear();
    tell(ended?);
    Ok(())
}

fn tell(ended: Ended) {
    match ended {
        Ended::Finished(folder) => println!("finished: {}", folder.display()),
        Ended::Paused(step) => println!("paused after step {step}; --resume goes on"),
    }
}

/// Becomes true when the user presses Ctrl-C.
pub fn interrupted() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    ctrlc::set_handler(move || set.store(true, Ordering::Relaxed)).map_err(|error| Failure(error.to_string()))?;
    Ok(flag)
}

fn note(step: &Step) {
    if let Step::Note(text) = step {
        eprintln!("{text}");
    }
}

fn show_sources(tokens: &Tokens) {
    for source in tokens.sources() {
        let (name, licence) = (&source.name, &source.licence);
        println!(
            "{name} ({licence}): {} documents, {} tokens, {} held out, {} repeated",
            source.documents, source.tokens, source.held_out, source.repeated
        );
    }
    println!("{} tokens to learn from", tokens.trained());
}

/// What the terminal shows.
struct Show {
    bar: ProgressBar,
    /// What is learned from.
    unit: &'static str,
}

impl Show {
    fn new(steps: u64, unit: &'static str) -> Self {
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, unit }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Prepare(Step::Note(text)) => self.line(text),
            Event::Prepare(Step::Documents(done)) => self.bar.set_message(format!("{done} documents")),
            Event::Checkpoint(folder) => self.line(&format!("checkpoint {}", folder.display())),
            Event::Record(record) => self.record(record),
        }
    }

    /// A line above the bar, or on stderr where that is no terminal.
    fn line(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn record(&mut self, record: &Record) {
        match record {
            Record::Run { step, device, parameters, tokens } => {
                self.bar.set_position(*step);
                self.bar.reset_eta();
                let what = if self.unit == "tokens" { "tokens" } else { "things" };
                self.line(&format!("{parameters} values on {device}, {tokens} {what} to learn from, step {step}"));
            }
            Record::Step { step, loss, tokens_per_s, learning_rate, .. } => {
                self.bar.set_position(*step);
                let unit = self.unit;
                let loss = loss.map_or("no number".into(), |loss| format!("{loss:.3}"));
                self.bar.set_message(format!("loss {loss}, {tokens_per_s:.0} {unit}/s, rate {learning_rate:.1e}"));
            }
            Record::Validation { step, loss } => self.line(&format!("step {step}: held-out loss {loss:.4}")),
            Record::Sample { step, prompt, text } => self.line(&format!("step {step}: {prompt} | {text}")),
            Record::Guard { step, action, reason } => self.line(&format!("step {step}: {action}: {reason}")),
        }
    }
}
