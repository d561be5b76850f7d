//! Whole models: the fixtures of the reference library, and real models beside the project.
//!
//! Errors are relative L2 errors a field, as in the program's contract; positions on padding are not compared.

mod adapters;
mod beams;
mod cache;
mod ctranslate2;
mod forward;
mod gguf;
mod list;
mod loaded;
mod nano;
mod nodes;
mod quantized;
mod real;
mod reference;
mod steady;
mod warm;
mod written;

use std::fmt::Display;

use dynasty_tests::fixture;

/// Failures of one suite, shown at its end.
#[derive(Default)]
pub struct Verdict {
    checked: usize,
    failures: Vec<String>,
    worst: f64,
    worst_at: String,
}

impl Verdict {
    /// Checks one error against its bound.
    pub fn error(&mut self, what: impl Display, error: f64, bound: f64) {
        self.checked += 1;
        if error > self.worst || error.is_nan() {
            (self.worst, self.worst_at) = (error, what.to_string());
        }
        if !matches!(error.partial_cmp(&bound), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)) {
            self.failures.push(format!("{what}: error {error:.2e}, bound {bound:.0e}"));
        }
    }

    /// Checks that something holds.
    pub fn holds(&mut self, what: impl Display, holds: bool, otherwise: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.failures.push(format!("{what}: {}", otherwise()));
        }
    }

    /// Notes a failure as it is, or passes the value on.
    pub fn ok<T, E: Display>(&mut self, what: impl Display, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.failures.push(format!("{what}: {error}"))).ok()
    }

    /// Fails with every message at once.
    pub fn close(self, suite: &str) {
        println!("{suite}: {} checks, largest error {:.1e} at {}", self.checked, self.worst, self.worst_at);
        let shown = self.failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(self.failures.is_empty(), "{suite}: {} failures:\n  {shown}", self.failures.len());
        assert!(self.checked > 0, "{suite}: nothing was checked");
    }
}
