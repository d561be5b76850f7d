//! Where the tests find their files.

use dynasty_run::{Tokenizer, TokenizerConfig};
use std::path::{Path, PathBuf};

/// A file or folder among the committed fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

/// A file or folder of the large test data, which a clone may not have; its absence is printed.
pub fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("NOT TESTED: shared/data/{name} is not here");
    None
}

/// The text of a file.
pub fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The tokenizer of a folder with `tokenizer.model`, `tokenizer.json`, or `vocab.json` and `merges.txt`.
pub fn tokenizer(folder: &Path) -> Tokenizer {
    let optional = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let config = optional("tokenizer_config.json");
    let config = TokenizerConfig::from_json(config.as_deref(), optional("special_tokens_map.json").as_deref()).unwrap();
    if let Ok(model) = std::fs::read(folder.join("tokenizer.model")) {
        return Tokenizer::from_sentencepiece(&model, &config).unwrap();
    }
    match std::fs::read(folder.join("tokenizer.json")) {
        Ok(json) => Tokenizer::from_json(&json, &config).unwrap(),
        Err(_) => {
            let (vocab, merges) = (text(folder.join("vocab.json")), text(folder.join("merges.txt")));
            Tokenizer::from_vocab_merges(&vocab, &merges, &config).unwrap()
        }
    }
}
