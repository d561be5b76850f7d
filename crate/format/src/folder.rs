//! A named set of files: a folder on disk, files dropped on a page, the prefix of an address.

use crate::{Bytes, Error, LocalFuture, MemoryBytes};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Files that belong together, found by name.
pub trait Folder {
    /// The name that error messages use.
    fn name(&self) -> &str;

    /// Opens one file, or gives `None` if the folder has none of that name.
    ///
    /// # Errors
    /// [`Error::Io`] if the file is there and cannot be opened, or its name leads out of the folder.
    fn open<'a>(&'a self, file: &'a str) -> LocalFuture<'a, Result<Option<Rc<dyn Bytes>>, Error>>;
}

/// The longest text file that [`read_text`] takes: the largest tokenizers are about 35 MB.
const LONGEST_TEXT: u64 = 128 << 20;

/// A small text file of a folder, such as `config.json`, or `None` if it is not there.
///
/// # Errors
/// [`Error::Io`] from the folder; [`Error::Damaged`] if the text is not UTF-8 or is above 128 MiB.
pub async fn read_text(folder: &dyn Folder, file: &str) -> Result<Option<String>, Error> {
    let Some(bytes) = folder.open(file).await? else { return Ok(None) };
    if bytes.len() > LONGEST_TEXT {
        return Err(Error::damaged(bytes.name(), LONGEST_TEXT, "too large for a text file"));
    }
    let data = bytes.read(0..bytes.len()).await?;
    match String::from_utf8(data) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to() as u64;
            Err(Error::damaged(bytes.name(), offset, "not UTF-8 text"))
        }
    }
}

/// Whether a file name from outside stays inside its folder: relative, forward slashes, no `..`.
pub fn stays_inside(file: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    !file.contains(['\\', '\0', ':']) && file.split('/').all(plain)
}

/// A folder on disk.
#[cfg(not(target_arch = "wasm32"))]
pub struct DirFolder {
    name: String,
    path: std::path::PathBuf,
}

#[cfg(not(target_arch = "wasm32"))]
impl DirFolder {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, [`Error::Io`] if it is not a folder.
    pub fn new(path: impl AsRef<std::path::Path>) -> Result<DirFolder, Error> {
        let path = path.as_ref().to_path_buf();
        let name = path.display().to_string();
        match std::fs::metadata(&path) {
            Ok(about) if about.is_dir() => Ok(DirFolder { name, path }),
            Ok(_) => Err(Error::io(&name, "not a folder")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::not_found(&name)),
            Err(error) => Err(Error::io(&name, error)),
        }
    }

    /// Where the folder is.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Folder for DirFolder {
    fn name(&self) -> &str {
        &self.name
    }

    fn open<'a>(&'a self, file: &'a str) -> LocalFuture<'a, Result<Option<Rc<dyn Bytes>>, Error>> {
        Box::pin(async move {
            if !stays_inside(file) {
                return Err(Error::io(&self.name, format!("the file name {file:?} leads out of the folder")));
            }
            match crate::FileBytes::open(self.path.join(file)) {
                Ok(bytes) => Ok(Some(Rc::new(bytes) as Rc<dyn Bytes>)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }
}

/// A folder in memory.
#[derive(Clone, Default)]
pub struct MemoryFolder {
    name: String,
    files: BTreeMap<String, Arc<[u8]>>,
}

impl MemoryFolder {
    /// An empty folder.
    pub fn new(name: impl Into<String>) -> MemoryFolder {
        MemoryFolder { name: name.into(), files: BTreeMap::new() }
    }

    /// Adds a file, or replaces it.
    pub fn insert(&mut self, file: impl Into<String>, data: impl Into<Arc<[u8]>>) {
        self.files.insert(file.into(), data.into());
    }
}

impl Folder for MemoryFolder {
    fn name(&self) -> &str {
        &self.name
    }

    fn open<'a>(&'a self, file: &'a str) -> LocalFuture<'a, Result<Option<Rc<dyn Bytes>>, Error>> {
        Box::pin(async move {
            let data = self.files.get(file).cloned();
            let named = |data| MemoryBytes::new(format!("{}/{file}", self.name), data);
            Ok(data.map(|data: Arc<[u8]>| Rc::new(named(data)) as Rc<dyn Bytes>))
        })
    }
}
