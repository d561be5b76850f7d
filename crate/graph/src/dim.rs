//! Symbolic sizes: integer polynomials over named symbols, in normal form.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Mul, Sub};

use crate::Error;

/// A named size that is known only when a program runs: `B` batch, `T` tokens of this call, `P` tokens cached,
/// `R` rows of logits that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub char);

/// The values of symbols in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols(BTreeMap<Symbol, usize>);

impl Symbols {
    /// No symbol bound yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same symbols with one more bound.
    #[must_use]
    pub fn with(mut self, symbol: char, value: usize) -> Self {
        self.0.insert(Symbol(symbol), value);
        self
    }

    /// Binds a symbol, replacing an earlier value.
    pub fn bind(&mut self, symbol: Symbol, value: usize) {
        self.0.insert(symbol, value);
    }

    /// The value of a symbol, if bound.
    pub fn value(&self, symbol: Symbol) -> Option<usize> {
        self.0.get(&symbol).copied()
    }

    /// All bound symbols in order.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, usize)> + '_ {
        self.0.iter().map(|(s, v)| (*s, *v))
    }
}

/// A product of symbols, sorted; empty for the constant term.
type Monomial = Vec<Symbol>;

/// An integer polynomial over symbols. Two dims are equal only if they are identical; a symbol never broadcasts as 1.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim {
    /// Sorted by monomial, no zero coefficient.
    terms: Vec<(Monomial, i64)>,
}

impl Dim {
    /// The value if no symbol occurs.
    pub fn known(&self) -> Option<usize> {
        match self.terms.as_slice() {
            [] => Some(0),
            [(monomial, value)] if monomial.is_empty() => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The symbol if this is exactly one symbol.
    pub fn symbol(&self) -> Option<Symbol> {
        match self.terms.as_slice() {
            [(monomial, 1)] if monomial.len() == 1 => Some(monomial[0]),
            _ => None,
        }
    }

    /// The symbols that occur.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> + '_ {
        self.terms.iter().flat_map(|(monomial, _)| monomial.iter().copied())
    }

    /// The value under `symbols`.
    ///
    /// # Errors
    /// A symbol is unbound, or the value is negative or does not fit.
    pub fn eval(&self, symbols: &Symbols) -> Result<usize, Error> {
        let mut sum: i64 = 0;
        for (monomial, coefficient) in &self.terms {
            let mut product = *coefficient;
            for symbol in monomial {
                let value = symbols.value(*symbol).ok_or(Error::Unbound { symbol: symbol.0 })?;
                product = i64::try_from(value)
                    .ok()
                    .and_then(|v| product.checked_mul(v))
                    .ok_or_else(|| Error::Size { dim: self.to_string() })?;
            }
            sum = sum.checked_add(product).ok_or_else(|| Error::Size { dim: self.to_string() })?;
        }
        usize::try_from(sum).map_err(|_| Error::Size { dim: self.to_string() })
    }

    fn from_terms(terms: impl IntoIterator<Item = (Monomial, i64)>) -> Self {
        let mut sums: BTreeMap<Monomial, i64> = BTreeMap::new();
        for (monomial, coefficient) in terms {
            let sum = sums.entry(monomial).or_insert(0);
            *sum = sum.saturating_add(coefficient);
        }
        Self { terms: sums.into_iter().filter(|(_, c)| *c != 0).collect() }
    }
}

impl From<usize> for Dim {
    fn from(value: usize) -> Self {
        Self::from_terms([(Vec::new(), i64::try_from(value).unwrap_or(i64::MAX))])
    }
}

impl From<Symbol> for Dim {
    fn from(symbol: Symbol) -> Self {
        Self { terms: vec![(vec![symbol], 1)] }
    }
}

impl From<char> for Dim {
    fn from(symbol: char) -> Self {
        Symbol(symbol).into()
    }
}

impl Add for Dim {
    type Output = Dim;
    fn add(self, other: Dim) -> Dim {
        Dim::from_terms(self.terms.into_iter().chain(other.terms))
    }
}

impl Sub for Dim {
    type Output = Dim;
    fn sub(self, other: Dim) -> Dim {
        Dim::from_terms(self.terms.into_iter().chain(other.terms.into_iter().map(|(m, c)| (m, -c))))
    }
}

impl Mul for Dim {
    type Output = Dim;
    fn mul(self, other: Dim) -> Dim {
        let mut terms = Vec::new();
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                let mut monomial = [left.as_slice(), right.as_slice()].concat();
                monomial.sort_unstable();
                terms.push((monomial, a.saturating_mul(*b)));
            }
        }
        Dim::from_terms(terms)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        // Symbols before the constant: `P+T`, `2*T+1`.
        for (i, (monomial, coefficient)) in self.terms.iter().rev().enumerate() {
            match (i, *coefficient < 0) {
                (0, false) => {}
                (_, true) => f.write_str("-")?,
                (_, false) => f.write_str("+")?,
            }
            let size = coefficient.unsigned_abs();
            if monomial.is_empty() || size != 1 {
                write!(f, "{size}")?;
            }
            for (j, symbol) in monomial.iter().enumerate() {
                if j > 0 || size != 1 {
                    f.write_str("*")?;
                }
                write!(f, "{}", symbol.0)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_form_decides_equality() {
        let (t, p) = (Dim::from('T'), Dim::from('P'));
        assert_eq!(t.clone() + p.clone(), p.clone() + t.clone());
        assert_eq!((t.clone() + 2.into()) * 3.into(), t.clone() * 3.into() + 6.into());
        assert_eq!(t.clone() - 'T'.into(), Dim::from(0));
        assert_ne!(t.clone(), Dim::from(1));
        assert_eq!((t * p + 4.into()).to_string(), "P*T+4");
    }

    #[test]
    fn evaluation_names_what_is_missing() {
        let dim = Dim::from('P') + 'T'.into();
        assert_eq!(dim.eval(&Symbols::new().with('P', 3).with('T', 2)).unwrap(), 5);
        assert!(dim.eval(&Symbols::new().with('P', 3)).unwrap_err().to_string().contains("'T'"));
        assert!((Dim::from(1) - 'P'.into()).eval(&Symbols::new().with('P', 3)).is_err());
    }
}
