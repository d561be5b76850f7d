//! The suites of the text half: tokenizers, streams, templates, samplers, word vectors.

mod damaged_vocabularies;
mod looking;
mod published;
mod sampler;
mod shared;
mod stream;
mod tasks;
mod templates;
mod texts;
mod tokenizers;
mod vocabularies;
mod words;
