//! Tensors whose values do not follow each other row by row, such as a transposed view.

/// How the values of a tensor lie in its storage.
#[derive(Clone, Debug)]
pub(crate) struct Strides {
    /// Values from one index to the next, for each dimension.
    pub(super) steps: Vec<usize>,
    /// Bytes from its first value to the end of its last.
    pub(crate) span: u64,
}

impl Strides {
    /// The values row by row, of `bytes` each. `data` is all that lies between the first and the last one.
    pub(crate) fn gather(&self, shape: &[usize], bytes: usize, data: &[u8]) -> Vec<u8> {
        let elements: usize = shape.iter().product();
        let mut out = Vec::with_capacity(elements * bytes);
        let mut index = vec![0; shape.len()];
        for _ in 0..elements {
            let at: usize = index.iter().zip(&self.steps).map(|(i, step)| i * step * bytes).sum();
            out.extend_from_slice(data.get(at..at + bytes).unwrap_or_default());
            for (i, n) in index.iter_mut().zip(shape).rev() {
                *i += 1;
                if *i < *n {
                    break;
                }
                *i = 0;
            }
        }
        out
    }
}
