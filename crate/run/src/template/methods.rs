//! Python's methods of texts and maps.

use super::budget::{Budget, refuse};
use super::filters::{join, replace};
use super::operators::formatted;
use minijinja::value::from_args;
use minijinja::{Environment, Error, FormatStyle, Value};
use minijinja_contrib::pycompat::unknown_method_callback;
use std::sync::Arc;

/// Gives an environment the methods.
pub(super) fn add(environment: &mut Environment, budget: &Arc<Budget>) {
    let budget = budget.clone();
    environment.set_unknown_method_callback(move |state, value, method, arguments| {
        if let Some(text) = value.as_str() {
            budget.text(text.len())?;
            budget.values(arguments)?;
            if let Some(result) = text_method(&budget, text, method, arguments)? {
                return Ok(result);
            }
        }
        let result = unknown_method_callback(state, value, method, arguments)?;
        if value.as_str().is_some() {
            budget.value(&result)?;
        }
        Ok(result)
    });
}

/// The methods where the compatibility layer differs from Python or may grow.
fn text_method(budget: &Budget, text: &str, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    let all = |test: fn(char) -> bool| Value::from(!text.is_empty() && text.chars().all(test));
    Ok(Some(match method {
        "replace" => replace(budget, text, arguments)?,
        "join" => {
            let (list,): (Value,) = from_args(arguments)?;
            join(budget, &list, &[Value::from(text)])?
        }
        "format" => formatted(budget, FormatStyle::StrFormat, text, arguments)?,
        "find" | "rfind" | "index" => find(text, method, arguments)?,
        "rsplit" => rsplit(text, arguments)?,
        "partition" | "rpartition" => partition(text, method == "rpartition", arguments)?,
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "count" => {
            let (part,): (&str,) = from_args(arguments)?;
            Value::from(if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() })
        }
        "isdigit" | "isnumeric" | "isdecimal" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        _ => return Ok(None),
    }))
}

/// Where a part is, counted in characters.
fn find(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let (part,): (&str,) = from_args(arguments)?;
    let found = if method == "rfind" { text.rfind(part) } else { text.find(part) };
    match found {
        Some(at) => Ok(Value::from(text[..at].chars().count())),
        None if method == "index" => Err(refuse("substring not found")),
        None => Ok(Value::from(-1)),
    }
}

/// Splits from the right.
fn rsplit(text: &str, arguments: &[Value]) -> Result<Value, Error> {
    let (separator, most): (Option<String>, Option<i64>) = from_args(arguments)?;
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<&str> = match &separator {
        Some(separator) if separator.is_empty() => return Err(refuse("empty separator")),
        Some(separator) => text.rsplitn(most + 1, separator.as_str()).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_end();
            while !rest.is_empty() {
                let start = if parts.len() < most { rest.rfind(char::is_whitespace) } else { None };
                let start = start.map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
                parts.push(&rest[start..]);
                rest = rest[..start].trim_end();
            }
            parts
        }
    };
    parts.reverse();
    Ok(Value::from_iter(parts))
}

/// What is before a part, the part, and what is after it.
fn partition(text: &str, from_right: bool, arguments: &[Value]) -> Result<Value, Error> {
    let (part,): (&str,) = from_args(arguments)?;
    let found = if from_right { text.rsplit_once(part) } else { text.split_once(part) };
    let parts = match found {
        Some((before, after)) => [before, part, after],
        None if from_right => ["", "", text],
        None => [text, "", ""],
    };
    Ok(Value::from_iter(parts))
}
