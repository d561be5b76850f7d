//! How a text is cut into words before tokens are merged, by the names that GGUF files use.
//!
//! Source: the regular expressions of llama.cpp's `llama-vocab.cpp`, which copies them from the published tokenizers.

use serde_json::{Value, json};

/// GPT-2's words: contractions, letters, numbers, signs, each with a space before; spaces at the end.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// Llama 3's: digits by threes.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2's: digits one by one.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Mistral's later ones: words are cut where small letters meet capitals.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// GPT-4o's: as Tekken's, with contractions.
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Letters that have a case, as DeepSeek's long list of ranges means them, with a space before.
const CASED: &str = r"\s?[\p{Lu}\p{Ll}\p{Lt}]+";
/// Chinese, Japanese and Korean, as DeepSeek has them.
const CJK: &str = "[一-龥\u{800}-一가-\u{D7FF}]+";
/// DeepSeek 3's words: marks belong to letters, a sign may begin an English word.
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;
/// BLOOM's: everything up to a space or a stop.
const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";

/// How one kind of tokenizer cuts a text.
pub(super) struct PreTokenizer {
    /// One after the other.
    expressions: &'static [&'static str],
    /// Whether a word that is a token is taken whole, whatever the merges say.
    pub ignore_merges: bool,
    /// Whether a first token is put before a text when the file does not say.
    pub add_bos: bool,
}

impl PreTokenizer {
    /// The one of a name in `tokenizer.ggml.pre`.
    pub(super) fn named(name: &str) -> Option<PreTokenizer> {
        let expressions: &[&str] = match name {
            "gpt-2" | "phi-2" | "jina-es" | "jina-de" | "gigachat" | "jina-v2-es" | "jina-v2-de" | "a.x-4.0"
            | "mellum" | "modern-bert" | "mpt" | "olmo" | "jais" | "roberta-bpe" | "jina-v1-en" | "jina-v2-code"
            | "trillion" => &[GPT2],
            "default" => &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
            "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0" | "lfm2"
            | "dbrx" | "smaug-bpe" | "chatglm-bpe" | "glm4" => &[LLAMA3],
            "qwen2" | "deepseek-r1-qwen" | "stablelm2" | "hunyuan" | "megrez" => &[QWEN2],
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
                &[r"\p{N}", GPT2]
            }
            "falcon" => &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
            "deepseek-llm" => &["[\r\n]", CASED, "\\s?[!-/:-~！-／：-～‘-‟\u{3000}-。]+", r"\s+$", CJK, r"\p{N}+"],
            "deepseek-coder" => &["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
            "deepseek-v3" | "hunyuan-dense" => &[r"\p{N}{1,3}", "[一-龥\u{3040}-ゟ゠-ヿ]+", DEEPSEEK3],
            "bloom" | "poro-chat" | "gpt3-finnish" => &[BLOOM],
            "viking" => &[BLOOM, r"\p{N}"],
            "superbpe" => &[r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
            "tekken" => &[TEKKEN],
            "gpt-4o" | "llama4" => &[GPT4O],
            _ => return None,
        };
        let llama3 = matches!(name, "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "lfm2");
        Some(PreTokenizer {
            expressions,
            ignore_merges: llama3 || name == "tekken",
            add_bos: llama3 || name == "tekken",
        })
    }

    /// The part of a `tokenizer.json`.
    pub(super) fn json(&self) -> Value {
        let split = |regex: &&str| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        let mut stages: Vec<Value> = self.expressions.iter().map(split).collect();
        stages.push(byte_level(false, false));
        json!({"type": "Sequence", "pretokenizers": stages})
    }
}

/// GPT-2's alphabet as a stage of a `tokenizer.json`, with or without GPT-2's words.
pub(super) fn byte_level(add_prefix_space: bool, use_regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": true, "use_regex": use_regex})
}
