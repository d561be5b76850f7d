//! What can go wrong around a session.

/// Every way in which loading or using a model fails. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bytes could not be read, or are damaged.
    #[error(transparent)]
    Format(#[from] format::Error),
    /// A tokenizer file is damaged, or of a kind that is not read here.
    #[error("{file}: {reason}")]
    Tokenizer {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A settings file is damaged.
    #[error("{file}: {reason}")]
    Config {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A chat template cannot be read, failed, or asked for too much work or memory.
    #[error("{file}: {reason}")]
    Template {
        /// The file that holds the template.
        file: String,
        /// What is wrong, and in which line of the template.
        reason: String,
    },
    /// A chat template called `raise_exception`.
    #[error("{message}")]
    Raised {
        /// The template's own message.
        message: String,
    },
    /// A file that a model needs is not there.
    #[error("{file}: not found")]
    Missing {
        /// The file.
        file: String,
    },
    /// A tensor of a file is missing, or not what the model or the call needs.
    #[error("{file}: tensor {tensor} {reason}")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// An input holds a value that the model has no place for.
    #[error("tensor {tensor} {reason}")]
    Value {
        /// The input.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// A word has no vector.
    #[error("{file}: the word {word:?} is not in the vocabulary{hint}")]
    Word {
        /// The file of the word vectors.
        file: String,
        /// The word.
        word: String,
        /// What is there instead.
        hint: String,
    },
    /// A list of analogy questions is damaged.
    #[error("{file}: line {line}: {reason}")]
    Questions {
        /// The file.
        file: String,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A prompt cannot be continued.
    #[error("the prompt {0}")]
    Prompt(String),
    /// The model's head is for something else.
    #[error("{name}: does not {what}")]
    Task {
        /// The model.
        name: String,
        /// What was asked.
        what: String,
    },
    /// The model does not fit.
    #[error("{name}: needs {needed} bytes for weights and cache, {available} are allowed; try a smaller context")]
    Memory {
        /// The model.
        name: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        available: u64,
    },
    /// The configuration is no model.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// A graph or a host tensor is wrong.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// A picture cannot be read or prepared, or a mask is damaged.
    #[error(transparent)]
    Pictures(#[from] pictures::Error),
    /// The processor's executor failed.
    #[error(transparent)]
    Cpu(#[from] cpu::Error),
    /// The GPU's executor failed.
    #[error(transparent)]
    Gpu(#[from] gpu::Error),
    /// A program, session or weights of one device were given to another.
    #[error("program, session and weights belong to different devices")]
    MixedDevices,
    /// A sampler setting has no meaning.
    #[error("{setting}: {reason}")]
    Sampler {
        /// The setting.
        setting: &'static str,
        /// What it has to be.
        reason: String,
    },
}

impl Error {
    /// A short name of the kind of error that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Format(error) => error.code(),
            Error::Tokenizer { .. } => "tokenizer",
            Error::Config { .. } => "config",
            Error::Template { .. } => "template",
            Error::Raised { .. } => "raised",
            Error::Missing { .. } => "missing",
            Error::Tensor { .. } | Error::Value { .. } => "tensor",
            Error::Word { .. } => "word",
            Error::Questions { .. } => "questions",
            Error::Prompt(_) => "prompt",
            Error::Memory { .. } => "memory",
            Error::Models(models::Error::Architecture { .. }) => "unsupported",
            Error::Models(_) => "config",
            Error::Pictures(error) => error.code(),
            Error::Graph(_) => "graph",
            Error::Cpu(cpu::Error::Memory { .. }) => "memory",
            Error::Cpu(_) => "cpu",
            Error::Gpu(gpu::Error::Lost { .. }) => "device_lost",
            Error::Gpu(gpu::Error::Adapter { .. } | gpu::Error::Device { .. }) => "no_adapter",
            Error::Gpu(gpu::Error::Memory { .. } | gpu::Error::Limit { .. }) => "memory",
            Error::Gpu(_) => "gpu",
            Error::MixedDevices => "mixed_devices",
            Error::Sampler { .. } => "sampler",
            Error::Task { .. } => "unsupported",
        }
    }

    /// An [`Error::Tokenizer`] on one line.
    pub fn tokenizer(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Tokenizer { file: one_line(file), reason: one_line(reason) }
    }

    /// An [`Error::Config`] on one line.
    pub fn config(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Config { file: one_line(file), reason: one_line(reason) }
    }

    /// An [`Error::Template`] on one line.
    pub fn template(file: &str, reason: impl std::fmt::Display) -> Error {
        Error::Template { file: one_line(file), reason: one_line(reason) }
    }

    /// An [`Error::Raised`] on one line.
    pub fn raised(message: impl std::fmt::Display) -> Error {
        Error::Raised { message: one_line(message) }
    }

    /// An [`Error::Word`] on one line.
    pub fn word(file: &str, word: &str, hint: String) -> Error {
        Error::Word { file: one_line(file), word: one_line(word), hint: one_line(hint) }
    }

    /// An [`Error::Questions`] on one line.
    pub fn questions(file: &str, line: usize, reason: impl std::fmt::Display) -> Error {
        Error::Questions { file: one_line(file), line, reason: one_line(reason) }
    }

    /// An [`Error::Sampler`].
    pub fn sampler(setting: &'static str, reason: impl std::fmt::Display) -> Error {
        Error::Sampler { setting, reason: one_line(reason) }
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
