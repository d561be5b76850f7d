//! The texts of a model — configuration, tokenizer, template — beside its weights or inside them.

use std::rc::Rc;
use std::sync::Arc;

use format::{Bytes, Checkpoint, Dtype, Folder, gguf, names, read_text};
use models::gguf::{Divisors, Tensors};
use serde_json::Value;

#[cfg(feature = "tasks")]
use crate::ctranslate2::{self, LISTS};
use crate::package::Source;
use crate::quantize::TURNED;
use crate::{Chat, ChatTemplate, Error, GenerationConfig, Tokenizer, TokenizerConfig};

/// The names that SentencePiece's own file is published under.
const SENTENCEPIECE: [&str; 3] = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model"];

/// The template for conversations with tools, where it has a file of its own.
const TOOL_USE: &str = "additional_chat_templates/tool_use.jinja";

/// All tokenizer files that are no text.
pub(crate) const BINARIES: [&str; 5] =
    ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "source.spm", "target.spm"];

/// The largest published `tokenizer.model` has about five megabytes.
const LONGEST: u64 = 64 << 20;

/// No head of a model is wider.
const LONGEST_HEAD: usize = 1 << 16;

/// A model's files, opened.
#[derive(Clone)]
pub struct Files {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Folder(Rc<dyn Folder>),
    File(Rc<Checkpoint>),
}

impl Files {
    /// Opens a folder, or a file's header.
    ///
    /// # Errors
    /// The file is damaged or of an unknown kind.
    pub async fn open(source: Source) -> Result<Self, Error> {
        let place = match source {
            #[cfg(feature = "tasks")]
            Source::Folder(folder) => match ctranslate2::open(&*folder).await? {
                Some(checkpoint) => Place::File(Rc::new(checkpoint)),
                None => Place::Folder(folder),
            },
            #[cfg(not(feature = "tasks"))]
            Source::Folder(folder) => Place::Folder(folder),
            Source::File(file) => Place::File(Rc::new(Checkpoint::open_file(file).await?)),
        };
        Ok(Self { place })
    }

    /// One checkpoint with its texts inside.
    pub(crate) fn single(checkpoint: Checkpoint) -> Self {
        Self { place: Place::File(Rc::new(checkpoint)) }
    }

