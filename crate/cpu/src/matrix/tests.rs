//! Kernels against double precision, on every instruction set of this machine.

use format::QuantType;

use super::*;

/// Numbers from −1 to 1, with a large one now and then, as activations have.
fn random(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
            if i % 97 == 5 { value * 8.0 } else { value }
        })
        .collect()
}

/// Bytes of a weight, from random values, or for types without an encoder from random bytes.
fn weight_bytes(ty: QuantType, n: usize, k: usize) -> Vec<u8> {
    let values = random(7 + (n * k) as u64, n * k);
    let mut bytes = Vec::new();
    if format::encode(ty, &values, &mut bytes).is_ok() {
        return bytes;
    }
    let mut state = 12345u32;
    let mut bytes = vec![0; ty.row_bytes(k).unwrap() * n];
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    // The halves at the end of a block become moderate scales.
    for block in bytes.chunks_exact_mut(ty.block_bytes()) {
        let end = block.len();
        block[end - 2..].copy_from_slice(&[0x33, 0x24]);
        if ty == QuantType::Q2_K {
            block[end - 4..end - 2].copy_from_slice(&[0x33, 0x24]);
        }
    }
    bytes
}

/// The product in double precision, and the mean square that results have for values without an order.
fn reference(weight: &[f32], x: &[f32], k: usize) -> (Vec<f64>, f64) {
    let square = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let (mut out, mut size) = (Vec::new(), 0.0);
    for x in x.chunks_exact(k) {
        for row in weight.chunks_exact(k) {
            out.push(row.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum());
            size += square(row) * square(x) / k as f64;
        }
    }
    let mean = size / out.len() as f64;
    (out, mean)
}

/// Mean squared error over mean square.
fn nmse(found: &[f32], (expected, mean): &(Vec<f64>, f64)) -> f64 {
    let error: f64 = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    error / (expected.len() as f64 * mean).max(1e-12)
}

/// A product of an 8-bit form errs by half a percent of a large value in 32; one of floats by roundings.
fn bound(ty: QuantType) -> f64 {
    if FormKind::of(ty).is_none() { 1e-10 } else { 5e-4 }
}

/// One type and shape on every instruction set: values of rows, products, and the same bits with three threads.
fn check(ty: QuantType, n: usize, k: usize) {
    let bytes = weight_bytes(ty, n, k);
    let mut dense = vec![0.0; n * k];
    format::decode(ty, &bytes, &mut dense).unwrap();
    let (alone, three) = (Pool::new(1), Pool::new(3));
    for target in Target::available() {
        let weight = Matrix::pack_for(target, &alone, ty, n, k, &bytes).unwrap();
        let name = weight.kernel();
        let shared = Matrix::pack_for(target, &three, ty, n, k, &bytes).unwrap();
        assert!(weight.packed == shared.packed, "{name} {n} x {k}: threads change the packed weight");
        let mut row = vec![0.0; k];
        for (index, expected) in dense.chunks_exact(k).enumerate() {
            weight.row(index, &mut row);
            for (found, expected) in row.iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{name} {n} x {k} row {index}");
            }
        }
        for m in [1, 2, 5, 33] {
            let x = random(m as u64, m * k);
            let expected = reference(&dense, &x, k);
            let mut out = vec![f32::NAN; m * n];
            let mut activations = Activations::new();
            matmul(&alone, &weight, &x, m, &mut activations, &mut out, None, None);
            let error = nmse(&out, &expected);
            assert!(error <= bound(ty), "{name}: {m} x {k} x {n} has an NMSE of {error:e}");
            let mut again = vec![f32::NAN; m * n];
            matmul(&three, &weight, &x, m, &mut activations, &mut again, None, None);
            assert!(out.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}: threads change results");
            let mut single = vec![f32::NAN; n];
            matmul(&alone, &weight, &x[..k], 1, &mut activations, &mut single, None, None);
            assert!(out.iter().zip(&single).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}: rows change results");
        }
    }
}

#[test]
fn products_of_every_type_are_near_double_precision() {
    for ty in QuantType::all() {
        for k in [32, 64, 256, 288, 576, 768] {
            if k % ty.block_len() != 0 {
                continue;
            }
            for n in [1, 3, 16, 17, 100] {
                check(ty, n, k);
            }
        }
    }
}

#[test]
fn floats_take_any_length_of_rows() {
    for ty in [QuantType::F32, QuantType::F16, QuantType::BF16] {
        for k in [1, 7, 33] {
            check(ty, 19, k);
        }
    }
}

