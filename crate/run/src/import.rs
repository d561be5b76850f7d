//! llama2.c's files: a model of a fixed layout and a tokenizer of scored pieces, read as a package that can be
//! quantized into one GGUF file.

use std::rc::Rc;

use format::gguf::{Array, Metadata, Value};
use format::{Bytes, llama2c};

use crate::Error;
use crate::files::Files;
use crate::package::Package;
use crate::tokenizer::ScoreVocabulary;

impl Package {
    /// Karpathy's llama2.c format: `model.bin` and `tokenizer.bin`.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn from_llama2c(model: Rc<dyn Bytes>, tokenizer: &dyn Bytes) -> Result<Self, Error> {
        let vocabulary = llama2c::read_tokenizer(tokenizer).await?;
        let vocabulary = ScoreVocabulary::from_llama2c(tokenizer.name(), &vocabulary)?;
        let (config, mut checkpoint) = llama2c::open(model).await?;
        let mut metadata = vocabulary_metadata(&vocabulary);
        metadata.insert("dynasty.config.json", Value::String(config.json()));
        checkpoint.metadata = Some(metadata);
        Self::from_files(Files::single(checkpoint)).await
    }
}

/// The keys of a vocabulary of kind `llama`.
fn vocabulary_metadata(vocabulary: &ScoreVocabulary) -> Metadata {
    let pieces = vocabulary.pieces();
    let mut metadata = Metadata::default();
    let mut set = |key: &str, value: Value| metadata.insert(format!("tokenizer.ggml.{key}"), value);
    set("model", Value::String("llama".into()));
    set("tokens", Value::Array(Array::String(pieces.iter().map(|p| p.text.clone()).collect())));
    set("scores", Value::Array(Array::F32(pieces.iter().map(|p| p.score).collect())));
    set("token_type", Value::Array(Array::I32(pieces.iter().map(|p| p.kind.number()).collect())));
    set("bos_token_id", Value::U32(1));
    set("eos_token_id", Value::U32(2));
    set("unknown_token_id", Value::U32(0));
    set("add_bos_token", Value::Bool(true));
    set("add_space_prefix", Value::Bool(true));
    metadata
}
