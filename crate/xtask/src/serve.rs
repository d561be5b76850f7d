//! `cargo xtask serve` and `cargo xtask build`.

use anyhow::Result;

use crate::{
    npm,
    sh::{Seconds, Sh},
    test,
    wasm::{self, Profile},
};

/// Builds the wasm modules, the npm package and the site.
///
/// # Errors
/// Something is missing that cannot be had here, or a build fails.
pub fn build(profile: Profile) -> Result<()> {
    let seconds = Seconds::start();
    // Packages first: what is missing there shows before the long part.
    npm::install()?;
    wasm::build(profile, &wasm::MODULES)?;
    npm::build()?;
    println!("built in {seconds}");
    Ok(())
}

/// Builds everything, then serves the site until it is interrupted. `args` are those of `dynasty serve`.
///
/// # Errors
/// A build fails, or the server does.
pub fn serve(profile: Profile, args: &[String]) -> Result<()> {
    build(profile)?;
    test::build_program(profile)?;
    Sh::new(test::program(profile)?).arg("serve").args(args).run()
}
