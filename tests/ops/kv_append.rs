//! Cached keys and values, read densely: pages are crossed, tokens are forgotten and written anew.

use graph::{DType, Dim, Var};

use crate::draft::Draft;
use crate::suite::{Bound, Step, Suite};

pub fn cases(suite: &mut Suite) {
    let cases: [(&str, (usize, usize), &[Step]); 9] = [
        ("one token", (1, 1), &[Step(&[0], 1)]),
        ("one call", (1, 7), &[Step(&[0], 7)]),
        ("token by token", (1, 5), &[Step(&[0], 1), Step(&[1], 1), Step(&[2], 1), Step(&[3], 1), Step(&[4], 1)]),
        ("a page and one more", (1, 129), &[Step(&[0], 128), Step(&[128], 1)]),
        ("a call over a border", (1, 300), &[Step(&[0], 120), Step(&[120], 20), Step(&[140], 130)]),
        ("several pages at once", (1, 400), &[Step(&[0], 390), Step(&[390], 3)]),
        ("forgotten tokens", (1, 200), &[Step(&[0], 150), Step(&[100], 7), Step(&[107], 40), Step(&[3], 2)]),
        ("begun anew", (2, 64), &[Step(&[0, 0], 9), Step(&[0, 0], 4), Step(&[4, 4], 1)]),
        ("three rows", (3, 260), &[Step(&[0; 3], 127), Step(&[127; 3], 2), Step(&[129; 3], 130)]),
    ];
    for (name, room, steps) in cases {
        for (heads, width) in [(1, 2), (3, 16), (2, 66)] {
            let case = format!("{name}, {heads} heads of {width}");
            suite.replay(Bound::EXACT, case, room, steps, |d| {
                append(d, heads, width);
            });
        }
    }
    suite.replay(Bound::EXACT, "two states", (1, 130), &[Step(&[0], 127), Step(&[127], 2)], |d| {
        let past = append(d, 2, 4);
        let k = d.g.input("k2", DType::F32, ['B'.into(), 'T'.into(), Dim::from(1), 8.into()]);
        let (keys, _) = d.g.cache("second", 1, 8).append(k, k.scale(2.0), past);
        d.out(keys);
    });
}

/// Yields the input `past`.
fn append(d: &Draft, heads: usize, width: usize) -> Var<'_> {
    let shape = || [Dim::from('B'), 'T'.into(), heads.into(), width.into()];
    let past = d.g.input("past", DType::I32, [Dim::from('B')]);
    let (k, v) = (d.g.input("k", DType::F32, shape()), d.g.input("v", DType::F32, shape()));
    let (keys, values) = d.g.cache("cache", heads, width).append(k, v, past);
    d.out(keys);
    d.out(values);
    past
}
