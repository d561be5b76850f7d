//! Checkpoints: folders `step-N` that are either whole or not there.
//!
//! Each holds a loadable model (`model.safetensors`, `config.json`, the tokenizer's files), `optimizer.safetensors`,
//! `state.json`, and `digests.json` with the SHA-256 of every other file. A folder is written under a hidden name,
//! flushed to the disk with all its files, and renamed; older ones are removed after that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::export::{MODEL, OPTIMIZER, Part};
use crate::state::{Belongs, State};
use crate::{Error, digest};
use run::adapter;

const DIGESTS: &str = "digests.json";
const STATE: &str = "state.json";

/// Where the checkpoint of a step is.
pub fn folder(output: &Path, step: u64) -> PathBuf {
    output.join(format!("step-{step}"))
}

/// Writes a checkpoint and removes all but the last `keep`.
///
/// # Errors
/// [`Error::Io`] if something cannot be written, such as on a full disk; every older checkpoint is still there then.
pub fn write(output: &Path, state: &State, parts: &[Part], keep: usize) -> Result<PathBuf, Error> {
    let target = folder(output, state.step);
    let hidden = output.join(format!(".step-{}.part", state.step));
    remove(&hidden)?;
    let written = fill(&hidden, state, parts).and_then(|()| {
        remove(&target)?;
        fs::rename(&hidden, &target).and_then(|()| sync(output)).map_err(|error| Error::io(&target, error))
    });
    if let Err(error) = written {
        // What is half written is of no use; that it cannot be removed changes nothing about the first error.
        let _ = fs::remove_dir_all(&hidden);
        return Err(error);
    }
    let steps = steps(output)?;
    for old in steps.iter().rev().filter(|step| **step != state.step).skip(keep.saturating_sub(1)) {
        remove(&folder(output, *old))?;
    }
    Ok(target)
}

fn fill(hidden: &Path, state: &State, parts: &[Part]) -> Result<(), Error> {
    fs::create_dir_all(hidden).map_err(|error| Error::io(hidden, error))?;
    let state = json(hidden, state)?;
    let mut digests = BTreeMap::new();
    for (name, bytes) in parts.iter().map(|(name, bytes)| (&**name, bytes)).chain([(STATE, &state)]) {
        put(&hidden.join(name), bytes)?;
        digests.insert(name.to_string(), digest::of_bytes(bytes));
    }
    put(&hidden.join(DIGESTS), &json(hidden, &digests)?)?;
    sync(hidden).map_err(|error| Error::io(hidden, error))
}

fn json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(value).map_err(|error| Error::io(path, error))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| Error::io(path, error))
}

/// A folder's own entries reach the disk.
fn sync(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder, error)),
        _ => Ok(()),
    }
}

/// The steps of all checkpoints in a folder, in order; none if there is no such folder.
///
/// # Errors
/// The folder cannot be read.
pub fn steps(output: &Path) -> Result<Vec<u64>, Error> {
    let entries = match fs::read_dir(output) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| Error::io(output, error))?,
    };
    let mut steps = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| Error::io(output, error))?.file_name();
        steps.extend(name.to_str().and_then(|name| name.strip_prefix("step-")?.parse::<u64>().ok()));
    }
    steps.sort_unstable();
    Ok(steps)
}

/// A checkpoint that was read and checked.
pub struct Opened {
    /// Its folder.
    pub folder: PathBuf,
    /// Where training stood.
    pub state: State,
    /// Why newer ones were passed over.
    pub refused: Vec<Error>,
}

/// The newest checkpoint that is whole and belongs to this training; `None` if there is none at all.
///
/// # Errors
/// [`Error::Checkpoint`] with the newest one's fault if there are some, but none that can be used.
pub fn open_newest(output: &Path, belongs: &Belongs) -> Result<Option<Opened>, Error> {
    let mut refused = Vec::new();
    for step in steps(output)?.into_iter().rev() {
        let folder = folder(output, step);
        match open(&folder, belongs) {
            Ok(state) => return Ok(Some(Opened { folder, state, refused })),
            Err(error) => refused.push(error),
        }
    }
    if refused.is_empty() { Ok(None) } else { Err(refused.swap_remove(0)) }
}

/// Checks every file of a checkpoint.
///
/// # Errors
/// [`Error::Checkpoint`] with the file and its fault.
pub fn open(folder: &Path, belongs: &Belongs) -> Result<State, Error> {
    let digests: BTreeMap<String, String> = parse(&folder.join(DIGESTS))?;
    let weights = if digests.contains_key(adapter::WEIGHTS) { adapter::WEIGHTS } else { MODEL };
    for name in [STATE, weights, OPTIMIZER] {
        if !digests.contains_key(name) {
            return Err(fault(&folder.join(DIGESTS), format!("does not name {name}")));
        }
    }
    for (name, wanted) in &digests {
        let path = folder.join(name);
        if name.contains(['/', '\\']) {
            return Err(fault(&path, "is outside of the checkpoint"));
        }
        let found = File::open(&path).and_then(|mut file| digest::of_reader(&mut file));
        let found = found.map_err(|error| fault(&path, error))?;
        if found != *wanted {
            return Err(fault(&path, "is damaged: its digest is another"));
        }
    }
    let path = folder.join(STATE);
    let state: State = parse(&path)?;
    let compare = |found: &str, wanted: &str, what: &str| {
        if found == wanted { Ok(()) } else { Err(fault(&path, format!("belongs to another {what}"))) }
    };
    compare(&state.recipe, &belongs.recipe, "recipe")?;
    compare(&state.tokenizer, &belongs.tokenizer, "tokenizer")?;
    compare(&state.corpus, &belongs.corpus, "set of texts")?;
    Ok(state)
}

fn fault(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::checkpoint(&path.display().to_string(), reason)
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = fs::read(path).map_err(|error| fault(path, error))?;
    serde_json::from_slice(&bytes).map_err(|error| fault(path, format!("is damaged: {error}")))
}

#[cfg(test)]
mod tests;
