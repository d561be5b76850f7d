//! The operators that are exchanged for ours: as Python has them, and bounded.

use super::budget::{Budget, refuse};
use super::python;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, FormatStyle, Value, format_filter};
use std::sync::Arc;

/// `a + b`
pub(super) const ADD: &str = " +";
/// `a * b`
pub(super) const MULTIPLY: &str = " *";
/// `a / b`
pub(super) const DIVIDE: &str = " /";
/// `a // b`
pub(super) const FLOOR_DIVIDE: &str = " //";
/// `a % b`
pub(super) const REMAINDER: &str = " %";
/// `a ~ b`
pub(super) const CONCAT: &str = " ~";
/// `a[b:c:d]`
pub(super) const SLICE: &str = " [:]";
/// `a == b`
pub(super) const EQUAL: &str = " ==";
/// `a != b`
pub(super) const UNEQUAL: &str = " !=";
/// `a in b`
pub(super) const IN: &str = " in";
/// `[a, b]`
pub(super) const LIST: &str = " []";
/// `{a: b}`
pub(super) const MAP: &str = " {}";
/// `{% set a.b = c %}`
pub(super) const ASSIGN: &str = " =";

/// Gives an environment the operators.
pub(super) fn add(environment: &mut Environment, budget: &Arc<Budget>) {
    let mut binary = |name: &'static str, operator: fn(&Budget, &Value, &Value) -> Result<Value, Error>| {
        let budget = budget.clone();
        environment.add_function(name, move |left: Value, right: Value| operator(&budget, &left, &right));
    };
    binary(ADD, plus);
    binary(MULTIPLY, multiply);
    binary(DIVIDE, divide);
    binary(FLOOR_DIVIDE, floor_divide);
    binary(REMAINDER, remainder);
    binary(CONCAT, concat);
    binary(EQUAL, |budget, left, right| equal(budget, left, right).map(Value::from));
    binary(UNEQUAL, |budget, left, right| equal(budget, left, right).map(|same| Value::from(!same)));
    binary(IN, |budget, item, container| contains(budget, container, item).map(Value::from));
    let shared = budget.clone();
    environment.add_function(SLICE, move |value: Value, start: Value, stop: Value, step: Value| {
        slice(&shared, &value, [&start, &stop, &step])
    });
    let shared = budget.clone();
    environment.add_function(LIST, move |items: Rest<Value>| -> Result<Value, Error> {
        shared.values(items.iter())?;
        Ok(Value::from(items.0))
    });
    let shared = budget.clone();
    environment.add_function(MAP, move |items: Rest<Value>| -> Result<Value, Error> {
        shared.values(items.iter())?;
        Ok(Value::from_iter(items.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()))))
    });
    let shared = budget.clone();
    environment.add_function(ASSIGN, move |value: Value| -> Result<Value, Error> {
        shared.value(&value)?;
        Ok(value)
    });
}

/// A number as Python calculates with it.
enum Number {
    Int(i128),
    Float(f64),
}

/// Two numbers, as floats if one of them is.
enum Pair {
    Ints(i128, i128),
    Floats(f64, f64),
}

fn number(value: &Value) -> Option<Number> {
    match value.kind() {
        ValueKind::Bool => Some(Number::Int(value.is_true().into())),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok().map(Number::Int),
        ValueKind::Number => f64::try_from(value.clone()).ok().map(Number::Float),
        _ => None,
    }
}

/// Both sides of an operator as numbers.
fn numbers(operator: &str, left: &Value, right: &Value) -> Result<Pair, Error> {
    match (number(left), number(right)) {
        (Some(Number::Int(a)), Some(Number::Int(b))) => Ok(Pair::Ints(a, b)),
        (Some(Number::Int(a)), Some(Number::Float(b))) => Ok(Pair::Floats(a as f64, b)),
        (Some(Number::Float(a)), Some(Number::Int(b))) => Ok(Pair::Floats(a, b as f64)),
        (Some(Number::Float(a)), Some(Number::Float(b))) => Ok(Pair::Floats(a, b)),
        _ => Err(refuse(format!("unsupported operands for {operator}: {} and {}", left.kind(), right.kind()))),
    }
}

