//! The rules on single files, as a table.

use super::{Finding, source::Source};

/// Words that must not stand in some of the sources.
struct Ban {
    /// The words. One that starts with a letter must stand at the start of a word.
    words: &'static [&'static str],
    /// The folders in which the rule holds.
    within: &'static [&'static str],
    /// The folders and files in which it does not.
    except: &'static [&'static str],
    /// Which lines count.
    scope: Scope,
    /// What to tell whoever breaks it.
    message: &'static str,
}

/// Which lines a rule reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Rust without comments, contents of strings, and tests.
    Product,
    /// Every line of every Rust file.
    Rust,
    /// Every line of every text file.
    Text,
}

/// This module and its tests name what they forbid.
const SELF: &str = "crate/xtask/src/tidy";

const BANS: &[Ban] = &[
    Ban {
        words: &["JsValue"],
        within: &["crate/"],
        except: &["crate/wasm/"],
        scope: Scope::Product,
        message: "only crate/wasm knows JavaScript",
    },
    Ban {
        words: &["wgpu::", "use wgpu"],
        within: &["crate/"],
        except: &["crate/gpu/"],
        scope: Scope::Product,
        message: "only crate/gpu knows wgpu",
    },
    Ban {
        words: &["candle_core", "candle_nn", "candle::", "use candle"],
        within: &["crate/"],
        except: &["crate/candle/"],
        scope: Scope::Product,
        message: "only crate/candle, tests and benches know candle",
    },
    Ban {
        words: &["map_async"],
        within: &["crate/"],
        except: &["crate/gpu/src/readback.rs"],
        scope: Scope::Product,
        message: "buffers are mapped in gpu/readback.rs alone",
    },
    Ban {
        words: &["async fn", "async move", "async {", ".await", "target_arch", "cfg(feature"],
        within: &["crate/graph/", "crate/models/"],
        except: &[],
        scope: Scope::Product,
        message: "graph and models are the same everywhere: no async, no target, no feature but one constant",
    },
    Ban {
        words: &["#[allow", "#![allow"],
        within: &["crate/", "tests/"],
        except: &[],
        scope: Scope::Rust,
        message: "write #[expect(lint, reason = ...)] instead",
    },
    Ban {
        words: &[".unwrap()"],
        within: &["crate/"],
        except: &[],
        scope: Scope::Product,
        message: "no unwrap outside of tests",
    },
    Ban {
        words: &["/work/", "/root/", "/home/"],
        within: &[""],
        except: &[],
        scope: Scope::Text,
        message: "no absolute paths of one machine",
    },
    Ban {
        words: &["\"resolved\": \"http", "registry.npmjs.org", "index.crates.io", "artifactory"],
        within: &[""],
        except: &[],
        scope: Scope::Text,
        message: "no registry's host: whoever builds has their own",
    },
];

