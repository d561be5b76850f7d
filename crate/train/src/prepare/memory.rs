//! Texts, tokenizer and tokens in memory.

use std::path::Path;
use std::rc::Rc;

use format::{Folder, MemoryFolder};
use run::{Files, Package, Source};

use super::{Prepared, Read, Step, encode, read_tokenizer, tokenizer_texts};
use crate::texts::Memory;
use crate::tokens::{Keys, Tokens};
use crate::{Error, Recipe, bpe, corpus};

/// Reads every text that a recipe names from a folder, and makes the tokenizer and the tokens. `start` is the model
/// that the recipe goes on from.
///
/// # Errors
/// Texts are missing or damaged, or the tokenizer cannot be made.
pub async fn prepare(
    recipe: &Recipe,
    folder: &dyn Folder,
    start: Option<Package>,
    listen: &mut dyn FnMut(Step),
) -> Result<Prepared, Error> {
    let texts = read_texts(recipe, folder).await?;
    let read = match &start {
        Some(package) => read_tokenizer(&package.files).await?,
        None => train_tokenizer(recipe, &texts).await?,
    };
    let keys = Keys { corpus: corpus::digest(recipe, &texts)?, tokenizer: read.digest };
    let mut documents = Vec::new();
    encode(recipe, &texts, &read.encoder, listen, &mut |source, validation, tokens| {
        documents.push((source, validation, tokens));
        Ok(())
    })?;
    let tokens = Rc::new(Tokens::in_memory(documents));
    Ok(Prepared { encoder: read.encoder, files: read.files, tokens, keys, start })
}

async fn read_texts(recipe: &Recipe, folder: &dyn Folder) -> Result<Memory, Error> {
    let mut texts = Memory::default();
    for file in recipe.data.iter().flat_map(|spec| &spec.files) {
        let missing = || Error::io(file, "is not there");
        let bytes = folder.open(&slashes(file)).await?.ok_or_else(missing)?;
        let bytes = bytes.read(0..bytes.len()).await?;
        texts.0.insert(file.clone(), bytes.into());
    }
    Ok(texts)
}

/// A path as names in folders are written.
fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

async fn train_tokenizer(recipe: &Recipe, texts: &Memory) -> Result<Read, Error> {
    let Some(spec) = &recipe.tokenizer else { return Err(Error::tokenizer("tokenizer", "is missing")) };
    let mut all = Vec::new();
    tokenizer_texts(recipe, texts, &mut |text| all.push(text))?;
    let mut folder = MemoryFolder::new("tokenizer");
    for (name, text) in bpe::train(spec, all.into_iter())? {
        folder.insert(name, text.into_bytes());
    }
    read_tokenizer(&Files::open(Source::Folder(Rc::new(folder))).await?).await
}
