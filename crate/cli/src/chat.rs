//! `dynasty chat`: a conversation in the terminal. Ctrl-C stops an answer; at the prompt it ends the program.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use run::{Add, Chat as Template, Completion, GenerateOptions, Listener, Model, Session, Tokenizer};
use serde_json::{Value, json};

use crate::args::Chat;
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Chat) -> Result<(), Failure> {
    let model = source::load(&args.model).await?;
    let files = &model.package().files;
    let tokenizer = files.tokenizer().await?;
    let template = files.chat().await?;
    model.warm(&mut |_| ()).await?;
    let options = source::generate_options(files, &args.sampler).await?;
    let answering = Arc::new(AtomicBool::new(false));
    stop_on_ctrl_c(&answering)?;
    println!("{} on {}", model.package().name(), model.device().describe());
    if template.is_none() {
        println!("This model has no chat template: it continues exactly what you type.");
    }
    let mut talk = Talk {
        session: model.session()?,
        model: &model,
        tokenizer,
        template,
        options,
        answering,
        messages: Vec::new(),
    };
    if let Some(system) = args.system {
        talk.messages.push(json!({"role": "system", "content": system}));
    }
    while let Some(line) = ask()? {
        if !line.trim().is_empty() {
            talk.answer(line).await?;
        }
    }
    Ok(())
}

struct Talk<'a> {
    model: &'a Model,
    session: Session,
    tokenizer: Arc<Tokenizer>,
    template: Option<Template>,
    options: GenerateOptions,
    answering: Arc<AtomicBool>,
    messages: Vec<Value>,
}

impl Talk<'_> {
    async fn answer(&mut self, line: String) -> Result<(), Failure> {
        let prompt = match &self.template {
            None => self.tokenizer.encode(&line, Add::Special)?,
            Some(template) => {
                self.messages.push(json!({"role": "user", "content": line}));
                let text = template.render(&Value::Array(self.messages.clone()), None, true)?;
                self.tokenizer.encode(&text, Add::Nothing)?
            }
        };
        self.answering.store(true, Ordering::SeqCst);
        let done = self.write(&prompt).await?;
        self.answering.store(false, Ordering::SeqCst);
        let speed = done.token_ids.len() as f64 * 1e3 / done.decode_ms.max(1e-3);
        println!("\n[{} tokens, {speed:.1} tokens/s, {:?}]", done.token_ids.len(), done.finish);
        self.messages.push(json!({"role": "assistant", "content": done.text}));
        Ok(())
    }

    async fn write(&mut self, prompt: &[u32]) -> Result<Completion, Failure> {
        let answering = self.answering.clone();
        let wanted =
            move || if answering.load(Ordering::SeqCst) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let mut piece = |text: &str| {
            print!("{text}");
            match std::io::stdout().flush() {
                Ok(()) => wanted(),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let mut progress = |_| wanted();
        let mut listener = Listener { piece: &mut piece, progress: &mut progress, pause: None };
        let model = self.model;
        Ok(model.generate(&mut self.session, Some(&self.tokenizer), prompt, &self.options, &mut listener).await?)
    }
}

fn stop_on_ctrl_c(answering: &Arc<AtomicBool>) -> Result<(), Failure> {
    let answering = answering.clone();
    let handler = move || {
        if !answering.swap(false, Ordering::SeqCst) {
            std::process::exit(0);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Failure(format!("cannot listen to Ctrl-C: {error}")))
}

fn ask() -> Result<Option<String>, Failure> {
    print!("> ");
    let flushed = std::io::stdout().flush();
    let mut line = String::new();
    let read = flushed.and_then(|()| std::io::stdin().lock().read_line(&mut line));
    match read {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(line.trim_end_matches(['\n', '\r']).to_string())),
        Err(error) => Err(Failure(format!("standard input: {error}"))),
    }
}
