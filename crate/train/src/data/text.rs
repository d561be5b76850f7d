//! Documents that are plain texts.

use std::io::BufRead;

use super::{Document, Lines, Sink, json};
use crate::Error;

/// A file as one document, or as several between lines that are `separator`; `"\n\n\n"` and the like count blank lines.
pub fn read<R: BufRead>(lines: &mut Lines<'_, R>, separator: Option<&str>, sink: &mut Sink<'_>) -> Result<(), Error> {
    let blank = separator.filter(|separator| separator.trim().is_empty()).map(|separator| separator.len() - 1);
    let mut text = String::new();
    let mut blanks = 0;
    while let Some(line) = lines.next_line()? {
        blanks = if line.trim().is_empty() { blanks + 1 } else { 0 };
        if Some(line) == separator || blank.is_some_and(|most| blanks >= most.max(1)) {
            let document = std::mem::take(&mut text);
            give(lines.number(), &document, sink)?;
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    give(lines.number(), &text, sink)
}

/// The text at `field` of each line.
pub fn read_jsonl<R: BufRead>(lines: &mut Lines<'_, R>, field: &str, sink: &mut Sink<'_>) -> Result<(), Error> {
    while let Some(value) = json::next(lines)? {
        let text = json::text(lines, &value, field)?;
        give(lines.number(), text, sink)?;
    }
    Ok(())
}

fn give(line: u64, text: &str, sink: &mut Sink<'_>) -> Result<(), Error> {
    match text.trim() {
        "" => Ok(()),
        text => sink(line, Document::Text(text.to_string())),
    }
}
