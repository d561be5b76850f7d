//! Where in a recipe something is wrong.

use crate::Error;

/// The error of the TOML library as one that names the field.
pub fn locate(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let missing = error.message().starts_with("missing field");
    let field = field(text, at, missing).unwrap_or_else(|| format!("line {}", line_number(text, at)));
    Error::recipe(file, field, error.message())
}

fn line_number(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// `table.key` of the line at a place; the table alone if a field is missing in it.
fn field(text: &str, at: usize, missing: bool) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let here = line_number(text, at).min(lines.len().max(1)) - 1;
    let line = lines.get(here)?.trim();
    let table = lines[..=here].iter().rev().find_map(|line| table(line.trim()));
    if missing {
        return Some(table.unwrap_or("recipe").to_string());
    }
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    plain.then(|| table.map_or_else(|| key.to_string(), |table| format!("{table}.{key}")))
}

/// `a` of `[a]` or `[[a]]`.
fn table(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?.split(']').next()?;
    Some(inner.trim_start_matches('[').trim()).filter(|name| !name.is_empty())
}
