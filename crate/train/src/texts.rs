//! Where the files of texts are: on the disk, or in memory.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::recipe::DataSpec;
use crate::{Error, Recipe};

/// Opens the files of texts that a recipe names.
pub trait Texts: Sync {
    /// A file of a source, and the name to use for it in errors.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    fn open(&self, recipe: &Recipe, spec: &DataSpec, file: &Path) -> Result<(PathBuf, Box<dyn Read>), Error>;
}

/// Files under the data root, or beside the output folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Texts for Disk {
    fn open(&self, recipe: &Recipe, spec: &DataSpec, file: &Path) -> Result<(PathBuf, Box<dyn Read>), Error> {
        let beside = recipe.output.parent().unwrap_or(Path::new(""));
        let path = if spec.beside_output { beside } else { &recipe.data_root }.join(file);
        match std::fs::File::open(&path) {
            Ok(bytes) => Ok((path, Box::new(bytes))),
            Err(error) => Err(Error::io(&path, error)),
        }
    }
}

/// Files by the names that the recipe uses.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<PathBuf, Arc<[u8]>>);

impl Texts for Memory {
    fn open(&self, _: &Recipe, _: &DataSpec, file: &Path) -> Result<(PathBuf, Box<dyn Read>), Error> {
        match self.0.get(file) {
            Some(bytes) => Ok((file.to_path_buf(), Box::new(Cursor::new(bytes.clone())))),
            None => Err(Error::io(file, "is not there")),
        }
    }
}
