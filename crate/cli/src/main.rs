//! The `dynasty` program.
//!
//! Exit code 0, or not 0 with one line on stderr that names the file and the reason.

mod args;
mod bench;
mod chat;
mod failure;
mod forward;
mod generate;
mod import;
mod inspect;
mod look;
mod lora;
mod models_list;
mod openai;
mod quantize;
mod segment;
mod serve;
mod source;
mod stories;
mod tasks;
mod text;
mod train;
mod words;
mod write;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;

/// Deep recursion in a parser must meet the parser's own bound before the end of the stack.
const STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => return usage(&error),
        Err(help) => help.exit(),
    };
    std::panic::set_hook(Box::new(|_| ()));
    let command = std::thread::Builder::new().stack_size(STACK).spawn(move || run(args.command));
    let outcome = match command.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(Failure(format!("internal error: {}", message(&*panic)))),
        Err(error) => Err(Failure(format!("cannot start: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("dynasty: {}", failure.line());
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the arguments, in one line.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    let reason = text.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error: ");
    eprintln!("dynasty: {}; try --help", Failure(reason.split_whitespace().collect::<Vec<_>>().join(" ")).line());
    ExitCode::from(2)
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Chat(args) => pollster::block_on(chat::run(args)),
        Command::Generate(args) => pollster::block_on(generate::run(args)),
        Command::Forward(args) => pollster::block_on(forward::run(args)),
        Command::Segment(args) => pollster::block_on(segment::run(*args)),
        Command::ClassifyImage(args) => pollster::block_on(look::classify(args)),
        Command::Embed(args) if !args.image.is_empty() => pollster::block_on(look::embed(args)),
        Command::Embed(args) => pollster::block_on(tasks::embed(args)),
        Command::FillMask(args) => pollster::block_on(tasks::fill_mask(args)),
        Command::Classify(args) => pollster::block_on(tasks::classify(args)),
        Command::Answer(args) => pollster::block_on(tasks::answer(args)),
        Command::Translate(args) => pollster::block_on(write::translate(args)),
        Command::Summarize(args) => pollster::block_on(write::summarize(args)),
        Command::Tokenize(args) => pollster::block_on(text::tokenize(args)),
        Command::ChatTemplate(args) => pollster::block_on(text::chat_template(args)),
        Command::Inspect(args) => pollster::block_on(inspect::run(args)),
        Command::Quantize(args) => pollster::block_on(quantize::run(args)),
        Command::Import(args) => pollster::block_on(import::run(args)),
        Command::Words(args) => pollster::block_on(words::run(args)),
        Command::Bench(args) => pollster::block_on(bench::run(args)),
        Command::Train(args) => pollster::block_on(train::run(args)),
        Command::Lora(args) => pollster::block_on(lora::run(args)),
        Command::Stories(args) => pollster::block_on(stories::run(args)),
        Command::Serve(args) => serve::run(args),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