/// A whole number, if it did not overflow.
fn int(operator: &str, value: Option<i128>) -> Result<Value, Error> {
    let value = value.ok_or_else(|| refuse(format!("the result of {operator} is too large")))?;
    Ok(i64::try_from(value).map_or_else(|_| Value::from(value), Value::from))
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

fn plus(budget: &Budget, left: &Value, right: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (left.as_str(), right.as_str()) {
        budget.text(a.len() + b.len())?;
        return Ok(Value::from([a, b].concat()));
    }
    if is_list(left) && is_list(right) {
        budget.values([left, right])?;
        return Ok(Value::from(left.try_iter()?.chain(right.try_iter()?).collect::<Vec<Value>>()));
    }
    match numbers("+", left, right)? {
        Pair::Ints(a, b) => int("+", a.checked_add(b)),
        Pair::Floats(a, b) => Ok(Value::from(a + b)),
    }
}

fn multiply(budget: &Budget, left: &Value, right: &Value) -> Result<Value, Error> {
    let (repeated, times) = if left.as_str().is_some() || is_list(left) { (left, right) } else { (right, left) };
    let times = |bytes: usize| match times.as_i64() {
        Some(n) => Ok(usize::try_from(n.max(0)).unwrap_or(usize::MAX).min(usize::MAX / bytes.max(1))),
        None => Err(refuse("only whole numbers can repeat a value")),
    };
    if let Some(text) = repeated.as_str() {
        let times = times(text.len())?;
        budget.text(text.len() * times)?;
        return Ok(Value::from(text.repeat(times)));
    }
    if is_list(repeated) {
        budget.value(repeated)?;
        let items: Vec<Value> = repeated.try_iter()?.collect();
        let times = times(items.len())?;
        budget.list(items.len() * times)?;
        let all = Value::from(
            (0..times.min(items.len() * times)).flat_map(|_| items.iter().cloned()).collect::<Vec<Value>>(),
        );
        return budget.value(&all).map(|()| all);
    }
    match numbers("*", left, right)? {
        Pair::Ints(a, b) => int("*", a.checked_mul(b)),
        Pair::Floats(a, b) => Ok(Value::from(a * b)),
    }
}

fn divide(_: &Budget, left: &Value, right: &Value) -> Result<Value, Error> {
    let (a, b) = match numbers("/", left, right)? {
        Pair::Ints(a, b) => (a as f64, b as f64),
        Pair::Floats(a, b) => (a, b),
    };
    if b == 0.0 { Err(refuse("division by zero")) } else { Ok(Value::from(a / b)) }
}

fn floor_divide(_: &Budget, left: &Value, right: &Value) -> Result<Value, Error> {
    match numbers("//", left, right)? {
        Pair::Ints(_, 0) => Err(refuse("division by zero")),
        Pair::Ints(a, b) => int("//", a.checked_div(b).map(|q| q - i128::from(a % b != 0 && (a < 0) != (b < 0)))),
        Pair::Floats(_, 0.0) => Err(refuse("division by zero")),
        Pair::Floats(a, b) => Ok(Value::from((a / b).floor())),
    }
}

fn remainder(budget: &Budget, left: &Value, right: &Value) -> Result<Value, Error> {
    if let Some(format) = left.as_str() {
        let items = if is_list(right) { right.try_iter()?.collect() } else { vec![right.clone()] };
        return formatted(budget, FormatStyle::Printf, format, &items);
    }
    match numbers("%", left, right)? {
        Pair::Ints(_, 0) => Err(refuse("division by zero")),
        Pair::Ints(a, b) => {
            let rest = a.checked_rem(b).unwrap_or(0);
            int("%", Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }))
        }
        Pair::Floats(_, 0.0) => Err(refuse("division by zero")),
        Pair::Floats(a, b) => Ok(Value::from(a - b * (a / b).floor())),
    }
}

/// A format string with its values; widths are bounded.
pub(super) fn formatted(budget: &Budget, style: FormatStyle, format: &str, items: &[Value]) -> Result<Value, Error> {
    budget.values(items)?;
    let long_number = format.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 4);
    if long_number || format.contains('*') {
        return Err(refuse("the width of a format is too large"));
    }
    budget.text(format.len().saturating_mul(items.len() + 1))?;
    let text = format_filter(style, format, items)?;
    budget.text(text.len())?;
    Ok(Value::from(text))
}

