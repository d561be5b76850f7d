//! `cargo xtask size`: what a browser fetches for a chat before the first byte of a model.

use anyhow::{Result, ensure};

use crate::{
    npm,
    sh::{self, Sh},
    wasm::{self, FLAVOURS, Profile, Purpose},
};

/// The most that a chat may take under brotli: wasm, scripts, styles and the page itself.
const MOST: u64 = 1_000_000;

/// Sizes under brotli 11 of a page with all that its files name of the files beside it, and of the files in a folder.
const MEASURE: &str = "const { readFileSync, readdirSync } = require('node:fs');
const { brotliCompressSync } = require('node:zlib');
const [dist, page, folder] = process.argv.slice(1);
const assets = readdirSync(`${dist}/assets`);
const found = new Set([page]);
for (const file of found) {
  const text = readFileSync(`${dist}/${file}`, 'utf8');
  for (const name of assets) if (text.includes(name)) found.add(`assets/${name}`);
}
for (const name of readdirSync(`${dist}/${folder}`)) if (/\\.(js|wasm)$/.test(name)) found.add(`${folder}/${name}`);
const size = (file) => brotliCompressSync(readFileSync(`${dist}/${file}`)).length;
const sum = (files) => files.reduce((total, file) => total + size(file), 0);
const wasm = [...found].filter((file) => file.endsWith('.wasm'));
console.log(sum(wasm), sum([...found].filter((file) => !wasm.includes(file))));";

/// Builds the modules that chat and the site for release and prints, for each module, what the chat page transfers.
///
/// # Errors
/// A build fails, or a chat is larger than it may be.
pub fn run() -> Result<()> {
    npm::install()?;
    wasm::build(Profile::Release, &FLAVOURS.map(|flavour| (Purpose::Chat, flavour)))?;
    npm::build()?;
    let dist = sh::root().join("web/dist");
    println!("bytes under brotli 11, before the model:");
    for flavour in FLAVOURS {
        let folder = format!("wasm/{}", flavour.name());
        let sizes = Sh::new("node").arg("-e").arg(MEASURE).arg(&dist).arg("chat.html").arg(&folder).read()?;
        let sizes: Vec<u64> = sizes.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let total: u64 = sizes.iter().sum();
        println!("  {:8} wasm and page {sizes:?}, together {total}", flavour.name());
        ensure!(total < MOST, "a chat with {} takes {total} bytes, it may take {MOST}", flavour.name());
    }
    Ok(())
}
