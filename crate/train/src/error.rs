//! What can go wrong while a model is trained.

/// Every way in which training fails. Each message is one line that names the file, the place and the reason.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A recipe is no recipe.
    #[error("{file}: {field}: {reason}")]
    Recipe {
        /// The recipe's file.
        file: String,
        /// The field, such as `train.batch`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of texts is damaged or empty.
    #[error("{file}:{} {reason}", place(*.line))]
    Data {
        /// The file.
        file: String,
        /// The line, counted from 1; 0 for the whole file.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A tokenizer could not be made, or is of another vocabulary than the model.
    #[error("{file}: {reason}")]
    Tokenizer {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A file of tokens is damaged or belongs to other data.
    #[error("{file}: {reason}")]
    Cache {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A checkpoint is damaged, or belongs to another recipe.
    #[error("{file}: {reason}")]
    Checkpoint {
        /// The folder or file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{file}: {reason}")]
    Io {
        /// The file or folder.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The loss has left every bound.
    #[error("step {step}: {reason}")]
    Diverged {
        /// The step.
        step: u64,
        /// What was seen and what was tried.
        reason: String,
    },
    /// Weights or tokens cannot be read.
    #[error(transparent)]
    Format(#[from] format::Error),
    /// A model cannot be loaded or run.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// A graph is wrong.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// A configuration is no model.
    #[error(transparent)]
    Models(#[from] models::Error),
}

impl Error {
    /// A short name of the kind of error that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Recipe { .. } => "recipe",
            Error::Data { .. } => "data",
            Error::Tokenizer { .. } => "tokenizer",
            Error::Cache { .. } => "cache",
            Error::Checkpoint { .. } => "checkpoint",
            Error::Io { .. } => "io",
            Error::Diverged { .. } => "diverged",
            Error::Format(error) => error.code(),
            Error::Run(error) => error.code(),
            Error::Graph(_) => "graph",
            Error::Models(_) => "config",
        }
    }

    pub(crate) fn recipe(file: &str, field: impl Into<String>, reason: impl std::fmt::Display) -> Error {
        Error::Recipe { file: file.into(), field: field.into(), reason: one_line(reason) }
    }

    pub(crate) fn data(file: &str, line: u64, reason: impl std::fmt::Display) -> Error {
        Error::Data { file: file.into(), line, reason: one_line(reason) }
    }

    pub(crate) fn tokenizer(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Tokenizer { file: file.into(), reason: one_line(reason) }
    }

    pub(crate) fn cache(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Cache { file: file.into(), reason: one_line(reason) }
    }

    pub(crate) fn checkpoint(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Checkpoint { file: file.into(), reason: one_line(reason) }
    }

    pub(crate) fn io(file: &std::path::Path, reason: impl std::fmt::Display) -> Error {
        Error::Io { file: file.display().to_string(), reason: one_line(reason) }
    }
}

/// A line's place in a message.
fn place(line: u64) -> String {
    if line == 0 { String::new() } else { format!("{line}:") }
}

/// The longest reason that a message repeats from outside, in bytes.
const LONGEST: usize = 300;

/// Text from outside made safe for a one-line message: line breaks and control characters become spaces, its length is
/// bounded.
fn one_line(text: impl std::fmt::Display) -> String {
    let mut line = String::new();
    for word in text.to_string().split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST {
            let cut = (0..=LONGEST).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            line.truncate(cut);
            line.push('…');
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        assert_eq!(Error::data("a.txt", 3, "no\n text").to_string(), "a.txt:3: no text");
        assert_eq!(Error::data("a.txt", 0, "is empty").to_string(), "a.txt: is empty");
        let long = Error::data("a.txt", 1, "界".repeat(1000)).to_string();
        assert!(long.len() < 400 && long.ends_with('…'), "{long}");
    }
}
