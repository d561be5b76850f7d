//! Where tokens of a Transformer with two halves stand: rows of a table, or sinusoids that the host computes in f64.

use graph::Tensor;

/// How positions are told to a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// Rows of a learned table behind some that no position reads.
    Table {
        /// Those rows.
        unused: usize,
    },
    /// The paper's sinusoids, sines before cosines (Marian).
    Sinusoids,
    /// Those of fairseq and tensor2tensor: frequencies one step further apart (M2M-100, NLLB).
    Counted {
        /// Where the first token stands.
        first: i32,
        /// The padding token, which is not counted.
        padding: Option<i32>,
    },
}

impl Positions {
    /// Rows of the table [tokens] i32, or the sinusoids themselves: [tokens, C], or [B, tokens, C] where padding counts.
    ///
    /// # Errors
    /// There are more values than a tensor holds.
    pub(crate) fn places(self, past: usize, ids: &[i32], tokens: usize, width: usize) -> Result<Tensor, graph::Error> {
        match self {
            Self::Table { unused } => counted_places(past + unused, tokens),
            Self::Sinusoids => {
                let places = past..past + tokens;
                Tensor::f32([tokens, width], places.flat_map(|place| sinusoid(place, width)).collect())
            }
            Self::Counted { first, padding } => {
                let rows = ids.chunks_exact(tokens.max(1));
                let n = rows.len();
                let row = |row| counted(row, past, first, padding).flat_map(|place| fairseq_sinusoid(place, width));
                Tensor::f32([n, tokens, width], rows.flat_map(row).collect())
            }
        }
    }
}

/// Places that count from `past`: [tokens] i32.
pub(crate) fn counted_places(past: usize, tokens: usize) -> Result<Tensor, graph::Error> {
    Tensor::i32([tokens], (past as i32..(past + tokens) as i32).collect())
}

/// The place of each token of a row; one before the first for padding.
fn counted(row: &[i32], past: usize, first: i32, padding: Option<i32>) -> impl Iterator<Item = i64> {
    let mut next = i64::from(first) + past as i64;
    row.iter().map(move |id| {
        if Some(*id) == padding {
            return i64::from(first) - 1;
        }
        next += 1;
        next - 1
    })
}

/// Sines of falling frequencies, then cosines.
fn sinusoid(place: usize, width: usize) -> impl Iterator<Item = f32> {
    let sines = width.div_ceil(2);
    (0..width).map(move |i| {
        let (pair, cosine) = if i < sines { (i, false) } else { (i - sines, true) };
        wave(place as f64 / 10000f64.powf(2.0 * pair as f64 / width as f64), cosine)
    })
}

/// The same, the last frequency being 1/10000 exactly; an odd width ends in 0.
fn fairseq_sinusoid(place: i64, width: usize) -> impl Iterator<Item = f32> {
    let half = width / 2;
    let step = 10000f64.ln() / half.saturating_sub(1).max(1) as f64;
    (0..width).map(move |i| match i.checked_sub(half) {
        Some(pair) if pair >= half => 0.0,
        Some(pair) => wave(place as f64 * (-step * pair as f64).exp(), true),
        None => wave(place as f64 * (-step * i as f64).exp(), false),
    })
}

fn wave(angle: f64, cosine: bool) -> f32 {
    (if cosine { angle.cos() } else { angle.sin() }) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_not_counted() {
        let places = |row: &[i32], past| counted(row, past, 2, Some(1)).collect::<Vec<_>>();
        assert_eq!(places(&[1, 1, 7, 8], 0), [1, 1, 2, 3]);
        assert_eq!(places(&[7, 8, 1], 5), [7, 8, 1]);
    }

    #[test]
    fn waves_have_the_published_values() {
        let at = |found: Vec<f32>, wanted: [f32; 5]| {
            found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-6)
        };
        assert!(at(sinusoid(1, 5).collect(), [0.841_471, 0.025_116, 0.000_631, 0.540_302, 0.999_685]));
        assert!(at(fairseq_sinusoid(1, 5).collect(), [0.841_471, 0.0001, 0.540_302, 1.0, 0.0]));
    }
}
