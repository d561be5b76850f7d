//! The project's own tool: `cargo xtask serve` and `cargo xtask test` do all of their set-up themselves.

mod bench;
mod check;
mod npm;
mod report;
mod serve;
mod setup;
mod sh;
mod size;
mod test;
mod tidy;
mod train;
mod wasm;

use anyhow::{Result, bail};
use wasm::Profile;

const HELP: &str = "cargo xtask <command>

  serve [--release] [--port P] [-- ARGS]  build everything and serve the site; ARGS go to `dynasty serve`
  build [--profile ci|release]            wasm modules, npm package and site
  wasm [[--release] [tasks/|train/|ops/]simd128|relaxed|threads] the wasm modules alone, as tests use them
  test                                    everything: checks, native tests, wasm, front end, browser
  fuzz SECONDS [PARSER]                   each parser on damaged bytes, or one of them, for so long
  check                                   format, invariants, types, lints
  tidy                                    the invariants alone
  size                                    builds for release; what a chat transfers before the model
  train NAME [ARGS]                       a model of the project's own from nothing; ARGS as `--device wgpu`
  bench [ARGS]                            `dynasty bench ARGS`
  bench --browser [QUERY]                 the same in a browser; QUERY as in `shape=smollm2-135m&device=wasm`";

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let owned = |args: &[&str]| args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>();
    match args {
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        ["serve", rest @ ..] => {
            let (profile, rest) = serve_options(rest);
            serve::serve(profile, &owned(&rest))
        }
        ["build"] | ["build", "--profile", "ci"] => serve::build(Profile::Ci),
        ["build", "--release"] | ["build", "--profile", "release"] => serve::build(Profile::Release),
        ["wasm"] => wasm::build(Profile::Ci, &wasm::MODULES),
        ["wasm", "--release", name] => wasm::build(Profile::Release, &[wasm::module(name)?]),
        ["wasm", name] => wasm::build(Profile::Ci, &[wasm::module(name)?]),
        ["test"] => test::run(),
        ["size"] => size::run(),
        ["fuzz", seconds] => test::fuzz(seconds, ""),
        ["fuzz", seconds, parser] => test::fuzz(seconds, parser),
        ["check"] => check::all(),
        ["tidy"] => tidy::run(),
        ["train", name, args @ ..] => train::train(name, args),
        ["bench", "--browser"] => bench::browser(""),
        ["bench", "--browser", query] => bench::browser(query),
        ["bench", rest @ ..] => bench::native(&owned(rest)),
        _ => bail!("unknown arguments `{}`; `cargo xtask help` lists what there is", args.join(" ")),
    }
}

/// Takes `--release` and `--` out of the options of `serve`; the others are the server's own.
fn serve_options<'a>(args: &[&'a str]) -> (Profile, Vec<&'a str>) {
    let own = args.iter().position(|&arg| arg == "--").unwrap_or(args.len());
    let profile = if args[..own].contains(&"--release") { Profile::Release } else { Profile::Ci };
    let before = args[..own].iter().filter(|&&arg| arg != "--release");
    (profile, before.chain(args.iter().skip(own + 1)).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_serve() {
        let check = |args: &[&str], release: bool, rest: &[&str]| {
            let (profile, left) = serve_options(args);
            assert_eq!((profile == Profile::Release, left.as_slice()), (release, rest), "{args:?}");
        };
        check(&[], false, &[]);
        check(&["--release", "--port", "9"], true, &["--port", "9"]);
        check(&["--port", "9", "--", "--release"], false, &["--port", "9", "--release"]);
    }
}
