//! Writing keys and values into the session's pages, and reading them back as plain values.

use graph::{PAGE, PageTable};

use crate::session::State;

/// `k`, `v` [B, T, G, D] go behind the first `past[b]` tokens of row `b`, for which there is room.
pub(crate) fn append(state: &mut State, table: &PageTable, past: &[i32], tokens: usize, k: &[f32], v: &[f32]) {
    let (heads, width) = (state.spec.n_kv_head, state.spec.head_dim);
    let row_len = tokens * heads * width;
    for (row, past) in past.iter().enumerate() {
        let mut done = 0;
        while done < tokens {
            let at = *past as usize + done;
            let run = (PAGE - at % PAGE).min(tokens - done);
            let Some(page) = table.pages(row).get(at / PAGE) else { return };
            for head in 0..heads {
                let from = row * row_len + (done * heads + head) * width;
                let block = (*page as usize * heads + head) * width * PAGE;
                let place = Place { offset: at % PAGE, run, width, step: heads * width };
                place.keys(&k[from..], &mut state.keys[block..][..width * PAGE]);
                place.values(&v[from..], &mut state.values[block..][..width * PAGE]);
            }
            done += run;
        }
    }
}

/// Some tokens of one head inside one page.
struct Place {
    /// The first token's place in the page.
    offset: usize,
    /// How many tokens.
    run: usize,
    /// Width of the head, D.
    width: usize,
    /// From one token to the next outside the page.
    step: usize,
}

impl Place {
    /// Into [D, PAGE].
    fn keys(&self, k: &[f32], page: &mut [f32]) {
        for (i, column) in page.chunks_exact_mut(PAGE).enumerate() {
            for (token, out) in column[self.offset..][..self.run].iter_mut().enumerate() {
                *out = k[token * self.step + i];
            }
        }
    }

    /// Into [PAGE, D].
    fn values(&self, v: &[f32], page: &mut [f32]) {
        for token in 0..self.run {
            let out = &mut page[(self.offset + token) * self.width..][..self.width];
            out.copy_from_slice(&v[token * self.step..][..self.width]);
        }
    }
}

/// Which half of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The keys.
    Keys,
    /// The values.
    Values,
}

/// What the rows hold as [B, len, G, D], zeros behind a row's own tokens.
pub(crate) fn gather(state: &State, table: &PageTable, side: Side, len: usize, out: &mut [f32]) {
    let (heads, width) = (state.spec.n_kv_head, state.spec.head_dim);
    let token_len = (heads * width).max(1);
    for (row, out) in out.chunks_exact_mut((len * token_len).max(1)).enumerate() {
        let held = table.len(row).min(len);
        for (at, out) in out.chunks_exact_mut(token_len).enumerate() {
            let Some(page) = table.pages(row).get(at / PAGE).filter(|_| at < held) else {
                out.fill(0.0);
                continue;
            };
            for (head, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
                let block = (*page as usize * heads + head) * width * PAGE;
                match side {
                    Side::Keys => {
                        let column = state.keys[block + at % PAGE..].iter().step_by(PAGE);
                        out.iter_mut().zip(column).for_each(|(out, k)| *out = *k);
                    }
                    Side::Values => out.copy_from_slice(&state.values[block + at % PAGE * width..][..width]),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;
    use graph::StateSpec;

    #[test]
    fn rows_of_different_lengths_across_pages() {
        let spec = StateSpec { name: "cache".into(), n_kv_head: 2, head_dim: 3 };
        let mut session = Session::new(&[spec], 2, 300).unwrap();
        let value = |row: usize, token: usize, i: usize| (row * 10_000 + token * 10 + i) as f32;
        let mut lens = [0usize, 0];
        for (past, tokens) in [([0, 0], 100), ([100, 20], 40)] {
            session.extend(&past, tokens).unwrap();
            let mut k = Vec::new();
            for (row, past) in past.iter().enumerate() {
                for token in 0..tokens {
                    k.extend((0..6).map(|i| value(row, *past as usize + token, i)));
                }
                lens[row] = *past as usize + tokens;
            }
            let v: Vec<f32> = k.iter().map(|k| -k).collect();
            append(&mut session.states[0], &session.table, &past, tokens, &k, &v);
        }
        let (mut k, mut v) = (vec![9.0; 2 * 140 * 6], vec![9.0; 2 * 140 * 6]);
        gather(&session.states[0], &session.table, Side::Keys, 140, &mut k);
        gather(&session.states[0], &session.table, Side::Values, 140, &mut v);
        for (n, (k, v)) in k.iter().zip(&v).enumerate() {
            let (row, token, i) = (n / 840, n / 6 % 140, n % 6);
            let expected = if token < lens[row] { value(row, token, i) } else { 0.0 };
            assert_eq!((*k, *v), (expected, -expected), "row {row} token {token}");
        }
    }
}
