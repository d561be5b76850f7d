//! What can be wrong with a weight.

use format::QuantType;

/// A weight that cannot be packed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The rows are not whole blocks of the type.
    #[error("a {ty} matrix of {n} x {k}: rows of {k} values are not whole blocks of {block}")]
    Blocks {
        /// The type.
        ty: QuantType,
        /// Rows.
        n: usize,
        /// Columns.
        k: usize,
        /// Values in a block.
        block: usize,
    },
    /// There are more or fewer bytes than the shape asks for.
    #[error("a {ty} matrix of {n} x {k} from {found} bytes: the shape does not fit them")]
    Length {
        /// The type.
        ty: QuantType,
        /// Rows.
        n: usize,
        /// Columns.
        k: usize,
        /// The bytes that were given.
        found: usize,
    },
}
