//! The gradients of attention: masks, windows, biases, caps, groups, shared keys.

use graph::{Attention, Op, Tensor, Var};

use crate::draft::Draft;
use crate::suite::{Bound, Suite};

const PLAIN: Attention = Attention::new(0.3);
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
        [1, 130, 130, 2, 2, 64],
        [2, 37, 70, 6, 2, 96],
        [2, 70, 70, 4, 2, 100],
    ] {
        check(suite, "", PLAIN, sizes, None);
        if sizes[1] == sizes[2] {
            check(suite, "", CAUSAL, sizes, None);
        }
    }
    for window in [1, 3, 100] {
        check(suite, "", Attention { window: Some(window), ..CAUSAL }, [2, 17, 17, 4, 2, 16], None);
    }
    check(suite, "", Attention { window: Some(40), ..CAUSAL }, [1, 101, 101, 4, 2, 64], None);
    for spec in [PLAIN, CAUSAL] {
        check(suite, "", Attention { soft_cap: Some(2.0), scale: 1.0, ..spec }, [2, 9, 9, 4, 2, 16], None);
    }
    for shape in [[1, 1, 1, 9], [2, 1, 1, 9], [1, 4, 9, 9], [2, 4, 9, 9], [1, 4, 1, 1]] {
        check(suite, &format!("bias {shape:?}"), PLAIN, [2, 9, 9, 4, 2, 16], Some(shape));
        check(suite, &format!("bias {shape:?}"), CAUSAL, [2, 9, 9, 4, 2, 16], Some(shape));
    }
    shared_keys(suite);
    hidden_keys(suite);
    past(suite);
}

fn draw(d: &Draft, [b, t, s, h, g, width]: Sizes) -> [Var<'_>; 4] {
    [d.normal([b, t, h, width]), d.normal([b, s, g, width]), d.normal([b, s, g, width]), d.normal([b, t, h, width])]
}

/// Attention with its logarithms, and its gradients.
fn write<'g>(d: &'g Draft, spec: &Attention, [q, k, v, dout]: [Var<'g>; 4], others: &[Var<'g>]) {
    let spec = Attention { lse: true, ..spec.clone() };
    let out = d.g.push(Op::Attention(spec.clone()), &[&[q, k, v], others].concat());
    d.out(out);
    d.out(out.output(1));
    let scores = spec.bias;
    let inputs = [&[q, k, v, out, out.output(1), dout], others].concat();
    let dq = d.g.push(Op::AttentionGrad { spec, scores }, &inputs);
    (0..3 + u8::from(scores)).for_each(|output| d.out(dq.output(output)));
}

fn check(suite: &mut Suite, name: &str, spec: Attention, sizes: Sizes, bias: Option<[usize; 4]>) {
    let spec = Attention { bias: bias.is_some(), ..spec };
    suite.check(Bound::SINGLE, format!("{name} {sizes:?} {spec:?}"), |d| {
        let others: Vec<Var<'_>> = bias.map(|shape| d.normal(shape)).into_iter().collect();
        write(d, &spec, draw(d, sizes), &others);
    });
}

fn shared_keys(suite: &mut Suite) {
    suite.check(Bound::SINGLE, "keys of one row for three", |d| {
        let [q, _, _, dout] = draw(d, [3, 5, 7, 4, 2, 16]);
        write(d, &PLAIN, [q, d.normal([1, 7, 2, 16]), d.normal([1, 7, 2, 16]), dout], &[]);
    });
}

fn hidden_keys(suite: &mut Suite) {
    suite.check(Bound::SINGLE, "padding, and a row that sees nothing", |d| {
        let mut bias = vec![0.0; 2 * 6];
        bias[4] = -1e30;
        bias[6..].fill(-1e35);
        let bias = d.given(Tensor::f32([2, 1, 1, 6], bias).unwrap());
        let spec = Attention { bias: true, lse: true, ..PLAIN };
        let [q, k, v, dout] = draw(d, [2, 6, 6, 2, 2, 8]);
        let out = d.g.push(Op::Attention(spec.clone()), &[q, k, v, bias]);
        let dq = d.g.push(Op::AttentionGrad { spec, scores: false }, &[q, k, v, out, out.output(1), dout, bias]);
        (0..3).for_each(|output| d.out(dq.output(output)));
    });
}

fn past(suite: &mut Suite) {
    suite.check(Bound::SINGLE, "queries behind given keys", |d| {
        let past = d.integers([2], [3, 0]);
        write(d, &Attention { past: true, ..CAUSAL }, draw(d, [2, 4, 7, 2, 1, 8]), &[past]);
    });
}
