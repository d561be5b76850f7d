//! What has to be there before the first step: the tokenizer and the tokens.
//!
//! On the disk both are made once and kept in the output folder ([`disk`]); in memory they are made each time
//! ([`memory`]).

#[cfg(not(target_arch = "wasm32"))]
pub mod disk;
pub mod memory;

use std::rc::Rc;

use run::{Files, Package};

use crate::bpe::{self, TokenizerFiles};
use crate::encode::Encoder;
use crate::texts::Texts;
use crate::tokens::{Keys, SourceCount, Token, Tokens};
use crate::{Error, Random, Recipe, corpus, data, digest};

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
    /// The model to go on from.
    pub start: Option<Package>,
}

/// A tokenizer that was read, with its texts and their digest.
struct Read {
    encoder: Encoder,
    files: TokenizerFiles,
    digest: String,
}

async fn read_tokenizer(files: &Files) -> Result<Read, Error> {
    let texts = bpe::read_files(files).await?;
    let encoder = Encoder::new(files.tokenizer().await?, files.chat().await?)?;
    let digest = if texts.is_empty() {
        // It is inside a file of weights.
        digest::of_bytes(format!("{} {}", files.name(), encoder.tokenizer().vocab_len()).as_bytes())
    } else {
        digest::of_bytes(format!("{texts:?}").as_bytes())
    };
    Ok(Read { encoder, files: texts, digest })
}

/// Gives `sink` each text that the recipe's tokenizer is made from.
fn tokenizer_texts(recipe: &Recipe, texts: &dyn Texts, sink: &mut dyn FnMut(String)) -> Result<(), Error> {
    let fraction = recipe.tokenizer.as_ref().map_or(1.0, |spec| spec.fraction);
    corpus::walk(recipe, texts, &mut |found| {
        let taken = Random::new(found.key).named("tokenizer").unit(0) < fraction;
        if taken && !found.repeated && !data::is_validation(found.key, recipe.validation) {
            corpus::texts(found.document).into_iter().for_each(&mut *sink);
        }
        Ok(())
    })
}

/// Gives `sink` the tokens of each document with its source and whether it is held out; counts them.
fn encode(
    recipe: &Recipe,
    texts: &dyn Texts,
    encoder: &Encoder,
    listen: &mut dyn FnMut(Step),
    sink: &mut dyn FnMut(u16, bool, Vec<Token>) -> Result<(), Error>,
) -> Result<Vec<SourceCount>, Error> {
    let count = |data: &crate::recipe::DataSpec| SourceCount {
        name: data.name.clone(),
        licence: data.licence.clone(),
        ..SourceCount::default()
    };
    let mut counts: Vec<SourceCount> = recipe.data.iter().map(count).collect();
    let mut done = 0;
    corpus::walk(recipe, texts, &mut |found| {
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
        sink(found.source as u16, validation, tokens)
    })?;
    listen(Step::Documents(done));
    Ok(counts)
}
