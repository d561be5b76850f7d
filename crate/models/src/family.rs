//! From a configuration to a family, and from a family to its graph.

use graph::{Builder, Graph, Taps, Tensor};
use serde_json::Value;

use crate::{Call, Error, Fields, Side, Vision, bart, encoder, gemma, gpt_neox, gpt2, heads, llama, t5};

/// Whether there are families that do more than write what follows. The module that chats leaves them out.
pub(crate) const TASKS: bool = cfg!(feature = "tasks");

/// What the head computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Hidden states only.
    Base,
    /// The next token.
    CausalLm,
    /// Masked tokens.
    MaskedLm,
    /// Masked tokens, and whether two segments follow each other.
    PreTraining,
    /// Whether two segments follow each other.
    NextSentence,
    /// A class of the whole text.
    SequenceClassification,
    /// A class of each token.
    TokenClassification,
    /// Where an answer begins and ends.
    QuestionAnswering,
    /// The next token of a target text.
    Seq2SeqLm,
    /// A class of a picture.
    ImageClassification,
    /// Masks of what prompts point at in a picture.
    Segmentation,
}

/// How architectures end that have a head.
const HEADS: [(&str, Task); 11] = [
    ("ForCausalLM", Task::CausalLm),
    ("LMHeadModel", Task::CausalLm),
    ("ForMaskedLM", Task::MaskedLm),
    ("ForPreTraining", Task::PreTraining),
    ("ForNextSentencePrediction", Task::NextSentence),
    ("ForSequenceClassification", Task::SequenceClassification),
    ("ForTokenClassification", Task::TokenClassification),
    ("ForQuestionAnswering", Task::QuestionAnswering),
    ("ForConditionalGeneration", Task::Seq2SeqLm),
    ("MTModel", Task::Seq2SeqLm),
    ("Model", Task::Base),
];

/// Which parts a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// A decoder that writes what follows.
    Decoder,
    /// An encoder that reads in both directions.
    Encoder,
    /// An encoder for a source text, and a decoder for what is written from it.
    EncoderDecoder,
    /// It looks at pictures.
    Pictures,
}

/// A configured model of any family.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// Llama and the decoders of its shape.
    Llama(llama::Config),
    /// GPT-2.
    Gpt2(gpt2::Config),
    /// BERT and the encoders of its shape.
    Encoder(encoder::Config),
    /// GPT-NeoX and Pythia.
    GptNeox(gpt_neox::Config),
    /// Gemma, Gemma 2 and the text part of Gemma 3.
    Gemma(gemma::Config),
    /// T5.
    T5(t5::Config),
    /// Marian, BART, mBART, M2M-100.
    Bart(bart::Config),
    /// What looks at pictures.
    Vision(Vision),
}

