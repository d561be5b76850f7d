//! Reading `config.json`: fields by name, with errors that say which.

use serde_json::{Map, Value};

use crate::Error;

/// The fields of one JSON object of a named file.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    file: &'a str,
    map: &'a Map<String, Value>,
}

/// No published model is larger in any single size; what is larger is damage.
const LARGEST: u64 = 1 << 24;

impl<'a> Fields<'a> {
    /// The fields of `value`, which came from `file`.
    ///
    /// # Errors
    /// `value` is no object.
    pub fn new(file: &'a str, value: &'a Value) -> Result<Self, Error> {
        let map =
            value.as_object().ok_or_else(|| Error::Json { file: file.into(), reason: "is no JSON object".into() })?;
        Ok(Self { file, map })
    }

    /// The file's name.
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// An error about a field.
    pub fn fail(&self, field: &str, reason: impl Into<String>) -> Error {
        let reason = reason.into().replace(char::is_control, " ");
        Error::Field { file: self.file.into(), field: field.into(), reason }
    }

    /// A value that is there and not null.
    pub fn value(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|v| !v.is_null())
    }

    /// Whether a field is there and null.
    pub fn is_null(&self, field: &str) -> bool {
        self.map.get(field).is_some_and(Value::is_null)
    }

    /// An object of its own.
    ///
    /// # Errors
    /// It is there and no object.
    pub fn object(&self, field: &str) -> Result<Option<Fields<'a>>, Error> {
        self.value(field)
            .map(|v| {
                v.as_object().map(|map| Fields { file: self.file, map }).ok_or_else(|| self.fail(field, "is no object"))
            })
            .transpose()
    }

    /// A size that must be there, at least 1.
    ///
    /// # Errors
    /// It is missing, no integer, zero, or larger than any model's.
    pub fn size(&self, field: &str) -> Result<usize, Error> {
        self.size_or_none(field)?.ok_or_else(|| self.fail(field, "is missing"))
    }

    /// A size or its default.
    ///
    /// # Errors
    /// As [`Fields::size`], but for a missing one.
    pub fn size_or(&self, field: &str, default: usize) -> Result<usize, Error> {
        Ok(self.size_or_none(field)?.unwrap_or(default))
    }

    /// A size that may be zero, or its default.
    ///
    /// # Errors
    /// As [`Fields::size_or`], but for zero.
    pub fn count_or(&self, field: &str, default: usize) -> Result<usize, Error> {
        if self.number(field)? == Some(0.0) { Ok(0) } else { self.size_or(field, default) }
    }

    /// A size if it is there.
    ///
    /// # Errors
    /// As [`Fields::size`], but for a missing one.
    pub fn size_or_none(&self, field: &str) -> Result<Option<usize>, Error> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let whole =
            value.as_u64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0 && *f > 0.0).map(|f| f as u64));
        match whole {
            Some(n) if (1..=LARGEST).contains(&n) => Ok(Some(n as usize)),
            _ => Err(self.fail(field, format!("is {value}, expected an integer from 1 to {LARGEST}"))),
        }
    }

    /// A size or a list of sizes; empty if it is missing.
    ///
    /// # Errors
    /// One of them is no integer, zero, or larger than any model's.
    pub fn sizes(&self, field: &str) -> Result<Vec<usize>, Error> {
        let Some(value) = self.value(field) else { return Ok(Vec::new()) };
        let one = |value: &Value| {
            let whole = value.as_u64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as u64));
            whole.filter(|n| (1..=LARGEST).contains(n)).map(|n| n as usize)
        };
        let sizes = value.as_array().map_or_else(|| one(value).map(|n| vec![n]), |list| list.iter().map(one).collect());
        sizes.ok_or_else(|| self.fail(field, format!("is {value}, expected integers from 1 to {LARGEST}")))
    }

    /// A number if it is there.
    ///
    /// # Errors
    /// It is no finite number.
    pub fn number(&self, field: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let number = value.as_f64().filter(|n| n.is_finite());
        number.map(Some).ok_or_else(|| self.fail(field, format!("is {value}, expected a number")))
    }

    /// A number or its default.
    ///
    /// # Errors
    /// As [`Fields::number`].
    pub fn number_or(&self, field: &str, default: f64) -> Result<f64, Error> {
        Ok(self.number(field)?.unwrap_or(default))
    }

    /// A truth value or its default.
    ///
    /// # Errors
    /// It is neither true nor false.
    pub fn flag(&self, field: &str, default: bool) -> Result<bool, Error> {
        let Some(value) = self.value(field) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.fail(field, format!("is {value}, expected true or false")))
    }

    /// A string if it is there.
    ///
    /// # Errors
    /// It is no string.
    pub fn text(&self, field: &str) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.value(field) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.fail(field, format!("is {value}, expected a string")))
    }

    /// A list of strings; empty if missing.
    ///
    /// # Errors
    /// It is no list of strings.
    pub fn texts(&self, field: &str) -> Result<Vec<&'a str>, Error> {
        let Some(value) = self.value(field) else { return Ok(Vec::new()) };
        let list = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        list.ok_or_else(|| self.fail(field, "is no list of strings"))
    }

    /// A list of numbers of a given length.
    ///
    /// # Errors
    /// It is missing, no list of finite numbers, or of another length.
    pub fn numbers(&self, field: &str, len: usize) -> Result<Vec<f64>, Error> {
        let value = self.value(field).ok_or_else(|| self.fail(field, "is missing"))?;
        let list: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
        let list = list.ok_or_else(|| self.fail(field, "is no list of numbers"))?;
        if list.len() == len {
            Ok(list)
        } else {
            Err(self.fail(field, format!("has {} numbers, expected {len}", list.len())))
        }
    }
}
