//! The wasm builds, their bindings and their sizes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    npm,
    setup::{self, Std, WasmCompiler},
    sh::{self, Seconds, Sh},
};

/// Which instructions a wasm module may use. A page takes the last of these that its browser can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// 128-bit SIMD.
    Simd128,
    /// 128-bit SIMD and its relaxed instructions.
    Relaxed,
    /// As `Relaxed`, with shared memory and atomics, for a page that is isolated from other origins.
    Threads,
}

/// All of them.
pub const FLAVOURS: [Flavour; 3] = [Flavour::Simd128, Flavour::Relaxed, Flavour::Threads];

/// What a wasm module is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Models that answer.
    Chat,
    /// Models that read; a page fetches it when it opens one.
    Tasks,
    /// Models that learn; a page fetches it when it trains.
    Train,
    /// The suite of operations; never shipped.
    Ops,
}

impl Purpose {
    /// The folder that holds a folder for each flavour.
    fn folder(self) -> Result<PathBuf> {
        let shipped = sh::root().join("pkg/wasm");
        Ok(match self {
            Self::Chat => shipped,
            Self::Tasks => shipped.join("tasks"),
            Self::Train => shipped.join("train"),
            Self::Ops => sh::target()?.join(Profile::Ci.native()).join("ops"),
        })
    }

    /// Its name before a flavour's, as `cargo xtask wasm` takes it.
    fn prefix(self) -> &'static str {
        match self {
            Self::Chat => "",
            Self::Tasks => "tasks/",
            Self::Train => "train/",
            Self::Ops => "ops/",
        }
    }

    /// The package and its features.
    fn package(self) -> (&'static str, &'static str) {
        match self {
            Self::Chat => ("dynasty-wasm", "chat"),
            Self::Tasks => ("dynasty-wasm", "tasks"),
            Self::Train => ("dynasty-wasm", "train"),
            Self::Ops => ("dynasty-ops", ""),
        }
    }
}

/// A wasm module: what it is for and which instructions it may use.
pub type Module = (Purpose, Flavour);

/// All that are shipped.
pub const MODULES: [Module; 9] = [
    (Purpose::Chat, Flavour::Simd128),
    (Purpose::Chat, Flavour::Relaxed),
    (Purpose::Chat, Flavour::Threads),
    (Purpose::Tasks, Flavour::Simd128),
    (Purpose::Tasks, Flavour::Relaxed),
    (Purpose::Tasks, Flavour::Threads),
    (Purpose::Train, Flavour::Simd128),
    (Purpose::Train, Flavour::Relaxed),
    (Purpose::Train, Flavour::Threads),
];

/// The suite of operations, in each flavour.
pub const OPS: [Module; 3] =
    [(Purpose::Ops, Flavour::Simd128), (Purpose::Ops, Flavour::Relaxed), (Purpose::Ops, Flavour::Threads)];

/// For whom something is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For this machine and its tests: optimised, quickly rebuilt.
    Ci,
    /// For others: link-time optimisation and `wasm-opt`.
    Release,
}

impl Profile {
    /// The cargo profile of native programs.
    pub fn native(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Release => "release",
        }
    }

    fn wasm(self) -> &'static str {
        match self {
            Self::Ci => "wasm-ci",
            Self::Release => "wasm",
        }
    }
}

const SHARED_MEMORY: [&str; 7] = [
    "--shared-memory",
    "--import-memory",
    "--max-memory=4294967296",
    "--export=__wasm_init_tls",
    "--export=__tls_size",
    "--export=__tls_align",
    "--export=__tls_base",
];

impl Flavour {
    /// Its folder's name in `pkg/wasm`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simd128 => "simd128",
            Self::Relaxed => "relaxed",
            Self::Threads => "threads",
        }
    }

    /// What rustc is told. What is shipped ends at once where it would panic, without the texts and lines of all places
    /// that could.
    fn rustflags(self, profile: Profile) -> String {
        let flags: String = match self {
            Self::Simd128 => "-C target-feature=+simd128".into(),
            Self::Relaxed => "-C target-feature=+simd128,+relaxed-simd".into(),
            Self::Threads => {
                let features = "-C target-feature=+simd128,+relaxed-simd,+atomics,+bulk-memory,+mutable-globals";
                SHARED_MEMORY.iter().fold(features.to_owned(), |flags, arg| format!("{flags} -C link-arg={arg}"))
            }
        };
        if profile == Profile::Release {
            format!("{flags} -Zlocation-detail=none -Zfmt-debug=shallow -Zunstable-options -Cpanic=immediate-abort")
        } else {
            flags
        }
    }
}

/// The stem of all files of a module.
const STEM: &str = "dynasty";

