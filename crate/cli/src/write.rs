//! `dynasty translate` and `summarize`

use std::ops::ControlFlow;

use run::tasks::{Generated, TranslateOptions, WriteOptions};
use run::{Listener, Model, Reader};
use serde_json::json;

use crate::args::{Summarize, Translate, WriteArgs};
use crate::failure::Failure;
use crate::source;

pub async fn translate(args: Translate) -> Result<(), Failure> {
    let (model, writing) = open(&args.write).await?;
    let options = TranslateOptions { source: args.source_lang, target: args.target_lang, writing };
    let reader = Reader::new(model).await?;
    let done = whole(async |listener| reader.translate(&args.write.text, &options, listener).await).await?;
    show("translations", &done, args.json);
    Ok(())
}

pub async fn summarize(args: Summarize) -> Result<(), Failure> {
    let (model, options) = open(&args.write).await?;
    let reader = Reader::new(model).await?;
    let done = whole(async |listener| reader.summarize(&args.write.text, &options, listener).await).await?;
    show("summaries", &done, args.json);
    Ok(())
}

async fn open(args: &WriteArgs) -> Result<(Model, WriteOptions), Failure> {
    let package = source::package(&args.model).await?;
    let mut generate = source::generate_options(&package.files, &args.sampler).await?;
    generate.search = source::search_options(&args.search)?;
    generate.sampler.validate()?;
    let model = source::load_package(package, &args.model.device).await?;
    Ok((model, WriteOptions { prefix: args.prefix.clone(), generate }))
}

/// Runs a task to its end.
async fn whole(
    task: impl AsyncFnOnce(&mut Listener<'_>) -> Result<Vec<Generated>, run::Error>,
) -> Result<Vec<Generated>, Failure> {
    let mut piece = |_: &str| ControlFlow::Continue(());
    let mut progress = |_| ControlFlow::Continue(());
    let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
    Ok(task(&mut listener).await?)
}

/// As JSON under a name, or a line each.
fn show(name: &str, written: &[Generated], as_json: bool) {
    if as_json {
        println!("{}", json!({ name: written }));
        return;
    }
    written.iter().for_each(|one| println!("{}", one.text));
}
