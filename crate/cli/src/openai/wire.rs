//! What is asked and answered, in the words of OpenAI's API.

use std::collections::HashMap;

use run::{Completion, Finish, GenerateOptions, GenerationConfig, SamplerConfig};
use serde::Deserialize;
use serde_json::{Value, json};

/// A request for `/v1/chat/completions` (with `messages`) or `/v1/completions` (with `prompt`). What is not named here
/// is ignored.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The name of a model's folder or file.
    pub model: String,
    pub messages: Option<Value>,
    pub tools: Option<Value>,
    pub prompt: Option<String>,
    #[serde(default)]
    pub stream: bool,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    presence_penalty: Option<f32>,
    frequency_penalty: Option<f32>,
    logit_bias: Option<HashMap<String, f32>>,
    seed: Option<u64>,
    stop: Option<Stop>,
    n: Option<u32>,
    /// Not OpenAI's, but other servers have them too.
    top_k: Option<u32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

/// Why a request has no answer.
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A short name that never changes.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Problem {
    /// A request that makes no sense.
    pub fn request(message: impl Into<String>) -> Self {
        Self { status: 400, code: "invalid_request", message: message.into() }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let kind = if self.status < 500 { "invalid_request_error" } else { "server_error" };
        json!({"error": {"message": self.message, "type": kind, "param": null, "code": self.code}})
    }
}

impl From<run::Error> for Problem {
    fn from(error: run::Error) -> Self {
        let code = error.code();
        let asked = matches!(code, "prompt" | "template" | "raised" | "sampler" | "tokenizer");
        Self { status: if asked { 400 } else { 500 }, code, message: error.to_string() }
    }
}

impl Request {
    /// Checks what one answer cannot give.
    ///
    /// # Errors
    /// More than one answer is asked for.
    pub fn check(&self) -> Result<(), Problem> {
        match self.n {
            None | Some(1) => Ok(()),
            Some(n) => Err(Problem::request(format!("n is {n}: one answer at a time is given"))),
        }
    }

    /// The model's own settings under those of the request.
    ///
    /// # Errors
    /// A key of `logit_bias` is no token.
    pub fn options(&self, own: GenerationConfig) -> Result<GenerateOptions, Problem> {
        let base = own.sampler();
        let bias = |(token, bias): (&String, &f32)| match token.parse() {
            Ok(token) => Ok((token, *bias)),
            Err(_) => Err(Problem::request(format!("logit_bias: {token:?} is no token"))),
        };
        let sampler = SamplerConfig {
            temperature: self.temperature.unwrap_or(base.temperature),
            top_k: self.top_k.unwrap_or(base.top_k),
            top_p: self.top_p.unwrap_or(base.top_p),
            min_p: self.min_p.unwrap_or(base.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(base.repetition_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(base.presence_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(base.frequency_penalty),
            logit_bias: self.logit_bias.iter().flatten().map(bias).collect::<Result<_, _>>()?,
            seed: self.seed,
        };
        let stop = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(text)) => vec![text.clone()],
            Some(Stop::Several(texts)) => texts.clone(),
        };
        Ok(GenerateOptions {
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            sampler,
            stop,
            eos: own.eos,
            ..GenerateOptions::default()
        })
    }

    /// What all parts of the answer share.
    pub fn envelope(&self, id: u64, created: u64) -> Envelope {
        let usage = self.stream_options.as_ref().is_some_and(|options| options.include_usage);
        Envelope { chat: self.messages.is_some(), usage, id, created, model: self.model.clone() }
    }
}

/// What all parts of an answer share.
pub struct Envelope {
    chat: bool,
    usage: bool,
    id: u64,
    created: u64,
    model: String,
}

impl Envelope {
    fn wrap(&self, object: &str, choices: Value) -> Value {
        let id = format!("{}-{:x}", if self.chat { "chatcmpl" } else { "cmpl" }, self.id);
        json!({"id": id, "object": object, "created": self.created, "model": self.model, "choices": choices})
    }

    /// A whole answer.
    pub fn whole(&self, done: &Completion) -> Value {
        let finish = finish(done.finish);
        let mut body = if self.chat {
            let message = json!({"role": "assistant", "content": done.text});
            let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish});
            self.wrap("chat.completion", json!([choice]))
        } else {
            let choice = json!({"index": 0, "text": done.text, "logprobs": null, "finish_reason": finish});
            self.wrap("text_completion", json!([choice]))
        };
        body["usage"] = usage(done);
        body
    }

    fn part(&self, delta: Value, text: &str, finish: Option<&str>) -> Value {
        if self.chat {
            let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
            return self.wrap("chat.completion.chunk", json!([choice]));
        }
        let choice = json!({"index": 0, "text": text, "logprobs": null, "finish_reason": finish});
        self.wrap("text_completion", json!([choice]))
    }

    /// What a stream begins with.
    pub fn first(&self) -> Option<Value> {
        self.chat.then(|| self.part(json!({"role": "assistant", "content": ""}), "", None))
    }

    /// A piece of text.
    pub fn piece(&self, text: &str) -> Value {
        self.part(json!({"content": text}), text, None)
    }

    /// What a stream ends with.
    pub fn last(&self, done: &Completion) -> Vec<Value> {
        let mut parts = vec![self.part(json!({}), "", Some(finish(done.finish)))];
        if self.usage {
            let mut body = self.wrap(if self.chat { "chat.completion.chunk" } else { "text_completion" }, json!([]));
            body["usage"] = usage(done);
            parts.push(body);
        }
        parts
    }
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Cancelled => "stop",
        Finish::Length => "length",
    }
}

fn usage(done: &Completion) -> Value {
    let (prompt, new) = (done.prompt_tokens, done.token_ids.len());
    let cached = json!({"cached_tokens": done.cached_tokens});
    let total = prompt + new;
    json!({"prompt_tokens": prompt, "completion_tokens": new, "total_tokens": total, "prompt_tokens_details": cached})
}
