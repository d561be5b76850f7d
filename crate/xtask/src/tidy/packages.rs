//! Which package may name which: the arrows of ARCHITECTURE.md.

use anyhow::{Context, Result};
use toml::Table;

use super::{Finding, source::Source};

/// A package and the packages of this project that its product code may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("format", &[]),
    ("graph", &[]),
    ("models", &["format", "graph"]),
    ("cpu", &["format", "graph"]),
    ("gpu", &["format", "graph"]),
    ("candle", &["format", "graph"]),
    ("pictures", &[]),
    ("run", &["candle", "cpu", "format", "gpu", "graph", "models", "pictures"]),
    ("train", &["format", "graph", "models", "pictures", "run"]),
    ("wasm", &["format", "pictures", "run", "train"]),
    // The program also shows graphs and lists shapes.
    ("cli", &["format", "graph", "models", "pictures", "run", "train"]),
];

/// Dependencies from outside that only one package may have.
const OWNERS: &[(&str, &str)] = &[("wgpu", "gpu"), ("naga", "gpu"), ("candle-core", "candle"), ("candle-nn", "candle")];

/// Packages that have no feature flags.
const FEATURELESS: &[&str] = &["graph"];

/// Every arrow that is not in the picture.
///
/// # Errors
/// A manifest cannot be parsed.
pub fn check(sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(package) = package(&source.path) else { continue };
        let manifest: Table = source.text.parse().with_context(|| format!("cannot parse {}", source.path))?;
        findings.extend(breaches(package, &manifest).into_iter().map(|message| Finding {
            path: source.path.clone(),
            line: 1,
            message,
        }));
    }
    Ok(findings)
}

/// The package to which a manifest belongs: `crate/<package>/Cargo.toml`.
fn package(path: &str) -> Option<&str> {
    path.strip_prefix("crate/")?.strip_suffix("/Cargo.toml").filter(|name| !name.contains('/'))
}

fn breaches(package: &str, manifest: &Table) -> Vec<String> {
    if package == "xtask" {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package) else {
        return vec![format!("the package `{package}` has no place among the arrows of tidy")];
    };
    let mut breaches = Vec::new();
    for name in dependencies(manifest) {
        let ours = ARROWS.iter().any(|(other, _)| *other == name);
        let owner = OWNERS.iter().find(|(other, _)| *other == name).map(|(_, owner)| *owner);
        if ours && !allowed.contains(&name) {
            breaches.push(format!("`{package}` must not know `{name}`"));
        }
        if owner.is_some_and(|owner| owner != package) {
            breaches.push(format!("only `{}` may know `{name}`", owner.unwrap_or_default()));
        }
    }
    if FEATURELESS.contains(&package) && manifest.contains_key("features") {
        breaches.push(format!("`{package}` is the same everywhere and has no features"));
    }
    breaches
}

/// What product code and build scripts depend on, whatever the target. What only tests need is free.
fn dependencies(manifest: &Table) -> Vec<&str> {
    let targets = manifest.get("target").and_then(|all| all.as_table()).into_iter().flatten();
    let tables = targets.filter_map(|(_, target)| target.as_table()).chain([manifest]);
    let lists = tables.flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)));
    lists.flatten().filter_map(|list| list.as_table()).flat_map(|list| list.keys().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_breach(package: &str, manifest: &str, message: Option<&str>) {
        let manifest: Table = manifest.parse().unwrap();
        let found = breaches(package, &manifest);
        assert_eq!(found.first().map(String::as_str), message, "{package}: {manifest:?}");
    }

    #[test]
    fn arrows() {
        check_breach("run", "[dependencies]\ncpu.workspace = true", None);
        check_breach("cpu", "[dependencies]\nmodels.workspace = true", Some("`cpu` must not know `models`"));
        check_breach("cpu", "[dev-dependencies]\nmodels.workspace = true", None);
        check_breach("cli", "[target.'cfg(unix)'.dependencies]\nwgpu = \"1\"", Some("only `gpu` may know `wgpu`"));
        check_breach("graph", "[features]\nx = []", Some("`graph` is the same everywhere and has no features"));
        check_breach("other", "", Some("the package `other` has no place among the arrows of tidy"));
        check_breach("xtask", "[dependencies]\nwgpu = \"1\"", None);
    }

    #[test]
    fn manifests_are_found() {
        assert_eq!(package("crate/run/Cargo.toml"), Some("run"));
        assert_eq!(package("tests/Cargo.toml"), None);
    }
}
