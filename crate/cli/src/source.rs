//! From arguments to models.

use std::path::Path;
use std::rc::Rc;

use format::{DirFolder, FileBytes, QuantType};
use indicatif::{ProgressBar, ProgressStyle};
use run::{
    Adapter, EarlyStopping, Files, GenerateOptions, LoadOptions, Model, Package, Progress, SamplerConfig,
    SearchOptions, Source,
};

use crate::args::{DeviceArgs, ModelArgs, SamplerArgs, SearchArgs};
use crate::failure::Failure;

/// A folder or a file.
pub fn open(path: &Path) -> Result<Source, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| Failure::file(path, error))?;
    if metadata.is_dir() {
        Ok(Source::Folder(Rc::new(DirFolder::new(path)?)))
    } else {
        Ok(Source::File(Rc::new(FileBytes::open(path)?)))
    }
}

/// How to load, from the arguments.
pub fn load_options(args: &DeviceArgs) -> LoadOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    LoadOptions {
        device: args.device.into(),
        threads: args.threads.unwrap_or(cores),
        context: args.context,
        ..LoadOptions::default()
    }
}

/// A checked model, with its adapters if there are some.
pub async fn package(args: &ModelArgs) -> Result<Package, Failure> {
    let package = Package::open(open(&args.model)?).await?;
    let Some(adapter) = &args.adapter else { return Ok(package) };
    let adapter = Adapter::open(&DirFolder::new(adapter)?).await?;
    Ok(package.with_adapter(adapter).await?)
}

/// Loads a model and shows how far it is.
pub async fn load(args: &ModelArgs) -> Result<Model, Failure> {
    let package = package(args).await?;
    load_package(package, &args.device).await
}

/// Loads a checked model and shows how far it is.
pub async fn load_package(package: Package, args: &DeviceArgs) -> Result<Model, Failure> {
    let bar = bytes_bar("loading");
    let model = Model::load(package, &load_options(args), &mut |progress| show_bytes(&bar, progress)).await;
    bar.finish_and_clear();
    Ok(model?)
}

/// A bar of bytes on stderr, hidden where that is no terminal.
pub fn bytes_bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(0).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Moves a bar of bytes.
pub fn show_bytes(bar: &ProgressBar, progress: Progress) {
    if let Progress::Load { done, total } = progress {
        bar.set_length(total);
        bar.set_position(done);
    }
}

/// What to write and when to stop: the model's own settings under the given arguments.
pub async fn generate_options(files: &Files, args: &SamplerArgs) -> Result<GenerateOptions, Failure> {
    let own = files.generation().await?;
    let base = own.sampler();
    let sampler = SamplerConfig {
        temperature: args.temperature.unwrap_or(base.temperature),
        top_k: args.top_k.unwrap_or(base.top_k),
        top_p: args.top_p.unwrap_or(base.top_p),
        min_p: args.min_p.unwrap_or(base.min_p),
        repetition_penalty: args.repetition_penalty.unwrap_or(base.repetition_penalty),
        presence_penalty: args.presence_penalty.unwrap_or(base.presence_penalty),
        frequency_penalty: args.frequency_penalty.unwrap_or(base.frequency_penalty),
        seed: args.seed,
        ..base
    };
    let (stop, search) = (args.stop.clone(), SearchOptions::default());
    Ok(GenerateOptions { max_tokens: args.max_tokens, sampler, stop, eos: own.eos, search })
}

/// How texts are searched for, from the arguments.
pub fn search_options(args: &SearchArgs) -> Result<SearchOptions, Failure> {
    let early = |name: &String| {
        let wrong = || Failure(format!("--early-stopping: {name} is none of true, false and never"));
        EarlyStopping::parse(name).ok_or_else(wrong)
    };
    let search = SearchOptions {
        num_beams: args.num_beams,
        length_penalty: args.length_penalty,
        early_stopping: args.early_stopping.as_ref().map(early).transpose()?,
        no_repeat_ngram: args.no_repeat_ngram_size,
        min_length: args.min_length,
        ..SearchOptions::default()
    };
    search.beams()?;
    Ok(search)
}

/// A quant type by its name.
pub fn quant_type(name: &str) -> Result<QuantType, Failure> {
    QuantType::parse(name).ok_or_else(|| Failure(format!("{name} is no quant type")))
}
