//! Filters: the engine's own, measured before and after, and ours where those differ from Python's or may grow.

use super::budget::{Budget, refuse};
use super::operators::formatted;
use super::{json, python};
use minijinja::value::{Kwargs, Rest, ValueKind, from_args};
use minijinja::{Environment, Error, FormatStyle, State, Value, filters, functions};
use std::sync::Arc;

/// Gives an environment the filters, and the functions that make maps.
pub(super) fn add(environment: &mut Environment, budget: &Arc<Budget>) {
    for (name, filter) in measured() {
        let budget = budget.clone();
        environment.add_filter(name, move |state: &State, arguments: Rest<Value>| -> Result<Value, Error> {
            budget.values(arguments.iter())?;
            let value = filter.call(state, &arguments)?;
            budget.value(&value)?;
            Ok(value)
        });
    }
    type Filter = fn(&Budget, &Value, &[Value]) -> Result<Value, Error>;
    let own: [(&'static str, Filter); 8] = [
        ("tojson", |budget, value, rest| {
            let (indent, options): (Option<Value>, Kwargs) = from_args(rest)?;
            let options = indent.map_or(options, |indent| Kwargs::from_iter([("indent", indent)]));
            json::tojson(budget, value, &options)
        }),
        ("string", |budget, value, _| python::text(value, budget).map(Value::from)),
        ("length", length),
        ("count", length),
        ("join", |budget, value, rest| join(budget, value, rest)),
        ("replace", |budget, value, rest| replace(budget, &python::text(value, budget)?, rest)),
        ("format", |budget, value, rest| {
            formatted(budget, FormatStyle::Printf, value.as_str().unwrap_or_default(), rest)
        }),
        ("indent", indent),
    ];
    for (name, filter) in own {
        let budget = budget.clone();
        environment.add_filter(name, move |value: Value, rest: Rest<Value>| filter(&budget, &value, &rest));
    }
    for name in ["batch", "slice", "pprint", "zip", "chain"] {
        environment.remove_filter(name);
    }
    for (name, function) in
        [("dict", Value::from_function(functions::dict)), ("namespace", Value::from_function(functions::namespace))]
    {
        let budget = budget.clone();
        environment.add_function(name, move |state: &State, arguments: Rest<Value>| -> Result<Value, Error> {
            budget.values(arguments.iter())?;
            function.call(state, &arguments)
        });
    }
}

/// The engine's filters whose results are no larger than a small multiple of their inputs.
fn measured() -> Vec<(&'static str, Value)> {
    vec![
        ("escape", Value::from_function(filters::escape)),
        ("e", Value::from_function(filters::escape)),
        ("safe", Value::from_function(filters::safe)),
        ("lower", Value::from_function(filters::lower)),
        ("upper", Value::from_function(filters::upper)),
        ("title", Value::from_function(filters::title)),
        ("capitalize", Value::from_function(filters::capitalize)),
        ("dictsort", Value::from_function(filters::dictsort)),
        ("items", Value::from_function(filters::items)),
        ("reverse", Value::from_function(filters::reverse)),
        ("trim", Value::from_function(filters::trim)),
        ("split", Value::from_function(filters::split)),
        ("lines", Value::from_function(filters::lines)),
        ("default", Value::from_function(filters::default)),
        ("d", Value::from_function(filters::default)),
        ("abs", Value::from_function(filters::abs)),
        ("int", Value::from_function(filters::int)),
        ("float", Value::from_function(filters::float)),
        ("attr", Value::from_function(filters::attr)),
        ("first", Value::from_function(filters::first)),
        ("last", Value::from_function(filters::last)),
        ("min", Value::from_function(filters::min)),
        ("max", Value::from_function(filters::max)),
        ("sort", Value::from_function(filters::sort)),
        ("list", Value::from_function(filters::list)),
        ("bool", Value::from_function(filters::bool)),
        ("sum", Value::from_function(filters::sum)),
        ("select", Value::from_function(filters::select)),
        ("reject", Value::from_function(filters::reject)),
        ("selectattr", Value::from_function(filters::selectattr)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
        ("map", Value::from_function(filters::map)),
        ("groupby", Value::from_function(filters::groupby)),
        ("unique", Value::from_function(filters::unique)),
    ]
}

fn length(budget: &Budget, value: &Value, _: &[Value]) -> Result<Value, Error> {
    let length = match value.as_str() {
        Some(text) => budget.spend(text.len() as u64).map(|()| text.chars().count())?,
        None if value.is_undefined() => 0,
        None => match value.len() {
            Some(length) => length,
            None => {
                budget.value(value)?;
                value.try_iter()?.count()
            }
        },
    };
    Ok(Value::from(length))
}

/// The items of a list as one text.
pub(super) fn join(budget: &Budget, value: &Value, rest: &[Value]) -> Result<Value, Error> {
    let (separator, attribute, options): (Option<Value>, Option<String>, Kwargs) = from_args(rest)?;
    let separator = match separator {
        Some(separator) => Some(separator),
        None => options.get("d")?,
    };
    let separator = separator.map_or(Ok(String::new()), |separator| python::text(&separator, budget))?;
    let attribute = attribute.or(options.get("attribute")?);
    budget.value(value)?;
    let mut text = String::new();
    for (at, item) in value.try_iter()?.enumerate() {
        let item = match &attribute {
            Some(name) => item.get_attr(name)?,
            None => item,
        };
        let item = python::text(&item, budget)?;
        budget.text(text.len() + separator.len() + item.len())?;
        text.push_str(if at > 0 { &separator } else { "" });
        text.push_str(&item);
    }
    Ok(Value::from(text))
}

/// A text with some parts exchanged.
pub(super) fn replace(budget: &Budget, text: &str, rest: &[Value]) -> Result<Value, Error> {
    let (old, new, count): (String, String, Option<i64>) = from_args(rest)?;
    let most = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    budget.text(text.len())?;
    let found = text.matches(old.as_str()).take(most).count();
    budget.text(text.len().saturating_add(found.saturating_mul(new.len())))?;
    Ok(Value::from(text.replacen(&old, &new, most)))
}

/// Puts spaces before the lines of a text.
fn indent(budget: &Budget, value: &Value, rest: &[Value]) -> Result<Value, Error> {
    let (width, first, blank, options): (Option<Value>, Option<bool>, Option<bool>, Kwargs) = from_args(rest)?;
    let width = width.or(options.get("width")?).unwrap_or_else(|| Value::from(4));
    let first = first.or(options.get("first")?).unwrap_or(false);
    let blank = blank.or(options.get("blank")?).unwrap_or(false);
    let prefix = match (width.kind(), width.as_usize()) {
        (ValueKind::Number, Some(width @ 0..=1000)) => " ".repeat(width),
        (ValueKind::String, _) => python::text(&width, budget)?,
        _ => return Err(refuse("indent: the width is too large")),
    };
    let text = python::text(value, budget)?;
    budget.text(text.len().saturating_add(prefix.len().saturating_mul(text.split('\n').count())))?;
    let lines = text.split('\n').enumerate().map(|(at, line)| {
        let indented = if at == 0 { first } else { blank || !line.is_empty() };
        if indented { format!("{prefix}{line}") } else { line.to_string() }
    });
    Ok(Value::from(lines.collect::<Vec<String>>().join("\n")))
}
