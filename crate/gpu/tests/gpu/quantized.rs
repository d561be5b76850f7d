//! Quantized products and tables against the decoded weights.

use std::sync::Arc;

use crate::common::{Random, both, check_to, f32s, i32s};
use dynasty_gpu::{Engine, Error};
use format::QuantType;
use graph::*;

/// The bytes of a matrix of type `ty` and the values they stand for.
fn quantize(ty: QuantType, rows: usize, cols: usize) -> (Vec<u8>, Vec<f32>) {
    let values = Random(7).floats(rows * cols, 1.0);
    let mut bytes = Vec::new();
    // Two types are written by nobody here: any bytes with a small scale are a matrix of them.
    let scales = match ty {
        QuantType::Q2_K => &[80, 82][..],
        QuantType::Q3_K => &[108][..],
        _ => &[],
    };
    if scales.is_empty() {
        format::encode(ty, &values, &mut bytes).unwrap();
    } else {
        bytes.extend(values.iter().map(|v| v.to_bits() as u8).take(rows * ty.row_bytes(cols).unwrap()));
        for block in bytes.chunks_mut(ty.block_bytes()) {
            scales.iter().for_each(|at| block[*at..*at + 2].copy_from_slice(&[0, 0x24]));
        }
    }
    let mut decoded = vec![0.0; rows * cols];
    format::decode(ty, &bytes, &mut decoded).unwrap();
    (bytes, decoded)
}

/// Types that are held as they are give the decoded values; the others lose a little more to q8_0.
fn bound(ty: QuantType) -> f64 {
    match ty {
        QuantType::Q4_1 | QuantType::Q5_0 | QuantType::Q5_1 | QuantType::Q2_K | QuantType::Q3_K | QuantType::Q5_K => {
            1e-4
        }
        _ => 1e-9,
    }
}

fn products(engine: &Engine, ty: QuantType, (m, k, n): (usize, usize, usize)) {
    let (bytes, w) = quantize(ty, n, k);
    let x = Random(8).floats(m * k, 1.0);
    let mut store = engine.weights();
    store.insert("w.weight", &[n, k], ty, bytes).unwrap();
    let g = Builder::new(Taps::none());
    let table = g.weights().at("w").weight([n, k]);
    g.output("linear", g.input("x", DType::F32, [m, k]).linear_with(table));
    g.output("rows", table.gather_rows(g.input("ids", DType::I32, [3])));
    g.output("dense", table.slice(0, n / 2, 1));
    let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &store).unwrap();
    let ids = i32s(&[3], vec![n as i32 - 1, 0, n as i32]);
    let out =
        pollster::block_on(engine.run(&mut program, None, &[("x", &f32s(&[m, k], x.clone())), ("ids", &ids)])).unwrap();
    let what = format!("{ty} m {m} k {k} n {n}");
    check_to(&what, &out[0], &crate::common::linear(&x, &w, k), bound(ty));
    let rows = [&w[(n - 1) * k..], &w[..k], &vec![0.0; k]].concat();
    check_to(&format!("rows of {what}"), &out[1], &rows, bound(ty));
    check_to(&format!("values of {what}"), &out[2], &w[n / 2 * k..(n / 2 + 1) * k], bound(ty));
}

#[test]
fn every_type_multiplies() {
    both(|engine| {
        for ty in QuantType::all() {
            for (m, k, n) in [(1, 256, 3), (1, 768, 65), (3, 512, 7), (9, 256, 70)] {
                products(engine, ty, (m, k, n));
            }
        }
        // Odd numbers of blocks and of columns.
        for (ty, k) in [
            (QuantType::Q8_0, 96),
            (QuantType::Q4_0, 32),
            (QuantType::F16, 6),
            (QuantType::BF16, 30),
            (QuantType::F16, 7),
        ] {
            products(engine, ty, (2, k, 5));
            products(engine, ty, (33, k, 5));
        }
    });
}

#[test]
fn types_that_are_brought_to_another_are_named() {
    let engine = crate::common::engine(dynasty_gpu::Kernels::Auto);
    let mut store = engine.weights();
    store.insert("a", &[1, 256], QuantType::Q5_K, quantize(QuantType::Q5_K, 1, 256).0).unwrap();
    store.insert("b", &[1, 256], QuantType::Q4_K, quantize(QuantType::Q4_K, 1, 256).0).unwrap();
    assert_eq!(store.kernels(), ["q4_k: 1 weights", "q5_k as q8_0: 1 weights"]);
    assert_eq!(store.bytes(), 144 + 272);
    assert!(store.contains("a") && !store.contains("c"));
    let wrong = store.insert("c", &[2, 256], QuantType::Q4_K, vec![0; 144]);
    assert!(matches!(wrong, Err(Error::Weight { .. })));
    let wrong = store.insert("c", &[2, 200], QuantType::Q4_K, vec![0; 144]);
    assert!(wrong.unwrap_err().to_string().contains("whole blocks"));
}
