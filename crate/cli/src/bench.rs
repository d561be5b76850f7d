//! `dynasty bench`

use std::ops::ControlFlow;
use std::time::Instant;

use run::{BenchOptions, Package, Parts};

use crate::args::Bench;
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Bench) -> Result<(), Failure> {
    let start = Instant::now();
    let package = open(&args).await?;
    let model = source::load_package(package, &args.device).await?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let options = BenchOptions { prompt: args.prompt, tokens: args.tokens, runs: args.runs.max(5) };
    let of = &model.package().model;
    if of.parts() != Parts::Decoder || of.task() != models::Task::CausalLm {
        let figures = run::bench_pass(&model, options).await?;
        return show_pass(run::PassFigures { load_ms, peak_rss_bytes: peak_rss_bytes(), ..figures }, args.json);
    }
    let mut session = model.session()?;
    let mut figures = run::bench(&model, &mut session, options, &mut |_| ControlFlow::Continue(())).await?;
    figures.load_ms = load_ms;
    figures.peak_rss_bytes = peak_rss_bytes();
    if args.json {
        let text = serde_json::to_string(&figures).map_err(|error| Failure(error.to_string()))?;
        println!("{text}");
    } else {
        println!("{}: {}", figures.device, figures.kernels.join(", "));
        println!(
            "prefill {:.1} tokens/s, decode {:.1} tokens/s",
            figures.prefill_tokens_per_s, figures.decode_tokens_per_s
        );
        let run::RunCost { dispatches, submits, weight_bytes, readback_bytes } = figures.per_token;
        println!(
            "a token: {dispatches} dispatches, {submits} submits, {weight_bytes} bytes read, {readback_bytes} back"
        );
        println!(
            "load {:.0} ms, weights {} bytes, peak {} bytes",
            load_ms, figures.weight_bytes, figures.peak_rss_bytes
        );
    }
    Ok(())
}

/// Of a model that reads and does not write.
fn show_pass(figures: run::PassFigures, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(&figures).map_err(|error| Failure(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    println!("{}: {}", figures.device, figures.kernels.join(", "));
    println!("{:.1} ms for {} tokens", figures.latency_ms, figures.tokens);
    if let Some(run::PartFigures { encoder_ms, decoder_ms }) = figures.parts {
        println!("{encoder_ms:.1} ms for a picture, {decoder_ms:.1} ms for a point in it");
    }
    println!("load {:.0} ms, weights {} bytes", figures.load_ms, figures.weight_bytes);
    Ok(())
}

async fn open(args: &Bench) -> Result<Package, Failure> {
    match (&args.model, &args.shape) {
        (Some(path), _) => Ok(Package::open(source::open(path)?).await?),
        (None, shape) => {
            let name = shape.as_deref().unwrap_or_default();
            let known = || Failure(format!("{name} is no known shape; there are {}", models::SHAPES.join(", ")));
            let config = models::shape_config(name).ok_or_else(known)?;
            Ok(Package::random(name, &config, source::quant_type(&args.quant)?).await?)
        }
    }
}

/// The largest resident memory of this process so far.
#[cfg(unix)]
fn peak_rss_bytes() -> u64 {
    // SAFETY: `rusage` is plain numbers, for which zero is a value, and the pointer is to a live local.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit
}

/// Not known on this system.
#[cfg(not(unix))]
fn peak_rss_bytes() -> u64 {
    0
}
