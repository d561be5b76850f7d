//! The gradient of every operation and of whole models: written by [`graph::Builder::gradients`], played on every
//! executor, and compared with candle's own backward pass in f64 and with finite differences.

mod classes;
mod families;
mod masks;
mod models;
mod operations;
mod rules;
mod samples;
mod steps;
mod suite;
mod without;