/// The module of this name: a flavour's, with `tasks/`, `train/` or `ops/` before it for the modules of another purpose.
///
/// # Errors
/// There is none.
pub fn module(name: &str) -> Result<Module> {
    let purposes = [Purpose::Chat, Purpose::Tasks, Purpose::Train, Purpose::Ops];
    let mut modules = purposes.into_iter().flat_map(|purpose| FLAVOURS.map(|flavour| (purpose, flavour)));
    let found = modules.find(|&module| self::name(module) == name);
    found.with_context(|| format!("there is no wasm module `{name}`: take simd128, relaxed or threads"))
}

fn name((purpose, flavour): Module) -> String {
    format!("{}{}", purpose.prefix(), flavour.name())
}

/// Builds some of them and prints their sizes.
///
/// # Errors
/// No compiler for wasm is to be had, or a build fails.
pub fn build(profile: Profile, modules: &[Module]) -> Result<()> {
    let compiler = setup::wasm()?;
    for &module in modules {
        let seconds = Seconds::start();
        let folder = module.0.folder()?.join(module.1.name());
        let name = name(module);
        let linked = compile(&compiler, module, profile).with_context(|| format!("wasm {name}"))?;
        bind(&linked, &folder)?;
        let bound = folder.join(format!("{STEM}_bg.wasm"));
        if profile == Profile::Release {
            shrink(&bound, module.1)?;
        }
        let size = fs::metadata(&bound)?.len();
        let brotli =
            if profile == Profile::Release { format!(", {} with brotli", brotli(&bound)?) } else { String::new() };
        println!("wasm {name}: {size} bytes{brotli}, {seconds}");
    }
    Ok(())
}

fn standard_library(flavour: Flavour, profile: Profile) -> Std {
    match (profile, flavour) {
        (Profile::Release, _) => Std::Small,
        (Profile::Ci, Flavour::Threads) => Std::Built,
        (Profile::Ci, Flavour::Simd128 | Flavour::Relaxed) => Std::Shipped,
    }
}

/// Compiles one of them and returns the module as the linker left it.
fn compile(compiler: &WasmCompiler, (purpose, flavour): Module, profile: Profile) -> Result<PathBuf> {
    let target = sh::target()?.join(format!("wasm-{}", flavour.name()));
    let (package, features) = purpose.package();
    let file = format!("{}.wasm", package.replace('-', "_"));
    let module = target.join("wasm32-unknown-unknown").join(profile.wasm()).join(file);
    compiler
        .cargo(standard_library(flavour, profile))
        .words("build --lib --target wasm32-unknown-unknown --no-default-features --package")
        .arg(package)
        .arg("--features")
        .arg(features)
        .arg("--profile")
        .arg(profile.wasm())
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", flavour.rustflags(profile))
        .run()?;
    Ok(module)
}

/// Writes the JavaScript and TypeScript side of a module, and the module as it fits them.
///
/// # Errors
/// The module is not one that this version of wasm-bindgen made.
pub fn bind(module: &Path, folder: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(STEM).typescript(true).omit_default_module_path(false).web(true)?;
    bindgen.generate(folder).with_context(|| format!("bindings of {}", module.display()))
}

/// What every browser with SIMD also has, as `wasm-opt` names it.
const BASE_FEATURES: &str = "--enable-simd --enable-bulk-memory --enable-bulk-memory-opt --enable-call-indirect-overlong \
    --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals --enable-reference-types \
    --enable-multivalue";

/// Lets `wasm-opt` rewrite a module in place, with no instruction that its browsers may not know.
fn shrink(module: &Path, flavour: Flavour) -> Result<()> {
    let more = match flavour {
        Flavour::Simd128 => "",
        Flavour::Relaxed => "--enable-relaxed-simd",
        Flavour::Threads => "--enable-relaxed-simd --enable-threads",
    };
    let small = module.with_extension("opt");
    let optimizer =
        Sh::new(npm::wasm_opt()?).words("-Oz --gufa-optimizing -Oz --strip-debug").words(BASE_FEATURES).words(more);
    optimizer.arg(module).arg("-o").arg(&small).run()?;
    fs::rename(&small, module).with_context(|| format!("cannot replace {}", module.display()))
}

const BROTLI: &str = "const { readFileSync, writeFileSync } = require('node:fs');
const file = process.argv[1];
const small = require('node:zlib').brotliCompressSync(readFileSync(file));
writeFileSync(file + '.br', small);
console.log(small.length);";

/// Writes `<file>.br` beside a file, for servers that send such files as they are, and returns its size.
fn brotli(file: &Path) -> Result<u64> {
    let size = Sh::new("node").arg("-e").arg(BROTLI).arg(file).read()?;
    Ok(size.trim().parse()?)
}
