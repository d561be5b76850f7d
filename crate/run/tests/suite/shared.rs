//! Where the tests find their files.

use dynasty_run::{Error, Files, Source, Tokenizer};
use format::{DirFolder, FileBytes};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

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

/// The tokenizer of a folder, whichever files it has.
pub fn tokenizer(folder: &Path) -> Tokenizer {
    try_tokenizer(folder).unwrap()
}

/// The same, or why it has none.
pub fn try_tokenizer(folder: &Path) -> Result<Tokenizer, Error> {
    let file = folder.join("model.gguf");
    let source = match file.exists() {
        true => Source::File(Rc::new(FileBytes::open(&file)?)),
        false => Source::Folder(Rc::new(DirFolder::new(folder)?)),
    };
    pollster::block_on(async {
        let tokenizer = Files::open(source).await?.tokenizer().await?;
        Ok(Arc::into_inner(tokenizer).expect("nobody else holds it"))
    })
}
