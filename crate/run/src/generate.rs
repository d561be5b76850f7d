//! Prefill, decode, sample: the loop that writes text.

use std::ops::ControlFlow;
use std::sync::Arc;

use graph::Tensor;
use models::{Head, Parts, Task};
use web_time::Instant;

use crate::search::Search;
use crate::step::Step;
use crate::{
    BeamConfig, Constraints, Error, Model, Progress, Sampler, SamplerConfig, SearchOptions, Session, TextStream,
    Tokenizer,
};

/// Tokens run at once while the prompt is read, so that activations do not grow with it.
pub const CHUNK: usize = 512;

/// What to write and when to stop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerateOptions {
    /// The most new tokens; by default as many as the model's files say, else what the session can still hold.
    pub max_tokens: Option<usize>,
    /// How tokens are drawn.
    pub sampler: SamplerConfig,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Tokens that end the answer.
    pub eos: Vec<u32>,
    /// How texts are searched for, over the model's own settings.
    pub search: SearchOptions,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "FinishReason"))]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// An end token or a stop text.
    Stop,
    /// The most tokens, or the session is full.
    Length,
    /// The caller wanted no more.
    Cancelled,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Completion {
    /// The new tokens, without the end token.
    pub token_ids: Vec<u32>,
    /// Their text, without special tokens.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were already held.
    pub cached_tokens: usize,
    /// Milliseconds from the call to the first token.
    pub prefill_ms: f64,
    /// Milliseconds from the first token to the last.
    pub decode_ms: f64,
}

/// What the caller hears while an answer is written.
pub struct Listener<'a> {
    /// A piece of text, never with a broken character; `Break` ends the answer.
    pub piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    /// How far the prompt is read and how many tokens are written; `Break` ends the answer.
    pub progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    /// Awaited after each step, so that a page's worker can hear a stop.
    pub pause: Option<&'a dyn Fn() -> format::LocalFuture<'static, ()>>,
}

impl Model {
    /// Continues `prompt` in `session`, with text if there is a tokenizer; what the session already holds of it is not run again.
    ///
    /// # Errors
    /// The prompt is empty or too long, a sampler value makes no sense, or the device fails.
    pub async fn generate(
        &self,
        session: &mut Session,
        tokenizer: Option<&Arc<Tokenizer>>,
        prompt: &[u32],
        options: &GenerateOptions,
        listener: &mut Listener<'_>,
    ) -> Result<Completion, Error> {
        let sampler = Sampler::new(options.sampler.clone())?;
        let own = self.generation().await?;
        let search = options.search.over(&own.search);
        let beams = self.beams(options, &search)?;
        let started = Instant::now();
        let start = match self.package().model.parts() {
            Parts::Decoder | Parts::Encoder | Parts::Pictures => prompt.to_vec(),
            #[cfg(not(feature = "tasks"))]
            Parts::EncoderDecoder => Vec::new(),
            #[cfg(feature = "tasks")]
            Parts::EncoderDecoder => {
                session.forget();
                let mut memory = self.encode(prompt).await?;
                if beams.is_none() {
                    memory.hold(self, &mut session.state)?;
                }
                session.memory = Some(memory);
                vec![own.decoder_start.or(own.bos).unwrap_or(0)]
            }
        };
        self.check_prompt(&start)?;
        let encode_ms = started.elapsed().as_secs_f64() * 1e3;
        let mut writing = Writing::new(self, session, tokenizer, &start, options, sampler);
        writing.constraints = own.constraints.clone().under(&search);
        let most = options.max_tokens.map(|most| start.len().saturating_add(most));
        writing.longest = most.or_else(|| search.longest(start.len()));
        let written = match beams {
            #[cfg(not(feature = "tasks"))]
            Some(_) => Err(Error::sampler("num_beams", "this module searches for no texts")),
            #[cfg(feature = "tasks")]
            Some(config) => writing.search(config, listener).await,
            None => writing.run(listener).await,
        };
        if written.is_err() {
            session.forget();
        }
        let whole = |done: Completion| Completion {
            prompt_tokens: prompt.len(),
            prefill_ms: done.prefill_ms + encode_ms,
            ..done
        };
        written.map(whole)
    }

    /// The search, if there is one; texts that are drawn are not searched for.
    fn beams(&self, options: &GenerateOptions, search: &SearchOptions) -> Result<Option<BeamConfig>, Error> {
        let beams = search.beams()?;
        let drawn = options.sampler.temperature > 0.0;
        if drawn && options.search.num_beams.is_some_and(|beams| beams > 1) {
            return Err(Error::sampler("num_beams", "texts are searched for at temperature 0 only"));
        }
        Ok(beams.filter(|_| !drawn))
    }

