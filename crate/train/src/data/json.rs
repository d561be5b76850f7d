//! Values of one line's JSON by a path of names.

use std::io::BufRead;

use serde_json::Value;

use super::Lines;
use crate::Error;

/// The next line that is not blank, as JSON.
///
/// # Errors
/// The line cannot be read or is no JSON.
pub fn next<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<Option<Value>, Error> {
    loop {
        let parsed = match lines.next_line()? {
            None => return Ok(None),
            Some(line) if line.trim().is_empty() => continue,
            Some(line) => serde_json::from_str(line),
        };
        return parsed.map(Some).map_err(|error| lines.fail(format!("is no JSON: {error}")));
    }
}

/// The value at a path such as `data.messages` or `instances.0.input`.
pub fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

/// The text at a path.
///
/// # Errors
/// There is none.
pub fn text<'v, R: BufRead>(lines: &Lines<'_, R>, value: &'v Value, path: &str) -> Result<&'v str, Error> {
    match at(value, path) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(lines.fail(format!("field {path} is no text"))),
        None => Err(lines.fail(format!("field {path} is missing"))),
    }
}
