//! The invariants of ARCHITECTURE.md that can be read off the text of the sources.

mod packages;
mod rules;
mod source;

use std::fs;

use anyhow::{Result, bail};

use crate::sh::{self, Sh};
use source::Source;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which file, from the root of the project.
    pub path: String,
    /// Which line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Longest source file that passes without a remark.
const LONG: usize = 400;

/// Checks all files of the project.
///
/// # Errors
/// A rule is broken: each breach is printed.
pub fn run() -> Result<()> {
    let sources = read_all()?;
    let mut findings: Vec<Finding> = sources.iter().flat_map(rules::check).collect();
    findings.extend(packages::check(&sources)?);
    findings.extend(rules::unlisted_shaders(&sources));
    for source in sources.iter().filter(|source| source.is_code() && source.text.lines().count() > LONG) {
        println!("tidy: remark: {} has {} lines; aim at 300", source.path, source.text.lines().count());
    }
    for Finding { path, line, message } in &findings {
        println!("{path}:{line}: {message}");
    }
    if findings.is_empty() { Ok(()) } else { bail!("tidy: {} breaches", findings.len()) }
}

/// All text files that git knows or would add.
fn read_all() -> Result<Vec<Source>> {
    let list = Sh::new("git").words("ls-files -z --cached --others --exclude-standard --deduplicate").read()?;
    let root = sh::root();
    let mut sources = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        // A file that was deleted but not yet committed, or one that is not text, has nothing to say.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            sources.push(Source { path: path.to_owned(), text, declared_test: false });
        }
    }
    source::mark_test_modules(&mut sources);
    Ok(sources)
}
