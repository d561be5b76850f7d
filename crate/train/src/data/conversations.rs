//! The YAML of small-talk collections: `conversations:`, then lists of sentences that are spoken in turns.
//!
//! Only the little of YAML that such files use is read; whatever else stands there is refused with its line.

use std::io::BufRead;

use super::{Document, Lines, Message, Sink};
use crate::Error;
use crate::recipe::Role;

/// The first sentence of each conversation with each other one as its answer.
pub fn read_answers<R: BufRead>(lines: &mut Lines<'_, R>, sink: &mut Sink<'_>) -> Result<(), Error> {
    read(lines, &mut |line, document| {
        let Document::Dialogue(messages) = document else { return Ok(()) };
        for answer in &messages[1..] {
            let answer = Message { role: Role::Assistant, ..answer.clone() };
            sink(line, Document::Dialogue(vec![messages[0].clone(), answer]))?;
        }
        Ok(())
    })
}

/// What a line of such a file is.
enum Entry<'a> {
    First(&'a str),
    Next(&'a str),
    More(&'a str),
}

/// Each conversation of a file.
pub fn read<R: BufRead>(lines: &mut Lines<'_, R>, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut said: Vec<String> = Vec::new();
    let mut begun = false;
    while let Some(line) = lines.next_line()? {
        let entry = match entry(line) {
            None => {
                begun |= line.trim_end() == "conversations:";
                continue;
            }
            Some(_) if !begun => continue,
            Some(entry) => entry,
        };
        match entry {
            Entry::First(words) => {
                let words = words.to_string();
                let finished = std::mem::replace(&mut said, vec![words]);
                give(lines.number() - 1, finished, sink)?;
            }
            Entry::Next(words) if !said.is_empty() => said.push(words.to_string()),
            Entry::More(words) if !said.is_empty() => {
                let words = words.to_string();
                if let Some(last) = said.last_mut() {
                    last.push(' ');
                    last.push_str(&words);
                }
            }
            Entry::Next(_) | Entry::More(_) => return Err(lines.fail("belongs to no conversation")),
        }
    }
    give(lines.number(), said, sink)
}

/// `- - first`, `  - next`, or a line that goes on.
fn entry(line: &str) -> Option<Entry<'_>> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    if let Some(first) = line.strip_prefix("- - ") {
        return Some(Entry::First(first));
    }
    if let Some(next) = line.strip_prefix("  - ").or_else(|| line.strip_prefix("- ")) {
        return Some(Entry::Next(next));
    }
    line.starts_with("  ").then_some(Entry::More(text))
}

fn give(line: u64, said: Vec<String>, sink: &mut Sink<'_>) -> Result<(), Error> {
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    let speak = |(words, role): (String, Role)| Message { role, content: unquoted(words.trim()) };
    let messages: Vec<Message> = said.into_iter().zip(roles).map(speak).collect();
    let empty = messages.iter().any(|message| message.content.is_empty());
    if messages.len() < 2 || empty { Ok(()) } else { sink(line, Document::Dialogue(messages)) }
}

/// A scalar without its quotes.
fn unquoted(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    match (inner('\''), inner('"')) {
        (Some(text), _) => text.replace("''", "'"),
        (None, Some(text)) => text.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\"),
        (None, None) => text.to_string(),
    }
}
