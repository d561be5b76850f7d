//! The batches of each step, in an order that can be taken up anywhere.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, batches};
use crate::pack::{Plan, PlanOptions};
use crate::tokens::Tokens;
use crate::{Error, Recipe};

/// How far the texts are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Passes over all documents that are finished.
    pub epoch: u64,
    /// Sequences of this one that are taken.
    pub sequence: usize,
}

/// Gives the batches of one step after another.
pub struct Feed {
    tokens: Rc<Tokens>,
    weights: Vec<f64>,
    train: crate::recipe::Training,
    seed: u64,
    boundary: u32,
    plan: Plan,
    position: Position,
}

impl Feed {
    /// The batches of a recipe's texts from a position on.
    ///
    /// # Errors
    /// There are too few tokens for one sequence, or the position is beyond the epoch.
    pub fn new(recipe: &Recipe, tokens: Rc<Tokens>, boundary: u32, position: Position) -> Result<Self, Error> {
        let mut feed = Self::unread(recipe, tokens, boundary);
        feed.seek(position)?;
        Ok(feed)
    }

    /// A recipe's texts before [`Feed::seek`].
    pub fn unread(recipe: &Recipe, tokens: Rc<Tokens>, boundary: u32) -> Self {
        let weights: Vec<f64> = recipe.data.iter().map(|data| data.weight).collect();
        let (train, seed) = (recipe.train.clone(), recipe.seed);
        let plan = Plan::training(&[], options(&train, &weights, seed, 0));
        Self { tokens, weights, train, seed, boundary, plan, position: Position::default() }
    }

    /// Goes on from a position.
    ///
    /// # Errors
    /// As [`Feed::new`].
    pub fn seek(&mut self, position: Position) -> Result<(), Error> {
        (self.plan, self.position) = (self.plan_of(position.epoch)?, position);
        if position.sequence > self.plan.len() {
            let reason = format!("sequence {} of {} was taken", position.sequence, self.plan.len());
            return Err(Error::data("data", 0, reason));
        }
        Ok(())
    }

    /// How far the texts are read.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The batches of the next step.
    ///
    /// # Errors
    /// Tokens cannot be read, or none of them is learned.
    pub fn next_step(&mut self) -> Result<Vec<Batch>, Error> {
        let wanted = self.train.batch * self.train.accumulate;
        let mut sequences = Vec::with_capacity(wanted);
        while sequences.len() < wanted {
            if self.position.sequence == self.plan.len() {
                self.plan = self.plan_of(self.position.epoch + 1)?;
                self.position = Position { epoch: self.position.epoch + 1, sequence: 0 };
            }
            sequences.push(self.plan.sequence(&self.tokens, self.position.sequence)?);
            self.position.sequence += 1;
        }
        batches(&sequences, self.train.batch, self.train.context, self.boundary)
    }

    fn plan_of(&self, epoch: u64) -> Result<Plan, Error> {
        let plan = Plan::training(self.tokens.entries(), options(&self.train, &self.weights, self.seed, epoch));
        if plan.is_empty() {
            let (have, need) = (self.tokens.trained(), self.train.context + 1);
            return Err(Error::data("data", 0, format!("holds {have} tokens to learn from, a sequence needs {need}")));
        }
        Ok(plan)
    }
}

fn options<'a>(train: &crate::recipe::Training, weights: &'a [f64], seed: u64, epoch: u64) -> PlanOptions<'a> {
    PlanOptions { weights, context: train.context, packing: train.packing, seed, epoch }
}

/// The first batches of the held-out documents, the same each time. Each counts 1.
///
/// # Errors
/// There are too few held-out tokens for one sequence, or they cannot be read.
pub fn held_out(recipe: &Recipe, tokens: &Tokens, boundary: u32) -> Result<Vec<Batch>, Error> {
    let train = &recipe.train;
    let plan = Plan::validation(tokens.entries(), train.context, train.packing);
    if plan.is_empty() {
        let reason = format!("hold too few documents back for a sequence of {}; raise validation", train.context);
        return Err(Error::data("data", 0, reason));
    }
    let most = plan.len().min(recipe.evaluation.batches * train.batch);
    let sequences = (0..most).map(|at| plan.sequence(tokens, at)).collect::<Result<Vec<_>, _>>()?;
    let made = sequences.chunks(train.batch).map(|rows| batches(rows, train.batch, train.context, boundary));
    Ok(made.collect::<Result<Vec<_>, _>>()?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Token;

    fn recipe() -> Recipe {
        let text = "name = 'n'\noutput = 'o'\nstart = 's'\nseed = 5\n[train]\nsteps = 1\nbatch = 2\naccumulate = 2\n\
            context = 4\n[evaluation]\nbatches = 2\n\
            [[data]]\nname = 'd'\nfiles = ['f']\nlicence = 'MIT'\nlayout = 'text'";
        Recipe::parse("recipe", text).unwrap()
    }

    fn tokens() -> Rc<Tokens> {
        let token = |id| Token { id, learn: true };
        let document = |i: u32| (0, i % 5 == 4, (0..7).map(|j| token(10 * i + j)).collect());
        Rc::new(Tokens::in_memory((0..20).map(document)))
    }

    #[test]
    fn a_feed_goes_on_where_it_was_left() {
        let mut feed = Feed::new(&recipe(), tokens(), 0, Position::default()).unwrap();
        let mut seen = Vec::new();
        for _ in 0..30 {
            let from = feed.position();
            let step = feed.next_step().unwrap();
            assert_eq!(step.len(), 2);
            let again = Feed::new(&recipe(), tokens(), 0, from).unwrap().next_step().unwrap();
            assert_eq!(step, again);
            seen.push(step);
        }
        assert!(feed.position().epoch >= 3, "{:?}", feed.position());
        assert_ne!(seen[0], seen[1]);
        let beyond = Position { epoch: 0, sequence: 10_000 };
        assert!(Feed::new(&recipe(), tokens(), 0, beyond).is_err());
    }

    #[test]
    fn held_out_batches_are_the_same_each_time() {
        let batches = held_out(&recipe(), &tokens(), 0).unwrap();
        assert_eq!(batches.len(), 2);
        assert_eq!(batches, held_out(&recipe(), &tokens(), 0).unwrap());
        let none = Tokens::in_memory([(0, false, vec![Token { id: 1, learn: true }; 9])]);
        assert!(held_out(&recipe(), &none, 0).is_err());
    }

    #[test]
    fn too_little_text_is_refused() {
        let few = Tokens::in_memory([(0, false, vec![Token { id: 1, learn: true }; 3])]);
        let error = Feed::new(&recipe(), Rc::new(few), 0, Position::default()).err().unwrap().to_string();
        assert_eq!(error, "data: holds 3 tokens to learn from, a sequence needs 5");
    }
}
