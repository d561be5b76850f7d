//! Questions with answers.

use std::io::BufRead;

use serde_json::Value;

use super::{Document, Lines, Message, Sink, json};
use crate::Error;
use crate::recipe::{DataSpec, Role};

/// One exchange a line: columns parted by tabs, or JSON.
pub fn read<R: BufRead>(lines: &mut Lines<'_, R>, spec: &DataSpec, sink: &mut Sink<'_>) -> Result<(), Error> {
    loop {
        let filled = match lines.next_line()? {
            None => return Ok(()),
            Some(line) if line.trim().is_empty() => continue,
            Some(line) if line.starts_with('{') => match serde_json::from_str::<Value>(line) {
                Ok(value) => both(spec, &|name| json::at(&value, name).and_then(Value::as_str)),
                Err(error) => Err(format!("is no JSON: {error}")),
            },
            Some(line) => {
                let columns: Vec<&str> = line.split('\t').collect();
                both(spec, &|name| columns.get(name.parse::<usize>().ok()?).copied())
            }
        };
        let Some((prompt, answer)) = filled.map_err(|reason| lines.fail(reason))? else { continue };
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

/// Prompt and answer; none where a topic is asked for and the answer has none.
fn both(spec: &DataSpec, find: &Find<'_>) -> Result<Option<(String, String)>, String> {
    let (prompt, answer) = (spec.prompt.as_deref().unwrap_or(""), spec.answer.as_deref().unwrap_or(""));
    let answer = fill(answer, find)?;
    if spec.topics.is_empty() {
        return Ok(Some((fill(prompt, find)?, answer)));
    }
    let Some(topic) = topic(&spec.topics, &answer) else { return Ok(None) };
    let prompt = fill(prompt, &|name| if name == "topic" { Some(topic) } else { find(name) })?;
    Ok(Some((prompt, answer)))
}

/// Times that a text names what it is about, at least.
const NAMED: usize = 2;

/// The word of a list that a text names most often, the earlier one of two.
fn topic<'a>(topics: &'a [String], text: &str) -> Option<&'a str> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    let named = |topic: &str| words.iter().filter(|word| **word == topic).count();
    let counts = topics.iter().map(|topic| (named(topic), topic.as_str()));
    let best = counts.rev().max_by_key(|(count, _)| *count)?;
    (best.0 >= NAMED).then_some(best.1)
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
