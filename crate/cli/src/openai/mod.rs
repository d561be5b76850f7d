//! The OpenAI HTTP API of the local server: `/v1/models`, `/v1/chat/completions`, `/v1/completions`.
//!
//! A page of another origin cannot use it: requests must carry JSON, for which browsers ask first and get no leave, and
//! name this machine as their host.

mod wire;
mod worker;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::args::DeviceArgs;
use crate::failure::Failure;
use crate::models_list;
use wire::{Envelope, Problem, Request};
use worker::{Event, Job};

/// What the handlers share.
#[derive(Clone)]
struct Api {
    folder: Arc<Path>,
    jobs: Sender<Job>,
    answers: Arc<AtomicU64>,
}

/// The routes; the models are those of `folder`.
///
/// # Errors
/// The system gives no thread.
pub fn routes(folder: PathBuf, device: DeviceArgs) -> Result<Router, Failure> {
    let jobs = worker::start(folder.clone(), device)?;
    let api = Api { folder: folder.into(), jobs, answers: Arc::default() };
    let routes = Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(complete));
    Ok(routes.with_state(api).layer(middleware::from_fn(only_this_machine)))
}

/// A name that someone else let point to this machine is no leave to use it.
async fn only_this_machine(request: HttpRequest, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return next.run(request).await;
    }
    refused(&Problem { status: 403, code: "host", message: format!("{host:?} is not this machine") })
}

fn refused(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(problem.body())).into_response()
}

async fn models(State(api): State<Api>) -> Response {
    let names = tokio::task::spawn_blocking(move || models_list::names(&api.folder)).await.unwrap_or_default();
    let model = |name: String| json!({"id": name, "object": "model", "created": 0, "owned_by": "dynasty"});
    let data: Vec<Value> = names.into_iter().map(model).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

async fn chat(State(api): State<Api>, request: Result<Json<Request>, JsonRejection>) -> Response {
    answer(api, request, |request| request.messages.is_some(), "messages").await
}

async fn complete(State(api): State<Api>, request: Result<Json<Request>, JsonRejection>) -> Response {
    answer(api, request, |request| request.prompt.is_some() && request.messages.is_none(), "prompt").await
}

async fn answer(
    api: Api,
    request: Result<Json<Request>, JsonRejection>,
    fits: impl Fn(&Request) -> bool,
    needed: &str,
) -> Response {
    let request = match request {
        Err(rejection) => return refused(&Problem::request(rejection.body_text())),
        Ok(Json(request)) if !fits(&request) => return refused(&Problem::request(format!("{needed} is missing"))),
        Ok(Json(request)) => Arc::new(request),
    };
    if let Err(problem) = request.check() {
        return refused(&problem);
    }
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let envelope = request.envelope(api.answers.fetch_add(1, Ordering::Relaxed), created);
    let stream = request.stream;
    let (events, heard) = unbounded_channel();
    if api.jobs.send(Job { request, events }).is_err() {
        return refused(&Problem { status: 500, code: "internal", message: "the models' thread has ended".into() });
    }
    if stream { streamed(envelope, heard).await } else { whole(&envelope, heard).await }
}

async fn whole(envelope: &Envelope, mut heard: UnboundedReceiver<Event>) -> Response {
    loop {
        match heard.recv().await {
            Some(Event::Piece(_)) => {}
            Some(Event::Done(done)) => return Json(envelope.whole(&done)).into_response(),
            Some(Event::Failed(problem)) => return refused(&problem),
            None => return refused(&Problem { status: 500, code: "internal", message: "the answer was lost".into() }),
        }
    }
}

/// Server-sent events. A failure before the first is an HTTP error, a later one an event of its own.
async fn streamed(envelope: Envelope, mut heard: UnboundedReceiver<Event>) -> Response {
    let first = match heard.recv().await {
        Some(Event::Failed(problem)) => return refused(&problem),
        first => first,
    };
    let ready: VecDeque<String> = envelope.first().map(|part| part.to_string()).into_iter().collect();
    let state = Stream { envelope, heard, next: first, ready, over: false };
    let events = stream::unfold(state, |mut state| async {
        let text = state.next().await?;
        Some((Ok::<_, Infallible>(Sent::default().data(text)), state))
    });
    Sse::new(events).into_response()
}

/// A stream being sent.
struct Stream {
    envelope: Envelope,
    heard: UnboundedReceiver<Event>,
    /// An event that was heard, but not sent.
    next: Option<Event>,
    ready: VecDeque<String>,
    over: bool,
}

impl Stream {
    /// The next text to send.
    async fn next(&mut self) -> Option<String> {
        while self.ready.is_empty() && !self.over {
            let event = match self.next.take() {
                Some(event) => Some(event),
                None => self.heard.recv().await,
            };
            match event {
                Some(Event::Piece(text)) => self.ready.push_back(self.envelope.piece(&text).to_string()),
                Some(Event::Done(done)) => self.end(self.envelope.last(&done)),
                Some(Event::Failed(problem)) => self.end(vec![problem.body()]),
                None => self.over = true,
            }
        }
        self.ready.pop_front()
    }

    fn end(&mut self, parts: Vec<Value>) {
        self.ready.extend(parts.iter().map(Value::to_string));
        self.ready.push_back("[DONE]".into());
        self.over = true;
    }
}
