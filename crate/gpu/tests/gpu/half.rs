//! Products in 16-bit floats, against plain code; on an adapter without `shader-f16`, that they are in 32 bits.

use dynasty_gpu::{Engine, Options, Precision};
use graph::*;

use crate::common::{Random, f32s, run};

/// A number that 16-bit floats do not have: it becomes 1.
const BETWEEN: f32 = 1.0 + 1.0 / 4096.0;

fn engine() -> (Engine, bool) {
    let options = Options { precision: Precision::F16, ..Options::default() };
    let engine = pollster::block_on(Engine::new(options)).unwrap();
    let half = engine.precision() == Precision::F16;
    println!("{}: {}", engine.adapter(), if half { "16-bit factors" } else { "no shader-f16, 32-bit factors" });
    (engine, half)
}

/// The product of two values, and of one with a weight whose rows are the other's columns.
fn products(engine: &Engine, (m, k, n): (usize, usize, usize), a: &[f32], b: &[f32]) -> [Vec<f32>; 2] {
    let g = Builder::new(Taps::none());
    let (x, y) = (g.input("x", DType::F32, [m, k]), g.input("y", DType::F32, [n, k]));
    g.output("values", x.matmul_as(MatMul { b: Side::Transposed, ..MatMul::default() }, y));
    g.output("weight", x.linear(&g.weights().at("w"), n, Bias::None));
    let weights = [("w.weight", vec![n, k], b.to_vec())];
    let out = run(
        engine,
        g.finish().unwrap(),
        &weights,
        &[("x", &f32s(&[m, k], a.to_vec())), ("y", &f32s(&[n, k], b.to_vec()))],
    );
    [0, 1].map(|i| out[i].as_f32().unwrap().to_vec())
}

#[test]
fn factors_have_the_precision_that_the_engine_says() {
    let (engine, half) = engine();
    // Rows enough for tiles.
    let (m, k, n) = (9, 1, 3);
    for product in products(&engine, (m, k, n), &vec![BETWEEN; m * k], &vec![1.0; n * k]) {
        assert_eq!(product, vec![if half { 1.0 } else { BETWEEN }; m * n]);
    }
}

#[test]
fn sums_stay_close() {
    let (engine, half) = engine();
    for (m, k, n) in [(8, 1, 1), (13, 37, 5), (32, 64, 32), (33, 300, 65)] {
        let (a, b) = (Random(1).floats(m * k, 1.0), Random(2).floats(n * k, 1.0));
        let dot =
            |i: usize| (0..k).map(|j| f64::from(a[i / n * k + j]) * f64::from(b[i % n * k + j])).sum::<f64>() as f32;
        let wanted: Vec<f32> = (0..m * n).map(dot).collect();
        for product in products(&engine, (m, k, n), &a, &b) {
            let error = nmse(&product, &wanted);
            let bound = if half { 1e-6 } else { 1e-12 };
            assert!(error < bound, "{m} x {k} x {n}: {error}");
        }
    }
}

#[test]
fn what_is_too_large_for_them_is_infinite() {
    let (engine, half) = engine();
    let (m, k, n) = (8, 4, 2);
    for product in products(&engine, (m, k, n), &vec![70_000.0; m * k], &vec![1.0; n * k]) {
        assert!(product.iter().all(|value| value.is_finite() != half), "{product:?}");
    }
}
