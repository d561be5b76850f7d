//! Chat templates: a conversation as the text that its model was trained on.
//!
//! Templates are Jinja programs that come with a model, so they are bytes from outside. They run on minijinja, which
//! bounds the number of its instructions; operators, filters and methods that make something larger than their inputs
//! are ours (`operators`, `filters`, `methods`), follow Python where minijinja does not, and draw on a `Budget`.

mod budget;
mod clock;
mod compile;
mod filters;
mod json;
mod methods;
mod operators;
mod python;

use crate::Error;
use budget::Budget;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A model's chat template.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatTemplate {
    file: String,
    source: String,
    /// The one for conversations with tools, if there is one.
    with_tools: Option<String>,
}

/// What a template is given.
#[derive(Debug, Clone)]
pub struct Conversation<'a> {
    /// A list of objects with `role` and `content`; `content` may be a list of parts.
    pub messages: &'a Value,
    /// The tools that the model may call, as JSON schemas.
    pub tools: Option<&'a Value>,
    /// Whether the text ends where the model's answer begins.
    pub add_generation_prompt: bool,
    /// The texts of special tokens by name, such as `bos_token`.
    pub special_tokens: &'a [(String, String)],
    /// Anything else that the template may read, such as `enable_thinking`.
    pub more: Map<String, Value>,
    /// The local time, in seconds since 1970 began there.
    pub now: i64,
}

impl ChatTemplate {
    /// A template from its text; errors name `file`.
    ///
    /// # Errors
    /// [`Error::Template`] if the text is not a template, or is too large or too deeply nested to be one.
    pub fn new(file: &str, source: &str) -> Result<ChatTemplate, Error> {
        compile::check(file, source)?;
        Ok(ChatTemplate { file: file.to_string(), source: source.to_string(), with_tools: None })
    }

    /// The template of a checkpoint: `chat_template.jinja` or, without that, the one inside `tokenizer_config.json`,
    /// which is a text or a list of named ones. `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Config`] if `tokenizer_config.json` is not JSON; otherwise as [`ChatTemplate::new`].
    pub fn from_files(jinja: Option<&str>, tokenizer_config: Option<&str>) -> Result<Option<ChatTemplate>, Error> {
        const FILE: &str = "tokenizer_config.json";
        if let Some(source) = jinja {
            return ChatTemplate::new("chat_template.jinja", source).map(Some);
        }
        match tokenizer_config {
            Some(text) => ChatTemplate::from_json(FILE, text),
            None => Ok(None),
        }
    }

    /// The key `chat_template` of a JSON file: a text, or a list of named ones.
    ///
    /// # Errors
    /// As [`ChatTemplate::from_files`].
    pub fn from_json(file: &str, text: &str) -> Result<Option<ChatTemplate>, Error> {
        let config: Value = serde_json::from_str(text).map_err(|error| Error::config(file, error))?;
        if !config.is_object() {
            return Err(Error::config(file, "not a JSON object"));
        }
        match &config["chat_template"] {
            Value::String(source) => ChatTemplate::new(file, source).map(Some),
            Value::Array(list) => ChatTemplate::from_list(file, list),
            _ => Ok(None),
        }
    }

    /// The templates of a list of `{name, template}`: the one named `default`, and `tool_use` for tools.
    fn from_list(file: &str, list: &[Value]) -> Result<Option<ChatTemplate>, Error> {
        let named =
            |name: &str| list.iter().find(|entry| entry["name"] == name).and_then(|entry| entry["template"].as_str());
        if list.is_empty() {
            return Ok(None);
        }
        let Some(source) = named("default") else {
            return Err(Error::template(file, "several chat templates, and none of them is named default"));
        };
        let template = ChatTemplate::new(file, source)?;
        match named("tool_use") {
            Some(source) => template.with_tool_use(file, source).map(Some),
            None => Ok(Some(template)),
        }
    }

    /// With a template for conversations with tools, as `additional_chat_templates/tool_use.jinja` holds it.
    ///
    /// # Errors
    /// As [`ChatTemplate::new`].
    pub fn with_tool_use(mut self, file: &str, source: &str) -> Result<ChatTemplate, Error> {
        compile::check(file, source)?;
        self.with_tools = Some(source.to_string());
        Ok(self)
    }

    /// The text of a conversation.
    ///
    /// # Errors
    /// [`Error::Raised`] with the template's own message if it refuses the conversation; [`Error::Template`] if it
    /// fails, or takes too much time or memory.
    pub fn render(&self, conversation: &Conversation) -> Result<String, Error> {
        let context = context(conversation).map_err(|reason| Error::template("messages", reason))?;
        let tools = conversation.tools.and(self.with_tools.as_deref());
        let budget = Arc::new(Budget::default());
        let result = compile::render(tools.unwrap_or(&self.source), context, conversation.now, &budget);
        result.map_err(|error| match budget.raised() {
            Some(message) => Error::raised(message),
            None => Error::template(&self.file, compile::describe(&error)),
        })
    }
}

/// The names that a template can read.
fn context(conversation: &Conversation) -> Result<minijinja::Value, String> {
    let Some(messages) = conversation.messages.as_array() else { return Err("not a list of messages".into()) };
    if messages.is_empty() {
        return Err("the list of messages is empty".into());
    }
    let objects = messages.iter().enumerate().map(|(at, message)| match message.as_object() {
        Some(message) => Ok(as_given(message)),
        None => Err(format!("message {at} is not an object")),
    });
    let mut names = Map::new();
    for (name, token) in conversation.special_tokens {
        names.insert(name.clone(), Value::from(token.as_str()));
    }
    names.extend(conversation.more.clone());
    names.insert("messages".into(), Value::Array(objects.collect::<Result<_, _>>()?));
    names.insert("tools".into(), conversation.tools.cloned().unwrap_or_default());
    names.insert("documents".into(), Value::Null);
    names.insert("add_generation_prompt".into(), conversation.add_generation_prompt.into());
    Ok(minijinja::Value::from_serialize(names))
}

/// A message as the reference library gives it to templates: without what is null, and its reasoning by every name that
/// they read.
fn as_given(message: &Map<String, Value>) -> Value {
    let given = message.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone()));
    let given: Map<String, Value> = given.collect();
    let names = ["reasoning_content", "thinking", "reasoning"];
    let Some(reasoning) = names.iter().find_map(|name| given.get(*name)).cloned() else { return Value::Object(given) };
    let mut all = Map::from_iter([("thinking".to_string(), reasoning.clone())]);
    all.extend(given);
    all.insert("reasoning_content".into(), reasoning);
    Value::Object(all)
}
