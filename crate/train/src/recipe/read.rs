//! From a file to a checked recipe of any kind.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::check::Wrong;
use super::place;
use crate::Error;

/// Reads and checks a recipe; `file` names it in errors.
///
/// # Errors
/// [`Error::Recipe`] with the field and the reason.
pub fn parse<R: DeserializeOwned>(
    file: &str,
    text: &str,
    check: impl FnOnce(&R) -> Result<(), Wrong>,
) -> Result<R, Error> {
    let recipe = toml::from_str(text).map_err(|error| place::locate(file, text, &error))?;
    check(&recipe).map_err(|(field, reason)| Error::recipe(file, field, reason))?;
    Ok(recipe)
}

/// Reads a recipe's file, and tells the folder from which its paths are seen.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Recipe`] if it is no text; what `parse` says.
pub fn open<R>(path: &Path, parse: impl FnOnce(&str, &str) -> Result<R, Error>) -> Result<(R, &Path), Error> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
    let file = path.display().to_string();
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Error::recipe(&file, "text", format!("broken UTF-8 at byte {}", error.valid_up_to())))?;
    Ok((parse(&file, text)?, path.parent().unwrap_or(Path::new(""))))
}
