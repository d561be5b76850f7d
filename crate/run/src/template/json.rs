//! `tojson` as the reference library has it: `json.dumps` without escapes for HTML.

use super::budget::{Budget, refuse};
use super::python;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, Value};
use std::fmt::Write;

/// How `json.dumps` lays out its text.
struct Layout {
    indent: Option<String>,
    item: String,
    key: String,
    sort_keys: bool,
    ensure_ascii: bool,
}

/// The filter.
pub(super) fn tojson(budget: &Budget, value: &Value, options: &Kwargs) -> Result<Value, Error> {
    budget.value(value)?;
    let layout = Layout::read(options)?;
    let mut out = String::new();
    layout.write(value, 0, &mut out)?;
    budget.text(out.len())?;
    Ok(Value::from(out))
}

impl Layout {
    fn read(options: &Kwargs) -> Result<Layout, Error> {
        let indent: Option<Value> = options.get("indent")?;
        let indent = match indent {
            Some(value) if value.as_str().is_some_and(|text| text.len() <= 64) => value.as_str().map(str::to_string),
            Some(value) if !value.is_none() => match value.as_usize() {
                Some(width @ 0..=64) => Some(" ".repeat(width)),
                _ => return Err(refuse("tojson: indent has to be a number up to 64")),
            },
            _ => None,
        };
        let separators: Option<Vec<String>> = options.get("separators")?;
        let (item, key) = match separators.as_deref() {
            Some([item, key]) if item.len() + key.len() <= 64 => (item.clone(), key.clone()),
            Some(_) => return Err(refuse("tojson: separators have to be two short texts")),
            None => (if indent.is_some() { ",".into() } else { ", ".into() }, ": ".into()),
        };
        let flag = |name: &str| options.get::<Option<bool>>(name).map(|flag| flag.unwrap_or(false));
        let (sort_keys, ensure_ascii) = (flag("sort_keys")?, flag("ensure_ascii")?);
        options.assert_all_used()?;
        Ok(Layout { indent, item, key, sort_keys, ensure_ascii })
    }

    /// Writes a value of a bounded depth.
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::String => self.write_text(value.as_str().unwrap_or_default(), out),
            ValueKind::Number => out.push_str(&number(value)),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.write_items(('[', ']'), &items, depth, out, |item, out| self.write(item, depth + 1, out))?;
            }
            ValueKind::Map => {
                let pairs = value.as_object().and_then(|object| object.try_iter_pairs());
                let named = pairs.into_iter().flatten().map(|(key, item)| Ok((key_text(&key)?, item)));
                let mut pairs: Vec<(String, Value)> = named.collect::<Result<_, Error>>()?;
                if self.sort_keys {
                    pairs.sort_by(|a, b| a.0.cmp(&b.0));
                }
                self.write_items(('{', '}'), &pairs, depth, out, |(key, item), out| {
                    self.write_text(key, out);
                    out.push_str(&self.key);
                    self.write(item, depth + 1, out)
                })?;
            }
            kind => return Err(refuse(format!("tojson: {kind} is not JSON"))),
        }
        Ok(())
    }

    /// Writes the items of a list or map between brackets.
    fn write_items<T>(
        &self,
        brackets: (char, char),
        items: &[T],
        depth: usize,
        out: &mut String,
        mut write: impl FnMut(&T, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(brackets.0);
        for (at, item) in items.iter().enumerate() {
            out.push_str(if at > 0 { &self.item } else { "" });
            self.new_line(depth + 1, out);
            write(item, out)?;
        }
        if !items.is_empty() {
            self.new_line(depth, out);
        }
        out.push(brackets.1);
        Ok(())
    }

    fn new_line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str(indent));
        }
    }

    fn write_text(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if c < ' ' || self.ensure_ascii && !c.is_ascii() => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

/// A number as JSON, with the words that Python uses where JSON has none.
fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    match f64::try_from(value.clone()) {
        Ok(number) if number.is_finite() => python::float(number),
        Ok(number) if number == f64::INFINITY => "Infinity".into(),
        Ok(number) if number == f64::NEG_INFINITY => "-Infinity".into(),
        _ => "NaN".into(),
    }
}

/// A key of a map, which JSON writes as text.
fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_string()),
        ValueKind::None => Ok("null".into()),
        ValueKind::Bool => Ok(if key.is_true() { "true".into() } else { "false".into() }),
        ValueKind::Number => Ok(number(key)),
        kind => Err(refuse(format!("tojson: {kind} is not a key"))),
    }
}
