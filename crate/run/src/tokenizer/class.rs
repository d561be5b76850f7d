//! Which tokenizer of the reference library a checkpoint means, and what that one takes for granted.

/// A tokenizer class of the reference library, as far as it matters where only a vocabulary is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Class {
    /// Nothing is known, or only that the files say it all.
    #[default]
    Any,
    /// WordPiece with [CLS] and [SEP]: BERT, DistilBERT, ELECTRA.
    Bert,
    /// WordPiece with <s> and </s>.
    Mpnet,
    /// Byte-level pairs.
    Gpt2,
    /// Byte-level pairs after normalization form C.
    GptNeoX,
    /// Byte-level pairs, digits one by one.
    Qwen2,
    /// Byte-level pairs with <s> and </s>: RoBERTa, BART.
    Roberta,
    /// Byte-level pairs of small letters with </w>.
    Clip,
    /// SentencePiece pairs.
    Llama,
    /// SentencePiece pairs without a space before the text.
    Gemma,
    /// SentencePiece unigrams with </s> and sentinels.
    T5,
    /// SentencePiece unigrams with [CLS] and [SEP].
    Albert,
    /// SentencePiece unigrams with fairseq's first ids.
    XlmRoberta,
    /// The same with languages behind, and the text's language at its end.
    MBart,
    /// More languages, and the text's at its beginning.
    MBart50,
    /// Two SentencePiece models over one vocabulary.
    Marian,
}

/// The special tokens of a class, in the order begin, end, unknown, separator, padding, first, mask.
pub(super) type Names = [Option<&'static str>; 7];

impl Class {
    /// The class of a name in `tokenizer_config.json`.
    pub(super) fn named(name: &str) -> Class {
        match name.trim_end_matches("Fast") {
            "BertTokenizer"
            | "DistilBertTokenizer"
            | "ElectraTokenizer"
            | "MobileBertTokenizer"
            | "SqueezeBertTokenizer"
            | "ConvBertTokenizer"
            | "RetriBertTokenizer"
            | "LayoutLMTokenizer"
            | "DPRQuestionEncoderTokenizer"
            | "DPRContextEncoderTokenizer" => Class::Bert,
            "MPNetTokenizer" => Class::Mpnet,
            "GPT2Tokenizer" => Class::Gpt2,
            "GPTNeoXTokenizer" => Class::GptNeoX,
            "Qwen2Tokenizer" => Class::Qwen2,
            "RobertaTokenizer" | "BartTokenizer" | "LongformerTokenizer" | "LEDTokenizer" | "MvpTokenizer" => {
                Class::Roberta
            }
            "CLIPTokenizer" => Class::Clip,
            "LlamaTokenizer" => Class::Llama,
            "GemmaTokenizer" => Class::Gemma,
            "T5Tokenizer" | "MT5Tokenizer" => Class::T5,
            "AlbertTokenizer" => Class::Albert,
            "XLMRobertaTokenizer" => Class::XlmRoberta,
            "MBartTokenizer" => Class::MBart,
            "MBart50Tokenizer" => Class::MBart50,
            "MarianTokenizer" => Class::Marian,
            _ => Class::Any,
        }
    }

    /// The class of a `model_type` in `config.json`.
    pub(super) fn of_model(model_type: &str) -> Class {
        match model_type {
            "bert" | "distilbert" | "electra" | "mobilebert" | "squeezebert" | "convbert" | "ernie" | "nomic_bert"
            | "layoutlm" | "dpr" | "megatron-bert" => Class::Bert,
            "mpnet" => Class::Mpnet,
            "gpt2" | "gpt_neo" | "gptj" | "opt" | "codegen" | "phi" | "starcoder2" => Class::Gpt2,
            "gpt_neox" | "mpt" | "olmo" | "olmoe" | "mamba" | "rwkv" => Class::GptNeoX,
            "qwen2" | "qwen2_moe" | "qwen3" | "qwen3_moe" => Class::Qwen2,
            "roberta" | "bart" | "longformer" | "led" | "roberta-prelayernorm" | "data2vec-text" => Class::Roberta,
            "clip" | "clipseg" | "owlvit" | "clip_text_model" => Class::Clip,
            "gemma" | "gemma2" | "gemma3" | "gemma3_text" | "recurrent_gemma" => Class::Gemma,
            "t5" | "mt5" | "switch_transformers" | "longt5" => Class::T5,
            "albert" => Class::Albert,
            "xlm-roberta" | "xmod" => Class::XlmRoberta,
            "mbart" => Class::MBart,
            "marian" => Class::Marian,
            _ => Class::Any,
        }
    }

    /// Whether a `tokenizer_class` of this kind is not believed for a model, as the reference library has it.
    pub(super) fn disbelieved(self, model_type: &str) -> bool {
        let generic = ["mistral", "mixtral", "ministral", "phi3", "phimoe", "internlm2", "granite", "stablelm"];
        self == Class::Llama && generic.contains(&model_type)
    }

    /// Whether the class itself says what goes around a text, whatever flags there are.
    pub(super) fn frames(self) -> bool {
        use Class::{Albert, Bert, Clip, MBart, MBart50, Marian, Mpnet, Roberta, T5, XlmRoberta};
        matches!(self, Bert | Mpnet | Roberta | Clip | T5 | Albert | XlmRoberta | MBart | MBart50 | Marian)
    }

    /// The special tokens that the class has where the files name none.
    pub(super) fn names(self) -> Names {
        let fairseq =
            |unk| [Some("<s>"), Some("</s>"), Some(unk), Some("</s>"), Some("<pad>"), Some("<s>"), Some("<mask>")];
        let end = Some("<|endoftext|>");
        match self {
            Class::Any | Class::Llama => [Some("<s>"), Some("</s>"), Some("<unk>"), None, None, None, None],
            Class::Bert => [None, None, Some("[UNK]"), Some("[SEP]"), Some("[PAD]"), Some("[CLS]"), Some("[MASK]")],
            Class::Mpnet => fairseq("[UNK]"),
            Class::Gpt2 => [end, end, end, None, None, None, None],
            Class::GptNeoX => [end, end, end, None, Some("<|padding|>"), None, None],
            Class::Qwen2 => [None, end, end, None, end, None, None],
            Class::Roberta | Class::XlmRoberta | Class::MBart | Class::MBart50 => fairseq("<unk>"),
            Class::Clip => [Some("<|startoftext|>"), end, end, None, end, None, None],
            Class::Gemma => [Some("<bos>"), Some("<eos>"), Some("<unk>"), None, Some("<pad>"), None, Some("<mask>")],
            Class::T5 | Class::Marian => [None, Some("</s>"), Some("<unk>"), None, Some("<pad>"), None, None],
            Class::Albert => [
                Some("[CLS]"),
                Some("[SEP]"),
                Some("<unk>"),
                Some("[SEP]"),
                Some("<pad>"),
                Some("[CLS]"),
                Some("[MASK]"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_models_lead_to_classes() {
        assert_eq!(Class::named("DistilBertTokenizerFast"), Class::Bert);
        assert_eq!(Class::named("PreTrainedTokenizerFast"), Class::Any);
        assert_eq!(Class::of_model("bart"), Class::Roberta);
        assert!(Class::named("LlamaTokenizer").disbelieved("mistral") && !Class::Llama.disbelieved("llama"));
    }
}