/// Every breach in one file.
pub fn check(source: &Source) -> Vec<Finding> {
    if source.path.starts_with(SELF) {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = BANS.iter().flat_map(|ban| banned(ban, source)).collect();
    findings.extend(trailing_blanks(source));
    findings.extend(missing_docs(source));
    findings
}

fn banned(ban: &Ban, source: &Source) -> Vec<Finding> {
    let under = |folders: &[&str]| folders.iter().any(|folder| source.path.starts_with(folder));
    let rust = source.path.ends_with(".rs");
    let read = match ban.scope {
        Scope::Product => rust && !source.is_test(),
        Scope::Rust => rust,
        Scope::Text => true,
    };
    if !read || !under(ban.within) || under(ban.except) {
        return Vec::new();
    }
    let find = |(line, text): (usize, &str)| {
        let word = ban.words.iter().find(|word| stands_in(text, word))?;
        Some(finding(source, line, format!("`{word}`: {}", ban.message)))
    };
    match ban.scope {
        Scope::Product => source.product_lines().filter_map(|(line, text)| find((line, &text))).collect(),
        _ => source.text.lines().enumerate().filter_map(|(index, text)| find((index + 1, text))).collect(),
    }
}

/// Whether a word stands in a line, and not as the end of a longer word or path.
fn stands_in(line: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let in_path = |c: char| in_word(c) || matches!(c, '-' | '.' | '$' | '}');
    let starts_with = |test: fn(char) -> bool| word.starts_with(test);
    line.match_indices(word).any(|(at, _)| {
        let before = &line[..at];
        let joined_word = starts_with(char::is_alphanumeric) && before.ends_with(in_word);
        let joined_path = starts_with(|c| c == '/') && before.ends_with(in_path);
        !joined_word && !joined_path
    })
}

fn trailing_blanks(source: &Source) -> Vec<Finding> {
    if source.path.contains("/fixtures/") {
        return Vec::new();
    }
    let blank = |(_, line): &(usize, &str)| line.ends_with([' ', '\t', '\r']);
    let lines = source.text.lines().enumerate().filter(blank);
    lines.map(|(index, _)| finding(source, index + 1, "blanks at the end of the line".into())).collect()
}

fn missing_docs(source: &Source) -> Option<Finding> {
    let missing = source.path.ends_with(".rs") && !source.text.trim_start().starts_with("//!");
    missing.then(|| finding(source, 1, "a module starts with a `//!` line that says what it is".into()))
}

/// Shaders that the list of variants does not name, and names without a file.
pub fn unlisted_shaders(sources: &[Source]) -> Vec<Finding> {
    const LIST: &str = "shaders/permutations";
    let Some(list) = sources.iter().find(|source| source.path == LIST) else { return Vec::new() };
    let named: Vec<(usize, &str)> = names(&list.text).collect();
    let files = || sources.iter().filter_map(|source| Some((source, kernel(&source.path)?)));
    let unlisted = files().filter(|(_, file)| !named.iter().any(|(_, name)| name == file));
    let unlisted = unlisted.map(|(source, _)| finding(source, 1, format!("is not in {LIST}")));
    let empty = named.iter().filter(|(_, name)| !files().any(|(_, file)| file == *name));
    let empty = empty.map(|(line, name)| finding(list, *line, format!("there is no shaders/{name}.wgsl")));
    unlisted.chain(empty).collect()
}

/// The kernel that a file holds: `shaders/<kernel>.wgsl`.
fn kernel(path: &str) -> Option<&str> {
    path.strip_prefix("shaders/")?.strip_suffix(".wgsl").filter(|name| !name.contains('/'))
}

/// The kernels that the list names, with their lines: those that are no comment and no `+` line. A line may be marked as
/// one of training.
fn names(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = list.lines().enumerate().map(|(index, line)| (index + 1, line.trim().trim_end_matches(" (train)")));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', '+']))
}

fn finding(source: &Source, line: usize, message: String) -> Finding {
    Finding { path: source.path.clone(), line, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into(), declared_test: false }
    }

    /// Checks that the text breaks a rule at that path, and breaks none at the other.
    fn check_ban(text: &str, bad: &str, good: &str) {
        let text = format!("//! A module.\n{text}\n");
        let found = check(&source(bad, &text));
        assert_eq!(found.len(), 1, "{text} in {bad}: {found:?}");
        assert_eq!(found[0].line, 2, "{text} in {bad}");
        assert_eq!(check(&source(good, &text)), [], "{text} in {good}");
    }

    #[test]
    fn each_ban_bites() {
        check_ban("fn a(v: JsValue) {}", "crate/run/src/a.rs", "crate/wasm/src/a.rs");
        check_ban("let d: wgpu::Device = e;", "crate/run/src/a.rs", "crate/gpu/src/a.rs");
        check_ban("use wgpu;", "crate/cli/src/a.rs", "crate/gpu/src/a.rs");
        check_ban("use candle_core::Tensor;", "crate/cpu/src/a.rs", "crate/candle/src/a.rs");
        check_ban("use candle::Tensor;", "crate/run/src/a.rs", "tests/src/a.rs");
        check_ban("slice.map_async(mode, done);", "crate/gpu/src/engine.rs", "crate/gpu/src/readback.rs");
        check_ban("async fn a() {}", "crate/graph/src/a.rs", "crate/run/src/a.rs");
        check_ban("#[cfg(target_arch = \"wasm32\")]", "crate/models/src/a.rs", "crate/cpu/src/a.rs");
        check_ban("#[cfg(feature = \"x\")]", "crate/models/src/a.rs", "crate/candle/src/a.rs");
        check_ban("a.unwrap();", "crate/run/src/a.rs", "crate/run/tests/a.rs");
        check_ban("#[allow(dead_code)]", "crate/run/tests/a.rs", "crate/xtask/src/tidy/a.rs");
        check_ban("let a = \"/work/a\";", "crate/run/src/a.rs", "crate/xtask/src/tidy/a.rs");
        check_ban("\"resolved\": \"https://x\"", "web/package-lock.json", "crate/xtask/src/tidy/a.rs");
        check_ban("let a = 1; ", "crate/run/src/a.rs", "tests/fixtures/a.txt");
    }

    #[test]
    fn words_are_whole() {
        assert!(!stands_in("see src/work/a", "/work/"));
        assert!(stands_in("cd /work/a", "/work/"));
        assert!(!stands_in("dynasty_wgpu::a", "wgpu::"));
        assert!(stands_in("a.unwrap()", ".unwrap()"));
    }

    #[test]
    fn modules_have_docs() {
        assert_eq!(check(&source("crate/run/src/a.rs", "fn a() {}\n")).len(), 1);
        assert_eq!(check(&source("web/a.ts", "const a = 1;\n")), []);
    }

    #[test]
    fn shaders_and_their_list_agree() {
        let list = source("shaders/permutations", "# All.\na\n+ a_x: x\nb\n");
        let check = |files: &[&str]| {
            let files = files.iter().map(|path| source(path, ""));
            let sources: Vec<Source> = files.chain([source(&list.path, &list.text)]).collect();
            unlisted_shaders(&sources).into_iter().map(|found| (found.path, found.line)).collect::<Vec<_>>()
        };
        assert_eq!(check(&["shaders/a.wgsl", "shaders/b.wgsl", "shaders/shared/c.wgsl"]), []);
        assert_eq!(check(&["shaders/a.wgsl", "shaders/b.wgsl", "shaders/d.wgsl"]), [("shaders/d.wgsl".into(), 1)]);
        assert_eq!(check(&["shaders/a.wgsl"]), [("shaders/permutations".into(), 4)]);
    }
}
