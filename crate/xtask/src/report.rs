//! The steps of a test run: each is timed, and none is left out without a line that says so.

use anyhow::{Result, bail};

use crate::sh::Seconds;

/// How many tests passed, failed or were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that ran and passed.
    pub passed: u32,
    /// Tests that ran and failed.
    pub failed: u32,
    /// Tests that their author has marked as not to be run.
    pub ignored: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Adds what a summary line of cargo, vitest or Node's test runner counts. Other lines count nothing.
    pub fn read(&mut self, line: &str) {
        let line = line.trim();
        let number = |text: &str, name: &str| number_before(text, name).unwrap_or(0);
        if let Some(rest) = line.strip_prefix("test result:") {
            self.passed += number(rest, "passed");
            self.failed += number(rest, "failed");
            self.ignored += number(rest, "ignored");
        } else if let Some(rest) = line.strip_prefix("Tests ") {
            self.passed += number(rest, "passed");
            self.failed += number(rest, "failed");
            self.ignored += number(rest, "skipped") + number(rest, "todo");
        } else if let Some((name, value)) = node_count(line) {
            match name {
                "pass" => self.passed += value,
                "fail" | "cancelled" => self.failed += value,
                "skipped" | "todo" => self.ignored += value,
                _ => {}
            }
        }
    }
}

/// The number that stands before a word, as in `3 passed`.
fn number_before(text: &str, name: &str) -> Option<u32> {
    let words: Vec<&str> = text.split([' ', ';', '|']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == name).and_then(|pair| pair[0].parse().ok())
}

/// A line such as `# pass 3` or `ℹ pass 3`.
fn node_count(line: &str) -> Option<(&str, u32)> {
    let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    let (name, value) = rest.split_once(' ')?;
    Some((name, value.parse().ok()?))
}

enum Outcome {
    Passed,
    Failed(String),
    NotRun(&'static str),
}

struct Row {
    name: &'static str,
    seconds: f64,
    counts: Counts,
    outcome: Outcome,
}

/// All steps so far.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Runs a step, unless one that it needs has failed, and goes on whatever comes of it.
    pub fn step(&mut self, name: &'static str, needs: &[&'static str], work: impl FnOnce(&mut Counts) -> Result<()>) {
        let mut counts = Counts::default();
        let seconds = Seconds::start();
        println!("\n== {name}");
        let outcome = match needs.iter().copied().find(|need| !self.passed(need)) {
            Some(need) => Outcome::NotRun(need),
            None => match work(&mut counts) {
                Ok(()) => Outcome::Passed,
                Err(error) => Outcome::Failed(format!("{error:#}")),
            },
        };
        let row = Row { name, seconds: seconds.so_far(), counts, outcome };
        println!("{}", line(&row));
        self.rows.push(row);
    }

    fn passed(&self, name: &str) -> bool {
        self.rows.iter().any(|row| row.name == name && matches!(row.outcome, Outcome::Passed))
    }

    /// All tests, where a step that failed or was not run counts as one failed test if none of its tests does.
    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            counts.add(row.counts);
            if !matches!(row.outcome, Outcome::Passed) && row.counts.failed == 0 {
                counts.failed += 1;
            }
        }
        counts
    }

    /// Prints a line a step and, last, the numbers.
    ///
    /// # Errors
    /// A step failed or was not run.
    pub fn finish(self) -> Result<()> {
        let counts = self.counts();
        println!("\n== summary");
        for row in &self.rows {
            println!("{}", line(row));
        }
        let total: f64 = self.rows.iter().map(|row| row.seconds).sum();
        println!("{total:.0} s in all, {} tests marked to be left out", counts.ignored);
        println!("{} passed, {} failed", counts.passed, counts.failed);
        if counts.failed == 0 { Ok(()) } else { bail!("the tests failed") }
    }
}

fn line(row: &Row) -> String {
    let Row { name, seconds, counts, outcome } = row;
    let tests = match counts {
        Counts { passed: 0, failed: 0, ignored: 0 } => String::new(),
        Counts { passed, failed, ignored } => format!(" ({passed} passed, {failed} failed, {ignored} left out)"),
    };
    match outcome {
        Outcome::Passed => format!("ok      {seconds:7.1} s  {name}{tests}"),
        Outcome::Failed(reason) => format!("FAILED  {seconds:7.1} s  {name}{tests}: {reason}"),
        Outcome::NotRun(need) => format!("NOT RUN            {name}: it needs the step `{need}`"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn check(line: &str, passed: u32, failed: u32, ignored: u32) {
        let mut counts = Counts::default();
        counts.read(line);
        assert_eq!(counts, Counts { passed, failed, ignored }, "{line}");
    }

    #[test]
    fn summaries_are_counted() {
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            12,
            0,
            1,
        );
        check("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 1, 2, 0);
        check("      Tests  1 failed | 11 passed | 2 skipped (14)", 11, 1, 2);
        check(" Test Files  3 passed (3)", 0, 0, 0);
        check("# pass 7", 7, 0, 0);
        check("ℹ fail 2", 0, 2, 0);
        check("# duration_ms 12.5", 0, 0, 0);
        check("# tests 9", 0, 0, 0);
        check("nothing of the kind: 3 passed", 0, 0, 0);
    }

    #[test]
    fn a_failed_step_fails_what_needs_it() {
        let mut report = Report::default();
        report.step("a", &[], |_| bail!("no"));
        report.step("b", &["a"], |_| Ok(()));
        report.step("c", &[], |counts| {
            counts.read("# pass 2");
            Ok(())
        });
        assert_eq!(report.counts(), Counts { passed: 2, failed: 2, ignored: 0 });
        assert!(report.finish().is_err());
    }
}
