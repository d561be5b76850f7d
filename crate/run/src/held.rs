//! Calls that share inputs: what depends on these alone is computed once.

use std::cell::RefCell;
use std::collections::HashMap;

use graph::{Split, Taps, Tensor};
use models::Call;

use crate::device::{Program, State};
use crate::{Error, Model};

/// A call in two programs.
pub(crate) struct Halves {
    /// Nothing where all depends on more than the shared inputs.
    first: Option<Program>,
    /// The names of the first one's results.
    names: Vec<String>,
    rest: Program,
    /// The shared inputs that it reads too.
    reads: Vec<String>,
}

/// Inputs that many calls share, and what was computed of them.
pub(crate) struct Held {
    inputs: Vec<(String, Tensor)>,
    /// By call; taken while it runs.
    known: RefCell<HashMap<Call, Known>>,
}

/// What a call computed of the shared inputs.
struct Known {
    /// Where the device does not keep them.
    values: Vec<(String, Tensor)>,
    /// Where it does.
    shelf: Option<State>,
}

impl Held {
    /// Inputs that are shared from now on.
    pub(crate) fn new(inputs: Vec<(String, Tensor)>) -> Self {
        Self { inputs, known: RefCell::default() }
    }

    /// The inputs.
    pub(crate) fn inputs(&self) -> &[(String, Tensor)] {
        &self.inputs
    }
}

impl Model {
    /// Runs a call whose inputs are the shared ones and `inputs`.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub(crate) async fn run_held(
        &self,
        call: Call,
        held: &Held,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        let mut halves = match self.take_halves(call) {
            Some(halves) => halves,
            None => self.halve(call, held)?,
        };
        // Taken, so that nothing is borrowed while the device works.
        let known = held.known.borrow_mut().remove(&call);
        let outcome = self.run_halves(&mut halves, known, held, inputs).await;
        self.keep_halves(call, halves);
        let (outputs, known) = outcome?;
        held.known.borrow_mut().insert(call, known);
        Ok(outputs)
    }

    async fn run_halves(
        &self,
        halves: &mut Halves,
        known: Option<Known>,
        held: &Held,
        inputs: &[(&str, &Tensor)],
    ) -> Result<(Vec<Tensor>, Known), Error> {
        let mut known = match known {
            Some(known) => known,
            None => self.know(halves, held).await?,
        };
        let values = known.values.iter().map(|(name, tensor)| (name.as_str(), tensor));
        let all: Vec<(&str, &Tensor)> = values.chain(inputs.iter().copied()).collect();
        let outputs = self.device().run(&mut halves.rest, known.shelf.as_mut(), &all).await?;
        Ok((outputs, known))
    }

    /// Computes what depends on the shared inputs alone.
    async fn know(&self, halves: &mut Halves, held: &Held) -> Result<Known, Error> {
        let inputs: Vec<(&str, &Tensor)> = held.inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let computed = match &mut halves.first {
            Some(first) => self.device().run(first, None, &inputs).await?,
            None => Vec::new(),
        };
        let mut values: Vec<(String, Tensor)> = halves.names.iter().cloned().zip(computed).collect();
        values.extend(held.inputs.iter().filter(|(name, _)| halves.reads.contains(name)).cloned());
        let mut shelf = self.shelf()?;
        let named: Vec<(&str, &Tensor)> = values.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        Ok(match self.device().hold(&mut shelf, &named)? {
            true => Known { values: Vec::new(), shelf: Some(shelf) },
            false => Known { values, shelf: None },
        })
    }

    /// Prepares both programs of a call.
    fn halve(&self, call: Call, held: &Held) -> Result<Halves, Error> {
        let graph = self.package().build(&call, Taps::none())?;
        let shared: Vec<&str> = held.inputs.iter().map(|(name, _)| name.as_str()).collect();
        let (first, rest) = match graph.split(&shared) {
            Some(Split { first, rest }) => (Some(first), rest),
            None => (None, graph),
        };
        let names = first.iter().flat_map(|first| &first.outputs).map(|output| output.name.clone()).collect();
        let reads = rest.inputs().map(|(name, _)| name.to_string()).collect();
        Ok(Halves {
            first: first.map(|first| self.prepare(first)).transpose()?,
            names,
            rest: self.prepare(rest)?,
            reads,
        })
    }
}
