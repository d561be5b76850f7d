//! Keys and values of the tokens that a session has seen, in pages.

use graph::{PAGE, PageCopy, PageTable, StateSpec};

use crate::Error;

/// The keys and values of one layer: `keys [page, G, D, PAGE]`, `values [page, G, PAGE, D]`.
///
/// Keys are turned, so that the scores of neighbouring tokens are neighbouring sums.
#[derive(Clone)]
pub(crate) struct State {
    pub spec: StateSpec,
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
}

impl State {
    /// Values of one page of keys, and of one page of values.
    pub fn page_len(&self) -> usize {
        self.spec.n_kv_head * self.spec.head_dim * PAGE
    }

    fn copy(&mut self, copy: PageCopy) {
        let len = self.page_len();
        let from = copy.from as usize * len;
        self.keys.copy_within(from..from + len, copy.to as usize * len);
        self.values.copy_within(from..from + len, copy.to as usize * len);
    }
}

/// The states of one conversation or batch of them. Each row has its own length.
#[derive(Clone)]
pub struct Session {
    pub(crate) table: PageTable,
    pub(crate) states: Vec<State>,
    capacity: usize,
}

impl Session {
    pub(crate) fn new(specs: &[StateSpec], rows: usize, capacity: usize) -> Result<Self, Error> {
        let pages = rows.checked_mul(capacity.div_ceil(PAGE)).filter(|pages| u32::try_from(*pages).is_ok());
        let pages = pages.ok_or(Error::Memory { what: "a session", count: usize::MAX })?;
        let mut states = Vec::with_capacity(specs.len());
        for spec in specs {
            let count = [spec.head_dim, PAGE, pages].iter().try_fold(spec.n_kv_head, |a, b| a.checked_mul(*b));
            let count = count.ok_or(Error::Memory { what: "a session", count: usize::MAX })?;
            states.push(State { spec: spec.clone(), keys: zeros(count)?, values: zeros(count)? });
        }
        Ok(Self { table: PageTable::new(rows, pages), states, capacity })
    }

    /// Tokens that a row holds.
    pub fn len(&self, row: usize) -> usize {
        self.table.len(row)
    }

    /// Whether no row holds a token.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// Tokens that a row can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets the tokens of a row from `len` on.
    pub fn truncate(&mut self, row: usize, len: usize) {
        self.table.truncate(row, len);
    }

    /// Row `i` continues what row `parents[i]` held. Nothing is copied until a shared page is written.
    ///
    /// # Errors
    /// There are more or fewer parents than rows, or a parent does not exist.
    pub fn reorder(&mut self, parents: &[usize]) -> Result<(), Error> {
        let rows = self.rows();
        if parents.len() != rows || parents.iter().any(|parent| *parent >= rows) {
            return Err(Error::Session(format!("{parents:?} is no choice of parents for {rows} rows")));
        }
        self.table.reorder(parents);
        Ok(())
    }

    /// A session of its own that holds the same tokens.
    #[must_use]
    pub fn fork(&self) -> Session {
        self.clone()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.states.iter().map(|state| (state.keys.len() + state.values.len()) * 4).sum()
    }

    /// Makes room for `tokens` more in each row behind the first `past` ones, and forgets what was behind those.
    ///
    /// # Errors
    /// A row holds fewer than `past` tokens or would hold more than the capacity. No row has grown then.
    pub(crate) fn extend(&mut self, past: &[i32], tokens: usize) -> Result<(), Error> {
        self.check(past, tokens)?;
        for (row, past) in past.iter().enumerate() {
            self.table.truncate(row, *past as usize);
        }
        for row in 0..past.len() {
            match self.table.extend(row, tokens) {
                Ok(None) => {}
                Ok(Some(copy)) => self.states.iter_mut().for_each(|state| state.copy(copy)),
                Err(error) => {
                    self.shrink(past);
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Takes an [`Session::extend`] back.
    pub(crate) fn shrink(&mut self, past: &[i32]) {
        for (row, past) in past.iter().enumerate() {
            self.table.truncate(row, *past as usize);
        }
    }

    fn check(&self, past: &[i32], tokens: usize) -> Result<(), Error> {
        if past.len() > self.rows() {
            return Err(Error::Session(format!("has {} rows, the call has {}", self.rows(), past.len())));
        }
        for (row, past) in past.iter().enumerate() {
            let held = self.len(row);
            let Some(past) = usize::try_from(*past).ok().filter(|past| *past <= held) else {
                return Err(Error::Session(format!("row {row} builds on {past} tokens, but {held} are held")));
            };
            if past + tokens > self.capacity {
                let capacity = self.capacity;
                return Err(Error::Session(format!("row {row} would hold {} of {capacity} tokens", past + tokens)));
            }
        }
        Ok(())
    }
}

/// Zeros, or an error where there is no memory. The first reservation asks; the second takes pages that the system
/// fills when they are first touched.
fn zeros(count: usize) -> Result<Vec<f32>, Error> {
    let asked = Vec::<f32>::new().try_reserve_exact(count);
    asked.map_err(|_| Error::Memory { what: "a session", count })?;
    Ok(vec![0.0; count])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> StateSpec {
        StateSpec { name: "cache".into(), n_kv_head: 1, head_dim: 2 }
    }

    #[test]
    fn a_row_grows_to_its_capacity_and_no_further() {
        let mut session = Session::new(&[spec()], 2, 130).unwrap();
        session.extend(&[0, 0], 100).unwrap();
        session.extend(&[100, 7], 30).unwrap();
        assert_eq!((session.len(0), session.len(1)), (130, 37));
        assert!(session.extend(&[130, 37], 1).unwrap_err().to_string().contains("would hold 131 of 130"));
        assert!(session.extend(&[131, 0], 1).unwrap_err().to_string().contains("130 are held"));
        assert!(session.extend(&[-1, 0], 1).is_err());
        assert_eq!((session.len(0), session.len(1)), (130, 37));
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        assert!(Session::new(&[spec()], usize::MAX, 1000).is_err());
        assert!(Session::new(&[StateSpec { head_dim: usize::MAX, ..spec() }], 1, 1000).is_err());
    }

    #[test]
    fn parents_are_checked() {
        let mut session = Session::new(&[spec()], 2, 8).unwrap();
        assert!(session.reorder(&[0]).is_err() && session.reorder(&[0, 2]).is_err());
        assert!(session.reorder(&[1, 1]).is_ok());
    }
}
