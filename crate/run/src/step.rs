//! One run of a decoder: some tokens of each row behind those that the caches hold.

use graph::Tensor;
use models::{Call, Head, Parts, Side};

use crate::device::State;
use crate::memory::Memory;
use crate::{Error, Model};

/// One run of a decoder with caches.
pub(crate) struct Step {
    pub head: Head,
    /// As many tokens of each row, row by row.
    pub ids: Vec<i32>,
    pub rows: usize,
    /// Tokens that each row holds before.
    pub from: usize,
    /// Tokens of the whole text.
    pub total: usize,
}

impl Step {
    /// Runs it and evaluates the head for the last token of each row.
    pub async fn run(self, model: &Model, state: &mut State, memory: Option<&Memory>) -> Result<Vec<Tensor>, Error> {
        let Self { head, ids, rows, from, total } = self;
        let n = ids.len() / rows;
        let ids = Tensor::i32([rows, n], ids)?;
        let past = Tensor::i32([rows], vec![from as i32; rows])?;
        let last = Tensor::i32([rows], (1..=rows).map(|row| (row * n) as i32 - 1).collect())?;
        let places = places(model, &ids, from, total)?;
        let tokens = if memory.is_some() { "decoder_input_ids" } else { "input_ids" };
        let mut inputs = vec![(tokens, &ids), ("past", &past), ("rows", &last)];
        inputs.extend(places.iter().map(|(name, tensor)| (name.as_str(), tensor)));
        inputs.extend(memory.into_iter().flat_map(Memory::inputs));
        model.run(Call::step(head), Some(state), &inputs).await
    }
}

/// The inputs that tell where tokens [rows, n] behind `from` others stand.
fn places(model: &Model, ids: &Tensor, from: usize, total: usize) -> Result<Vec<(String, Tensor)>, Error> {
    let (model, rows, n) = (&model.package().model, ids.shape[0], ids.shape[1]);
    if model.parts() == Parts::EncoderDecoder {
        let places = model.places(Side::Decoder, from, ids.as_i32()?, n)?;
        return Ok(places.map(|places| (Side::Decoder.places(), places)).into_iter().collect());
    }
    let row: Vec<i32> = (from as i32..(from + n) as i32).collect();
    let positions = Tensor::i32([rows, n], row.repeat(rows))?;
    let inv_freq = model.inv_freq(total).map(|f| Tensor::f32([f.len()], f)).transpose()?;
    let inv_freq = inv_freq.map(|tensor| ("inv_freq".to_string(), tensor));
    Ok([("position_ids".to_string(), positions)].into_iter().chain(inv_freq).collect())
}
