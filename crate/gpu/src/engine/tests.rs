//! What a device refuses: sizes above its limits, and everything once it is gone.

use graph::{Builder, DType, Dim, Taps, Tensor};

use super::*;

/// An engine whose bindings may be 4096 bytes at most.
fn narrow() -> Engine {
    let mut engine = pollster::block_on(Engine::new(Options::default())).unwrap();
    let gpu = Arc::get_mut(&mut engine.gpu).unwrap();
    gpu.limits.max_storage_buffer_binding_size = 4096;
    engine
}

#[test]
fn a_weight_larger_than_a_binding_is_split_by_rows() {
    let engine = narrow();
    let (rows, cols) = (50, 64);
    let values: Vec<f32> = (0..rows * cols).map(|i| (i % 97) as f32 - 48.0).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut store = engine.weights();
    store.insert("e.weight", &[rows, cols], format::QuantType::F32, bytes).unwrap();
    assert_eq!(store.find("e.weight").unwrap().parts.len(), 4);
    let g = Builder::new(Taps::none());
    let table = g.weights().at("e").weight([rows, cols]);
    let x = table.gather_rows(g.input("ids", DType::I32, [Dim::from('T')]));
    g.output("rows", x);
    g.output("products", x.linear_with(table));
    let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &store).unwrap();
    for ids in [vec![49], vec![0, 15, 16, 17, 50, 33]] {
        let given = Tensor::i32([ids.len()], ids.clone()).unwrap();
        let out = pollster::block_on(engine.run(&mut program, None, &[("ids", &given)])).unwrap();
        let row = |id: i32| values.chunks(cols).nth(id as usize).map_or(vec![0.0; cols], <[f32]>::to_vec);
        let wanted: Vec<f32> = ids.iter().flat_map(|id| row(*id)).collect();
        assert_eq!(out[0].as_f32().unwrap(), wanted);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let wanted: Vec<f32> = wanted.chunks(cols).flat_map(|x| values.chunks(cols).map(move |w| dot(x, w))).collect();
        assert_eq!(out[1].as_f32().unwrap(), wanted);
    }
}

#[test]
fn a_value_larger_than_a_binding_is_named() {
    let engine = narrow();
    let g = Builder::new(Taps::none());
    g.output("y", g.input("x", DType::F32, [Dim::from('T'), 64.into()]).scale(2.0));
    let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &engine.weights()).unwrap();
    let mut run = |t: usize| {
        let x = Tensor::f32([t, 64], vec![1.0; t * 64]).unwrap();
        pollster::block_on(engine.run(&mut program, None, &[("x", &x)])).map(|out| out[0].len())
    };
    assert_eq!(run(16), Ok(16 * 64));
    let error = run(17).unwrap_err().to_string();
    assert!(error.contains("result [T, 64] of input") && error.contains("4096"), "{error}");
    assert_eq!(run(3), Ok(3 * 64));
}

#[test]
fn a_lost_device_is_an_error() {
    let engine = pollster::block_on(Engine::new(Options::default())).unwrap();
    let g = Builder::new(Taps::none());
    g.output("y", g.input("x", DType::F32, [4]).scale(2.0));
    let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &engine.weights()).unwrap();
    engine.gpu.device.destroy();
    let x = Tensor::f32([4], vec![1.0; 4]).unwrap();
    let error = pollster::block_on(engine.run(&mut program, None, &[("x", &x)])).unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert!(engine.lost());
}
