//! How checkpoints store weights, and as what the graph sees them.

/// How a checkpoint stores a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Stored {
    /// As declared.
    #[default]
    AsDeclared,
    /// With the two axes exchanged (GPT-2's Conv1D keeps [K, N]); turned while loading.
    Transposed,
    /// Less one: the graph sees 1 + w (Gemma's norms).
    LessOne,
    /// As a convolution's [N, C, kh, kw]; the graph sees [N, kh·kw·C].
    Kernel([usize; 2]),
    /// As a transposed convolution's [C, N, kh, kw], or a depthwise one's [C, 1, kh, kw]; the graph sees [kh·kw·N, C].
    TurnedKernel([usize; 2]),
}

impl Stored {
    /// The checkpoint's shape of a weight that the graph sees as `shape`.
    ///
    /// ```
    /// use dynasty_graph::Stored;
    /// assert_eq!(Stored::Kernel([3, 3]).shape(&[8, 36]), [8, 4, 3, 3]);
    /// assert_eq!(Stored::TurnedKernel([2, 2]).shape(&[12, 8]), [8, 3, 2, 2]);
    /// ```
    pub fn shape(self, shape: &[usize]) -> Vec<usize> {
        match (self, shape) {
            (Self::Transposed, [n, k]) => vec![*k, *n],
            (Self::Kernel([h, w]), [n, k]) => vec![*n, k / (h * w).max(1), h, w],
            (Self::TurnedKernel([h, w]), [rows, c]) => vec![*c, rows / (h * w).max(1), h, w],
            _ => shape.to_vec(),
        }
    }

    /// Whether the elements lie in the order in which the graph sees them, as they are.
    pub fn is_plain(self) -> bool {
        matches!(self, Self::AsDeclared | Self::Kernel([1, 1]))
    }

    /// The values of a weight [`shape`](Stored::shape) of the checkpoint as the graph sees them.
    pub fn loaded(self, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
        match (self, shape) {
            (Self::Transposed, [n, k]) => transposed(&values, *k, *n),
            (Self::LessOne, _) => values.into_iter().map(|value| 1.0 + value).collect(),
            (Self::Kernel([h, w]), [_, k]) => each(&values, *k, |filter| transposed(filter, k / (h * w).max(1), h * w)),
            (Self::TurnedKernel([h, w]), [rows, c]) => {
                let n = rows / (h * w).max(1);
                // [C, N, kh·kw] → [C, kh·kw, N] → [kh·kw·N, C]
                transposed(&each(&values, *rows, |filter| transposed(filter, n, h * w)), *c, *rows)
            }
            _ => values,
        }
    }

    /// The reverse of [`Stored::loaded`].
    pub fn saved(self, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
        match (self, shape) {
            (Self::Transposed, [n, k]) => transposed(&values, *n, *k),
            (Self::LessOne, _) => values.into_iter().map(|value| value - 1.0).collect(),
            (Self::Kernel([h, w]), [_, k]) => each(&values, *k, |filter| transposed(filter, h * w, k / (h * w).max(1))),
            (Self::TurnedKernel([h, w]), [rows, c]) => {
                let n = rows / (h * w).max(1);
                each(&transposed(&values, *rows, *c), *rows, |filter| transposed(filter, h * w, n))
            }
            _ => values,
        }
    }
}

/// Parts of `len` values, each changed.
fn each(values: &[f32], len: usize, change: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    values.chunks(len.max(1)).flat_map(change).collect()
}

/// [rows, columns] → [columns, rows]
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_moved_and_moved_back() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        // [2, 3, 2, 2]: element (n, c, tap) is 12 n + 4 c + tap.
        let seen = Stored::Kernel([2, 2]).loaded(&[2, 12], values.clone());
        assert_eq!(seen[..6], [0.0, 4.0, 8.0, 1.0, 5.0, 9.0]);
        let turned = Stored::TurnedKernel([2, 2]).loaded(&[12, 2], values.clone());
        assert_eq!(turned[..8], [0.0, 12.0, 4.0, 16.0, 8.0, 20.0, 1.0, 13.0]);
        for (stored, shape) in [
            (Stored::Kernel([2, 2]), [2, 12]),
            (Stored::TurnedKernel([2, 2]), [12, 2]),
            (Stored::Transposed, [4, 6]),
            (Stored::AsDeclared, [4, 6]),
        ] {
            assert_eq!(stored.saved(&shape, stored.loaded(&shape, values.clone())), values, "{stored:?}");
        }
    }
}