fn concat(budget: &Budget, left: &Value, right: &Value) -> Result<Value, Error> {
    let (a, b) = (python::text(left, budget)?, python::text(right, budget)?);
    budget.text(a.len() + b.len())?;
    Ok(Value::from(a + &b))
}

fn equal(budget: &Budget, left: &Value, right: &Value) -> Result<bool, Error> {
    if left.kind() == right.kind() && left.as_object().is_some() {
        budget.values([left, right])?;
    }
    Ok(left == right)
}

fn contains(budget: &Budget, container: &Value, item: &Value) -> Result<bool, Error> {
    match container.kind() {
        ValueKind::Undefined => Ok(false),
        ValueKind::String => match (container.as_str(), item.as_str()) {
            (Some(text), Some(part)) => budget.spend(text.len() as u64).map(|()| text.contains(part)),
            _ => Err(refuse(format!("a {} cannot be in a text", item.kind()))),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            if item.as_object().is_some() {
                budget.values([container, item])?;
            }
            budget.list(container.len().unwrap_or_default())?;
            Ok(container.try_iter()?.any(|found| found == *item))
        }
        ValueKind::Map => {
            budget.value(item)?;
            Ok(container.as_object().is_some_and(|object| object.get_value(item).is_some()))
        }
        kind => Err(refuse(format!("nothing can be in a {kind}"))),
    }
}

/// A part of a text or list, with Python's rules for negative and missing ends.
fn slice(budget: &Budget, value: &Value, [start, stop, step]: [&Value; 3]) -> Result<Value, Error> {
    let end = |value: &Value| match value.as_i64() {
        Some(n) => Ok(Some(n)),
        None if value.is_none() => Ok(None),
        None => Err(refuse("the ends of a slice have to be whole numbers")),
    };
    let (start, stop, step) = (end(start)?, end(stop)?, end(step)?.unwrap_or(1));
    if step == 0 {
        return Err(refuse("the step of a slice cannot be 0"));
    }
    if let Some(text) = value.as_str() {
        budget.text(text.len() * 4)?;
        let characters: Vec<char> = text.chars().collect();
        let picked = positions(characters.len(), start, stop, step);
        return Ok(Value::from(picked.into_iter().map(|at| characters[at]).collect::<String>()));
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter()?.collect();
            budget.list(items.len())?;
            let picked = positions(items.len(), start, stop, step);
            Ok(Value::from(picked.into_iter().map(|at| items[at].clone()).collect::<Vec<Value>>()))
        }
        kind => Err(refuse(format!("a {kind} cannot be sliced"))),
    }
}

/// The places of a slice of something of some length.
fn positions(len: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<usize> {
    let len = i128::try_from(len).unwrap_or(i128::MAX);
    let step = i128::from(step);
    let (lowest, highest) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let place = |end: Option<i64>, default: i128| match end.map(i128::from) {
        Some(n) if n < 0 => (n + len).max(lowest),
        Some(n) => n.min(highest),
        None => default,
    };
    let (start, stop) =
        if step > 0 { (place(start, 0), place(stop, len)) } else { (place(start, len - 1), place(stop, -1)) };
    let mut places = Vec::new();
    let mut at = start;
    while if step > 0 { at < stop } else { at > stop } {
        places.extend(usize::try_from(at));
        at += step;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::positions;

    #[test]
    fn slices_are_pythons() {
        assert_eq!(positions(5, None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(positions(5, Some(1), Some(-1), 1), [1, 2, 3]);
        assert_eq!(positions(5, Some(-9), Some(99), 2), [0, 2, 4]);
        assert_eq!(positions(5, Some(99), Some(1), -2), [4, 2]);
        assert_eq!(positions(5, Some(3), Some(1), 1), [0usize; 0]);
        assert_eq!(positions(0, None, None, -1), [0usize; 0]);
        assert_eq!(positions(3, Some(i64::MIN), Some(i64::MAX), i64::MAX), [0]);
    }
}
