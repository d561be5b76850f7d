//! One function over slices for each operation, in a file of the operation's name.

pub(crate) mod affine;
pub(crate) mod arg_max;
pub(crate) mod attention;
pub(crate) mod binary;
pub(crate) mod concat;
pub(crate) mod gated;
pub(crate) mod gather_rows;
pub(crate) mod kv_append;
pub(crate) mod layer_norm;
pub(crate) mod linear;
pub(crate) mod matmul;
pub(crate) mod permute;
pub(crate) mod reduce;
pub(crate) mod rms_norm;
pub(crate) mod rope;
pub(crate) mod slice;
pub(crate) mod softmax;
pub(crate) mod strided;
pub(crate) mod top_k;
pub(crate) mod unary;
