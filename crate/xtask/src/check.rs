//! What needs no run: format, lints, invariants, types.

use anyhow::Result;

use crate::{npm, sh::Sh, tidy};

/// The format of all Rust sources.
///
/// # Errors
/// A file is not as rustfmt would write it.
pub fn format() -> Result<()> {
    Sh::cargo().words("fmt --all --check").run()
}

/// The lints of all packages, with a warning as an error.
///
/// # Errors
/// There is a warning.
pub fn lints() -> Result<()> {
    Sh::cargo().words("clippy --quiet --profile ci --workspace --all-targets -- -D warnings").run()
}

/// The types of the front end.
///
/// # Errors
/// They do not fit.
pub fn types() -> Result<()> {
    npm::install()?;
    npm::script("check").run()
}

/// All of them, the quick ones first.
///
/// # Errors
/// The first that fails.
pub fn all() -> Result<()> {
    format()?;
    tidy::run()?;
    types()?;
    lints()
}