impl Model {
    /// Reads `config.json` of the Hugging Face form; `file` names it in errors.
    ///
    /// # Errors
    /// The architecture is unknown, or a field is missing or wrong.
    pub fn read(file: &str, config: &Value) -> Result<Self, Error> {
        let fields = Fields::new(file, config)?;
        let unknown = |name: &str| Error::Architecture { file: file.into(), name: name.replace(char::is_control, " ") };
        let name = match fields.texts("architectures")?.first() {
            Some(name) => (*name).to_string(),
            None => default_architecture(fields.text("model_type")?.unwrap_or_default()),
        };
        if TASKS && let Some(model) = Vision::read(&name, &fields)? {
            return Ok(Self::Vision(model));
        }
        let split = HEADS.iter().find_map(|(end, task)| Some((name.strip_suffix(end)?, *task)));
        let (family, task) = split.ok_or_else(|| unknown(&name))?;
        if TASKS && let Some(kind) = encoder_kind(family).filter(|kind| kind.has(task)) {
            return encoder::Config::read(&fields, kind, task).map(Self::Encoder);
        }
        let t5 = |parts| t5::Config::read(&fields, parts, task).map(Self::T5);
        if TASKS && family.ends_with("T5Encoder") && task == Task::Base {
            return t5(Parts::Encoder);
        }
        let bart_head = matches!(task, Task::SequenceClassification | Task::QuestionAnswering)
            && matches!(family, "Bart" | "MBart");
        if TASKS && (matches!(task, Task::Base | Task::Seq2SeqLm) || bart_head) {
            let kind = match family {
                "T5" | "MT5" => return t5(Parts::EncoderDecoder),
                "Bart" => Some(bart::Kind::Bart),
                "Marian" => Some(bart::Kind::Marian),
                "MBart" => Some(bart::Kind::MBart),
                "M2M100" => Some(bart::Kind::M2M100),
                "Transformer" => Some(bart::Kind::Transformer),
                _ => None,
            };
            if let Some(kind) = kind {
                return bart::Config::read(&fields, kind, task).map(Self::Bart);
            }
        }
        if !matches!(task, Task::CausalLm | Task::Base) && !heads::is_reading(task) {
            return Err(unknown(&name));
        }
        let gemma = |kind| gemma::Config::read(&fields, kind, task).map(Self::Gemma);
        let kind = match family {
            "GPT2" => return gpt2::Config::read(&fields, task).map(Self::Gpt2),
            "GPTNeoX" => return gpt_neox::Config::read(&fields, task).map(Self::GptNeox),
            "Gemma" => return gemma(gemma::Kind::Gemma),
            "Gemma2" => return gemma(gemma::Kind::Gemma2),
            // The base model has a name of its own.
            "Gemma3" if task == Task::CausalLm => return gemma(gemma::Kind::Gemma3),
            "Gemma3Text" if task != Task::CausalLm => return gemma(gemma::Kind::Gemma3),
            "Llama" => llama::Kind::Llama,
            "Mistral" => llama::Kind::Mistral,
            "Qwen2" => llama::Kind::Qwen2,
            "Qwen3" => llama::Kind::Qwen3,
            "Phi3" => llama::Kind::Phi3,
            _ => return Err(unknown(&name)),
        };
        llama::Config::read(&fields, kind, task).map(Self::Llama)
    }

