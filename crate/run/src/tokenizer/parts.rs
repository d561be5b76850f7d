//! A tokenizer of the library, put together from a model and the stages around it.

use super::json::finish;
use super::{Tokenizer, TokenizerConfig};
use crate::Error;
use serde_json::{Value, json};
use tokenizers::processors::PostProcessorWrapper;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{DecoderWrapper, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper};

/// What is around a model: stages as `tokenizer.json` writes them, `null` for none.
pub(super) struct Parts {
    /// How a text is changed first.
    pub normalizers: Vec<NormalizerWrapper>,
    /// How it is cut into words.
    pub pre_tokenizer: Value,
    /// What goes around ids.
    pub around: Around,
    /// How ids become text.
    pub decoder: Value,
}

/// The language of mBART's texts where none is named.
const ENGLISH: &str = "en_XX";

/// What goes around the ids of a text, or of two.
pub(super) enum Around {
    /// What `add_bos_token` and `add_eos_token` say, and nothing without them.
    Flags,
    /// BERT's: `[CLS] A [SEP] B [SEP]`.
    Bert,
    /// RoBERTa's: `<s> A </s></s> B </s>`, the offsets without the spaces around words.
    Roberta {
        /// Whether offsets leave the spaces out.
        trim: bool,
    },
    /// XLM-R's: the same tokens, offsets as they are.
    Fairseq,
    /// T5's: `A </s> B </s>`.
    End,
    /// mBART's: `A </s>` and the language behind or before it.
    Language {
        /// Before it.
        first: bool,
    },
}

impl Parts {
    /// The tokenizer.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if a stage is not one of the library's, or a token around the text is missing.
    pub(super) fn build(
        self,
        file: &str,
        model: impl Into<ModelWrapper>,
        config: &TokenizerConfig,
    ) -> Result<Tokenizer, Error> {
        let fail = |error: tokenizers::Error| Error::tokenizer(file, error);
        let mut inner = tokenizers::Tokenizer::new(model);
        let normalizer = tokenizers::normalizers::Sequence::new(self.normalizers);
        inner.with_normalizer(Some(NormalizerWrapper::Sequence(normalizer))).map_err(fail)?;
        inner.with_pre_tokenizer(stage::<Option<PreTokenizerWrapper>>(file, self.pre_tokenizer)?);
        inner.with_decoder(stage::<Option<DecoderWrapper>>(file, self.decoder)?);
        config.add_tokens(&mut inner).map_err(fail)?;
        if let Some(post) = self.around.processor(file, &inner, config)? {
            inner.with_post_processor(Some(post));
        }
        finish(file, inner, config)
    }
}

impl Around {
    fn processor(
        &self,
        file: &str,
        inner: &tokenizers::Tokenizer,
        config: &TokenizerConfig,
    ) -> Result<Option<PostProcessorWrapper>, Error> {
        let token = |name: &Option<String>, what: &str| {
            let found = name.clone().and_then(|name| inner.token_to_id(&name).map(|id| (name, id)));
            found.ok_or_else(|| Error::tokenizer(file, format!("the vocabulary has no {what}")))
        };
        let template = |single: String, pair: String, tokens: Vec<(String, u32)>| {
            let mut builder = TemplateProcessing::builder();
            let builder = builder.try_single(single).and_then(|b| b.try_pair(pair));
            let builder = builder.map_err(|why| Error::tokenizer(file, why))?;
            builder.special_tokens(tokens).build().map_err(|why| Error::tokenizer(file, why))
        };
        let (sep, cls) = match self {
            Around::Flags => return Ok(None),
            Around::End => (token(&config.eos, "eos_token")?, None),
            Around::Language { first } => {
                let eos = token(&config.eos, "eos_token")?;
                let name = config.habits.src_lang.clone().or(Some(ENGLISH.into()));
                let language = token(&name, "src_lang")?;
                let (s, l) = (&eos.0, &language.0);
                let around = |text: &str| if *first { format!("{l} {text} {s}") } else { format!("{text} {s} {l}") };
                let made = template(around("$A"), around("$A $B"), vec![eos.clone(), language.clone()])?;
                return Ok(Some(made.into()));
            }
            Around::Bert | Around::Roberta { .. } | Around::Fairseq => {
                let (sep, cls) =
                    (config.sep.as_ref().or(config.eos.as_ref()), config.cls.as_ref().or(config.bos.as_ref()));
                (token(&sep.cloned(), "sep_token")?, Some(token(&cls.cloned(), "cls_token")?))
            }
        };
        Ok(Some(match (self, cls) {
            (Around::Roberta { trim }, Some(cls)) => {
                let prefix = config.add_prefix_space.unwrap_or(false);
                RobertaProcessing::new(sep, cls).trim_offsets(*trim).add_prefix_space(prefix).into()
            }
            (Around::Fairseq, Some(cls)) => {
                let (s, c) = (&sep.0, &cls.0);
                template(format!("{c} $A {s}"), format!("{c} $A {s} {s} $B {s}"), vec![sep.clone(), cls.clone()])?
                    .into()
            }
            (_, Some(cls)) => {
                let (s, c) = (&sep.0, &cls.0);
                let pair = format!("{c}:0 $A:0 {s}:0 $B:1 {s}:1");
                template(format!("{c}:0 $A:0 {s}:0"), pair, vec![sep.clone(), cls.clone()])?.into()
            }
            (_, None) => {
                let s = &sep.0;
                template(format!("$A {s}"), format!("$A {s} $B {s}"), vec![sep.clone()])?.into()
            }
        }))
    }
}

/// One stage from its JSON.
fn stage<T: serde::de::DeserializeOwned>(file: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::tokenizer(file, error))
}

/// Normalizers from a JSON list.
pub(super) fn normalizers(file: &str, list: Value) -> Result<Vec<NormalizerWrapper>, Error> {
    stage(file, list)
}

/// The JSON of a stage that exchanges a text for another.
pub(super) fn replace(pattern: &str, content: &str) -> Value {
    json!({"type": "Replace", "pattern": {"String": pattern}, "content": content})
}

/// The JSON of a stage that exchanges what an expression finds.
pub(super) fn replace_regex(pattern: &str, content: &str) -> Value {
    json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": content})
}

/// SentencePiece's sign for a space, as a stage that cuts or joins; it comes before every text, the first one, or none.
pub(super) fn metaspace(prepend: &str, split: bool) -> Value {
    json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": prepend, "split": split})
}
