//! `cargo xtask bench`: the same figures from the program and from a browser.

use anyhow::Result;

use crate::{
    serve, setup,
    sh::{self, Sh},
    test,
    wasm::Profile,
};

/// Runs `dynasty bench` with these arguments, in the build that is released.
///
/// # Errors
/// It does not compile, or fails.
pub fn native(args: &[String]) -> Result<()> {
    test::build_program(Profile::Release)?;
    Sh::new(test::program(Profile::Release)?).arg("bench").args(args).run()
}

/// Opens the page `bench.html` with this query in a browser, and prints what it measured.
///
/// # Errors
/// A build fails, or the page reports an error.
pub fn browser(query: &str) -> Result<()> {
    let browser = setup::browser()?;
    serve::build(Profile::Release)?;
    test::build_program(Profile::Release)?;
    Sh::new("node")
        .arg(sh::root().join("tests/browser/bench.mjs"))
        .arg(query)
        .env("CHROMIUM", browser)
        .env("DYNASTY", test::program(Profile::Release)?)
        .run()
}
