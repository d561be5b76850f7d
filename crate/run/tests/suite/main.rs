//! The suites of the text half: tokenizers, streams, templates, samplers.

mod sampler;
mod shared;
mod stream;
mod templates;
mod tokenizers;
