//! `dynasty train`

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use run::{Device, DeviceChoice, Precision};
use train::course::Subject;
use train::metrics::Record;
use train::prepare::{Step, disk::prepare};
use train::session::{Ended, Event, Options, Session, begin};
use train::{Recipe, classes, masks, tokens::Tokens};

use crate::args::Train;
use crate::failure::Failure;

pub async fn run(args: Train) -> Result<(), Failure> {
    let kind = std::fs::read_to_string(&args.recipe).ok().and_then(|text| train::recipe::kind(&text));
    match kind.as_deref() {
        Some("masks") => run_masks(&args).await,
        Some("classes") => run_classes(&args).await,
        _ => run_texts(&args).await,
    }
}

/// A model that writes.
async fn run_texts(args: &Train) -> Result<(), Failure> {
    let mut recipe = Recipe::open(&args.recipe)?;
    replace(args, (&mut recipe.data_root, &mut recipe.output));
    if args.start.is_some() && recipe.start.is_none() {
        return Err(Failure::file(&args.recipe, "begins a new model; --start is for recipes that go on from one"));
    }
    recipe.start = args.start.clone().or(recipe.start);
    if args.prepare {
        let prepared = prepare(&recipe, &mut |step| note(&step)).await?;
        show_sources(&prepared.tokens);
        return Ok(());
    }
    let precision = recipe.train.precision.into();
    let device = open_device(args, precision).await?;
    if device.precision() != precision {
        eprintln!("precision f16 needs a GPU with shader-f16: products are in 32 bits");
    }
    let mut run = Run::new(recipe.train.steps, "tokens")?;
    let options = options(args);
    let session = begin(&recipe, device, threads(args), &options, &mut |event| run.hear(event)).await?;
    run.finish(session, &options).await
}

/// A model that answers prompts with masks.
async fn run_masks(args: &Train) -> Result<(), Failure> {
    let mut recipe = masks::Recipe::open(&args.recipe)?;
    replace(args, (&mut recipe.data_root, &mut recipe.output));
    begins_anew(args)?;
    let device = open_device(args, Precision::F32).await?;
    let mut run = Run::new(recipe.train.steps, "prompts")?;
    let options = options(args);
    let session = masks::begin(&recipe, device, threads(args), &options, &mut |event| run.hear(event)).await?;
    run.finish(session, &options).await
}

/// A model that says what a picture shows.
async fn run_classes(args: &Train) -> Result<(), Failure> {
    let mut recipe = classes::Recipe::open(&args.recipe)?;
    replace(args, (&mut recipe.data_root, &mut recipe.output));
    begins_anew(args)?;
    let device = open_device(args, Precision::F32).await?;
    let mut run = Run::new(recipe.train.steps, "pictures")?;
    let options = options(args);
    let session = classes::begin(&recipe, device, &options, &mut |event| run.hear(event)).await?;
    run.finish(session, &options).await
}

/// The folders that the command line names instead of the recipe's.
fn replace(args: &Train, (data_root, output): (&mut PathBuf, &mut PathBuf)) {
    if let Some(data) = &args.data {
        data_root.clone_from(data);
    }
    if let Some(out) = &args.out {
        output.clone_from(out);
    }
}

fn begins_anew(args: &Train) -> Result<(), Failure> {
    if args.start.is_some() || args.prepare {
        return Err(Failure::file(
            &args.recipe,
            "begins a new model from pictures; it has no --start and no --prepare",
        ));
    }
    Ok(())
}

fn threads(args: &Train) -> usize {
    args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn options(args: &Train) -> Options {
    Options { resume: args.resume, max_seconds: args.max_seconds }
}

async fn open_device(args: &Train, precision: Precision) -> Result<Device, Failure> {
    Ok(match args.device.into() {
        DeviceChoice::Gpu => Device::gpu_in(precision).await?,
        DeviceChoice::Cpu | DeviceChoice::Auto => Device::cpu(threads(args)),
    })
}

/// A training that the terminal shows and Ctrl-C pauses.
struct Run {
    show: Show,
    stop: Arc<AtomicBool>,
}

impl Run {
    fn new(steps: u64, unit: &'static str) -> Result<Self, Failure> {
        Ok(Self { show: Show::new(steps, unit), stop: interrupted()? })
    }

    fn hear(&mut self, event: Event<'_>) -> ControlFlow<()> {
        self.show.event(event);
        if self.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    async fn finish<S: Subject>(mut self, mut session: Session<S>, options: &Options) -> Result<(), Failure> {
        let ended = session.run(options, &mut |event| self.hear(event)).await;
        self.show.bar.finish_and_clear();
        tell(ended?);
        Ok(())
    }
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
                let what = if self.unit == "prompts" { "things" } else { self.unit };
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
