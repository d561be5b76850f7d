//! Shapes: lists of [`Dim`], outermost first, and the broadcasting rule.

use std::fmt;
use std::ops::Deref;

use crate::{Dim, Error, Symbols};

/// The dims of a value, outermost first.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Shape(Vec<Dim>);

impl Shape {
    /// A shape from its dims.
    pub fn new(dims: impl IntoIterator<Item = impl Into<Dim>>) -> Self {
        Self(dims.into_iter().map(Into::into).collect())
    }

    /// The number of elements as a dim.
    pub fn elements(&self) -> Dim {
        self.0.iter().cloned().fold(Dim::from(1), |a, b| a * b)
    }

    /// Sizes under `symbols`.
    ///
    /// # Errors
    /// As [`Dim::eval`].
    pub fn eval(&self, symbols: &Symbols) -> Result<Vec<usize>, Error> {
        self.0.iter().map(|d| d.eval(symbols)).collect()
    }

    /// The last dim if it is known when the graph is built.
    pub fn last_known(&self) -> Option<usize> {
        self.0.last().and_then(Dim::known)
    }

    /// This shape with the last dim replaced.
    #[must_use]
    pub fn with_last(&self, dim: impl Into<Dim>) -> Self {
        let mut dims = self.0.clone();
        if let Some(last) = dims.last_mut() {
            *last = dim.into();
        }
        Self(dims)
    }

    /// The shape of an elementwise result. Dims must be identical or the constant 1.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.len().max(other.len());
        let one = Dim::from(1);
        let at = |s: &Shape, i: usize| (i + s.len()).checked_sub(rank).map_or_else(|| one.clone(), |j| s[j].clone());
        let mut dims = Vec::with_capacity(rank);
        for i in 0..rank {
            let (a, b) = (at(self, i), at(other, i));
            dims.push(match () {
                () if a == b || b == one => a,
                () if a == one => b,
                () => return None,
            });
        }
        Some(Self(dims))
    }
}

impl Deref for Shape {
    type Target = [Dim];
    fn deref(&self) -> &[Dim] {
        &self.0
    }
}

impl<D: Into<Dim>, const N: usize> From<[D; N]> for Shape {
    fn from(dims: [D; N]) -> Self {
        Self::new(dims)
    }
}

impl From<Vec<Dim>> for Shape {
    fn from(dims: Vec<Dim>) -> Self {
        Self(dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, dim) in self.0.iter().enumerate() {
            write!(f, "{}{dim}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_stretches_ones_only() {
        let (t, one, four) = (Dim::from('T'), Dim::from(1), Dim::from(4));
        let row = Shape::from([four.clone()]);
        let column = Shape::from([t.clone()]);
        assert_eq!(Shape::from([t.clone(), one]).broadcast(&row), Some(Shape::from([t, four])));
        assert_eq!(column.broadcast(&row), None);
        assert_eq!(Shape::default().broadcast(&column), Some(column));
    }
}