    fn check_prompt(&self, prompt: &[u32]) -> Result<(), Error> {
        let model = &self.package().model;
        if !matches!(model.task(), Task::CausalLm | Task::Seq2SeqLm) {
            return Err(Error::Prompt(format!("cannot be continued: a {} model writes no text", model.family())));
        }
        let n_vocab = model.n_vocab();
        if prompt.is_empty() {
            return Err(Error::Prompt("is empty".into()));
        }
        if let Some(id) = prompt.iter().find(|id| **id as usize >= n_vocab) {
            return Err(Error::Prompt(format!("has token {id}, but the model knows {n_vocab}")));
        }
        if prompt.len() >= self.context() {
            return Err(Error::Prompt(format!("has {} tokens, the session holds {}", prompt.len(), self.context())));
        }
        Ok(())
    }
}

/// An answer being written.
struct Writing<'a> {
    model: &'a Model,
    session: &'a mut Session,
    options: &'a GenerateOptions,
    prompt: &'a [u32],
    sampler: Sampler,
    constraints: Constraints,
    /// The length at which the text ends, what it began with among it.
    longest: Option<usize>,
    stream: Option<TextStream>,
    history: Vec<u32>,
    text: String,
}

impl<'a> Writing<'a> {
    fn new(
        model: &'a Model,
        session: &'a mut Session,
        tokenizer: Option<&Arc<Tokenizer>>,
        prompt: &'a [u32],
        options: &'a GenerateOptions,
        sampler: Sampler,
    ) -> Self {
        let stream = tokenizer.map(|t| TextStream::new(t.clone(), &options.stop));
        let (history, constraints) = (prompt.to_vec(), Constraints::default());
        let (longest, text) = (None, String::new());
        Self { model, session, options, prompt, sampler, constraints, longest, stream, history, text }
    }

    async fn run(mut self, listener: &mut Listener<'_>) -> Result<Completion, Error> {
        let start = Instant::now();
        self.forget_turned(self.prompt.len());
        let cached_tokens = self.session.keep_prefix(self.prompt);
        let read = self.prefill(cached_tokens, listener).await?;
        let prefill_ms = start.elapsed().as_secs_f64() * 1e3;
        let decode = Instant::now();
        let mut token_ids = Vec::new();
        let finish = match read {
            None => Finish::Cancelled,
            Some(first) => self.decode(first, &mut token_ids, listener).await?,
        };
        self.finish_text(listener)?;
        let decode_ms = decode.elapsed().as_secs_f64() * 1e3;
        let prompt_tokens = self.prompt.len();
        Ok(Completion { token_ids, text: self.text, finish, prompt_tokens, cached_tokens, prefill_ms, decode_ms })
    }

    fn is_full(&self) -> bool {
        let most = self.longest.map_or(self.model.context(), |longest| longest.min(self.model.context()));
        self.history.len() >= most
    }

    /// Writes the best of several texts that are followed at once; the listener hears it whole.
    async fn search(mut self, config: BeamConfig, listener: &mut Listener<'_>) -> Result<Completion, Error> {
        let begin = Instant::now();
        let eos = &self.options.eos;
        let full = self.is_full();
        let search = Search {
            model: self.model,
            session: &mut *self.session,
            sampler: &mut self.sampler,
            constraints: &self.constraints,
            eos,
            start: self.prompt,
            longest: self.longest,
        };
        let best = if full { Some(Vec::new()) } else { search.run(config, listener).await? };
        let mut finish = if best.is_some() { Finish::Length } else { Finish::Cancelled };
        let mut token_ids = best.unwrap_or_default();
        if token_ids.last().is_some_and(|last| eos.contains(last)) {
            token_ids.pop();
            finish = Finish::Stop;
        }
        for token in &token_ids {
            if let Some(end) = self.write(*token, listener)? {
                finish = end;
                break;
            }
        }
        self.finish_text(listener)?;
        let (prompt_tokens, decode_ms) = (self.prompt.len(), begin.elapsed().as_secs_f64() * 1e3);
        let text = self.text;
        Ok(Completion { token_ids, text, finish, prompt_tokens, cached_tokens: 0, prefill_ms: 0.0, decode_ms })
    }

