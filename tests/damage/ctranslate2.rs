//! CTranslate2's layout: a header that lies, variables that do not fit, vocabularies that are lost.

use crate::Case;
use crate::files::{self, Files};

const FILE: &str = "model.bin";

/// Where the first variable's name begins: behind the version, the spec's name, its revision and the count.
const FIRST: usize = 4 + 2 + 16 + 4 + 4;

fn put(name: &str, reasons: &'static [&'static str], files: &Files, at: usize, bytes: &[u8]) -> Case {
    Case::new(name, FILE, reasons, files, |f| f.edit(FILE, |file| file[at..at + bytes.len()].copy_from_slice(bytes)))
}

/// Behind a variable's name.
fn behind(files: &Files, name: &str) -> usize {
    let name = [name.as_bytes(), &[0]].concat();
    files.bytes(FILE).windows(name.len()).position(|window| window == name).unwrap() + name.len()
}

pub fn cases() -> Vec<Case> {
    let files = files::ctranslate2();
    let embeddings = behind(&files, "encoder/embeddings/weight");
    let lost = |name: &'static str, reasons: &'static [&'static str], file: &'static str| {
        Case::new(name, "", reasons, &files, |f| f.remove(file))
    };
    vec![
        Case::new("an empty model", FILE, &["ends at 0"], &files, |f| f.put(FILE, Vec::new())),
        put("an unknown version", &["no version"], &files, 0, &9u32.to_le_bytes()),
        put("a first version", &["no version"], &files, 0, &1u32.to_le_bytes()),
        put(
            "the length of the spec's name lies",
            &["is expected", "are expected", "no text"],
            &files,
            4,
            &[0xFF, 0xFF],
        ),
        put("another spec", &["no model with an encoder and a decoder"], &files, 6, b"TransfusionBase"),
        put("a spec that is no text", &["no text"], &files, 6, &[0xFF, 0xFE]),
        put("more variables than there are", &["are expected"], &files, FIRST - 4, &200u32.to_le_bytes()),
        put("four billion variables", &["too many"], &files, FIRST - 4, &u32::MAX.to_le_bytes()),
        put("no variables", &["follow"], &files, FIRST - 4, &0u32.to_le_bytes()),
        put("a name that lies about its length", &["no text", "are expected"], &files, FIRST, &[3, 0]),
        put("many dimensions", &["dimensions"], &files, embeddings, &[200]),
        put("another shape", &["do not hold"], &files, embeddings + 1, &7u32.to_le_bytes()),
        put("a shape that overflows", &["do not hold"], &files, embeddings + 1, &[0xFF; 8]),
        put("an unknown type", &["no known type"], &files, embeddings + 9, &[3]),
        put("a count that lies", &["do not hold"], &files, embeddings + 10, &49u32.to_le_bytes()),
        put("a variable of another name", &["missing", "no plain"], &files, embeddings - 3, b"x"),
        put(
            "a scale of another name",
            &["no scale", "no plain"],
            &files,
            behind(&files, "encoder/embeddings/weight_scale") - 3,
            b"x",
        ),
        Case::new("a name twice", FILE, &["twice"], &files, |f| {
            f.edit(FILE, |file| {
                let copy = file[FIRST..FIRST + 2 + 26 + 1 + 8 + 5 + 48].to_vec();
                file.splice(FIRST..FIRST, copy);
            });
        }),
        Case::new("one byte more", FILE, &["follow"], &files, |f| f.edit(FILE, |file| file.push(0))),
        lost("no source vocabulary", &["source_vocabulary.txt: not found"], "source_vocabulary.txt"),
        lost("no target vocabulary", &["target_vocabulary.txt: not found"], "target_vocabulary.txt"),
        Case::new("a longer vocabulary than the table", FILE, &["table of 6 tokens"], &files, |f| {
            f.put("source_vocabulary.txt", "a\nb\nc\nd\ne\nf\ng\n");
        }),
        Case::new("a vocabulary that is no text", "source_vocabulary.txt", &["UTF-8"], &files, |f| {
            f.put("source_vocabulary.txt", vec![0xFF, 0xFE]);
        }),
        Case::new("a vocabulary that is no list", "shared_vocabulary.json", &["expected"], &files, |f| {
            f.put("shared_vocabulary.json", "{\"a\": 1}");
        }),
        Case::new("settings that are no JSON", "config.json", &["expected"], &files, |f| f.put("config.json", "hello")),
    ]
}
