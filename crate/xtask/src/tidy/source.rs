//! A file as the rules see it.

use std::collections::HashSet;

/// A text file of the project.
pub struct Source {
    /// Its path from the root of the project, with `/`.
    pub path: String,
    /// All of its text.
    pub text: String,
    /// Whether another file declares it as a module for tests alone.
    pub declared_test: bool,
}

/// Marks the files that others declare as `#[cfg(test)] mod name;`.
pub fn mark_test_modules(sources: &mut [Source]) {
    let modules: HashSet<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in sources {
        source.declared_test = modules.contains(&source.path);
    }
}

impl Source {
    /// Whether people write it by hand, line by line.
    pub fn is_code(&self) -> bool {
        let written = [".rs", ".ts", ".mjs", ".wgsl", ".py"].iter().any(|end| self.path.ends_with(end));
        written && !self.path.contains(".generated.")
    }

    /// Whether all of it is for tests, or shows how to use the rest.
    pub fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        self.declared_test
            || parts.iter().any(|part| matches!(*part, "tests" | "benches" | "examples" | "fixtures" | "tests.rs"))
    }

    /// Its lines of Rust with their numbers: no comments, no contents of strings, and none of the tests at its end.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        let tests = self.first_test_line();
        let lines = self.text.lines().enumerate().take_while(move |(index, _)| *index < tests);
        lines.map(|(index, line)| (index + 1, bare(line)))
    }

    /// The files of the modules that it declares for tests alone.
    fn test_modules(&self) -> Vec<String> {
        let Some(stem) = self.path.strip_suffix(".rs") else { return Vec::new() };
        let parents = ["/lib", "/main", "/mod"];
        let folder = parents.iter().find_map(|parent| stem.strip_suffix(parent)).unwrap_or(stem);
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let tests = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        let names = tests.filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'));
        names.map(|name| format!("{folder}/{name}.rs")).collect()
    }

    /// Where `#[cfg(test)]` opens a module that goes on to the end of the file.
    fn first_test_line(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let opens =
            |pair: &[&str]| pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
        lines.windows(2).position(opens).unwrap_or(lines.len())
    }
}

/// A line without its comment and without what its strings contain.
fn bare(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => {
                chars.next();
            }
            '"' => {
                in_string = !in_string;
                code.push(c);
            }
            '/' if !in_string && chars.peek() == Some(&'/') => break,
            _ if in_string => {}
            _ => code.push(c),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into(), declared_test: false }
    }

    #[test]
    fn bare_lines() {
        let check = |line: &str, code: &str| assert_eq!(bare(line), code, "{line}");
        check("let a = 1; // wgpu::Device", "let a = 1; ");
        check(r#"let a = "wgpu::\"x // y"; b()"#, r#"let a = ""; b()"#);
        check("/// docs", "");
    }

    #[test]
    fn tests_at_the_end_are_not_product() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    b.unwrap();\n}\n".to_owned();
        let source = source("crate/x/src/a.rs", &text);
        assert_eq!(source.product_lines().count(), 1);
        assert!(!source.is_test());
        assert!(self::source("crate/x/tests/a.rs", "").is_test());
    }

    #[test]
    fn modules_for_tests_are_found() {
        let lib = source("crate/x/src/lib.rs", "#[cfg(test)]\nmod a;\nmod b;\n");
        let part = source("crate/x/src/part.rs", "#[cfg(test)]\nmod c;\n");
        let files = ["a", "b", "part/c", "c"].map(|name| source(&format!("crate/x/src/{name}.rs"), ""));
        let mut sources: Vec<Source> = [lib, part].into_iter().chain(files).collect();
        mark_test_modules(&mut sources);
        let tests: Vec<&str> = sources.iter().filter(|source| source.is_test()).map(|source| &*source.path).collect();
        assert_eq!(tests, ["crate/x/src/a.rs", "crate/x/src/part/c.rs"]);
    }
}