    /// The name of the folder or file.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Folder(folder) => folder.name().to_string(),
            Place::File(checkpoint) => checkpoint.name().to_string(),
        }
    }

    /// The checkpoint, if this is one file.
    pub fn checkpoint(&self) -> Option<&Rc<Checkpoint>> {
        match &self.place {
            Place::Folder(_) => None,
            Place::File(checkpoint) => Some(checkpoint),
        }
    }

    /// Opens the folder's weights.
    ///
    /// # Errors
    /// There are none, or a header is damaged.
    pub async fn open_weights(&self) -> Result<Checkpoint, Error> {
        match &self.place {
            Place::Folder(folder) => Ok(Checkpoint::open_folder(&**folder).await?),
            Place::File(_) => Err(self.missing("model.safetensors")),
        }
    }

    /// A text by its file name, from the folder or from inside the file.
    ///
    /// # Errors
    /// It cannot be read or is no UTF-8.
    pub async fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match &self.place {
            Place::Folder(folder) => Ok(read_text(&**folder, name).await?),
            Place::File(checkpoint) => Ok(checkpoint.embedded(name).map(str::to_string)),
        }
    }

    /// A file of a folder.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) async fn bytes(&self, name: &str) -> Result<Option<Rc<dyn Bytes>>, Error> {
        match &self.place {
            Place::Folder(folder) => Ok(folder.open(name).await?),
            Place::File(_) => Ok(None),
        }
    }

    /// A JSON text and the name to use for it in errors.
    ///
    /// # Errors
    /// It cannot be read or is no JSON.
    pub async fn json(&self, name: &str) -> Result<Option<(String, Value)>, Error> {
        let Some(text) = self.text(name).await? else { return Ok(None) };
        let file = format!("{}/{name}", self.name());
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Some((file, value))),
            Err(error) => Err(Error::config(&file, error)),
        }
    }

    /// The metadata of a GGUF file.
    pub fn metadata(&self) -> Option<&gguf::Metadata> {
        self.checkpoint().and_then(|c| c.metadata.as_ref())
    }

    /// Whether matrices that checkpoints of the family keep as [K, N] are already [N, K] here.
    pub(crate) fn turned(&self) -> bool {
        let by_converter = self.checkpoint().and_then(|c| c.architecture()).is_some_and(names::conv1d_transposed);
        by_converter || self.metadata().and_then(|m| m.bool(TURNED)).unwrap_or(false)
    }

    /// The error that a file is not there.
    pub fn missing(&self, name: &str) -> Error {
        Error::Missing { file: format!("{}/{name}", self.name()) }
    }

    /// The configuration of a single file: its own `config.json`, or what its metadata says.
    pub(crate) async fn embedded_config(&self, checkpoint: &Checkpoint) -> Result<(String, Value), Error> {
        if let Some(found) = self.json("config.json").await? {
            return Ok(found);
        }
        let shape = |name: &str| checkpoint.tensor(name).map(|info| info.shape.clone());
        if cfg!(feature = "tasks")
            && let Some(config) = models::vision::published_config(shape)
        {
            return Ok((self.name(), config));
        }
        let Some(metadata) = &checkpoint.metadata else { return Err(self.missing("config.json")) };
        let table = ["model.embed_tokens.weight", "transformer.wte.weight", "wte.weight", "gpt_neox.embed_in.weight"];
        let n_vocab = table.iter().find_map(|name| checkpoint.tensor(name)).map_or(0, |info| info.rows());
        let rope = Divisors {
            all: factors(checkpoint, "rope_freqs.weight").await?,
            short: factors(checkpoint, "rope_factors_short.weight").await?,
            long: factors(checkpoint, "rope_factors_long.weight").await?,
        };
        let tensors = Tensors { has: &|name| checkpoint.tensor(name).is_some(), n_vocab, rope };
        let file = self.name();
        let config = models::gguf::config(&file, metadata, &tensors)?;
        Ok((file, config))
    }

    /// The tokenizer, from whichever files there are.
    ///
    /// # Errors
    /// There is none, or a file is damaged.
    pub async fn tokenizer(&self) -> Result<Arc<Tokenizer>, Error> {
        let config = self.tokenizer_config().await?;
        #[cfg(feature = "tasks")]
        if let (Some(source), Some(target)) = (self.text(LISTS[0]).await?, self.text(LISTS[1]).await?) {
            let (source, target) = (ctranslate2::kept(LISTS[0], &source)?, ctranslate2::kept(LISTS[1], &target)?);
            return Tokenizer::from_lists(&source, &target, &config).map(Arc::new);
        }
        if let Some(text) = self.text("tokenizer.json").await? {
            return Tokenizer::from_json(text.as_bytes(), &config).map(Arc::new);
        }
        if let Some(vocab) = self.text("vocab.json").await? {
            #[cfg(feature = "tasks")]
            if let Some(source) = self.binary("source.spm").await? {
                return Tokenizer::from_marian(&source, &vocab, &config).map(Arc::new);
            }
            if let Some(merges) = self.text("merges.txt").await? {
                return Tokenizer::from_vocab_merges(&vocab, &merges, &config).map(Arc::new);
            }
        }
        for name in SENTENCEPIECE {
            if let Some(model) = self.binary(name).await? {
                return Tokenizer::from_sentencepiece(name, &model, &config).map(Arc::new);
            }
        }
        #[cfg(feature = "tasks")]
        if let Some(vocab) = self.text("vocab.txt").await? {
            return Tokenizer::from_wordpiece(&vocab, &config).map(Arc::new);
        }
        match self.metadata() {
            Some(metadata) => Tokenizer::from_gguf(metadata).map(Arc::new),
            None => Err(self.missing("tokenizer.json")),
        }
    }

    /// The bytes of one of [`BINARIES`].
    pub(crate) async fn binary(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match &self.place {
            Place::Folder(folder) => match folder.open(name).await? {
                Some(file) if file.len() > LONGEST => Err(Error::config(file.name(), "is too long for a tokenizer")),
                Some(file) => Ok(Some(file.read(0..file.len()).await?)),
                None => Ok(None),
            },
            Place::File(_) => match self.metadata().and_then(|m| m.get(&format!("dynasty.{name}"))) {
                Some(gguf::Value::Array(gguf::Array::U8(bytes))) => Ok(Some(bytes.clone())),
                Some(_) | None => Ok(None),
            },
        }
    }

    async fn tokenizer_config(&self) -> Result<TokenizerConfig, Error> {
        let own = self.text("tokenizer_config.json").await?;
        let special = self.text("special_tokens_map.json").await?;
        let mut config = TokenizerConfig::from_json(own.as_deref(), special.as_deref())?;
        if let Some(added) = self.text("added_tokens.json").await? {
            config = config.with_added_tokens(&added)?;
        }
        Ok(match self.json("config.json").await? {
            Some((_, model)) => config.for_model(&model),
            None => config,
        })
    }

    /// How messages become a prompt, if the model has a chat template.
    ///
    /// # Errors
    /// A file is damaged or the template does not parse.
    pub async fn chat(&self) -> Result<Option<Chat>, Error> {
        let config = self.text("tokenizer_config.json").await?;
        let jinja = self.text("chat_template.jinja").await?;
        let mut template = ChatTemplate::from_files(jinja.as_deref(), config.as_deref())?;
        if let (None, Some(text)) = (&template, self.text("chat_template.json").await?) {
            template = ChatTemplate::from_json("chat_template.json", &text)?;
        }
        if let (None, Some(source)) = (&template, self.metadata().and_then(|m| m.str("tokenizer.chat_template"))) {
            template = Some(ChatTemplate::new(&self.name(), source)?);
        }
        if let (Some(main), Some(tools)) = (&template, self.text(TOOL_USE).await?) {
            template = Some(main.clone().with_tool_use(TOOL_USE, &tools)?);
        }
        let Some(template) = template else { return Ok(None) };
        Ok(Some(Chat::new(template, self.special_tokens().await?)))
    }

    /// Texts of special tokens by the names that templates use.
    async fn special_tokens(&self) -> Result<Vec<(String, String)>, Error> {
        let config = self.tokenizer_config().await?.with_class_names();
        let own = [
            ("bos_token", config.bos),
            ("eos_token", config.eos),
            ("pad_token", config.pad),
            ("unk_token", config.unk),
            ("sep_token", config.sep),
            ("cls_token", config.cls),
            ("mask_token", config.mask),
        ];
        let mut named: Vec<(String, String)> =
            own.into_iter().filter_map(|(name, text)| Some((name.into(), text?))).collect();
        let Some(metadata) = self.metadata().filter(|_| named.is_empty()) else { return Ok(named) };
        let tokens = metadata.strings("tokenizer.ggml.tokens").unwrap_or_default();
        for (name, key) in
            [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown")]
        {
            let id = metadata.u64(&format!("tokenizer.ggml.{key}_token_id"));
            if let Some(text) = id.and_then(|id| tokens.get(usize::try_from(id).ok()?)) {
                named.push((name.into(), text.clone()));
            }
        }
        Ok(named)
    }

    /// The defaults of generation: `generation_config.json`, else `config.json`, else the metadata.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn generation(&self) -> Result<GenerationConfig, Error> {
        let own = self.text("generation_config.json").await?;
        let config = self.text("config.json").await?;
        match (self.metadata(), &own, &config) {
            (Some(metadata), None, None) => Ok(GenerationConfig::from_gguf(metadata)),
            _ => GenerationConfig::from_json(own.as_deref(), config.as_deref()),
        }
    }
}

/// The values of a small tensor, if the file has it: one for each pair of a head.
async fn factors(checkpoint: &Checkpoint, name: &str) -> Result<Option<Vec<f32>>, Error> {
    let held = checkpoint.tensor(name).filter(|info| matches!(info.dtype, Dtype::Quant(_)));
    match held {
        Some(info) if info.elements() > LONGEST_HEAD => {
            let reason = format!("has {} values, more than any head", info.elements());
            Err(Error::Tensor { file: checkpoint.name().into(), tensor: name.into(), reason })
        }
        Some(_) => Ok(Some(checkpoint.read_f32(name).await?.1)),
        None => Ok(None),
    }
}