    /// Lets out the text that was held back.
    fn finish_text(&mut self, listener: &mut Listener<'_>) -> Result<(), Error> {
        if let Some(rest) = self.stream.as_mut().map(TextStream::finish).transpose()?.flatten() {
            self.text.push_str(&rest);
            // The answer is over: whether the caller wants more no longer matters.
            let _ = (listener.piece)(&rest);
        }
        Ok(())
    }

    /// Forgets the cache where a text of `total` tokens turns keys otherwise than the text that is held.
    fn forget_turned(&mut self, total: usize) {
        let held = self.session.tokens().len();
        let turned = |most: usize| held > 0 && (held > most) != (total > most);
        if self.model.package().model.turns_anew_past().is_some_and(turned) {
            self.session.forget();
        }
    }

    /// Runs the text from `done` on in chunks; the next token, or `None` if the caller wants no more.
    async fn prefill(&mut self, mut done: usize, listener: &mut Listener<'_>) -> Result<Option<u32>, Error> {
        let total = self.history.len();
        loop {
            let end = total.min(done + CHUNK);
            let next = self.step(done, end).await?;
            done = end;
            if (listener.progress)(Progress::Prefill { done, total }).is_break() {
                return Ok(None);
            }
            pause(listener).await;
            if done == total {
                return Ok(Some(next));
            }
        }
    }

    async fn decode(&mut self, first: u32, ids: &mut Vec<u32>, listener: &mut Listener<'_>) -> Result<Finish, Error> {
        let mut next = first;
        loop {
            if self.is_full() {
                return Ok(Finish::Length);
            }
            if self.options.eos.contains(&next) {
                return Ok(Finish::Stop);
            }
            ids.push(next);
            self.history.push(next);
            if let Some(finish) = self.write(next, listener)? {
                return Ok(finish);
            }
            if (listener.progress)(Progress::Tokens { done: ids.len() }).is_break() {
                return Ok(Finish::Cancelled);
            }
            pause(listener).await;
            if self.is_full() {
                return Ok(Finish::Length);
            }
            let end = self.history.len();
            self.forget_turned(end);
            next = match self.session.tokens().len() {
                held if held + 1 == end => self.step(held, end).await?,
                held => match self.prefill(held, listener).await? {
                    Some(next) => next,
                    None => return Ok(Finish::Cancelled),
                },
            };
        }
    }

    /// Tells the listener what a token adds to the text; the finish if it ends the answer.
    fn write(&mut self, token: u32, listener: &mut Listener<'_>) -> Result<Option<Finish>, Error> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        if let Some(piece) = stream.push(token)? {
            self.text.push_str(&piece);
            if (listener.piece)(&piece).is_break() {
                return Ok(Some(Finish::Cancelled));
            }
        }
        Ok(stream.stopped().map(|_| Finish::Stop))
    }

    /// Runs tokens `from..to` of the history and draws the token that follows.
    async fn step(&mut self, from: usize, to: usize) -> Result<u32, Error> {
        let sampler = &self.options.sampler;
        let free = self.constraints.is_none();
        let greedy = free && sampler.is_plain_greedy();
        let likeliest = sampler.likeliest(self.model.package().model.n_vocab()).filter(|_| free);
        // The least that the sampler needs to know.
        let head = if greedy { Head::Greedy } else { likeliest.map_or(Head::Logits, Head::TopK) };
        let outputs = self.run_tokens(head, from, to).await?;
        self.session.push(&self.history[from..to]);
        if greedy {
            return Ok(outputs[0].as_i32()?.first().copied().unwrap_or(0) as u32);
        }
        if likeliest.is_some() {
            return Ok(self.sampler.sample_likeliest(outputs[0].as_f32()?, outputs[1].as_i32()?));
        }
        let mut logits = outputs[0].as_f32()?.to_vec();
        let start = self.prompt.len();
        self.constraints.apply(&mut logits, &self.history[..to], start, self.longest, &self.options.eos);
        Ok(self.sampler.sample(&mut logits, &self.history[..to]))
    }

    async fn run_tokens(&mut self, head: Head, from: usize, to: usize) -> Result<Vec<Tensor>, Error> {
        let ids = self.history[from..to].iter().map(|id| *id as i32).collect();
        let step = Step { head, ids, rows: 1, from, total: self.history.len() };
        step.run(self.model, &mut self.session.state, self.session.memory.as_ref()).await
    }
}

pub(crate) async fn pause(listener: &Listener<'_>) {
    if let Some(pause) = listener.pause {
        pause().await;
    }
}
