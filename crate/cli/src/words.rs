//! `dynasty words`

use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use format::gguf::Metadata;
use format::{AtomicFile, FileBytes, WordFormat, WordTable};
use indicatif::{ProgressBar, ProgressStyle};
use run::{AnalogyReport, AnalogySet, Neighbour, SectionReport, WordVectors};
use serde_json::json;
use train::word2vec::{Recipe, Report};

use crate::args::{DeviceArg, Words};
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Words) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or(cores);
    let Some(model) = args.model.as_ref().or(args.recipe.as_ref()) else { return Err(Failure("no model".into())) };
    if matches!(args.device, DeviceArg::Wgpu) {
        return Err(Failure::file(
            model,
            "words are learned and searched on the processor alone, not by --device wgpu",
        ));
    }
    if args.recipe.is_some() {
        return learn(model, threads, args.json);
    }
    let file = Rc::new(FileBytes::open(model)?);
    if let Some(out) = &args.out {
        return save(&WordTable::open(file).await?, out, &args.format);
    }
    let vectors = WordVectors::open(file, threads).await?;
    match (&args.nearest, &args.analogy[..], &args.evaluate) {
        (Some(word), ..) => show(&vectors.nearest(word, args.top)?, args.json),
        (None, [a, b, c], _) => show(&vectors.analogy([a, b, c], args.top)?, args.json),
        (None, _, Some(questions)) => evaluate(&vectors, questions, args.json).await?,
        (None, _, None) => {
            println!("{}: {} words of {} values", model.display(), vectors.words().len(), vectors.dim())
        }
    }
    Ok(())
}

fn show(neighbours: &[Neighbour], as_json: bool) {
    if as_json {
        println!("{}", json!({ "neighbours": neighbours }));
        return;
    }
    for Neighbour { word, score } in neighbours {
        println!("{score:.4}  {word}");
    }
}

async fn evaluate(vectors: &WordVectors, questions: &Path, as_json: bool) -> Result<(), Failure> {
    let set = AnalogySet::read(&FileBytes::open(questions)?).await?;
    let bar = ProgressBar::new(0);
    let report = vectors.evaluate(&set, &mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let report = report.ok_or_else(|| Failure("stopped".into()))?;
    if as_json {
        println!("{}", json!(report));
    } else {
        table(&report);
    }
    Ok(())
}

fn table(report: &AnalogyReport) {
    println!("{:>9} {:>7} {:>7} {:>10}  section", "questions", "known", "first", "first five");
    for SectionReport { name, questions, known, first, first_five } in report.sections.iter().chain([&report.total]) {
        println!("{questions:>9} {known:>7} {first:>7} {first_five:>10}  {name}");
    }
}

/// Writes the words in another format.
fn save(table: &WordTable, out: &Path, format: &str) -> Result<(), Failure> {
    let plain = match format {
        "text" => Some(WordFormat::Text),
        "headerless" => Some(WordFormat::Headerless),
        "binary" => Some(WordFormat::Binary),
        "binary-lines" => Some(WordFormat::BinaryLines),
        _ => None,
    };
    match plain {
        Some(format) => table.save(out, format)?,
        None => {
            let ty = source::quant_type(format)?;
            let sink = AtomicFile::create(out)?;
            table.write_gguf(sink, &out.display().to_string(), ty, &Metadata::default())?.commit()?;
        }
    }
    Ok(())
}

/// Learns the vectors of a recipe.
fn learn(recipe: &Path, threads: usize, as_json: bool) -> Result<(), Failure> {
    let recipe = Recipe::open(recipe)?;
    let style = ProgressStyle::with_template("{msg} {bar:40} {percent}% {eta}");
    let bar = ProgressBar::new(0).with_message("reading");
    let bar = if let Ok(style) = style { bar.with_style(style) } else { bar };
    let start = Instant::now();
    let report = recipe.run(threads, &mut |told| {
        let speed = told.done as f64 / start.elapsed().as_secs_f64();
        bar.set_length(told.total);
        bar.set_position(told.done);
        bar.set_message(format!("loss {:.4}, {:.0} words/s", told.loss, speed));
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let report = report?.ok_or_else(|| Failure("stopped".into()))?;
    if as_json {
        println!("{}", json!(report));
        return Ok(());
    }
    let Report { words, tokens, read_seconds, train_seconds, words_per_second, loss } = report;
    println!("{}: {words} words from {tokens}, loss {loss:.4}", recipe.output.display());
    println!("read in {read_seconds:.1} s, learned in {train_seconds:.1} s, {words_per_second:.0} words/s");
    Ok(())
}
