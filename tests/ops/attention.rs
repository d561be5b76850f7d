//! Attention: masks, windows, biases, caps, groups, probabilities; alone and over a session's pages.

use graph::{Attention, DType, Dim, Var};

use crate::draft::Draft;
use crate::suite::{Bound, Step, Suite};

const PLAIN: Attention =
    Attention::new(0.3);
const CAUSAL: Attention = Attention { causal: true, ..PLAIN };

/// Batch, queries, keys, query heads, key-value heads, width.
type Sizes = [usize; 6];

pub fn cases(suite: &mut Suite) {
    for sizes in [
        [1, 1, 1, 1, 1, 2],
        [1, 1, 257, 4, 2, 16],
        [2, 7, 7, 6, 2, 8],
        [1, 65, 65, 2, 1, 32],
        [3, 5, 11, 4, 4, 66],
        [1, 2, 130, 3, 3, 128],
        [1, 33, 33, 9, 3, 64],
        [2, 37, 70, 6, 2, 96],
        [1, 70, 70, 4, 2, 100],
    ] {
        alone(suite, "", PLAIN, sizes);
        if sizes[1] == sizes[2] {
            alone(suite, "", CAUSAL, sizes);
        }
    }
    for window in [1, 3, 8, 100] {
        alone(suite, "", Attention { window: Some(window), ..CAUSAL }, [2, 17, 17, 4, 2, 16]);
    }
    alone(suite, "", Attention { window: Some(40), ..CAUSAL }, [1, 101, 101, 4, 2, 64]);
    for spec in [PLAIN, CAUSAL] {
        alone(suite, "", Attention { soft_cap: Some(2.0), scale: 1.0, ..spec }, [2, 9, 9, 4, 2, 16]);
        // Scores of some hundred: nothing may overflow, and one key takes all.
        alone(suite, "", Attention { scale: 50.0, ..spec }, [1, 9, 9, 2, 1, 16]);
        alone(suite, "", Attention { scale: 0.0, ..spec }, [1, 9, 9, 2, 1, 16]);
    }
    // Software adapters end an invocation after some 65,000 turns of its loops.
    alone(suite, "long", PLAIN, [1, 1, 3000, 2, 1, 128]);
    alone(suite, "long", PLAIN, [1, 2, 2000, 3, 1, 66]);
    probabilities(suite);
    biases(suite);
    axial(suite);
    shared_keys(suite);
    given_past(suite);
    sessions(suite);
    long_session(suite);
}

fn qkv(d: &Draft, [b, t, s, h, g, width]: Sizes) -> (Var<'_>, (Var<'_>, Var<'_>)) {
    (d.normal([b, t, h, width]), (d.normal([b, s, g, width]), d.normal([b, s, g, width])))
}

fn alone(suite: &mut Suite, name: &str, spec: Attention, sizes: Sizes) {
    suite.check(Bound::SINGLE, format!("{name} {sizes:?} {spec:?}"), |d| {
        let (q, kv) = qkv(d, sizes);
        d.out(q.attention("a", kv, None, None, spec.clone()));
    });
}

/// The draft observes the tap of `see` and no other.
fn probabilities(suite: &mut Suite) {
    for sizes in [[1, 1, 1, 1, 1, 2], [2, 7, 7, 6, 2, 8], [1, 65, 65, 2, 1, 16]] {
        for spec in [PLAIN, CAUSAL, Attention { window: Some(3), soft_cap: Some(5.0), ..CAUSAL }] {
            suite.check(Bound::SINGLE, format!("probs of {sizes:?} {spec:?}"), |d| {
                let (q, kv) = qkv(d, sizes);
                d.out(q.attention("see", kv, None, None, spec.clone()));
            });
        }
    }
}

fn biases(suite: &mut Suite) {
    let (b, t, s, h) = (2, 7, 9, 4);
    let sizes = [b, t, s, h, 2, 16];
    for shape in [[b, h, t, s], [1, 1, t, s], [b, 1, 1, s], [1, h, 1, 1], [1, 1, 1, 1], [b, 1, t, 1]] {
        for spec in [PLAIN, Attention { soft_cap: Some(3.0), ..PLAIN }] {
            suite.check(Bound::SINGLE, format!("bias {shape:?} {spec:?}"), |d| {
                let (q, kv) = qkv(d, sizes);
                d.out(q.attention("a", kv, None, Some(d.normal(shape)), spec.clone()));
            });
        }
    }
    for hidden in [-1e30, f32::MIN, f32::NEG_INFINITY] {
        for (name, every) in [("every third key", 3), ("all keys of the second row", usize::MAX)] {
            for (causal, tap) in [(false, "a"), (true, "a"), (true, "see")] {
                suite.check(Bound::SINGLE, format!("{hidden} hides {name}, causal {causal}, {tap}"), |d| {
                    let hides = |i: usize| if every == usize::MAX { i >= t } else { i.is_multiple_of(every) };
                    let bias: Vec<f32> = (0..2 * t).map(|i| if hides(i) { hidden } else { 0.0 }).collect();
                    let (q, kv) = qkv(d, [2, t, t, h, 2, 16]);
                    let spec = Attention { causal, ..PLAIN };
                    d.out(q.attention(tap, kv, None, Some(d.floats([2, 1, 1, t], bias)), spec));
                });
            }
        }
    }
}

