//! What can go wrong between bytes and weights.

use std::fmt::Write;

/// Every way reading or writing weights fails. Each message is one line that names the file, the place and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes could not be read or written at all.
    #[error("{file}: {reason}")]
    Io {
        /// The file or address.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// A file that has to be there is not.
    #[error("{file}: not found")]
    NotFound {
        /// The file that was looked for.
        file: String,
    },
    /// The bytes contradict their own format.
    #[error("{file}: at byte {offset}: {reason}")]
    Damaged {
        /// The file or address.
        file: String,
        /// Where the contradiction is.
        offset: u64,
        /// What it is.
        reason: String,
    },
    /// One tensor is missing, or its description is wrong.
    #[error("{file}: tensor {tensor}: {reason}")]
    Tensor {
        /// The file or address.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of a kind that is not read here.
    #[error("{file}: {reason}")]
    Unsupported {
        /// The file or address.
        file: String,
        /// What is not supported, and what would be.
        reason: String,
    },
    /// Values and blocks of a quant type do not fit each other.
    #[error("{ty} blocks: {reason}")]
    Codec {
        /// The quant type's name.
        ty: &'static str,
        /// What does not fit.
        reason: String,
    },
}

impl Error {
    /// A short name of the kind of error that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Io { .. } => "io",
            Error::NotFound { .. } => "not_found",
            Error::Damaged { .. } => "damaged",
            Error::Tensor { .. } => "tensor",
            Error::Unsupported { .. } => "unsupported",
            Error::Codec { .. } => "codec",
        }
    }

    /// An [`Error::Io`] on one line.
    pub fn io(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Io { file: one_line(file), reason: one_line(reason) }
    }

    /// An [`Error::NotFound`] on one line.
    pub fn not_found(file: &str) -> Error {
        Error::NotFound { file: one_line(file) }
    }

    /// An [`Error::Damaged`] on one line.
    pub fn damaged(file: &str, offset: u64, reason: impl std::fmt::Display) -> Error {
        Error::Damaged { file: one_line(file), offset, reason: one_line(reason) }
    }

    /// An [`Error::Tensor`] on one line.
    pub fn tensor(file: &str, tensor: &str, reason: impl std::fmt::Display) -> Error {
        Error::Tensor { file: one_line(file), tensor: one_line(tensor), reason: one_line(reason) }
    }

    /// An [`Error::Unsupported`] on one line.
    pub fn unsupported(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Unsupported { file: one_line(file), reason: one_line(reason) }
    }
}

/// The longest name or reason that a message repeats from a file.
const LONGEST: usize = 300;

/// Text from outside made safe for a one-line message: control characters escaped, length bounded.
fn one_line(text: impl std::fmt::Display) -> String {
    let mut line = Line(String::new());
    // It ends with an error where the line is full, which is no error here.
    let _ = write!(line, "{text}");
    line.0
}

/// A line that takes no more than it has room for, however long the text is.
struct Line(String);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            if self.0.len() >= LONGEST {
                self.0.push('…');
                return Err(std::fmt::Error);
            }
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_bounded_line() {
        let error = Error::tensor("a\nb", &"x".repeat(10_000), "line\r\nline");
        let text = error.to_string();
        assert!(!text.contains('\n') && !text.contains('\r'));
        assert!(text.len() < 400, "{}", text.len());
    }
}
