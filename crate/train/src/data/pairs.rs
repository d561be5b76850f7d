//! Questions with answers.

use std::io::BufRead;

use serde_json::Value;

use super::{Document, Lines, Message, Sink, json};
use crate::Error;
use crate::recipe::{DataSpec, Role};

/// One exchange a line: columns parted by tabs, or JSON.
pub fn read<R: BufRead>(lines: &mut Lines<'_, R>, spec: &DataSpec, sink: &mut Sink<'_>) -> Result<(), Error> {
    let (prompt, answer) = (spec.prompt.as_deref().unwrap_or(""), spec.answer.as_deref().unwrap_or(""));
    loop {
        let filled = match lines.next_line()? {
            None => return Ok(()),
            Some(line) if line.trim().is_empty() => continue,
            Some(line) if line.starts_with('{') => match serde_json::from_str::<Value>(line) {
                Ok(value) => both(prompt, answer, &|name| json::at(&value, name).and_then(Value::as_str)),
                Err(error) => Err(format!("is no JSON: {error}")),
            },
            Some(line) => {
                let columns: Vec<&str> = line.split('\t').collect();
                both(prompt, answer, &|name| columns.get(name.parse::<usize>().ok()?).copied())
            }
        };
        let (prompt, answer) = filled.map_err(|reason| lines.fail(reason))?;
        if !prompt.trim().is_empty() && !answer.trim().is_empty() {
            sink(lines.number(), exchange(&prompt, &answer))?;
        }
    }
}

/// Each of `questions` with each of `answers` (with the one at the source's field, if it names one), of each line.
pub fn read_questions<R: BufRead>(lines: &mut Lines<'_, R>, spec: &DataSpec, sink: &mut Sink<'_>) -> Result<(), Error> {
    while let Some(value) = json::next(lines)? {
        let list = |name: &str| texts(&value[name]).ok_or_else(|| lines.fail(format!("field {name} holds no texts")));
        let questions = list("questions")?;
        let answers = match &spec.field {
            Some(field) => vec![json::text(lines, &value, field)?],
            None => list("answers")?,
        };
        for question in &questions {
            for answer in &answers {
                sink(lines.number(), exchange(question, answer))?;
            }
        }
    }
    Ok(())
}

/// The texts of a list, or of an object's values.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        Value::Object(map) => map.values().map(Value::as_str).collect(),
        _ => None,
    }
}

fn exchange(question: &str, answer: &str) -> Document {
    let say = |role, content: &str| Message { role, content: content.trim().to_string() };
    Document::Dialogue(vec![say(Role::User, question), say(Role::Assistant, answer)])
}

type Find<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

fn both<'a>(prompt: &str, answer: &str, find: &Find<'a>) -> Result<(String, String), String> {
    Ok((fill(prompt, find)?, fill(answer, find)?))
}

/// A template with each `{name}` replaced.
fn fill(template: &str, find: &Find<'_>) -> Result<String, String> {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or("cannot be filled: a { of the template has no }")?;
        text.push_str(find(name).ok_or_else(|| format!("field {name} is missing"))?);
        text.push_str(rest);
    }
    Ok(text)
}
