//! A weight that is packed while it is read, some rows at a time.

use format::QuantType;

use super::form::FormKind;
use super::pack::{self, Packed, Packing};
use super::{Error, Matrix, Target};
use crate::pool::Pool;

/// A weight of which the first rows are packed.
pub(crate) struct Packer {
    /// All of it, zeros where no row was yet.
    pub(super) matrix: Matrix,
    rows: usize,
}

impl Packer {
    /// Memory for `n` rows of `k` columns of a type, which are kept as floats of the type `stored`, if they are floats.
    pub(super) fn new(target: Target, (ty, stored): (QuantType, QuantType), n: usize, k: usize) -> Self {
        let form = FormKind::of(ty);
        let packed = match form {
            Some(form) => Packed::numbers(&Packing::new(form, target, k), n),
            None => Packed::floats(target.lanes(), n, k, if stored == QuantType::F32 { 4 } else { 2 }),
        };
        Self { matrix: Matrix { ty, stored, n, k, form, target, kernel: target.kernel(stored, form), packed }, rows: 0 }
    }

    /// For this machine's best instructions; nothing where the whole must be seen first: halves may be infinite.
    ///
    /// # Errors
    /// The rows are not whole blocks.
    pub(crate) fn best(ty: QuantType, n: usize, k: usize) -> Result<Option<Self>, Error> {
        if ty.row_bytes(k).is_none() || k == 0 {
            return Err(Error::Blocks { ty, n, k, block: ty.block_len() });
        }
        Ok((ty != QuantType::F16).then(|| Self::new(Target::best(), (ty, ty), n, k)))
    }

    /// Packs the next rows, whole groups of 16 but for the last ones.
    pub(crate) fn push(&mut self, pool: &Pool, bytes: &[u8]) {
        let Matrix { ty, stored, n, k, form, target, packed, .. } = &mut self.matrix;
        let (lanes, row) = (target.lanes(), if *stored == *ty { ty.row_bytes(*k) } else { stored.row_bytes(*k) });
        let first = self.rows / lanes;
        self.rows = (self.rows + bytes.len() / row.unwrap_or(0).max(1)).min(*n);
        match form {
            Some(form) => pack::quantized(pool, *ty, &Packing::new(*form, *target, *k), packed, first, bytes),
            None if *stored == QuantType::F32 => pack::floats::<4>(pool, lanes, *k, packed, first, bytes),
            None => pack::floats::<2>(pool, lanes, *k, packed, first, bytes),
        }
    }

    /// The weight.
    ///
    /// # Errors
    /// Rows are missing.
    pub(crate) fn finish(self) -> Result<Matrix, Error> {
        let Matrix { ty, n, k, .. } = self.matrix;
        if self.rows == n {
            return Ok(self.matrix);
        }
        Err(Error::Length { ty, n, k, found: self.rows * ty.row_bytes(k).unwrap_or(0) })
    }
}