    /// Leaves out what the checkpoint has no weights for and the library would run without; `has` says whether there
    /// is a tensor of this name.
    pub fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        match self {
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) => {}
            Self::Encoder(cfg) if TASKS => cfg.fit_to(has),
            Self::T5(cfg) if TASKS => cfg.fit_to(has),
            Self::Bart(cfg) if TASKS => cfg.fit_to(has),
            Self::Vision(model) if TASKS => model.fit_to(has),
            Self::Encoder(_) | Self::T5(_) | Self::Bart(_) | Self::Vision(_) => {}
        }
    }

    /// Writes the graph.
    ///
    /// # Errors
    /// The configuration breaks a shape rule.
    pub fn build(&self, call: &Call, taps: Taps) -> Result<Graph, graph::Error> {
        let g = Builder::new(taps);
        self.write(&g, call)?;
        g.finish()
    }

    /// Writes the graph with a builder of the caller's, who goes on from its results.
    ///
    /// # Errors
    /// The configuration contradicts itself; a broken shape rule shows when the graph is finished.
    pub fn write(&self, g: &Builder, call: &Call) -> Result<(), graph::Error> {
        match self {
            Self::Llama(cfg) => llama::write(g, cfg, call)?,
            Self::Gpt2(cfg) => gpt2::write(g, cfg, call),
            Self::GptNeox(cfg) => gpt_neox::write(g, cfg, call)?,
            Self::Gemma(cfg) => gemma::write(g, cfg, call)?,
            Self::Encoder(cfg) if TASKS => encoder::write(g, cfg, call),
            Self::T5(cfg) if TASKS => t5::write(g, cfg, call),
            Self::Bart(cfg) if TASKS => bart::write(g, cfg, call),
            Self::Vision(model) if TASKS => model.write(g, call),
            // They are not read.
            Self::Encoder(_) | Self::T5(_) | Self::Bart(_) | Self::Vision(_) => {}
        }
        Ok(())
    }

    /// Keeps the first `n` blocks only, for a timed trial.
    pub fn keep_blocks(&mut self, n: usize) {
        match self {
            Self::Llama(cfg) => cfg.n_layer = cfg.n_layer.min(n),
            Self::Gpt2(cfg) => cfg.n_layer = cfg.n_layer.min(n),
            Self::GptNeox(cfg) => cfg.n_layer = cfg.n_layer.min(n),
            Self::Gemma(cfg) => cfg.n_layer = cfg.n_layer.min(n),
            Self::Encoder(cfg) => cfg.n_layer = cfg.n_layer.min(n),
            Self::T5(cfg) => (cfg.n_layer, cfg.n_decoder) = (cfg.n_layer.min(n), cfg.n_decoder.min(n)),
            Self::Bart(cfg) => {
                cfg.encoder.n_layer = cfg.encoder.n_layer.min(n);
                cfg.decoder.n_layer = cfg.decoder.n_layer.min(n);
            }
            Self::Vision(model) => model.keep_blocks(n),
        }
    }

    /// Yields hidden states instead of logits.
    pub fn drop_head(&mut self) {
        match self {
            Self::Llama(cfg) => cfg.task = Task::Base,
            Self::Gpt2(cfg) => cfg.task = Task::Base,
            Self::GptNeox(cfg) => cfg.task = Task::Base,
            Self::Gemma(cfg) => cfg.task = Task::Base,
            Self::Encoder(cfg) => (cfg.task, cfg.pooler) = (Task::Base, false),
            Self::T5(cfg) => cfg.task = Task::Base,
            Self::Bart(cfg) => cfg.task = Task::Base,
            Self::Vision(_) => {}
        }
    }

    /// What looks at pictures.
    pub fn vision(&self) -> Option<&Vision> {
        match self {
            Self::Vision(model) if TASKS => Some(model),
            _ => None,
        }
    }

    /// The family's name.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Llama(_) => "llama",
            Self::Gpt2(_) => "gpt2",
            Self::GptNeox(_) => "gpt_neox",
            Self::Gemma(_) => "gemma",
            Self::Encoder(cfg) => cfg.kind.name(),
            Self::T5(_) => "t5",
            Self::Bart(cfg) => cfg.name(),
            Self::Vision(model) => model.family(),
        }
    }

    /// Which parts it has.
    pub fn parts(&self) -> Parts {
        match self {
            Self::Gemma(cfg) if cfg.bidirectional => Parts::Encoder,
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) => Parts::Decoder,
            Self::T5(cfg) if cfg.alone => Parts::Encoder,
            Self::Encoder(_) => Parts::Encoder,
            Self::T5(_) | Self::Bart(_) => Parts::EncoderDecoder,
            Self::Vision(_) => Parts::Pictures,
        }
    }

    /// What the head computes.
    pub fn task(&self) -> Task {
        match self {
            Self::Llama(cfg) => cfg.task,
            Self::Gpt2(cfg) => cfg.task,
            Self::GptNeox(cfg) => cfg.task,
            Self::Gemma(cfg) => cfg.task,
            Self::Encoder(cfg) => cfg.task,
            Self::T5(cfg) => cfg.task,
            Self::Bart(cfg) => cfg.task,
            Self::Vision(model) => model.task(),
        }
    }

    /// Vocabulary of what is written, V.
    pub fn n_vocab(&self) -> usize {
        match self {
            Self::Llama(cfg) => cfg.n_vocab,
            Self::Gpt2(cfg) => cfg.n_vocab,
            Self::GptNeox(cfg) => cfg.n_vocab,
            Self::Gemma(cfg) => cfg.n_vocab,
            Self::Encoder(cfg) => cfg.n_vocab,
            Self::T5(cfg) => cfg.n_vocab,
            Self::Bart(cfg) => cfg.decoder.n_vocab,
            Self::Vision(model) => model.text().map_or(0, |text| text.n_vocab),
        }
    }

    /// Vocabulary of what is read, which may be another one.
    pub fn n_source(&self) -> usize {
        match self {
            Self::Bart(cfg) => cfg.encoder.n_vocab,
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) => self.n_vocab(),
            Self::Encoder(_) | Self::T5(_) | Self::Vision(_) => self.n_vocab(),
        }
    }

    /// Kinds of segments that `token_type_ids` tell apart; 0 where there is no such input.
    pub fn n_types(&self) -> usize {
        match self {
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::T5(_) | Self::Bart(_) => 0,
            Self::Vision(_) => 0,
            Self::Encoder(cfg) => cfg.n_types,
        }
    }

    /// Blocks, L.
    pub fn n_layer(&self) -> usize {
        match self {
            Self::Llama(cfg) => cfg.n_layer,
            Self::Gpt2(cfg) => cfg.n_layer,
            Self::GptNeox(cfg) => cfg.n_layer,
            Self::Gemma(cfg) => cfg.n_layer,
            Self::Encoder(cfg) => cfg.n_layer,
            Self::T5(cfg) => cfg.n_layer,
            Self::Bart(cfg) => cfg.encoder.n_layer,
            Self::Vision(model) => model.n_layer(),
        }
    }

    /// The longest sequence the model was made for.
    pub fn max_positions(&self) -> usize {
        match self {
            Self::Llama(cfg) => cfg.max_positions,
            Self::Gpt2(cfg) => cfg.max_positions,
            Self::GptNeox(cfg) => cfg.max_positions,
            Self::Gemma(cfg) => cfg.max_positions,
            Self::Encoder(cfg) => cfg.max_positions,
            Self::T5(cfg) => cfg.max_positions,
            Self::Bart(cfg) => cfg.max_positions,
            Self::Vision(model) => model.text().map_or(1, |text| text.max_positions),
        }
    }

    /// The longest sequence that the model takes, where positions are learned: some of them may not be used.
    pub fn longest(&self) -> usize {
        match self {
            Self::Encoder(cfg) => {
                cfg.max_positions - cfg.padding_id.map_or(0, |id| id as usize + 1).min(cfg.max_positions)
            }
            Self::T5(_) => usize::MAX,
            Self::Vision(model) => model.text().map_or(1, |text| text.max_positions),
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::Bart(_) => self.max_positions(),
        }
    }

    /// Whether a longer sequence than [`Model::max_positions`] is impossible, and not only unwise.
    pub fn has_learned_positions(&self) -> bool {
        match self {
            Self::Llama(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::T5(_) | Self::Vision(_) => false,
            Self::Gpt2(_) | Self::Encoder(_) | Self::Bart(_) => true,
        }
    }

    /// The positions of tokens `ids` in rows of `tokens` for which none are given.
    pub fn positions(&self, ids: &[i32], tokens: usize) -> Vec<i32> {
        match self {
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::T5(_) | Self::Bart(_) => {
                encoder::counted(ids.len(), tokens)
            }
            Self::Encoder(cfg) => cfg.positions(ids, tokens),
            Self::Vision(_) => encoder::counted(ids.len(), tokens),
        }
    }

    /// The length past which every key of a text is turned anew (Phi-3), so that keys in a cache are of no use.
    pub fn turns_anew_past(&self) -> Option<usize> {
        match self {
            Self::Llama(cfg) => cfg.turns_anew_past,
            Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::Encoder(_) | Self::T5(_) | Self::Bart(_) => None,
            Self::Vision(_) => None,
        }
    }

    /// The input `inv_freq` for a sequence of `seq_len` tokens, if the graph has one.
    pub fn inv_freq(&self, seq_len: usize) -> Option<Vec<f32>> {
        let rope = match self {
            Self::Llama(cfg) => &cfg.rope,
            Self::GptNeox(cfg) => &cfg.rope,
            Self::Gemma(cfg) => &cfg.rope,
            Self::Gpt2(_) | Self::Encoder(_) | Self::T5(_) | Self::Bart(_) | Self::Vision(_) => return None,
        };
        rope.depends_on_length().then(|| rope.inv_freq(seq_len))
    }

    /// The input [`Side::places`] of one half for rows of `tokens` tokens `ids` behind `past` others, if the graph has
    /// one.
    ///
    /// # Errors
    /// There are more pairs of tokens than a tensor holds.
    pub fn places(&self, side: Side, past: usize, ids: &[i32], tokens: usize) -> Result<Option<Tensor>, graph::Error> {
        match self {
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::Encoder(_) => Ok(None),
            Self::Vision(_) => Ok(None),
            Self::T5(cfg) => cfg.places(side, past, tokens).map(Some),
            Self::Bart(cfg) => cfg.places(past, ids, tokens).map(Some),
        }
    }

    /// The input [`crate::LAST_TOKENS`] for rows of `tokens` tokens, if the graph has one: which token of each row a classifier
    /// of texts reads.
    ///
    /// # Errors
    /// A row has no such token; the reason.
    pub fn last_tokens(&self, ids: &[i32], tokens: usize) -> Result<Option<Vec<i32>>, String> {
        if self.task() != Task::SequenceClassification {
            return Ok(None);
        }
        let labels = match self {
            Self::Llama(cfg) => cfg.labels,
            Self::Gpt2(cfg) => cfg.labels,
            Self::GptNeox(cfg) => cfg.labels,
            Self::Gemma(cfg) => cfg.labels,
            Self::Bart(cfg) => return cfg.last_ends(ids, tokens).map(Some),
            Self::Encoder(_) | Self::T5(_) | Self::Vision(_) => return Ok(None),
        };
        labels.last_tokens(ids, tokens).map(Some)
    }

    /// The input [`gemma::WINDOW_BIAS`] for rows of `tokens` tokens, if the graph has one.
    ///
    /// # Errors
    /// There are more pairs of tokens than a tensor holds.
    pub fn window_bias(&self, tokens: usize) -> Result<Option<Tensor>, graph::Error> {
        match self {
            Self::Gemma(cfg) => cfg.window_bias(tokens),
            _ => Ok(None),
        }
    }

    /// What the decoder reads where no target is given, made from the source, if the family has that habit.
    pub fn shifted(&self, ids: &[i32], tokens: usize) -> Option<Vec<i32>> {
        match self {
            Self::Llama(_) | Self::Gpt2(_) | Self::GptNeox(_) | Self::Gemma(_) | Self::Encoder(_) | Self::T5(_) => None,
            Self::Bart(cfg) => cfg.shifted(ids, tokens),
            Self::Vision(_) => None,
        }
    }
}

