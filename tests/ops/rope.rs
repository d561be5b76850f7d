//! Rotary embedding: both layouts, all of a head or its first part, near and far positions.

use graph::{Rope, RopeLayout, Tensor};

use crate::draft::Draft;
use crate::suite::{Bound, Suite};

const LAYOUTS: [RopeLayout; 2] = [RopeLayout::Half, RopeLayout::Interleaved];

pub fn cases(suite: &mut Suite) {
    for layout in LAYOUTS {
        for shape in [[1, 1, 1, 2], [2, 5, 3, 8], [1, 65, 4, 64], [3, 7, 2, 66], [1, 1, 9, 128]] {
            for turned in [shape[3], 2, shape[3] / 4 * 2] {
                if (2..=shape[3]).contains(&turned) {
                    turn(suite, (layout, 1.0), shape, turned, 100);
                }
            }
        }
        turn(suite, (layout, 1.2), [2, 5, 3, 16], 16, 100);
        turn(suite, (layout, 0.5), [2, 5, 3, 16], 8, 1);
        turn(suite, (layout, 1.0), [1, 33, 2, 64], 64, 8192);
    }
    suite.check(Bound::SINGLE, "inv_freq given at the run", |d| {
        let inv_freq = d.uniform([8], 0.0, 1.0);
        let positions = d.below([2, 3], 50);
        d.out(d.normal([2, 3, 2, 16]).rope(positions, inv_freq, Rope { layout: RopeLayout::Half, scale: 1.0 }));
    });
}

fn turn(suite: &mut Suite, (layout, scale): (RopeLayout, f32), shape: [usize; 4], turned: usize, end: usize) {
    // An angle of thousands keeps 24 bits in single precision: an error of some 1e-4.
    let bound = if end > 1000 { Bound::both(1e-7) } else { Bound::SINGLE };
    let case = format!("{layout:?} {shape:?}, {turned} turned by positions below {end}, scale {scale}");
    suite.check(bound, case, |d: &Draft| {
        let half = turned / 2;
        let inv_freq = (0..half).map(|i| 10_000f32.powf(-(i as f32) / half as f32)).collect();
        let inv_freq = d.g.constant(Tensor::f32([half], inv_freq).unwrap());
        let positions = d.below([shape[0], shape[1]], end);
        d.out(d.normal(shape).rope(positions, inv_freq, Rope { layout, scale }));
    });
}
