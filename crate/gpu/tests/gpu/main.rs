//! The executor against plain scalar code, on the adapter that this machine has: with none these tests fail.

mod attention;
mod common;
mod fused;
mod half;
mod long;
mod ops;
mod quantized;
