//! The thread that holds the loaded model: requests are answered one after the other.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use run::{Add, Chat, Completion, GenerationConfig, Listener, Model, Package, Session, Tokenizer};
use tokio::sync::mpsc::UnboundedSender;

use super::wire::{Problem, Request};
use crate::args::DeviceArgs;
use crate::failure::Failure;
use crate::source;

/// Something that becomes known of an answer.
pub enum Event {
    /// A piece of text.
    Piece(String),
    /// The whole of it.
    Done(Completion),
    /// Why there is none.
    Failed(Problem),
}

/// A request and who waits for its answer; a listener who went away ends it.
pub struct Job {
    pub request: Arc<Request>,
    pub events: UnboundedSender<Event>,
}

/// Starts the thread; `folder` holds the models.
///
/// # Errors
/// The system gives no thread.
pub fn start(folder: PathBuf, device: DeviceArgs) -> Result<Sender<Job>, Failure> {
    let (sender, jobs) = channel();
    let thread = std::thread::Builder::new().name("models".into()).stack_size(crate::STACK);
    let started = thread.spawn(move || work(&folder, &device, &jobs));
    started.map_err(|error| Failure(format!("cannot start: {error}")))?;
    Ok(sender)
}

fn work(folder: &Path, device: &DeviceArgs, jobs: &Receiver<Job>) {
    let mut loaded: Option<Loaded> = None;
    for Job { request, events } in jobs {
        let answered = catch_unwind(AssertUnwindSafe(|| {
            pollster::block_on(async {
                let kept = loaded.take().filter(|loaded| loaded.name == request.model);
                let model = match kept {
                    Some(model) => model,
                    None => Loaded::open(folder, &request.model, device).await?,
                };
                loaded.insert(model).answer(&request, &events).await
            })
        }));
        let event = match answered {
            Ok(Ok(done)) => Event::Done(done),
            Ok(Err(problem)) => Event::Failed(problem),
            Err(_) => {
                loaded = None;
                Event::Failed(Problem { status: 500, code: "internal", message: "internal error".into() })
            }
        };
        // Whoever asked may be gone.
        let _ = events.send(event);
    }
}

/// The model that answers, with the conversation that its cache holds.
struct Loaded {
    name: String,
    model: Model,
    session: Session,
    tokenizer: Arc<Tokenizer>,
    template: Option<Chat>,
    generation: GenerationConfig,
}

impl Loaded {
    async fn open(folder: &Path, name: &str, device: &DeviceArgs) -> Result<Self, Problem> {
        let missing =
            || Problem { status: 404, code: "model_not_found", message: format!("there is no model {name:?}") };
        let mut parts = Path::new(name).components();
        let (Some(Component::Normal(own)), None) = (parts.next(), parts.next()) else { return Err(missing()) };
        let source = source::open(&folder.join(own)).map_err(|_| missing())?;
        let package = Package::open(source).await?;
        let tokenizer = package.files.tokenizer().await?;
        let (template, generation) = (package.files.chat().await?, package.files.generation().await?);
        let model = Model::load(package, &source::load_options(device), &mut |_| ()).await?;
        let session = model.session()?;
        Ok(Self { name: name.into(), model, session, tokenizer, template, generation })
    }

    fn prompt(&self, request: &Request) -> Result<Vec<u32>, Problem> {
        match (&request.messages, &request.prompt) {
            (Some(messages), _) => {
                let none = || Problem::request(format!("{} has no chat template; ask /v1/completions", self.name));
                let template = self.template.as_ref().ok_or_else(none)?;
                let text = template.render(messages, request.tools.as_ref(), true)?;
                Ok(self.tokenizer.encode(&text, Add::Nothing)?)
            }
            (None, Some(prompt)) => Ok(self.tokenizer.encode(prompt, Add::Special)?),
            (None, None) => Err(Problem::request("there is neither messages nor prompt")),
        }
    }

    async fn answer(&mut self, request: &Request, events: &UnboundedSender<Event>) -> Result<Completion, Problem> {
        let prompt = self.prompt(request)?;
        let options = request.options(self.generation.clone())?;
        let wanted = || if events.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut piece = |text: &str| match events.send(Event::Piece(text.into())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let mut progress = |_| wanted();
        let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
        Ok(self.model.generate(&mut self.session, Some(&self.tokenizer), &prompt, &options, &mut listener).await?)
    }
}
