//! How a model comes into this module.

use run::{LoadOptions, Model, Package};
use serde::Deserialize;

use crate::error::Failure;
use crate::listener::Caller;
use crate::protocol::{DeviceChoice, ErrorCode, Trial};

/// Bytes that weights and caches may take together: what is left of the 4 GiB that a module can address.
const MEMORY: u64 = 3 << 30;

/// Bytes that a conversation's cache takes at most unasked: a page shares its machine with others.
const CACHE: u64 = 192 << 20;

/// How a model is loaded.
#[derive(Deserialize)]
pub struct Wanted {
    device: DeviceChoice,
    context: Option<usize>,
    /// What trials of earlier visits found.
    #[serde(default)]
    known: Vec<Trial>,
}

/// The files that a script gives.
pub async fn open(source: crate::bytes::Opened) -> Result<Package, Failure> {
    let empty = || Failure::new(ErrorCode::Argument, "there is neither a file nor a folder");
    Ok(Package::open(source.into_source().ok_or_else(empty)?).await?)
}

/// Loads weights and compiles programs.
pub async fn load(package: Package, threads: usize, wanted: Wanted, caller: &Caller) -> Result<Model, Failure> {
    let options = LoadOptions {
        device: wanted.device.into(),
        threads,
        context: wanted.context,
        memory: MEMORY,
        cache: CACHE,
        known: wanted.known.into_iter().map(run::Trial::from).collect(),
    };
    let mut progress = |progress| {
        let _ = caller.tell(progress);
    };
    let model = Model::load(package, &options, &mut progress).await?;
    model.warm(&mut progress).await?;
    Ok(model)
}