/// Keys on a grid, with a table for its rows and one for its columns.
fn axial(suite: &mut Suite) {
    for ([rows, columns], t, g, width) in [([1, 1], 1, 2, 8), ([3, 5], 15, 4, 16), ([14, 14], 196, 2, 20), ([30, 9], 7, 1, 64)] {
        for (tap, soft_cap) in [("a", None), ("see", None), ("a", Some(2.0))] {
            suite.check(Bound::SINGLE, format!("a grid of {rows} by {columns}, {t} queries, {tap} {soft_cap:?}"), |d| {
                let (q, kv) = qkv(d, [2, t, rows * columns, 4, g, width]);
                let tables = d.normal([2, t, 4, rows + columns]);
                let spec = Attention { axial: Some(columns), soft_cap, ..PLAIN };
                d.out(q.attention(tap, kv, None, Some(tables), spec));
            });
        }
    }
}

/// One picture, many prompts.
fn shared_keys(suite: &mut Suite) {
    for (tap, t) in [("a", 5), ("see", 5), ("a", 70), ("see", 133)] {
        suite.check(Bound::SINGLE, format!("keys of batch 1, {t} queries, {tap}"), |d| {
            let q = d.normal([3, t, 4, 16]);
            d.out(q.attention(tap, (d.normal([1, 9, 2, 16]), d.normal([1, 9, 2, 16])), None, None, PLAIN));
        });
    }
}

/// Queries that stand behind keys which no session holds.
fn given_past(suite: &mut Suite) {
    for (past, t, s) in [([0, 0], 5, 5), ([4, 4], 1, 5), ([3, 0], 2, 5), ([200, 130], 3, 203)] {
        for window in [None, Some(4)] {
            for tap in ["a", "see"] {
                suite.check(Bound::SINGLE, format!("past {past:?}, {t} of {s}, window {window:?}, {tap}"), |d| {
                    let (q, kv) = qkv(d, [2, t, s, 4, 2, 16]);
                    let past = d.integers([2], past);
                    d.out(q.attention(tap, kv, Some(past), None, Attention { window, ..CAUSAL }));
                });
            }
        }
    }
}

fn sessions(suite: &mut Suite) {
    let cases: [(&str, (usize, usize), &[Step]); 9] = [
        ("prefill and decode", (1, 40), &[Step(&[0], 33), Step(&[33], 1), Step(&[34], 1)]),
        ("prefill in chunks", (1, 300), &[Step(&[0], 64), Step(&[64], 64), Step(&[128], 65), Step(&[193], 7)]),
        ("over the border of a page", (1, 132), &[Step(&[0], 127), Step(&[127], 1), Step(&[128], 1), Step(&[129], 3)]),
        ("several pages", (1, 400), &[Step(&[0], 300), Step(&[300], 1), Step(&[301], 99)]),
        ("rows of other lengths", (3, 64), &[Step(&[0, 0, 0], 20), Step(&[20, 3, 11], 1), Step(&[21, 4, 12], 5)]),
        ("rows on other pages", (2, 300), &[Step(&[0, 0], 200), Step(&[200, 5], 1), Step(&[127, 6], 2)]),
        ("forgotten tokens", (1, 200), &[Step(&[0], 150), Step(&[100], 3), Step(&[2], 1), Step(&[3], 140)]),
        ("begun anew", (2, 64), &[Step(&[0, 0], 9), Step(&[0, 0], 4), Step(&[4, 4], 1)]),
        ("fewer rows than there is room for", (4, 130), &[Step(&[0, 0], 9), Step(&[9, 9], 1)]),
    ];
    for (name, room, steps) in cases {
        for (heads, spec) in [
            ([4, 2, 16], CAUSAL),
            ([3, 3, 66], CAUSAL),
            ([9, 3, 64], Attention { window: Some(5), ..CAUSAL }),
            ([2, 1, 128], Attention { window: Some(130), soft_cap: Some(4.0), ..CAUSAL }),
        ] {
            for tap in ["a", "see"] {
                let case = format!("{name}, {heads:?} {spec:?} {tap}");
                suite.replay(Bound::SINGLE, case, room, steps, |d| cached(d, heads, &spec, tap));
            }
        }
    }
}

/// A long chat on a software adapter.
fn long_session(suite: &mut Suite) {
    let steps = [Step(&[0], 1200), Step(&[1200], 1), Step(&[1201], 2)];
    for tap in ["a", "see"] {
        let case = format!("a long session, {tap}");
        suite.replay(Bound::SINGLE, case, (1, 1300), &steps, |d| cached(d, [2, 1, 64], &CAUSAL, tap));
    }
}

fn cached(d: &Draft, [h, g, width]: [usize; 3], spec: &Attention, tap: &str) {
    let given = |name: &str, heads: usize| {
        d.g.input(name, DType::F32, [Dim::from('B'), 'T'.into(), heads.into(), width.into()])
    };
    let past = d.g.input("past", DType::I32, [Dim::from('B')]);
    let kv = d.g.cache("cache", g, width).append(given("k", g), given("v", g), past);
    d.out(given("q", h).attention(tap, kv, Some(past), None, spec.clone()));
}