fn encoder_kind(family: &str) -> Option<encoder::Kind> {
    match family {
        "Bert" => Some(encoder::Kind::Bert),
        "Roberta" | "XLMRoberta" | "Camembert" => Some(encoder::Kind::Roberta),
        "DistilBert" => Some(encoder::Kind::DistilBert),
        "Albert" => Some(encoder::Kind::Albert),
        _ => None,
    }
}

fn default_architecture(model_type: &str) -> String {
    match model_type {
        "gpt2" => "GPT2LMHeadModel".into(),
        "gpt_neox" => "GPTNeoXForCausalLM".into(),
        "gemma" => "GemmaForCausalLM".into(),
        "gemma2" => "Gemma2ForCausalLM".into(),
        "gemma3_text" => "Gemma3ForCausalLM".into(),
        "phi3" => "Phi3ForCausalLM".into(),
        "llama" => "LlamaForCausalLM".into(),
        "mistral" => "MistralForCausalLM".into(),
        "qwen2" => "Qwen2ForCausalLM".into(),
        "qwen3" => "Qwen3ForCausalLM".into(),
        "bert" => "BertModel".into(),
        "roberta" | "xlm-roberta" | "camembert" => "RobertaModel".into(),
        "distilbert" => "DistilBertModel".into(),
        "albert" => "AlbertModel".into(),
        "t5" => "T5ForConditionalGeneration".into(),
        "mt5" => "MT5ForConditionalGeneration".into(),
        "vit" => "ViTModel".into(),
        "deit" => "DeiTModel".into(),
        "dinov2" => "Dinov2Model".into(),
        "dinov2_with_registers" => "Dinov2WithRegistersModel".into(),
        "clip" => "CLIPModel".into(),
        "clip_text_model" => "CLIPTextModel".into(),
        "clip_vision_model" => "CLIPVisionModel".into(),
        "sam" => "SamModel".into(),
        "sam2" => "Sam2Model".into(),
        "sam2_video" => "Sam2VideoModel".into(),
        "sam_vision_model" => "SamVisionModel".into(),
        "mobile_sam" => "MobileSam".into(),
        "bart" => "BartForConditionalGeneration".into(),
        "mbart" => "MBartForConditionalGeneration".into(),
        "marian" => "MarianMTModel".into(),
        "m2m_100" => "M2M100ForConditionalGeneration".into(),
        "" => "(none named)".into(),
        other => other.into(),
    }
}
