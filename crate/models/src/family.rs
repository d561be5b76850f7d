//! From a configuration to a family, and from a family to its graph.

use graph::{Builder, Graph, Taps};
use serde_json::Value;

use crate::{Call, Error, Fields, gpt2, llama};

/// What the head computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Hidden states only.
    Base,
    /// The next token.
    CausalLm,
}

/// A configured model of any family.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// Llama and the decoders of its shape.
    Llama(llama::Config),
    /// GPT-2.
    Gpt2(gpt2::Config),
}

impl Model {
    /// Reads `config.json` of the Hugging Face form; `file` names it in errors.
    ///
    /// # Errors
    /// The architecture is unknown, or a field is missing or wrong.
    pub fn read(file: &str, config: &Value) -> Result<Self, Error> {
        let fields = Fields::new(file, config)?;
        let unknown = |name: &str| Error::Architecture { file: file.into(), name: name.into() };
        let name = match fields.texts("architectures")?.first() {
            Some(name) => (*name).to_string(),
            None => default_architecture(fields.text("model_type")?.unwrap_or_default()),
        };
        let (family, task) = match name.strip_suffix("ForCausalLM").or(name.strip_suffix("LMHeadModel")) {
            Some(family) => (family, Task::CausalLm),
            None => (name.strip_suffix("Model").ok_or_else(|| unknown(&name))?, Task::Base),
        };
        let kind = match family {
            "GPT2" => return gpt2::Config::read(&fields, task).map(Self::Gpt2),
            "Llama" => llama::Kind::Llama,
            "Mistral" => llama::Kind::Mistral,
            "Qwen2" => llama::Kind::Qwen2,
            "Qwen3" => llama::Kind::Qwen3,
            _ => return Err(unknown(&name)),
        };
        llama::Config::read(&fields, kind, task).map(Self::Llama)
    }

    /// Writes the decoder's graph.
    ///
    /// # Errors
    /// The configuration breaks a shape rule.
    pub fn build(&self, call: &Call, taps: Taps) -> Result<Graph, graph::Error> {
        let g = Builder::new(taps);
        self.write(&g, call)?;
        g.finish()
    }

    /// Writes the decoder's graph with a builder of the caller's, who goes on from its results.
    ///
    /// # Errors
    /// The configuration contradicts itself; a broken shape rule shows when the graph is finished.
    pub fn write(&self, g: &Builder, call: &Call) -> Result<(), graph::Error> {
        match self {
            Self::Llama(cfg) => llama::write(g, cfg, call),
            Self::Gpt2(cfg) => {
                gpt2::write(g, cfg, call);
                Ok(())
            }
        }
    }

    /// Keeps the first `n` blocks only, for a timed trial.
    pub fn keep_blocks(&mut self, n: usize) {
        match self {
            Self::Llama(cfg) => cfg.n_layer = cfg.n_layer.min(n),
            Self::Gpt2(cfg) => cfg.n_layer = cfg.n_layer.min(n),
        }
    }

    /// Yields hidden states instead of logits.
    pub fn drop_head(&mut self) {
        match self {
            Self::Llama(cfg) => cfg.task = Task::Base,
            Self::Gpt2(cfg) => cfg.task = Task::Base,
        }
    }

    /// The family's name.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Llama(_) => "llama",
            Self::Gpt2(_) => "gpt2",
        }
    }

    /// What the head computes.
    pub fn task(&self) -> Task {
        match self {
            Self::Llama(cfg) => cfg.task,
            Self::Gpt2(cfg) => cfg.task,
        }
    }

    /// Vocabulary, V.
    pub fn n_vocab(&self) -> usize {
        match self {
            Self::Llama(cfg) => cfg.n_vocab,
            Self::Gpt2(cfg) => cfg.n_vocab,
        }
    }

    /// Blocks, L.
    pub fn n_layer(&self) -> usize {
        match self {
            Self::Llama(cfg) => cfg.n_layer,
            Self::Gpt2(cfg) => cfg.n_layer,
        }
    }

    /// The longest sequence the model was made for.
    pub fn max_positions(&self) -> usize {
        match self {
            Self::Llama(cfg) => cfg.max_positions,
            Self::Gpt2(cfg) => cfg.max_positions,
        }
    }

    /// Whether a longer sequence than [`Model::max_positions`] is impossible, and not only unwise.
    pub fn has_learned_positions(&self) -> bool {
        match self {
            Self::Llama(_) => false,
            Self::Gpt2(_) => true,
        }
    }

    /// The input `inv_freq` for a sequence of `seq_len` tokens, if the graph has one.
    pub fn inv_freq(&self, seq_len: usize) -> Option<Vec<f32>> {
        match self {
            Self::Llama(cfg) => cfg.rope.depends_on_length().then(|| cfg.rope.inv_freq(seq_len)),
            Self::Gpt2(_) => None,
        }
    }
}

fn default_architecture(model_type: &str) -> String {
    match model_type {
        "gpt2" => "GPT2LMHeadModel".into(),
        "llama" => "LlamaForCausalLM".into(),
        "mistral" => "MistralForCausalLM".into(),
        "qwen2" => "Qwen2ForCausalLM".into(),
        "qwen3" => "Qwen3ForCausalLM".into(),
        "" => "(none named)".into(),
        other => other.into(),
    }
}
