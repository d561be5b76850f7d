//! The tokenizer and the file of tokens in the output folder. Each names what it was made from and is made anew when
//! that has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::sync_channel;

use format::{DirFolder, FileBytes};
use run::{Files, Package, Source};

use super::{Prepared, Step, encode, read_tokenizer, tokenizer_texts};
use crate::bpe::{self, TokenizerFiles};
use crate::encode::Encoder;
use crate::texts::Disk;
use crate::tokens::{self, Keys, TokenWriter};
use crate::{Error, Recipe, checkpoint, corpus, digest};

/// Documents that wait for the tokenizer's trainer.
const QUEUE: usize = 256;
/// What a tokenizer was made from.
const ORIGIN: &str = "origin.txt";

/// Makes or finds the tokenizer and the tokens of a recipe.
///
/// # Errors
/// Texts are missing or damaged, the tokenizer cannot be made, or nothing can be written.
pub async fn prepare(recipe: &Recipe, listen: &mut dyn FnMut(Step)) -> Result<Prepared, Error> {
    fs::create_dir_all(&recipe.output).map_err(|error| Error::io(&recipe.output, error))?;
    let corpus = corpus::digest(recipe, &Disk)?;
    let start = match start(recipe)? {
        Some(path) => Some(Package::open(source(&path)?).await?),
        None => None,
    };
    let read = match &start {
        Some(package) => read_tokenizer(&package.files).await?,
        None => {
            let folder = tokenizer_folder(recipe, &corpus, listen)?;
            read_tokenizer(&Files::open(source(&folder)?).await?).await?
        }
    };
    let keys = Keys { corpus, tokenizer: read.digest };
    let path = recipe.output.join("tokens.bin");
    let tokens = match tokens::open(&path, &keys) {
        Ok(tokens) => tokens,
        Err(reason) => {
            listen(Step::Note(if path.exists() {
                format!("{reason}; it is made anew")
            } else {
                "making the tokens".into()
            }));
            write_tokens(recipe, &read.encoder, &keys, &path, listen)?;
            tokens::open(&path, &keys)?
        }
    };
    Ok(Prepared { encoder: read.encoder, files: read.files, tokens: Rc::new(tokens), keys, start })
}

/// A folder or file on the disk.
fn source(path: &Path) -> Result<Source, Error> {
    if path.is_file() {
        return Ok(Source::File(Rc::new(FileBytes::open(path)?)));
    }
    Ok(Source::Folder(Rc::new(DirFolder::new(path)?)))
}

/// The model to go on from: a folder or file, or of an output folder its newest checkpoint.
///
/// # Errors
/// There is none.
fn start(recipe: &Recipe) -> Result<Option<PathBuf>, Error> {
    let Some(start) = &recipe.start else { return Ok(None) };
    if start.is_file() || start.join("config.json").exists() {
        return Ok(Some(start.clone()));
    }
    match checkpoint::steps(start)?.last() {
        Some(step) => Ok(Some(checkpoint::folder(start, *step))),
        None => Err(Error::recipe(&recipe.name, "start", format!("{} holds no model", start.display()))),
    }
}

/// The folder with a tokenizer that is made from the texts.
fn tokenizer_folder(recipe: &Recipe, corpus: &str, listen: &mut dyn FnMut(Step)) -> Result<PathBuf, Error> {
    let folder = recipe.output.join("tokenizer");
    let origin = digest::of_bytes(format!("{corpus} {:?}", recipe.tokenizer).as_bytes());
    let path = folder.join(ORIGIN);
    match fs::read_to_string(&path) {
        Ok(found) if found.trim() == origin => return Ok(folder),
        Ok(_) => listen(Step::Note(format!("{}: was made from something else; it is made anew", folder.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            listen(Step::Note("making the tokenizer".into()));
        }
        Err(error) => return Err(Error::io(&path, error)),
    }
    let files = train_tokenizer(recipe)?;
    fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
    for (name, text) in &files {
        crate::write_text(&folder.join(name), text)?;
    }
    // Last, so that a tokenizer that was half written is made again.
    crate::write_text(&path, &origin)?;
    Ok(folder)
}

/// Reads the texts in a thread of its own while the library counts their words.
fn train_tokenizer(recipe: &Recipe) -> Result<TokenizerFiles, Error> {
    let Some(spec) = &recipe.tokenizer else { return Err(Error::tokenizer("tokenizer", "is missing")) };
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<String>(QUEUE);
        let reader = scope.spawn(move || {
            tokenizer_texts(recipe, &Disk, &mut |text| {
                // The trainer hears no more only if it has failed, which is told below.
                let _ = send.send(text);
            })
        });
        let trained = bpe::train(spec, receive.into_iter());
        let read =
            reader.join().unwrap_or_else(|_| Err(Error::tokenizer("tokenizer", "the reading of texts broke off")));
        read.and(trained)
    })
}

fn write_tokens(
    recipe: &Recipe,
    encoder: &Encoder,
    keys: &Keys,
    path: &Path,
    listen: &mut dyn FnMut(Step),
) -> Result<(), Error> {
    let mut writer = TokenWriter::create(path, keys, encoder.tokenizer().vocab_len())?;
    let mut push = |source, validation, tokens: Vec<_>| writer.push(source, validation, &tokens);
    let counts = encode(recipe, &Disk, encoder, listen, &mut push)?;
    writer.finish(&counts)
}
