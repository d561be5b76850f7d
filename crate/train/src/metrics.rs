//! What happened, one JSON a line.

use serde::{Deserialize, Serialize};

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// A run began.
    Run {
        /// The step it goes on from.
        step: u64,
        /// Where it runs.
        device: String,
        /// Weight values.
        parameters: u64,
        /// Tokens to learn from.
        tokens: u64,
    },
    /// The weights were changed, or the step was left out.
    Step {
        /// Steps so far.
        step: u64,
        /// In nats a token; `null` if it is no number.
        loss: Option<f64>,
        /// The learning rate.
        learning_rate: f64,
        /// The norm of all gradients together, before clipping; `null` if it is no number.
        grad_norm: Option<f64>,
        /// Tokens so far.
        tokens: u64,
        /// Since the last step of this run.
        tokens_per_s: f64,
        /// Of training, over all runs.
        seconds: f64,
    },
    /// The loss on held-out texts.
    Validation {
        /// Steps so far.
        step: u64,
        /// In nats a token.
        loss: f64,
    },
    /// A text that the model wrote.
    Sample {
        /// Steps so far.
        step: u64,
        /// Its beginning.
        prompt: String,
        /// What the model wrote.
        text: String,
    },
    /// The guard did something.
    Guard {
        /// Steps so far.
        step: u64,
        /// `skip`, `roll_back` or `stop`.
        action: String,
        /// Why.
        reason: String,
    },
}

impl Record {
    /// As one line.
    pub fn line(&self) -> String {
        // A record of texts and numbers always has a JSON.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// A loss or norm for a record: `None` if it is no number.
pub fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(not(target_arch = "wasm32"))]
pub use file::{Log, read};

#[cfg(not(target_arch = "wasm32"))]
mod file {
    use super::Record;
    use crate::Error;
    use std::fs::{File, OpenOptions};
    use std::io::{Seek, SeekFrom, Write};
    use std::path::{Path, PathBuf};

    /// A file of records that is only ever added to, or cut back to where a checkpoint knew it.
    pub struct Log {
        path: PathBuf,
        file: File,
        len: u64,
    }

    impl Log {
        /// Opens or makes a file and cuts it back to `len` bytes: what follows happened after the checkpoint.
        ///
        /// # Errors
        /// It cannot be opened, or has fewer bytes.
        pub fn open(path: &Path, len: u64) -> Result<Self, Error> {
            let failed = |error| Error::io(path, error);
            let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(failed)?;
            let have = file.metadata().map_err(failed)?.len();
            if have < len {
                return Err(Error::io(path, format!("has {have} bytes, the checkpoint knew {len}")));
            }
            file.set_len(len).and_then(|()| file.seek(SeekFrom::Start(len))).map_err(failed)?;
            Ok(Self { path: path.to_path_buf(), file, len })
        }

        /// Adds a record.
        ///
        /// # Errors
        /// It cannot be written: the disk may be full.
        pub fn push(&mut self, record: &Record) -> Result<(), Error> {
            let line = record.line();
            self.file.write_all(line.as_bytes()).map_err(|error| Error::io(&self.path, error))?;
            self.len += line.len() as u64;
            Ok(())
        }

        /// Waits until all records are on the disk; their bytes.
        ///
        /// # Errors
        /// They cannot be written.
        pub fn sync(&mut self) -> Result<u64, Error> {
            self.file.sync_data().map_err(|error| Error::io(&self.path, error))?;
            Ok(self.len)
        }
    }

    /// The records of a file.
    ///
    /// # Errors
    /// It cannot be read, or a line is no record.
    pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        let name = path.display().to_string();
        let parse = |(at, line)| serde_json::from_str(line).map_err(|error| Error::data(&name, at as u64 + 1, error));
        text.lines().enumerate().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::file::*;
    use super::*;

    #[test]
    fn a_log_is_cut_back_to_its_checkpoint() {
        let folder = crate::test_folder("metrics");
        let path = folder.join("metrics.jsonl");
        let record = |step| Record::Validation { step, loss: 0.1 + 0.2 };
        let mut log = Log::open(&path, 0).unwrap();
        log.push(&record(1)).unwrap();
        let known = log.sync().unwrap();
        log.push(&record(2)).unwrap();
        drop(log);
        let mut log = Log::open(&path, known).unwrap();
        log.push(&record(3)).unwrap();
        assert_eq!(read(&path).unwrap(), [record(1), record(3)]);
        assert!(Log::open(&path, 10_000).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
