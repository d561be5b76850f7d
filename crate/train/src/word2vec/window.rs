//! The arithmetic of one window: a word, the words around it, and words that are not there.
//!
//! Skip-gram with negative sampling lets each word around it tell the word in the middle from drawn ones; CBOW lets
//! their mean do it (Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546). For an input row h and an output row
//! o with label y (1 for the word in the middle, else 0), both move by the rate times (y − σ(h·o)) times the other.
//! The drawn words are shared by the window's pairs, so the few rows involved stay in the nearest cache (Ji et al.
//! 2016, arXiv:1604.04661).

#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "instructions that were found to be there"))]

/// Rows are padded with zeros to whole groups of so many values.
pub(super) const LANES: usize = 16;

/// Steps of the table of σ between −[`EDGE`] and [`EDGE`].
const STEPS: usize = 4096;
/// Beyond this σ is taken as at it.
const EDGE: f32 = 8.0;

/// σ(x) = 1 / (1 + e⁻ˣ) from a table.
pub(super) struct Sigmoid(Vec<f32>);

impl Sigmoid {
    pub(super) fn new() -> Sigmoid {
        let at = |step: usize| (step as f64 + 0.5) / STEPS as f64 * 2.0 * f64::from(EDGE) - f64::from(EDGE);
        Sigmoid((0..STEPS).map(|step| (1.0 / (1.0 + (-at(step)).exp())) as f32).collect())
    }

    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        // A number that is not one becomes 0 by the conversion.
        let step = ((x + EDGE) * (STEPS as f32 / (2.0 * EDGE))) as usize;
        self.0[step.min(STEPS - 1)]
    }
}

/// One window's rows, each a multiple of [`LANES`] long, and where their changes go.
pub(super) struct Window<'a> {
    /// Input rows.
    pub(super) inputs: &'a [&'a [f32]],
    /// Output rows: the word in the middle, then the drawn ones.
    pub(super) outputs: &'a [&'a [f32]],
    /// The products of inputs and outputs, and then what each pair changes by: [inputs, outputs].
    pub(super) gains: &'a mut [f32],
    /// The changes of the inputs, then of the outputs.
    pub(super) changes: &'a mut [f32],
    /// The learning rate.
    pub(super) rate: f32,
    /// The table of σ.
    pub(super) sigmoid: &'a Sigmoid,
}

impl Window<'_> {
    /// Computes the changes by the best instructions there are.
    pub(super) fn compute(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            #[target_feature(enable = "avx2,fma")]
            fn fused(window: &mut Window<'_>) {
                window.body::<true>();
            }
            // SAFETY: the machine has the instructions.
            return unsafe { fused(self) };
        }
        self.body::<false>();
    }

    #[inline(always)]
    fn body<const FUSED: bool>(&mut self) {
        let count = self.outputs.len();
        let mut changes = self.changes.chunks_exact_mut(self.outputs[0].len());
        for (input, gains) in self.inputs.iter().zip(self.gains.chunks_exact_mut(count)) {
            for (place, output) in self.outputs.iter().enumerate() {
                let label = if place == 0 { 1.0 } else { 0.0 };
                gains[place] = self.rate * (label - self.sigmoid.at(product::<FUSED>(input, output)));
            }
        }
        for (gains, change) in self.gains.chunks_exact(count).zip(&mut changes) {
            combine::<FUSED>(gains.iter().copied().zip(self.outputs.iter().copied()), change);
        }
        for (place, change) in (0..count).zip(&mut changes) {
            let gains = self.gains.iter().copied().skip(place).step_by(count);
            combine::<FUSED>(gains.zip(self.inputs.iter().copied()), change);
        }
    }
}

/// The sum of −log σ(±h·o) over the pairs of a window, from what they changed by.
pub(super) fn loss(gains: &[f32], rate: f32) -> f64 {
    gains.iter().map(|gain| -f64::from(1.0 - (gain / rate).abs()).max(1e-9).ln()).sum()
}

#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
fn product<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = [0.0f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
            *sum = multiply_add::<FUSED>(*a, *b, *sum);
        }
    }
    let half: [f32; LANES / 2] = std::array::from_fn(|lane| sum[lane] + sum[lane + LANES / 2]);
    let quarter: [f32; LANES / 4] = std::array::from_fn(|lane| half[lane] + half[lane + LANES / 4]);
    (quarter[0] + quarter[2]) + (quarter[1] + quarter[3])
}

/// `out` = the sum of rows, each times its gain.
#[inline(always)]
fn combine<'a, const FUSED: bool>(rows: impl Iterator<Item = (f32, &'a [f32])> + Clone, out: &mut [f32]) {
    for (at, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut sum = [0.0f32; LANES];
        for (gain, row) in rows.clone() {
            for (sum, value) in sum.iter_mut().zip(&row.as_chunks::<LANES>().0[at]) {
                *sum = multiply_add::<FUSED>(gain, *value, *sum);
            }
        }
        *out = sum;
    }
}
