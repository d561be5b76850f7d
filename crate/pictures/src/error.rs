//! What can go wrong with a picture.

/// Every way in which reading, preparing or writing a picture fails. Each message is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no picture that is read here, or a damaged one.
    #[error("{file}: {reason}")]
    Picture {
        /// The file or address.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A description of how pictures are prepared is damaged, or of a kind that is not known here.
    #[error("{file}: {reason}")]
    Config {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Numbers of pixels that do not fit each other, or are too many.
    #[error("picture: {0}")]
    Size(String),
    /// A mask's text or run lengths contradict themselves.
    #[error("mask: {0}")]
    Mask(String),
}

impl Error {
    /// A short name of the kind of error that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Picture { .. } => "picture",
            Error::Config { .. } => "config",
            Error::Size(_) => "picture_size",
            Error::Mask(_) => "mask",
        }
    }

    /// An [`Error::Picture`] on one line.
    pub fn picture(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Picture { file: one_line(file), reason: one_line(reason) }
    }

    /// An [`Error::Config`] on one line.
    pub fn config(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Config { file: one_line(file), reason: one_line(reason) }
    }
}

/// The longest name or reason that a message repeats from outside, in bytes.
const LONGEST: usize = 300;

/// Text from outside made safe for a one-line message: control characters escaped, length bounded.
fn one_line(text: impl std::fmt::Display) -> String {
    let mut line = String::new();
    for c in text.to_string().chars() {
        if line.len() >= LONGEST {
            line.push('…');
            break;
        }
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
