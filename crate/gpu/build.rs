//! Turns `/shaders` into a typed table: each line of `permutations` is preprocessed, parsed and validated by naga, and
//! its bindings are read off the module. A broken shader is a compile error that names the variant and the line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};

/// One line of `permutations`.
struct Variant {
    stem: String,
    name: String,
    defines: BTreeSet<String>,
    shipped: bool,
}

fn main() {
    if let Err(reason) = build() {
        eprintln!("{reason}");
        process::exit(1);
    }
}

fn build() -> Result<(), String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../shaders");
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-changed={}", root.join("shared").display());
    let variants = permutations(&read(&root.join("permutations"))?)?;
    every_file_is_listed(&root, &variants)?;
    let (mut names, mut rows) = (String::new(), String::new());
    for variant in &variants {
        let path = root.join(format!("{}.wgsl", variant.stem));
        let code = preprocess(&root, &path, &variant.defines)?;
        let bindings = reflect(&variant.name, &code, variant.defines.contains("half"))?;
        // What is shipped has no comments.
        let shipped: String = code
            .lines()
            .filter(|_| variant.shipped)
            .map(|l| l.split("//").next().unwrap_or(l).trim())
            .filter(|l| !l.is_empty())
            .flat_map(|l| [l, "\n"])
            .collect();
        let doc = code.lines().next().unwrap_or_default().trim_start_matches('/').trim();
        let _ = writeln!(
            names,
            "    /// `{}`: {}\n    {},",
            variant.name,
            doc.replace(['[', ']'], "`"),
            camel(&variant.name)
        );
        let _ =
            writeln!(rows, "    Source {{ name: {:?}, code: {shipped:?}, bindings: &[{bindings}] }},", variant.name);
    }
    let text = format!(
        "/// Every compiled kernel, named as in `/shaders/permutations`.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub(crate) enum Shader {{\n{names}}}\n\n\
         /// In the order of [`Shader`].\nstatic SOURCES: [Source; {}] = [\n{rows}];\n",
        variants.len()
    );
    let out = PathBuf::from(variable("OUT_DIR")?).join("shaders.rs");
    fs::write(&out, text).map_err(|e| format!("{}: {e}", out.display()))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|e| format!("{name}: {e}"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn camel(name: &str) -> String {
    name.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect()
}

fn permutations(text: &str) -> Result<Vec<Variant>, String> {
    let mut variants: Vec<Variant> = Vec::new();
    let mut stem = String::new();
    let trains = env::var_os("CARGO_FEATURE_TRAIN").is_some();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (line, shipped) = match line.strip_suffix(" (train)") {
            Some(line) => (line, trains),
            None => (line, true),
        };
        let Some(variant) = line.strip_prefix('+') else {
            stem = line.to_string();
            variants.push(Variant { stem: stem.clone(), name: stem.clone(), defines: BTreeSet::new(), shipped });
            continue;
        };
        let (name, defines) = variant.split_once(':').ok_or_else(|| format!("permutations: {line}: no colon"))?;
        if variants.last().is_some_and(|v| v.name == stem && v.defines.is_empty() && v.stem == stem) {
            variants.pop();
        }
        let defines = defines.split_whitespace().map(str::to_string).chain([String::new()]).collect();
        variants.push(Variant { stem: stem.clone(), name: name.trim().to_string(), defines, shipped });
    }
    Ok(variants)
}

fn every_file_is_listed(root: &Path, variants: &[Variant]) -> Result<(), String> {
    let entries = fs::read_dir(root).map_err(|e| format!("{}: {e}", root.display()))?;
    for name in entries.flatten().filter_map(|e| e.file_name().into_string().ok()) {
        if let Some(stem) = name.strip_suffix(".wgsl")
            && !variants.iter().any(|v| v.stem == stem)
        {
            return Err(format!("shaders/{name} is not in permutations"));
        }
    }
    Ok(())
}

/// Resolves `#import`, `#ifdef`, `#ifndef`, `#else` and `#endif`; anything else after `#` is an error.
fn preprocess(root: &Path, path: &Path, defines: &BTreeSet<String>) -> Result<String, String> {
    let mut out = String::new();
    // Whether each open condition holds.
    let mut open: Vec<bool> = Vec::new();
    for (number, line) in read(path)?.lines().enumerate() {
        let fail = |reason: &str| format!("{}:{}: {reason}", path.display(), number + 1);
        let Some(directive) = line.trim().strip_prefix('#') else {
            if open.iter().all(|o| *o) {
                out.push_str(line);
                out.push('\n');
            }
            continue;
        };
        let words: Vec<&str> = directive.split_whitespace().collect();
        match words[..] {
            ["import", name] if open.iter().all(|o| *o) => {
                out.push_str(&preprocess(root, &root.join(format!("shared/{name}.wgsl")), defines)?);
            }
            ["import", _] => {}
            ["ifdef", name] => open.push(defines.contains(name)),
            ["ifndef", name] => open.push(!defines.contains(name)),
            ["else"] => {
                let last = open.last_mut().ok_or_else(|| fail("else without a condition"))?;
                *last = !*last;
            }
            ["endif"] => {
                open.pop().ok_or_else(|| fail("endif without a condition"))?;
            }
            _ => return Err(fail("unknown directive")),
        }
    }
    if open.is_empty() { Ok(out) } else { Err(format!("{}: a condition is not closed", path.display())) }
}

/// Validates a variant against WebGPU's core features, or with `shader-f16` if it is one in `half`, and lists its bindings
/// in order.
fn reflect(name: &str, code: &str, half: bool) -> Result<String, String> {
    let module =
        naga::front::wgsl::parse_str(code).map_err(|e| e.emit_to_string_with_path(code, &format!("{name}.wgsl")))?;
    // What WebGPU has without any feature beyond naga's base.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(Capabilities::SHADER_FLOAT16, half);
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string_with_path(code, &format!("{name}.wgsl")))?;
    let threads = match &module.entry_points[..] {
        [entry] if entry.name == "main" => entry.workgroup_size.iter().product::<u32>(),
        _ => return Err(format!("{name}.wgsl: needs one entry point, named main")),
    };
    let mut bindings: Vec<(u32, u32, &str)> = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(place) = &variable.binding else { continue };
        let access = match variable.space {
            AddressSpace::Uniform => "Uniform",
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => "Write",
            AddressSpace::Storage { .. } => "Read",
            _ => return Err(format!("{name}.wgsl: a binding is no buffer")),
        };
        bindings.push((place.group, place.binding, access));
    }
    bindings.sort_unstable();
    let storage = bindings.iter().filter(|b| b.2 != "Uniform").count();
    if threads > 256 || storage > 8 {
        return Err(format!("{name}.wgsl: {threads} threads and {storage} buffers, WebGPU allows 256 and 8"));
    }
    let row = |(group, binding, access): (u32, u32, &str)| {
        format!("Binding {{ group: {group}, binding: {binding}, access: Access::{access} }}")
    };
    Ok(bindings.into_iter().map(row).collect::<Vec<_>>().join(", "))
}
