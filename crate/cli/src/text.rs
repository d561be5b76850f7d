//! `dynasty tokenize` and `dynasty chat-template`

use std::path::Path;

use serde_json::{Value, json};

use crate::args::{ChatTemplate, Tokenize};
use crate::failure::Failure;
use crate::source;

pub async fn tokenize(args: Tokenize) -> Result<(), Failure> {
    let files = run::Files::open(source::open(&args.model)?).await?;
    let tokenizer = files.tokenizer().await?;
    let ids = tokenizer.encode(&args.text, run::Add::Special)?;
    if args.json {
        println!("{}", json!({ "ids": ids }));
        return Ok(());
    }
    for id in ids {
        println!("{id}\t{:?}", tokenizer.id_to_token(id).unwrap_or_default());
    }
    Ok(())
}

pub async fn chat_template(args: ChatTemplate) -> Result<(), Failure> {
    let files = run::Files::open(source::open(&args.model)?).await?;
    let template = files.chat().await?;
    let template = template.ok_or_else(|| Failure::file(&args.model, "has no chat template"))?;
    let messages = read_json(&args.messages)?;
    let tools = args.tools.as_deref().map(read_json).transpose()?;
    let text = template.render(&messages, tools.as_ref(), args.add_generation_prompt)?;
    if args.json {
        println!("{}", json!({ "text": text }));
    } else {
        print!("{text}");
    }
    Ok(())
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    serde_json::from_str(&text).map_err(|error| Failure::file(path, error))
}
