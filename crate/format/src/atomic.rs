//! Files that are either whole or not there.

use crate::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes the temporary names of one process differ.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A file that is written under a temporary name beside its target, renamed by [`AtomicFile::commit`], and removed
/// if it is dropped before that. The target is never seen half written.
pub struct AtomicFile {
    target: PathBuf,
    temporary: PathBuf,
    /// `None` once the file has been closed.
    file: Option<BufWriter<File>>,
}

impl AtomicFile {
    /// Starts a file that will be at `target`.
    ///
    /// # Errors
    /// [`Error::Io`] if nothing can be written beside the target.
    pub fn create(target: impl AsRef<Path>) -> Result<AtomicFile, Error> {
        let target = target.as_ref().to_path_buf();
        let shown = target.display().to_string();
        let Some(name) = target.file_name() else {
            return Err(Error::io(&shown, "not a file name"));
        };
        if target.is_dir() {
            return Err(Error::io(&shown, "a folder of that name exists"));
        }
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{count}.part", std::process::id()));
        let temporary = target.with_file_name(hidden);
        let file = File::create(&temporary).map_err(|error| Error::io(&shown, error))?;
        Ok(AtomicFile { target, temporary, file: Some(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// Where the file will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Ends the writing and gives the file its name.
    ///
    /// # Errors
    /// [`Error::Io`] if the last bytes cannot be written or the file cannot be renamed; nothing is left then.
    pub fn commit(mut self) -> Result<(), Error> {
        let result = self.close();
        let result = result.and_then(|()| std::fs::rename(&self.temporary, &self.target));
        let shown = self.target.display().to_string();
        result.map_err(|error| {
            // What cannot be removed now cannot be removed later either; the first error is the one to tell.
            let _ = std::fs::remove_file(&self.temporary);
            Error::io(&shown, error)
        })
    }

    fn close(&mut self) -> std::io::Result<()> {
        let Some(writer) = self.file.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}

impl Write for AtomicFile {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(data),
            None => Err(std::io::Error::other("the file is closed")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(writer) = self.file.take() {
            // Taken apart without writing what is still buffered, since the file is thrown away.
            drop(writer.into_parts());
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap();
        names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn committed_files_appear_and_dropped_ones_do_not() {
        let folder = std::env::temp_dir().join(format!("dynasty-atomic-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let target = folder.join("out.bin");
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert!(entries(&folder).is_empty());
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"whole").unwrap();
        file.commit().unwrap();
        assert_eq!(entries(&folder), ["out.bin"]);
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
