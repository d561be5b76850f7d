//! Beam search on a device: each beam is a row of the caches.

use graph::Tensor;
use models::Head;

use super::{BeamConfig, BeamSearch};
use crate::device::State;
use crate::generate::{CHUNK, pause};
use crate::step::Step;
use crate::{Constraints, Error, Listener, Model, Progress, Sampler, Session};

/// The caches of several beams, kept from text to text.
pub(crate) struct Rows {
    state: State,
    rows: usize,
    capacity: usize,
}

/// What is searched for.
pub(crate) struct Search<'a> {
    pub model: &'a Model,
    pub session: &'a mut Session,
    pub sampler: &'a mut Sampler,
    pub constraints: &'a Constraints,
    pub eos: &'a [u32],
    /// The tokens that the text begins with.
    pub start: &'a [u32],
    /// The length at which a text ends, if the caller or the model says so.
    pub longest: Option<usize>,
}

impl Search<'_> {
    /// The best text's new tokens; `None` if the caller wants no more.
    pub async fn run(mut self, config: BeamConfig, listener: &mut Listener<'_>) -> Result<Option<Vec<u32>>, Error> {
        let context = self.model.context();
        let longest = self.longest.unwrap_or(context).min(context);
        let mut rows = match self.session.beams.take() {
            Some(rows) if rows.rows == config.beams && rows.capacity >= longest => rows,
            Some(_) | None => self.model.beam_rows(config.beams, longest)?,
        };
        if let Some(memory) = &mut self.session.memory {
            memory.hold(self.model, &mut rows.state)?;
        }
        let mut search = BeamSearch::new(config, self.start, longest, self.eos);
        let mut held = 0;
        let mut done = 0;
        loop {
            let Some(mut scores) = self.read(&mut rows, &search, &mut held, listener).await? else { return Ok(None) };
            self.constrain(&mut scores, &search, longest);
            let parents = search.step(&scores);
            done += 1;
            if (listener.progress)(Progress::Tokens { done }).is_break() {
                return Ok(None);
            }
            pause(listener).await;
            let Some(parents) = parents else { break };
            rows.state.reorder(&parents)?;
        }
        self.session.beams = Some(rows);
        Ok(Some(search.best().tokens))
    }

    /// Runs what the caches do not hold yet: log-probabilities [beams, V] of what follows.
    async fn read(
        &self,
        rows: &mut Rows,
        search: &BeamSearch,
        held: &mut usize,
        listener: &mut Listener<'_>,
    ) -> Result<Option<Vec<f32>>, Error> {
        let (total, beams) = (search.len(), search.running());
        let turned = |most: usize| (*held > most) != (total > most);
        if *held > 0 && self.model.package().model.turns_anew_past().is_some_and(turned) {
            *held = 0;
        }
        // At first all beams are alike, and one row serves all.
        let n = if total == self.start.len() { 1 } else { beams.len() };
        let chunk = (CHUNK / n).max(1);
        loop {
            let end = total.min(*held + chunk);
            let ids = beams[..n].iter().flat_map(|beam| &beam.tokens[*held..end]).map(|id| *id as i32).collect();
            let step = Step { head: Head::Logits, ids, rows: n, from: *held, total };
            let outputs = step.run(self.model, &mut rows.state, self.session.memory.as_ref()).await?;
            *held = end;
            if end == total {
                let scores = log_probs(&outputs[0], n)?;
                if n < beams.len() {
                    rows.state.reorder(&vec![0; beams.len()])?;
                }
                return Ok(Some(if n < beams.len() { scores.repeat(beams.len()) } else { scores }));
            }
            if (listener.progress)(Progress::Prefill { done: end, total }).is_break() {
                return Ok(None);
            }
            pause(listener).await;
        }
    }

    fn constrain(&mut self, scores: &mut [f32], search: &BeamSearch, longest: usize) {
        let width = scores.len() / search.running().len();
        for (beam, scores) in search.running().iter().zip(scores.chunks_exact_mut(width.max(1))) {
            self.sampler.adjust(scores, &beam.tokens);
            self.constraints.apply(scores, &beam.tokens, self.start.len(), Some(longest), self.eos);
        }
    }
}

impl Model {
    fn beam_rows(&self, rows: usize, capacity: usize) -> Result<Rows, Error> {
        Ok(Rows { state: self.state(rows, capacity)?, rows, capacity })
    }
}

/// Log-probabilities of `rows` rows of logits, in single precision as the reference has them.
fn log_probs(logits: &Tensor, rows: usize) -> Result<Vec<f32>, Error> {
    let logits = logits.as_f32()?;
    let mut out = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact((logits.len() / rows).max(1)) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|logit| f64::from(logit - most).exp()).sum();
        let log = sum.ln() as f32;
        out.extend(row.iter().map(|logit| (logit - most) - log));
    }
    Ok(out)
}
