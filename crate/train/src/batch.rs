//! From sequences to the tensors of a training graph.

use graph::Tensor;

use crate::Error;
use crate::tokens::Token;
use crate::trainer::{self, Inputs};

/// A target that is not asked for.
const IGNORED: i32 = -1;

/// What a training graph is given: B sequences of T tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// [B, T] i32
    pub input_ids: Tensor,
    /// [B, T] i32, from 0 in each sequence.
    pub position_ids: Tensor,
    /// [B·T] i32: the token after each, or −1.
    pub targets: Tensor,
    /// [B·T] f32: what each token's loss counts; all batches of a step together count 1.
    pub loss_weights: Tensor,
    /// Tokens whose loss counts.
    pub learned: usize,
}

impl Inputs for Batch {
    fn inputs(&self) -> Vec<(&'static str, &Tensor)> {
        vec![
            ("input_ids", &self.input_ids),
            ("position_ids", &self.position_ids),
            ("targets", &self.targets),
            ("loss_weights", &self.loss_weights),
        ]
    }

    fn scaled(&self, factor: f64) -> Result<Self, Error> {
        Ok(Self { loss_weights: trainer::times(&self.loss_weights, factor)?, ..self.clone() })
    }

    fn learned(&self) -> u64 {
        self.learned as u64
    }
}

/// The batches of one step: `batch` sequences each, the last filled up with empty ones. `boundary` stands where a
/// sequence has ended.
///
/// # Errors
/// No token is learned.
pub fn batches(sequences: &[Vec<Token>], batch: usize, context: usize, boundary: u32) -> Result<Vec<Batch>, Error> {
    let rows: Vec<Row> = sequences.iter().map(|tokens| Row::new(tokens, context, boundary)).collect();
    let learned: usize = rows.iter().map(|row| row.learned.iter().filter(|learn| **learn).count()).sum();
    if learned == 0 {
        return Err(Error::data("data", 0, "holds no token to learn in a whole step"));
    }
    let empty = Row::new(&[], context, boundary);
    rows.chunks(batch).map(|rows| stack(rows, batch, &empty, 1.0 / learned as f64)).collect()
}

/// One sequence.
struct Row {
    inputs: Vec<i32>,
    targets: Vec<i32>,
    learned: Vec<bool>,
}

impl Row {
    fn new(tokens: &[Token], context: usize, boundary: u32) -> Self {
        let mut tokens = tokens.to_vec();
        if let (Some(first), true) = (tokens.first().copied(), tokens.len() <= context) {
            // The end of the last document is learned as its beginning was.
            tokens.push(Token { id: boundary, learn: first.learn && first.id == boundary });
        }
        let id = |at: usize| tokens.get(at).map(|token| token.id as i32);
        let asked = |at: usize| tokens.get(at + 1).filter(|token| token.learn);
        Self {
            inputs: (0..context).map(|at| id(at).unwrap_or(boundary as i32)).collect(),
            targets: (0..context).map(|at| asked(at).map_or(IGNORED, |token| token.id as i32)).collect(),
            learned: (0..context).map(|at| asked(at).is_some()).collect(),
        }
    }
}

fn stack(rows: &[Row], batch: usize, empty: &Row, weight: f64) -> Result<Batch, Error> {
    let context = empty.inputs.len();
    let rows: Vec<&Row> = rows.iter().chain(std::iter::repeat(empty)).take(batch).collect();
    let all = |values: fn(&Row) -> &[i32]| rows.iter().flat_map(|row| values(row)).copied().collect::<Vec<i32>>();
    let weights = rows.iter().flat_map(|row| &row.learned).map(|learn| if *learn { weight as f32 } else { 0.0 });
    let positions = (0..batch).flat_map(|_| 0..context as i32).collect();
    Ok(Batch {
        input_ids: Tensor::i32([batch, context], all(|row| &row.inputs))?,
        position_ids: Tensor::i32([batch, context], positions)?,
        targets: Tensor::i32([batch * context], all(|row| &row.targets))?,
        loss_weights: Tensor::f32([batch * context], weights.collect())?,
        learned: rows.iter().map(|row| row.learned.iter().filter(|learn| **learn).count()).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: &[(u32, bool)]) -> Vec<Token> {
        ids.iter().map(|(id, learn)| Token { id: *id, learn: *learn }).collect()
    }

    #[test]
    fn targets_are_the_next_tokens_and_masked_ones_do_not_count() {
        let full = tokens(&[(0, true), (5, true), (6, true), (7, true), (8, true)]);
        let short = tokens(&[(0, false), (3, false), (4, true)]);
        let made = batches(&[full, short], 2, 4, 0).unwrap();
        let batch = &made[0];
        assert_eq!(batch.input_ids.as_i32().unwrap(), [0, 5, 6, 7, 0, 3, 4, 0]);
        assert_eq!(batch.targets.as_i32().unwrap(), [5, 6, 7, 8, -1, 4, -1, -1]);
        assert_eq!(batch.position_ids.as_i32().unwrap(), [0, 1, 2, 3, 0, 1, 2, 3]);
        let weights = batch.loss_weights.as_f32().unwrap();
        assert_eq!(weights, [0.2, 0.2, 0.2, 0.2, 0.0, 0.2, 0.0, 0.0]);
        assert_eq!(batch.learned, 5);
    }

    #[test]
    fn the_end_of_a_text_is_learned() {
        let made = batches(&[tokens(&[(0, true), (5, true)])], 1, 4, 0).unwrap();
        assert_eq!(made[0].targets.as_i32().unwrap(), [5, 0, -1, -1]);
    }

    #[test]
    fn the_batches_of_a_step_count_one_together() {
        let rows: Vec<Vec<Token>> = (2..5).map(|len| tokens(&vec![(1, true); len])).collect();
        let made = batches(&rows, 2, 4, 0).unwrap();
        assert_eq!(made.len(), 2);
        let sum: f32 = made.iter().flat_map(|batch| batch.loss_weights.as_f32().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert_eq!(made[1].input_ids.as_i32().unwrap()[4..], [0, 0, 0, 0], "filled up");
        assert!(batches(&[tokens(&[(1, false), (2, false)])], 1, 4, 0).is_err());
    }
}