/// The largest numbers of each sign, where sums of 16 bits are nearest to their limits.
#[test]
fn extreme_numbers_do_not_overflow() {
    for (ty, numbers) in [
        (QuantType::Q8_0, &[0x80u8, 0x7f, 0x81][..]),
        (QuantType::Q4_0, &[0x00, 0xff]),
        (QuantType::Q4_K, &[0x00, 0xff]),
        (QuantType::Q6_K, &[0x00, 0xff, 0x7f]),
        (QuantType::Q5_K, &[0x00, 0xff]),
    ] {
        let (n, k) = (17, 256);
        for &number in numbers {
            let mut bytes = vec![number; ty.row_bytes(k).unwrap() * n];
            for block in bytes.chunks_exact_mut(ty.block_bytes()) {
                let end = block.len();
                let at = if ty == QuantType::Q6_K { end - 2 } else { 0 };
                block[at..at + 2].copy_from_slice(&[0x00, 0x3c]);
                if matches!(ty, QuantType::Q4_K | QuantType::Q5_K) {
                    block[2..4].copy_from_slice(&[0x00, 0x3c]);
                }
            }
            let mut dense = vec![0.0; n * k];
            format::decode(ty, &bytes, &mut dense).unwrap();
            for x in [vec![1.0; k], vec![-1.0; k]] {
                let expected = reference(&dense, &x, k);
                for target in Target::available() {
                    let weight = Matrix::pack_for(target, &Pool::new(1), ty, n, k, &bytes).unwrap();
                    let mut out = vec![0.0; n];
                    matmul(&Pool::new(1), &weight, &x, 1, &mut Activations::new(), &mut out, None, None);
                    let error = nmse(&out, &expected);
                    assert!(error < 1e-11, "{} {number:#x}: {error:e}", weight.kernel());
                }
            }
        }
    }
}

#[test]
fn bias_and_activation_come_last() {
    let (n, k, m) = (37, 64, 3);
    let bytes = weight_bytes(QuantType::F32, n, k);
    let weight = Matrix::pack(QuantType::F32, n, k, bytes).unwrap();
    let (x, bias) = (random(1, m * k), random(2, n));
    let pool = Pool::new(2);
    let (mut plain, mut out) = (vec![0.0; m * n], vec![0.0; m * n]);
    matmul(&pool, &weight, &x, m, &mut Activations::new(), &mut plain, None, None);
    matmul(&pool, &weight, &x, m, &mut Activations::new(), &mut out, Some(&bias), Some(Act::Relu));
    for (i, (out, plain)) in out.iter().zip(&plain).enumerate() {
        assert_eq!(*out, (plain + bias[i % n]).max(0.0));
    }
}

#[test]
fn a_shared_form_gives_the_same_bits() {
    let (n, k, m) = (40, 256, 6);
    let x = random(3, m * k);
    let pool = Pool::new(2);
    let mut activations = Activations::new();
    let first = Matrix::pack(QuantType::Q8_0, n, k, weight_bytes(QuantType::Q8_0, n, k)).unwrap();
    activations.quantize(&pool, &x, m, &first);
    for ty in [QuantType::Q8_0, QuantType::Q4_0, QuantType::Q6_K, QuantType::F32] {
        let weight = Matrix::pack(ty, n, k, weight_bytes(ty, n, k)).unwrap();
        let (mut shared, mut own) = (vec![0.0; m * n], vec![0.0; m * n]);
        matmul_shared(&pool, &weight, &x, m, &mut activations, &mut shared, None, None);
        matmul(&pool, &weight, &x, m, &mut Activations::new(), &mut own, None, None);
        assert_eq!(shared, own, "{}", weight.kernel());
    }
}

#[test]
fn what_is_not_a_number_is_not_hidden() {
    for ty in QuantType::all() {
        let weight = Matrix::pack(ty, 8, 256, weight_bytes(ty, 8, 256)).unwrap();
        let mut x = random(4, 256);
        x[100] = f32::NAN;
        let mut out = vec![0.0; 8];
        matmul(&Pool::new(1), &weight, &x, 1, &mut Activations::new(), &mut out, None, None);
        assert!(out.iter().all(|out| out.is_nan()), "{}", weight.kernel());
    }
}

/// Every half, finite or not, comes back and is multiplied.
#[test]
fn halves_of_every_kind_are_multiplied() {
    let halves: Vec<u16> = (0..=u16::MAX).collect();
    for part in [&halves[..], &halves[..0x7c00], &halves[0x8000..0xfc00]] {
        let bytes: Vec<u8> = part.iter().flat_map(|half| half.to_le_bytes()).collect();
        for target in Target::available() {
            let weight = Matrix::pack_for(target, &Pool::new(1), QuantType::F16, part.len(), 1, &bytes).unwrap();
            let mut out = vec![0.0; part.len()];
            matmul(&Pool::new(1), &weight, &[2.0], 1, &mut Activations::new(), &mut out, None, None);
            for (row, half) in part.iter().enumerate() {
                let expected = format::f16_to_f32(*half);
                let mut value = [0.0];
                weight.row(row, &mut value);
                assert!(value[0] == expected || value[0].is_nan() && expected.is_nan(), "{half:#x}");
                assert!(out[row] == 2.0 * expected || out[row].is_nan() && expected.is_nan(), "{half:#x}");
            }
        }
    }
}

#[test]
fn wrong_shapes_are_errors() {
    assert!(matches!(Matrix::pack(QuantType::Q4_K, 2, 128, vec![0; 144]), Err(Error::Blocks { .. })));
    assert!(matches!(Matrix::pack(QuantType::Q8_0, 2, 32, vec![0; 67]), Err(Error::Length { .. })));
    assert!(matches!(Matrix::pack(QuantType::F32, usize::MAX, 1, Vec::new()), Err(Error::Length { .. })));
    assert!(matches!(Matrix::pack(QuantType::F32, usize::MAX, 0, Vec::new()), Err(Error::Length { .. })));
    let empty = Matrix::pack(QuantType::F32, 0, 4, Vec::new()).unwrap();
    matmul(&Pool::new(1), &empty, &[0.0; 4], 1, &mut Activations::new(), &mut [], None, None);
}
