//! What a machine needs and how it gets there. Each step looks first, and is silent when nothing is missing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::sh::{self, Sh};

const TARGET: &str = "wasm32-unknown-unknown";

const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

/// A compiler that can build for wasm, with the sources of std for the build that has threads.
pub enum WasmCompiler {
    /// The compiler of this project, with the target and the sources added by rustup.
    Rustup,
    /// The distribution's compiler for the web, which has no std: it is built along.
    Distribution {
        /// The linker's name.
        linker: String,
    },
}

/// Which standard library a wasm build takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Std {
    /// The one that comes with the compiler.
    Shipped,
    /// Built along, because the one that comes with the compiler knows no atomics.
    Built,
    /// Built along with its shortest algorithms.
    Small,
}

/// Variables that would add flags to, or take the place of, the flags of a wasm build.
const FLAGS: [&str; 2] = ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"];

/// Variables by which a compiler's children know it, and that another compiler must not see.
const IDENTITY: [&str; 4] = ["CARGO", "RUSTC_WRAPPER", "RUSTDOC", "RUSTUP_TOOLCHAIN"];

impl WasmCompiler {
    /// A cargo command that compiles for wasm. For a standard library of its own a stable compiler has to be told to
    /// accept unstable options, in all builds alike so that they share build scripts.
    pub fn cargo(&self, std: Std) -> Sh {
        let cargo = match self {
            Self::Rustup => Sh::cargo(),
            Self::Distribution { linker } => Sh::new("/usr/bin/cargo")
                .env_remove(&IDENTITY)
                .env("RUSTC", "/usr/bin/rustc")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker),
        };
        let cargo = cargo.env_remove(&FLAGS).env("RUSTC_BOOTSTRAP", "1");
        match (self, std) {
            (Self::Rustup, Std::Shipped) => cargo,
            (Self::Distribution { .. }, Std::Shipped) | (_, Std::Built) => cargo.arg(BUILD_STD),
            (_, Std::Small) => cargo.arg(BUILD_STD).arg("-Zbuild-std-features=optimize_for_size"),
        }
    }
}

/// Finds a compiler for wasm, or gets one.
///
/// # Errors
/// There is none to be had; the message says what to install.
pub fn wasm() -> Result<WasmCompiler> {
    if rustup_complete()? || rustup_adds() && rustup_complete()? {
        return Ok(WasmCompiler::Rustup);
    }
    if let Some(linker) = distribution() {
        return Ok(WasmCompiler::Distribution { linker });
    }
    if is_debian() {
        install(&["rustc-web", "cargo-web", "rust-web-src", &newest_linker()?])?;
        if let Some(linker) = distribution() {
            return Ok(WasmCompiler::Distribution { linker });
        }
    }
    bail!("no compiler for wasm: run `rustup target add {TARGET}` and `rustup component add rust-src`")
}

fn rustup_complete() -> Result<bool> {
    let sysroot = Sh::new("rustc").words("--print sysroot").read()?;
    let lib = Path::new(sysroot.trim()).join("lib/rustlib");
    Ok(lib.join(TARGET).join("lib").is_dir() && lib.join("src/rust/library/std").is_dir())
}

fn rustup_adds() -> bool {
    sh::has("rustup")
        && Sh::new("rustup").words("target add").arg(TARGET).run().is_ok()
        && Sh::new("rustup").words("component add rust-src").run().is_ok()
}

/// The linker of an installed distribution compiler that has the sources of std.
fn distribution() -> Option<String> {
    let sysroot = Sh::new("/usr/bin/rustc").words("--print sysroot").read().ok()?;
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std");
    let linker = newest("wasm-ld-", file_names(Path::new("/usr/bin")))?;
    (sources.is_dir() && Path::new("/usr/bin/cargo").is_file()).then_some(linker)
}

/// The name of the newest `lld` package on offer.
fn newest_linker() -> Result<String> {
    let offered = Sh::new("apt-cache").words("search --names-only ^lld-[0-9]+$").read()?;
    let names = offered.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    newest("lld-", names).context("the distribution offers no lld; install one, and run this again")
}

/// Of the names that are `prefix` and a number, the one with the greatest number.
fn newest(prefix: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let numbered = names.into_iter().filter_map(|name| Some((name.strip_prefix(prefix)?.parse::<u32>().ok()?, name)));
    numbered.max().map(|(_, name)| name)
}

fn file_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").is_file() && sh::has("apt-get")
}

/// Installs packages of the distribution.
fn install(packages: &[&str]) -> Result<()> {
    let as_root = || if is_root() { Sh::new("apt-get") } else { Sh::new("sudo").words("-n apt-get") };
    as_root().words("update -q").env("DEBIAN_FRONTEND", "noninteractive").run()?;
    as_root()
        .words("install -q -y --no-install-recommends")
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
        .with_context(|| format!("install {} and run this again", packages.join(" ")))
}

fn is_root() -> bool {
    Sh::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0")
}

/// The names under which a Chromium may be found, best first.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Finds a browser for the tests, or gets one. `CHROMIUM` names one elsewhere.
///
/// # Errors
/// There is none to be had; the message says what to install.
pub fn browser() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    if let Some(path) = find_browser() {
        return Ok(path);
    }
    if is_debian() {
        install(&["chromium"])?;
    }
    find_browser().context("no browser for the tests: install Chromium, or set CHROMIUM to its path")
}

fn find_browser() -> Option<PathBuf> {
    const APP: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    let path = std::env::var_os("PATH")?;
    let named = BROWSERS.iter().flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)));
    named.chain([PathBuf::from(APP)]).find(|file| file.is_file())
}

/// Sees to it that the GPU tests find a driver: on Debian the software one is installed; elsewhere the machine has its
/// own, or the tests say that they found no adapter.
///
/// # Errors
/// The driver cannot be installed.
pub fn vulkan() -> Result<()> {
    let has_driver =
        ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].iter().any(|dir| !file_names(Path::new(dir)).is_empty());
    if has_driver || !is_debian() { Ok(()) } else { install(&["mesa-vulkan-drivers", "libvulkan1"]) }
}

/// Sees to it that Node is there, in a version that the front end's tools accept.
///
/// # Errors
/// It is missing or too old.
pub fn node() -> Result<()> {
    let version = Sh::new("node").arg("--version").read().context("install Node.js 20 or newer")?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|part| part.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 20) {
        Ok(())
    } else {
        bail!("Node.js {} is too old: install 20 or newer", version.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_compares_numbers() {
        let names = ["wasm-ld-9", "wasm-ld-22", "wasm-ld-14", "wasm-ld", "wasm-ld-x"].map(str::to_owned);
        assert_eq!(newest("wasm-ld-", names).as_deref(), Some("wasm-ld-22"));
        assert_eq!(newest("wasm-ld-", []), None);
    }
}
