//! Whole small trainings: what is learned, what survives, what is refused.

mod adapted;
mod classes;
mod guarded;
mod learned;
mod masks;
mod memory;
mod recipes;
mod refused;
mod resumed;
mod small;
