//! Why a command failed, in one line.

/// A failed command.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// A failure about a file.
    pub fn file(path: &std::path::Path, reason: impl std::fmt::Display) -> Self {
        Self(format!("{}: {reason}", path.display()))
    }

    /// The message without line breaks.
    pub fn line(&self) -> String {
        self.0.split(['\n', '\r']).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("; ")
    }
}

impl From<run::Error> for Failure {
    fn from(error: run::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<train::Error> for Failure {
    fn from(error: train::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<format::Error> for Failure {
    fn from(error: format::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(Failure("a\n\nb\r\nc".into()).line(), "a; b; c");
    }
}
