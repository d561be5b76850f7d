//! Sines and cosines of many values, a vector at a time.
//!
//! The angle is brought to ±π/4 by taking off a multiple of π/2 that is written as three floats, of which the first two
//! have so few digits that their products are exact (Cody and Waite 1980); there two short polynomials stand for both
//! functions (their coefficients are those of Moshier's Cephes, `sinf.c`). Angles beyond 8192 are the system's to take.

/// The largest angle for which three floats are enough.
const LARGEST: f32 = 8192.0;

/// π/2 in three parts.
const PARTS: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];

/// Which function is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wave {
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
}

/// Values that are looked at together.
const BLOCK: usize = 64;

/// Each angle's sine or cosine in its place.
#[inline(always)]
pub(super) fn waves(wave: Wave, x: &mut [f32]) {
    let system = match wave {
        Wave::Sin => f32::sin,
        Wave::Cos => f32::cos,
    };
    for block in x.chunks_mut(BLOCK) {
        // Also what is no number.
        if block.iter().all(|x| x.abs() <= LARGEST) {
            block.iter_mut().for_each(|x| *x = short(wave, *x));
        } else {
            block.iter_mut().for_each(|x| *x = system(*x));
        }
    }
}

/// Of an angle up to [`LARGEST`], without a branch.
#[inline(always)]
fn short(wave: Wave, x: f32) -> f32 {
    let turns = (x * std::f32::consts::FRAC_2_PI).round_ties_even();
    let rest = ((x - turns * PARTS[0]) - turns * PARTS[1]) - turns * PARTS[2];
    let quarter = turns as i32 + i32::from(wave == Wave::Cos);
    let square = rest * rest;
    let sine = ((-1.951_529_6e-4 * square + 8.332_161e-3) * square - 1.666_665_5e-1) * square * rest + rest;
    let cosine = ((2.443_315_7e-5 * square - 1.388_731_6e-3) * square + 4.166_664_6e-2) * square * square;
    let cosine = cosine - 0.5 * square + 1.0;
    // Odd quarters take the other function, the third and fourth the other sign.
    let odd = 0u32.wrapping_sub(quarter as u32 & 1);
    let bits = (sine.to_bits() & !odd) | (cosine.to_bits() & odd);
    f32::from_bits(bits ^ ((quarter as u32 & 2) << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_double_precision() {
        let mut worst = 0.0f64;
        for wave in [Wave::Sin, Wave::Cos] {
            for i in -200_000i32..=200_000 {
                let angle = i as f32 * if i % 3 == 0 { 0.04 } else { 1.37e-4 };
                let mut got = [angle];
                waves(wave, &mut got);
                let wanted = if wave == Wave::Sin { f64::from(angle).sin() } else { f64::from(angle).cos() };
                worst = worst.max((f64::from(got[0]) - wanted).abs());
            }
        }
        assert!(worst < 1.2e-7, "off by {worst}");
    }

    #[test]
    fn far_and_no_angles() {
        let mut x = vec![1e9, f32::INFINITY, f32::NAN, -0.0, 8192.0];
        let wanted: Vec<f32> = x.iter().map(|x| x.sin()).collect();
        waves(Wave::Sin, &mut x);
        for (got, wanted) in x.iter().zip(&wanted) {
            assert!(got.to_bits() == wanted.to_bits() || (got.is_nan() && wanted.is_nan()), "{got} {wanted}");
        }
    }
}
