//! Weights that change: seen by every program, read back, forked, refused where somebody holds a copy.

use graph::{Bias, Builder, DType, Dim, Taps, Tensor, Update};
use pollster::block_on;

use super::*;
use crate::{Engine, Options, Program};

fn engine() -> Engine {
    block_on(Engine::new(Options::default())).unwrap()
}

/// `w += value` for the weight `p.weight` [2, 3].
fn adding(engine: &Engine, store: &Weights) -> Result<Program, Error> {
    let g = Builder::new(Taps::none());
    let value = g.input("value", DType::F32, [2, 3]);
    g.update(Update::Add, &[g.weights().at("p").weight([2, 3])], &[value]);
    engine.prepare(Arc::new(g.finish().unwrap()), store)
}

/// Two projections of one value, which share a dispatch where they may.
fn projecting(engine: &Engine, store: &Weights) -> Program {
    let g = Builder::new(Taps::none());
    let x = g.input("x", DType::F32, [Dim::from('T'), 3.into()]);
    g.output("p", x.linear(&g.weights().at("p"), 2, Bias::Add));
    g.output("q", x.linear(&g.weights().at("q"), 2, Bias::Add));
    engine.prepare(Arc::new(g.finish().unwrap()), store).unwrap()
}

fn fill(store: &mut Weights, train: bool) {
    let values: Vec<f32> = (0..6).map(|i| i as f32).collect();
    for name in ["p", "q"] {
        if train && name == "p" {
            store.insert_trainable("p.weight", &[2, 3], &values).unwrap();
        } else {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            store.insert(&format!("{name}.weight"), &[2, 3], QuantType::F32, bytes).unwrap();
        }
        store.insert(&format!("{name}.bias"), &[2], QuantType::F32, vec![0; 8]).unwrap();
    }
}

fn add(engine: &Engine, program: &mut Program) {
    let value = Tensor::f32([2, 3], vec![10.0; 6]).unwrap();
    assert!(block_on(engine.run(program, None, &[("value", &value)])).unwrap().is_empty());
}

fn project(engine: &Engine, program: &mut Program) -> Vec<Vec<f32>> {
    let x = Tensor::f32([1, 3], vec![1.0; 3]).unwrap();
    let out = block_on(engine.run(program, None, &[("x", &x)])).unwrap();
    out.iter().map(|y| y.as_f32().unwrap().to_vec()).collect()
}

#[test]
fn every_program_sees_a_change() {
    let engine = engine();
    let mut store = engine.weights();
    fill(&mut store, true);
    let mut before = projecting(&engine, &store);
    let mut adding = adding(&engine, &store).unwrap();
    let mut behind = projecting(&engine, &store);
    add(&engine, &mut adding);
    for program in [&mut before, &mut behind] {
        assert_eq!(project(&engine, program), [[33.0, 42.0], [3.0, 12.0]]);
    }
    add(&engine, &mut adding);
    assert_eq!(block_on(store.read("p.weight")).unwrap(), [20.0, 21.0, 22.0, 23.0, 24.0, 25.0]);
    assert_eq!(block_on(store.read("q.weight")).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn a_weight_put_in_plainly_is_claimed_before_it_is_joined() {
    let engine = engine();
    let mut store = engine.weights();
    fill(&mut store, false);
    let mut adding = adding(&engine, &store).unwrap();
    let mut projecting = projecting(&engine, &store);
    add(&engine, &mut adding);
    assert_eq!(project(&engine, &mut projecting), [[33.0, 42.0], [3.0, 12.0]]);
}

#[test]
fn what_is_held_twice_cannot_change() {
    let engine = engine();
    let mut store = engine.weights();
    fill(&mut store, false);
    let _joined = projecting(&engine, &store);
    let error = adding(&engine, &store).err().unwrap().to_string();
    assert!(error.contains("p.weight") && error.contains("trainable"), "{error}");
    assert_eq!(block_on(store.read("q.weight")).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // A matrix that is not f32 is named with its type.
    store.insert("p.weight", &[2, 3], QuantType::Q8_0, vec![0; 4]).unwrap_err();
    let mut store = engine.weights();
    store.insert("p.weight", &[2, 4], QuantType::F16, vec![0; 16]).unwrap();
    let g = Builder::new(Taps::none());
    let weight = g.weights().at("p").weight([2, 4]);
    g.update(Update::Assign, &[weight], &[g.input("value", DType::F32, [2, 4])]);
    let error = engine.prepare(Arc::new(g.finish().unwrap()), &store).err().unwrap().to_string();
    assert!(error.contains("f16"), "{error}");
}

#[test]
fn a_fork_keeps_its_values() {
    let engine = engine();
    let mut store = engine.weights();
    fill(&mut store, true);
    let fork = store.fork().unwrap();
    let mut adding = adding(&engine, &store).unwrap();
    let mut projecting = projecting(&engine, &fork);
    add(&engine, &mut adding);
    assert_eq!(project(&engine, &mut projecting)[0], [3.0, 12.0]);
    assert_eq!(block_on(fork.read("p.weight")).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(block_on(store.read("p.weight")).unwrap()[0], 10.0);
}

#[test]
fn another_shape_keeps_the_old_values_and_no_buffer_is_read_and_written() {
    let engine = engine();
    let mut store = engine.weights();
    fill(&mut store, true);
    let g = Builder::new(Taps::none());
    let weight = g.weights().at("p").weight([2, 3]);
    let flat = weight.reshape([6usize]);
    g.update(Update::Assign, &[weight], &[weight.scale(2.0)]);
    g.output("old", flat);
    g.output("new", weight.reshape([6usize]));
    let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &store).unwrap();
    let out = block_on(engine.run(&mut program, None, &[])).unwrap();
    assert_eq!(out[0].as_f32().unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(out[1].as_f32().unwrap(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    let g = Builder::new(Taps::none());
    let weight = g.weights().at("p").weight([2, 3]);
    g.update(Update::Add, &[weight], &[weight]);
    let mut program = engine.prepare(Arc::new(g.finish().unwrap()), &store).unwrap();
    let error = block_on(engine.run(&mut program, None, &[])).unwrap_err();
    assert!(matches!(error, Error::Unsupported { op: "update", .. }), "{error}");
}
