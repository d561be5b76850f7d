//! Random-access bytes, wherever they are: memory, a file, a browser's blob, an address on the network.

use crate::Error;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

/// A future that stays on its thread, which is all that a page can promise.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Bytes that can be read at any place, without a position and without blocking a page.
pub trait Bytes {
    /// The name that error messages use.
    fn name(&self) -> &str;

    /// The length in bytes.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Exactly the bytes of `range`.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the range does not lie inside the bytes (found before anything is allocated),
    /// [`Error::Io`] if fewer bytes come back.
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, Error>>;
}

/// The length of `range` in bytes, if it lies inside `len` bytes. For implementations of [`Bytes`].
///
/// # Errors
/// [`Error::Damaged`] with the name `file` if it does not.
pub fn checked_len(file: &str, len: u64, range: &Range<u64>) -> Result<usize, Error> {
    let inside = range.start <= range.end && range.end <= len;
    let size = range.end.checked_sub(range.start).and_then(|n| usize::try_from(n).ok());
    match size {
        Some(size) if inside => Ok(size),
        _ => {
            let reason = format!("bytes {}..{} were asked for, the file has {len}", range.start, range.end);
            Err(Error::damaged(file, range.start, reason))
        }
    }
}

/// Bytes that are in memory already.
#[derive(Clone)]
pub struct MemoryBytes {
    name: String,
    data: Arc<[u8]>,
}

impl MemoryBytes {
    /// Gives bytes a name.
    pub fn new(name: impl Into<String>, data: impl Into<Arc<[u8]>>) -> MemoryBytes {
        MemoryBytes { name: name.into(), data: data.into() }
    }
}

impl Bytes for MemoryBytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.data.len() as u64
    }

    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let size = checked_len(&self.name, self.len(), &range)?;
            let start = range.start as usize;
            Ok(self.data[start..start + size].to_vec())
        })
    }
}

/// A file on disk, read by position, so that one open file serves any number of readers.
#[cfg(not(target_arch = "wasm32"))]
pub struct FileBytes {
    name: String,
    file: std::fs::File,
    len: u64,
}

#[cfg(not(target_arch = "wasm32"))]
impl FileBytes {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, [`Error::Io`] if it cannot be opened or is not a regular file.
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<FileBytes, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::not_found(&name),
            _ => Error::io(&name, error),
        };
        // Looked at before it is opened: opening a pipe would wait for its other end.
        let about = std::fs::metadata(path).map_err(failed)?;
        if !about.is_file() {
            return Err(Error::io(&name, "not a regular file"));
        }
        let file = std::fs::File::open(path).map_err(failed)?;
        Ok(FileBytes { name, file, len: about.len() })
    }

    fn read_at(&self, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let size = checked_len(&self.name, self.len, &range)?;
        let mut data = vec![0; size];
        #[cfg(unix)]
        std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut data, range.start)
            .map_err(|error| Error::io(&self.name, error))?;
        #[cfg(windows)]
        {
            let mut done = 0;
            while done < size {
                let at = range.start + done as u64;
                let n = std::os::windows::fs::FileExt::seek_read(&self.file, &mut data[done..], at)
                    .map_err(|error| Error::io(&self.name, error))?;
                if n == 0 {
                    return Err(Error::io(&self.name, "the file became shorter while it was read"));
                }
                done += n;
            }
        }
        Ok(data)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Bytes for FileBytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, Error>> {
        Box::pin(async move { self.read_at(range) })
    }
}
