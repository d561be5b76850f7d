//! `dynasty generate`

use std::io::Write;
use std::ops::ControlFlow;

use run::Listener;
use serde_json::json;

use crate::args::Generate;
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Generate) -> Result<(), Failure> {
    let package = source::package(&args.model).await?;
    let tokenizer = package.files.tokenizer().await?;
    let mut options = source::generate_options(&package.files, &args.sampler).await?;
    options.search = source::search_options(&args.search)?;
    options.sampler.validate()?;
    let prompt = tokenizer.encode(&args.prompt, run::Add::Special)?;
    let model = source::load_package(package, &args.model.device).await?;
    let mut session = model.session()?;
    let show = !args.json;
    let mut piece = |text: &str| {
        if show {
            print!("{text}");
        }
        match std::io::stdout().flush() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let mut progress = |_| ControlFlow::Continue(());
    let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
    let done = model.generate(&mut session, Some(&tokenizer), &prompt, &options, &mut listener).await?;
    if args.json {
        println!("{}", json!({"token_ids": done.token_ids, "text": done.text}));
    } else {
        println!();
    }
    Ok(())
}
