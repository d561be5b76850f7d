//! What has to be there before the first step: the tokenizer and the file of tokens.
//!
//! Both are made once and kept in the output folder; each names what it was made from and is made anew when that has
//! changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::sync_channel;

use format::DirFolder;
use run::{Files, Source};

use crate::bpe::{self, TokenizerFiles};
use crate::encode::Encoder;
use crate::tokens::{self, Keys, SourceCount, TokenWriter, Tokens};
use crate::{Error, Random, Recipe, checkpoint, corpus, data, digest};

/// Documents that wait for the tokenizer's trainer.
const QUEUE: usize = 256;
/// What a tokenizer was made from.
const ORIGIN: &str = "origin.txt";

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something worth a line.
    Note(String),
    /// Documents that have been turned into tokens.
    Documents(u64),
}

/// What a recipe needs before the first step.
pub struct Prepared {
    /// Writes texts as tokens.
    pub encoder: Encoder,
    /// The tokenizer's files, for the model's folder.
    pub files: TokenizerFiles,
    /// The tokens.
    pub tokens: Rc<Tokens>,
    /// The digests of texts and tokenizer.
    pub keys: Keys,
}

/// Makes or finds the tokenizer and the tokens of a recipe.
///
/// # Errors
/// Texts are missing or damaged, the tokenizer cannot be made, or nothing can be written.
pub async fn prepare(recipe: &Recipe, listen: &mut dyn FnMut(Step)) -> Result<Prepared, Error> {
    fs::create_dir_all(&recipe.output).map_err(|error| Error::io(&recipe.output, error))?;
    let corpus = corpus::digest(recipe)?;
    let folder = tokenizer_folder(recipe, &corpus, listen)?;
    let files = bpe::read_files(&folder)?;
    let source = Source::Folder(Rc::new(DirFolder::new(&folder)?));
    let read = Files::open(source).await?;
    let encoder = Encoder::new(read.tokenizer().await?, read.chat().await?)?;
    let keys = Keys { corpus, tokenizer: digest::of_bytes(format!("{files:?}").as_bytes()) };
    let path = recipe.output.join("tokens.bin");
    let tokens = match tokens::open(&path, &keys) {
        Ok(tokens) => tokens,
        Err(reason) => {
            listen(Step::Note(if path.exists() {
                format!("{reason}; it is made anew")
            } else {
                "making the tokens".into()
            }));
            encode(recipe, &encoder, &keys, &path, listen)?;
            tokens::open(&path, &keys)?
        }
    };
    Ok(Prepared { encoder, files, tokens: Rc::new(tokens), keys })
}

/// The folder of the model to go on from; of an output folder, its newest checkpoint.
///
/// # Errors
/// There is none.
pub fn start(recipe: &Recipe) -> Result<Option<PathBuf>, Error> {
    let Some(start) = &recipe.start else { return Ok(None) };
    if start.join("config.json").exists() {
        return Ok(Some(start.clone()));
    }
    match checkpoint::steps(start)?.last() {
        Some(step) => Ok(Some(checkpoint::folder(start, *step))),
        None => Err(Error::recipe(&recipe.name, "start", format!("{} holds no model", start.display()))),
    }
}

/// The folder with the tokenizer: that of the model to go on from, or one that is made from the texts.
fn tokenizer_folder(recipe: &Recipe, corpus: &str, listen: &mut dyn FnMut(Step)) -> Result<PathBuf, Error> {
    if let Some(start) = start(recipe)? {
        return Ok(start);
    }
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
            corpus::walk(recipe, &mut |found| {
                let taken = Random::new(found.key).named("tokenizer").unit(0) < spec.fraction;
                if taken && !found.repeated && !data::is_validation(found.key, recipe.validation) {
                    for text in corpus::texts(found.document) {
                        // The trainer hears no more only if it has failed, which is told below.
                        let _ = send.send(text);
                    }
                }
                Ok(())
            })
        });
        let trained = bpe::train(spec, receive.into_iter());
        let read =
            reader.join().unwrap_or_else(|_| Err(Error::tokenizer("tokenizer", "the reading of texts broke off")));
        read.and(trained)
    })
}

fn encode(
    recipe: &Recipe,
    encoder: &Encoder,
    keys: &Keys,
    path: &Path,
    listen: &mut dyn FnMut(Step),
) -> Result<(), Error> {
    let n_vocab = encoder.tokenizer().vocab_len();
    let mut writer = TokenWriter::create(path, keys, n_vocab)?;
    let count = |data: &crate::recipe::DataSpec| SourceCount {
        name: data.name.clone(),
        licence: data.licence.clone(),
        ..SourceCount::default()
    };
    let mut counts: Vec<SourceCount> = recipe.data.iter().map(count).collect();
    let mut done = 0;
    corpus::walk(recipe, &mut |found| {
        let count = &mut counts[found.source];
        if found.repeated {
            count.repeated += 1;
            return Ok(());
        }
        let tokens = encoder.encode(&found.document, found.spec.learn);
        let tokens = tokens.map_err(|error| Error::data(found.file, found.line, error))?;
        let validation = data::is_validation(found.key, recipe.validation);
        if validation {
            count.held_out += 1;
        } else {
            count.documents += 1;
            count.tokens += tokens.len() as u64;
        }
        done += 1;
        if done % 500 == 0 {
            listen(Step::Documents(done));
        }
        writer.push(found.source as u16, validation, &tokens)
    })?;
    listen(Step::Documents(done));
    writer.finish(&counts)
}
