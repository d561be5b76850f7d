//! The front end's packages, types, tests and pages.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result};

use crate::{
    setup,
    sh::{self, Sh},
};

/// The version of `wasm-opt` for releases. It is large, so only they fetch it.
const BINARYEN: &str = "binaryen@132.0.0";

fn web() -> PathBuf {
    sh::root().join("web")
}

/// Installs the locked packages, unless they are there.
///
/// # Errors
/// Node or npm is missing, or a package cannot be fetched.
pub fn install() -> Result<()> {
    setup::node()?;
    let lock = changed(&web().join("package-lock.json")).context("web/package-lock.json is missing")?;
    if changed(&web().join("node_modules/.package-lock.json")).is_some_and(|installed| installed >= lock) {
        return Ok(());
    }
    npm(&web()).arg("ci").run()
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|data| data.modified()).ok()
}

fn npm(dir: &Path) -> Sh {
    Sh::new("npm").dir(dir).env("NO_COLOR", "1")
}

/// One of the scripts of `web/package.json`.
pub fn script(name: &str) -> Sh {
    npm(&web()).words("run --silent").arg(name)
}

/// Installs the packages and builds the npm package into `pkg/dist` and the site into `web/dist`.
///
/// # Errors
/// A package cannot be fetched, or the sources do not build.
pub fn build() -> Result<()> {
    install()?;
    script("build").run()
}

/// The path of `wasm-opt`, which is fetched when it is not there.
///
/// # Errors
/// It cannot be fetched.
pub fn wasm_opt() -> Result<PathBuf> {
    let tools = sh::target()?.join("tools");
    let program = tools.join("node_modules/.bin/wasm-opt");
    if !program.exists() {
        setup::node()?;
        fs::create_dir_all(&tools)?;
        npm(&tools).words("install --no-save --no-audit --no-fund --prefix").arg(&tools).arg(BINARYEN).run()?;
    }
    Ok(program)
}
