//! Why a configuration is no model.

/// An error of this package.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The configuration is no JSON object.
    #[error("{file}: {reason}")]
    Json {
        /// The configuration's file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A field is missing or has a value that makes no sense.
    #[error("{file}: field {field} {reason}")]
    Field {
        /// The configuration's file.
        file: String,
        /// The field's name.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// The family or head is not built.
    #[error("{file}: unknown architecture {name}")]
    Architecture {
        /// The configuration's file.
        file: String,
        /// The architecture's name.
        name: String,
    },
    /// The graph breaks a shape rule.
    #[error("{file}: {source}")]
    Graph {
        /// The configuration's file.
        file: String,
        /// The broken rule.
        source: graph::Error,
    },
}
