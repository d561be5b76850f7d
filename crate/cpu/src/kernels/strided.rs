//! Walks over results whose operands have other strides: broadcasting, permuting, slicing.

/// One axis of a walk: its size and the step of each of the operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis<const N: usize> {
    size: usize,
    steps: [usize; N],
}

/// The axes of a result, merged where all operands allow it, and the place of the first value in each operand.
#[derive(Clone, Debug)]
pub(crate) struct Walk<const N: usize> {
    axes: Vec<Axis<N>>,
    start: [usize; N],
}

/// Strides of a dense value.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

impl<const N: usize> Walk<N> {
    /// A walk over `shape`, outermost axis first; `steps` gives an axis' step in each operand.
    pub fn new(shape: &[usize], start: [usize; N], steps: impl Fn(usize) -> [usize; N]) -> Self {
        let mut axes: Vec<Axis<N>> = Vec::with_capacity(shape.len() + 1);
        for (i, size) in shape.iter().copied().enumerate().filter(|(_, size)| *size != 1) {
            let steps = steps(i);
            match axes.last_mut() {
                Some(last) if (0..N).all(|n| last.steps[n] == steps[n] * size) => {
                    *last = Axis { size: last.size * size, steps };
                }
                _ => axes.push(Axis { size, steps }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { size: 1, steps: [0; N] });
        }
        Self { axes, start }
    }

    /// Calls `each` for every run of the innermost axis inside `at..at + len` of the result: the run's place counted
    /// from `at`, its length, and each operand's place and step.
    pub fn runs(&self, at: usize, len: usize, mut each: impl FnMut(usize, usize, [usize; N], [usize; N])) {
        let Some((inner, outer)) = self.axes.split_last() else { return };
        let mut done = 0;
        while done < len {
            let (mut index, first) = ((at + done) / inner.size, (at + done) % inner.size);
            let mut places = self.start;
            for axis in outer.iter().rev() {
                let i = index % axis.size;
                index /= axis.size;
                (0..N).for_each(|n| places[n] += i * axis.steps[n]);
            }
            (0..N).for_each(|n| places[n] += first * inner.steps[n]);
            let run = (inner.size - first).min(len - done);
            each(done, run, places, inner.steps);
            done += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_merge_where_they_follow_each_other() {
        let shape = [2, 3, 4];
        let dense = strides(&shape);
        assert_eq!(Walk::new(&shape, [0], |i| [dense[i]]).axes, [Axis { size: 24, steps: [1] }]);
        let row = Walk::new(&shape, [0, 0], |i| [dense[i], if i == 2 { 1 } else { 0 }]);
        assert_eq!(row.axes.len(), 2);
        let mut seen = Vec::new();
        row.runs(3, 6, |at, len, places, _| seen.push((at, len, places)));
        assert_eq!(seen, [(0, 1, [3, 3]), (1, 4, [4, 0]), (5, 1, [8, 0])]);
    }
}
