//! Page numbers of key-value caches: which physical page holds which tokens of which row.
//!
//! Pages are counted, so that rows may share a prefix: a beam that is reordered, a session that is forked and a common
//! system prompt copy page numbers and not keys. A shared page must be copied before it is written.

/// Tokens a page.
pub const PAGE: usize = 128;

/// Why a page operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Every physical page is in use.
    #[error("the key-value cache is full: {pages} pages of {PAGE} tokens are in use")]
    Full {
        /// Physical pages there are.
        pages: usize,
    },
    /// A row does not exist.
    #[error("row {row} does not exist, there are {rows}")]
    Row {
        /// Asked for.
        row: usize,
        /// There are.
        rows: usize,
    },
}

/// A copy that the executor must make before the next write: all states' page `from` to page `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCopy {
    /// The shared page.
    pub from: u32,
    /// The row's own page.
    pub to: u32,
}

/// The page table of one session: for each row its pages in order and its length in tokens.
#[derive(Clone, Debug)]
pub struct PageTable {
    rows: Vec<Row>,
    uses: Vec<u32>,
    free: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
struct Row {
    pages: Vec<u32>,
    len: usize,
}

impl PageTable {
    /// `rows` empty rows over `pages` physical pages.
    pub fn new(rows: usize, pages: usize) -> Self {
        let free = (0..pages as u32).rev().collect();
        Self { rows: vec![Row::default(); rows], uses: vec![0; pages], free }
    }

    /// The number of physical pages that hold `rows` rows of `capacity` tokens each.
    pub fn pages_for(rows: usize, capacity: usize) -> usize {
        rows * capacity.div_ceil(PAGE)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Tokens in a row.
    pub fn len(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |r| r.len)
    }

    /// Whether every row is empty.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|r| r.len == 0)
    }

    /// The longest row's length.
    pub fn longest(&self) -> usize {
        self.rows.iter().map(|r| r.len).max().unwrap_or(0)
    }

    /// The physical pages of a row, in order.
    pub fn pages(&self, row: usize) -> &[u32] {
        self.rows.get(row).map_or(&[], |r| &r.pages)
    }

    /// Makes room for `n` more tokens in `row` and counts them as held. Returns the copies to make first.
    ///
    /// # Errors
    /// No page is free; the row is unchanged then.
    pub fn extend(&mut self, row: usize, n: usize) -> Result<Option<PageCopy>, PageError> {
        let (rows, pages) = (self.rows.len(), self.uses.len());
        let entry = self.rows.get_mut(row).ok_or(PageError::Row { row, rows })?;
        let wanted = (entry.len + n).div_ceil(PAGE).saturating_sub(entry.pages.len());
        let shared = match entry.pages.get(entry.len / PAGE) {
            Some(page) if n > 0 && self.uses[*page as usize] > 1 => Some(*page),
            _ => None,
        };
        if wanted + usize::from(shared.is_some()) > self.free.len() {
            return Err(PageError::Full { pages });
        }
        let copy = shared.and_then(|from| self.free.pop().map(|to| PageCopy { from, to }));
        if let Some(PageCopy { from, to }) = copy {
            self.uses[from as usize] -= 1;
            self.uses[to as usize] = 1;
            entry.pages[entry.len / PAGE] = to;
        }
        let fresh = self.free.split_off(self.free.len() - wanted);
        for page in fresh.into_iter().rev() {
            self.uses[page as usize] = 1;
            entry.pages.push(page);
        }
        entry.len += n;
        Ok(copy)
    }

    /// Forgets the tokens of a row from `len` on.
    pub fn truncate(&mut self, row: usize, len: usize) {
        let Some(entry) = self.rows.get_mut(row) else { return };
        if len >= entry.len {
            return;
        }
        entry.len = len;
        let dropped = entry.pages.split_off(len.div_ceil(PAGE));
        self.release(&dropped);
    }

    /// Row `i` continues what row `parents[i]` held: the step of beam search. Nothing is copied.
    pub fn reorder(&mut self, parents: &[usize]) {
        let rows: Vec<Row> = parents.iter().map(|p| self.rows.get(*p).cloned().unwrap_or_default()).collect();
        for page in rows.iter().flat_map(|r| &r.pages) {
            self.uses[*page as usize] += 1;
        }
        let old = std::mem::replace(&mut self.rows, rows);
        for row in old {
            self.release(&row.pages);
        }
    }

    fn release(&mut self, pages: &[u32]) {
        for page in pages.iter().rev() {
            let uses = &mut self.uses[*page as usize];
            *uses -= 1;
            if *uses == 0 {
                self.free.push(*page);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_grow_by_pages_and_give_them_back() {
        let mut table = PageTable::new(1, 2);
        assert_eq!(table.extend(0, PAGE), Ok(None));
        assert_eq!(table.pages(0), [0]);
        assert_eq!(table.extend(0, 1), Ok(None));
        assert_eq!(table.extend(0, PAGE), Err(PageError::Full { pages: 2 }));
        assert_eq!(table.len(0), PAGE + 1);
        table.truncate(0, 5);
        assert_eq!((table.len(0), table.pages(0).len()), (5, 1));
    }

    #[test]
    fn a_shared_page_is_copied_before_it_is_written() {
        let mut table = PageTable::new(2, 3);
        table.extend(0, 10).unwrap();
        table.reorder(&[0, 0]);
        assert_eq!(table.pages(0), table.pages(1));
        let copy = table.extend(0, 1).unwrap().unwrap();
        assert_eq!(copy.from, table.pages(1)[0]);
        assert_eq!(copy.to, table.pages(0)[0]);
        assert_eq!(table.extend(1, 1), Ok(None));
    }
}
