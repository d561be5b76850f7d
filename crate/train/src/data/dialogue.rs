//! Conversations.

use std::io::BufRead;

use serde_json::Value;

use super::{Document, Lines, Message, Sink, json};
use crate::Error;
use crate::recipe::{DataSpec, Role};

/// The messages at the source's field of each line.
pub fn read<R: BufRead>(lines: &mut Lines<'_, R>, spec: &DataSpec, sink: &mut Sink<'_>) -> Result<(), Error> {
    let field = spec.field.as_deref().unwrap_or("messages");
    while let Some(value) = json::next(lines)? {
        let found = json::at(&value, field).ok_or_else(|| lines.fail(format!("field {field} is missing")))?;
        let messages = messages(found, spec).map_err(|reason| lines.fail(format!("field {field} {reason}")))?;
        sink(lines.number(), Document::Dialogue(messages))?;
    }
    Ok(())
}

fn messages(value: &Value, spec: &DataSpec) -> Result<Vec<Message>, String> {
    let messages: Vec<Message> = match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(at, entry)| message(entry, spec).map_err(|reason| format!("has message {at}, which {reason}")))
            .collect::<Result<_, _>>()?,
        Value::String(text) => transcript(text),
        _ => return Err("is no list of messages".into()),
    };
    if messages.is_empty() { Err("has no messages".into()) } else { Ok(messages) }
}

/// `{"role": …, "content": …}` or `[speaker, words]`.
fn message(entry: &Value, spec: &DataSpec) -> Result<Message, String> {
    let (speaker, content) = match entry {
        Value::Array(pair) => (pair.first(), pair.get(1)),
        other => (other.get("role").or(other.get("from")), other.get("content").or(other.get("value"))),
    };
    let speaker = speaker.and_then(Value::as_str).ok_or("names no speaker")?;
    let content = content.and_then(Value::as_str).ok_or("has no words")?;
    let role = spec.roles.get(speaker).copied().or_else(|| usual(speaker));
    let role = role.ok_or_else(|| format!("is by {speaker}, who has no role"))?;
    Ok(Message { role, content: content.trim().to_string() })
}

/// The roles that most files name so.
fn usual(speaker: &str) -> Option<Role> {
    match speaker {
        "system" => Some(Role::System),
        "user" | "human" | "Human" => Some(Role::User),
        "assistant" | "gpt" | "Assistant" => Some(Role::Assistant),
        _ => None,
    }
}

/// A text whose paragraphs begin with `Human:` or `Assistant:`.
fn transcript(text: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let turn = paragraph.split_once(':').and_then(|(speaker, words)| Some((usual(speaker.trim())?, words)));
        match (turn, messages.last_mut()) {
            (Some((role, words)), _) => messages.push(Message { role, content: words.trim().to_string() }),
            (None, Some(last)) => {
                last.content.push_str("\n\n");
                last.content.push_str(paragraph.trim());
            }
            (None, None) => messages.push(Message { role: Role::User, content: paragraph.trim().to_string() }),
        }
    }
    messages
}
