//! The matrices of a small language model (30 layers, width 576, hidden width 1536, vocabulary 49152), with weights
//! from random bytes, and a check of every type against double precision.

use dynasty_cpu::matrix::{Activations, Matrix, matmul, matmul_shared};
use dynasty_cpu::pool::Pool;
use format::QuantType;

const LAYERS: usize = 30;
const WIDTH: usize = 576;
const HIDDEN: usize = 1536;
const VOCABULARY: usize = 49152;

/// Random bytes of a weight, whose halves are small scales.
pub fn weight_bytes(ty: QuantType, n: usize, k: usize) -> Vec<u8> {
    let mut state = (n * k) as u32 | 1;
    let mut bytes = vec![0; ty.row_bytes(k).unwrap_or(0) * n];
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    let size = ty.block_bytes();
    let (start, halves) = match ty {
        QuantType::Q2_K => (size - 4, 2),
        QuantType::Q3_K | QuantType::Q6_K => (size - 2, 1),
        QuantType::Q4_1 | QuantType::Q5_1 | QuantType::Q4_K | QuantType::Q5_K => (0, 2),
        _ => (0, 1),
    };
    for block in bytes.chunks_exact_mut(size) {
        match ty {
            QuantType::F32 => block.copy_from_slice(&(f32::from(block[1]) / 128.0 - 1.0).to_le_bytes()),
            QuantType::F16 => block[1] = block[1] & 0x83 | 0x34,
            QuantType::BF16 => block[1] = block[1] & 0x80 | 0x3e,
            _ => (0..halves).for_each(|i| block[start + 2 * i..][..2].copy_from_slice(&[0x33, 0x24])),
        }
    }
    bytes
}

/// Numbers from −1 to 1.
pub fn values(len: usize) -> Vec<f32> {
    let mut state = 99u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// The matrices of the model.
pub struct Model {
    layers: Vec<[Matrix; 7]>,
    head: Matrix,
    activations: Activations,
    x: Vec<f32>,
    out: Vec<f32>,
}

impl Model {
    /// Matrices of a type, for chunks of at most `rows` tokens.
    pub fn new(ty: QuantType, rows: usize) -> Model {
        let matrix = |n, k| Matrix::pack(ty, n, k, weight_bytes(ty, n, k)).expect("whole blocks");
        let shapes = [
            (WIDTH, WIDTH),
            (192, WIDTH),
            (192, WIDTH),
            (WIDTH, WIDTH),
            (HIDDEN, WIDTH),
            (HIDDEN, WIDTH),
            (WIDTH, HIDDEN),
        ];
        Model {
            layers: (0..LAYERS).map(|_| shapes.map(|(n, k)| matrix(n, k))).collect(),
            head: matrix(VOCABULARY, WIDTH),
            activations: Activations::new(),
            x: values(rows * HIDDEN),
            out: vec![0.0; (rows * HIDDEN).max(VOCABULARY)],
        }
    }

    /// Bytes of all matrices.
    pub fn bytes(&self) -> usize {
        self.layers.iter().flatten().map(Matrix::bytes).sum::<usize>() + self.head.bytes()
    }

    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "only printed natively"))]
    /// The kernel.
    pub fn kernel(&self) -> &'static str {
        self.head.kernel()
    }

    /// Seconds of all products of a step over `m` tokens (the head for the last alone), by a clock: for each of a
    /// layer's seven matrices the least time that any layer took in any of some runs, times the number of layers.
    /// So other programs on the machine disturb the figure less.
    pub fn step_seconds(&mut self, pool: &Pool, m: usize, runs: usize, clock: &dyn Fn() -> f64) -> f64 {
        let mut least = [f64::INFINITY; 8];
        for _ in 0..runs {
            for layer in 0..LAYERS {
                for (index, least) in least[..7].iter_mut().enumerate() {
                    let start = clock();
                    self.product(pool, layer, index, m);
                    *least = least.min(clock() - start);
                }
            }
            let start = clock();
            self.product(pool, LAYERS, 0, 1);
            least[7] = least[7].min(clock() - start);
        }
        least[..7].iter().sum::<f64>() * LAYERS as f64 + least[7]
    }

    /// One product; the layer after the last is the head.
    fn product(&mut self, pool: &Pool, layer: usize, index: usize, m: usize) {
        let weight = self.layers.get(layer).map_or(&self.head, |layer| &layer[index]);
        let (x, out) = (&self.x[..m * weight.k()], &mut self.out[..m * weight.n()]);
        if matches!(index, 1 | 2 | 5) {
            matmul_shared(pool, weight, x, m, &mut self.activations, out, None, None);
        } else {
            matmul(pool, weight, x, m, &mut self.activations, out, None, None);
        }
    }
}

/// The largest normalised mean squared error of any type and a few shapes.
pub fn worst_error(pool: &Pool) -> (f64, &'static str) {
    let mut worst = (0.0, "");
    for ty in QuantType::all() {
        for (m, n, k) in [(1, 3, 256), (1, 100, 768), (5, 17, 512), (9, 64, 256)] {
            let bytes = weight_bytes(ty, n, k);
            let mut dense = vec![0.0; n * k];
            format::decode(ty, &bytes, &mut dense).expect("whole blocks");
            let weight = Matrix::pack(ty, n, k, bytes).expect("whole blocks");
            let x = values(m * k);
            let mut out = vec![0.0; m * n];
            matmul(pool, &weight, &x, m, &mut Activations::new(), &mut out, None, None);
            let (mut error, mut size) = (0.0, 1e-12);
            for (i, out) in out.iter().enumerate() {
                let (x, w) = (&x[i / n * k..][..k], &dense[i % n * k..][..k]);
                let dot: f64 = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                error += (f64::from(*out) - dot).powi(2);
                size += x.iter().zip(w).map(|(x, w)| (f64::from(*x) * f64::from(*w)).powi(2)).sum::<f64>();
            }
            if error / size > worst.0 || error.is_nan() {
                worst = (error / size, weight.kernel());
            }
        }
    }
    worst
}
