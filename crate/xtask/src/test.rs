//! `cargo xtask test`: everything, from nothing.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    check, npm,
    report::{Counts, Report},
    setup,
    sh::{self, Sh},
    tidy,
    wasm::{self, Profile},
};

/// Runs all steps and prints how long each took and what came of it.
///
/// # Errors
/// A step failed.
pub fn run() -> Result<()> {
    let mut report = Report::default();
    report.step("format", &[], |_| check::format());
    report.step("tidy", &[], |_| tidy::run());
    report.step("set-up: packages", &[], |_| npm::install());
    report.step("set-up: wasm", &[], |_| setup::wasm().map(drop));
    report.step("set-up: browser", &[], |_| setup::browser().map(drop));
    report.step("set-up: Vulkan", &[], |_| setup::vulkan());
    report.step("types", &["set-up: packages"], |_| check::types());
    report.step("front end", &["set-up: packages"], front_end);
    report.step("lints", &[], |_| check::lints());
    report.step("native build", &[], |_| native_build());
    report.step("native tests", &["set-up: Vulkan", "native build"], native);
    report.step("wasm", &["set-up: wasm"], |_| wasm::build(Profile::Ci, &wasm::MODULES));
    report.step("wasm: operations", &["set-up: wasm"], |_| wasm::build(Profile::Ci, &wasm::OPS));
    report.step("pages", &["set-up: packages", "wasm"], |_| npm::build());
    report.step("browser", &["set-up: browser", "native tests", "pages", "wasm: operations"], browser);
    report.finish()
}

/// Reads damaged bytes by every parser whose name contains `parser`, each for some seconds.
///
/// # Errors
/// The number is none, or a parser panics, hangs or takes too much memory.
pub fn fuzz(seconds: &str, parser: &str) -> Result<()> {
    let seconds: u32 = seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?;
    Sh::cargo()
        .words("test --profile ci --package dynasty-tests --test damage -- --nocapture --test-threads=1")
        .arg(format!("fuzz::{parser}"))
        .env("FUZZ_SECONDS", seconds.to_string())
        .run()
}

/// Builds the program `dynasty`.
///
/// # Errors
/// It does not compile.
pub fn build_program(profile: Profile) -> Result<()> {
    Sh::cargo().words("build --package dynasty-cli --bin dynasty --profile").arg(profile.native()).run()
}

/// Where the program `dynasty` is left.
///
/// # Errors
/// The system does not tell where things are built.
pub fn program(profile: Profile) -> Result<PathBuf> {
    Ok(sh::target()?.join(profile.native()).join("dynasty"))
}

/// All tests, and the program for the tests of `crate/cli`: the one native build.
fn native_build() -> Result<()> {
    Sh::cargo().words("test --profile ci --workspace --no-run").run()
}

fn native(counts: &mut Counts) -> Result<()> {
    Sh::cargo().words("test --profile ci --workspace --no-fail-fast").watch(|line| counts.read(line))
}

fn front_end(counts: &mut Counts) -> Result<()> {
    npm::script("test").watch(|line| counts.read(line))
}

fn browser(counts: &mut Counts) -> Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(sh::root().join("tests/browser"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "tests/browser has no *.test.mjs");
    // One file at a time: each has a browser of its own, and the machine may be small.
    Sh::new("node")
        .words("--test --test-concurrency=1 --test-reporter=spec")
        .args(files)
        .env("CHROMIUM", setup::browser()?)
        .env("DYNASTY", program(Profile::Ci)?)
        .env("DYNASTY_TARGET", sh::target()?.join(Profile::Ci.native()))
        .env("NO_COLOR", "1")
        .watch(|line| counts.read(line))
}
