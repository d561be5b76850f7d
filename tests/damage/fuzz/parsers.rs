//! The parsers, and what is done with what they read.

use std::rc::Rc;

use dynasty_tests::{Numbers, fixtures};
use format::{Checkpoint, MemoryBytes};
use pollster::block_on;
use run::{
    Add, ChatTemplate, Conversation, GenerationConfig, Package, Sampler, SamplerConfig, Source, Special, Tokenizer,
    TokenizerConfig,
};
use serde_json::{Map, Value, json};

use super::Parser;
use crate::files::{self, Files};
use crate::open;

fn text<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

/// A file of a model, damaged while its others stay.
fn file_of(name: &'static str, file: &'static str, models: Vec<Files>) -> Parser {
    let seeds = models.iter().map(|files| files.bytes(file).to_vec()).collect();
    let model = models[0].clone();
    let rest = models[1..].to_vec();
    Parser::new(name, seeds, move |bytes| {
        // An undamaged file fits its own model; a damaged one may be read beside any.
        let mut outcome = Ok(());
        for files in std::iter::once(&model).chain(&rest) {
            let mut files = files.clone();
            files.put(file, bytes);
            outcome = open(&files);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    })
}

pub fn safetensors() -> Parser {
    file_of("safetensors", "model.safetensors", vec![files::folder("llama_plain"), files::folder("gpt2")])
}

pub fn torch() -> Parser {
    let seeds = ["zip.pt", "protocol4.pt", "legacy.pt", "wrapped.pth"];
    let seeds = seeds.map(|file| std::fs::read(fixtures("torch").join(file)).unwrap());
    Parser::new("torch", seeds.into(), |bytes| {
        let file = Rc::new(MemoryBytes::new("model.pt", bytes.to_vec()));
        let checkpoint = block_on(Checkpoint::open_file(file)).map_err(text)?;
        for info in checkpoint.tensors() {
            block_on(checkpoint.read(&info.name)).map_err(text)?;
        }
        Ok(())
    })
}

pub fn shard_index() -> Parser {
    file_of("shard index", "model.safetensors.index.json", vec![files::folder("llama_sharded")])
}

pub fn config_json() -> Parser {
    let models = ["llama_plain", "qwen3", "gpt2", "llama_longrope_long", "mistral_window"].map(files::folder);
    file_of("config.json", "config.json", models.into())
}

pub fn gguf() -> Parser {
    Parser::new("gguf", vec![files::quantized().bytes("model.gguf").to_vec()], |bytes| {
        let file = Rc::new(MemoryBytes::new("model.gguf", bytes.to_vec()));
        let package = block_on(Package::open(Source::File(file))).map_err(text)?;
        let graph =
            package.model.build(&models::Call::step(models::Head::Logits), graph::Taps::none()).map_err(text)?;
        package.find(&graph).map_err(text).map(drop)
    })
}

pub fn llama2c() -> Parser {
    file_of("llama2.c", "model.bin", vec![files::llama2c()])
}

pub fn ctranslate2() -> Parser {
    file_of("CTranslate2", "model.bin", vec![files::ctranslate2()])
}

/// Lists of tokens, beside a model that holds a few.
pub fn ctranslate2_vocabulary() -> Parser {
    file_of("CTranslate2's vocabulary", "source_vocabulary.txt", vec![files::ctranslate2()])
}

/// Texts there and back.
fn use_tokenizer(tokenizer: &Tokenizer) -> Result<(), String> {
    for given in ["Hello, world!", "你好 😀\n\n  <s></s>", ""] {
        let ids = tokenizer.encode(given, Add::Special).map_err(text)?;
        tokenizer.decode(&ids, Special::Skip).map_err(text)?;
    }
    tokenizer.decode(&[0, 1, 5, 97, u32::MAX], Special::Show).map_err(text).map(drop)
}

fn tokenizer_files(folders: &[&str], file: &str) -> Vec<Vec<u8>> {
    folders.iter().map(|name| std::fs::read(fixtures("tokenizers").join(name).join(file)).unwrap()).collect()
}

pub fn tokenizer_json() -> Parser {
    let seeds = tokenizer_files(&["byte_bpe", "split_bpe", "llama_metaspace"], "tokenizer.json");
    Parser::new("tokenizer.json", seeds, |bytes| {
        use_tokenizer(&Tokenizer::from_json(bytes, &TokenizerConfig::default()).map_err(text)?)
    })
}

pub fn tokenizer_model() -> Parser {
    let config = TokenizerConfig::from_json(Some(r#"{"tokenizer_class": "LlamaTokenizer"}"#), None).unwrap();
    let seeds = tokenizer_files(&["llama_spm", "mistral_spm", "gemma_spm"], "tokenizer.model");
    Parser::new("tokenizer.model", seeds, move |bytes| {
        let own = Tokenizer::from_sentencepiece("tokenizer.model", bytes, &TokenizerConfig::default());
        let llama = Tokenizer::from_sentencepiece("tokenizer.model", bytes, &config);
        [own, llama].into_iter().try_for_each(|tokenizer| use_tokenizer(&tokenizer.map_err(text)?))
    })
}

/// Unigrams, with rules for characters.
pub fn spiece_model() -> Parser {
    let seeds = tokenizer_files(&["t5_spiece", "albert_spiece"], "spiece.model");
    let vocab = std::fs::read_to_string(fixtures("tokenizers").join("marian/vocab.json")).unwrap();
    Parser::new("spiece.model", seeds, move |bytes| {
        let one = Tokenizer::from_sentencepiece("spiece.model", bytes, &TokenizerConfig::default());
        let marian = Tokenizer::from_marian(bytes, &vocab, &TokenizerConfig::default());
        [one, marian].into_iter().try_for_each(|tokenizer| use_tokenizer(&tokenizer.map_err(text)?))
    })
}

pub fn vocab_txt() -> Parser {
    Parser::new("vocab.txt", tokenizer_files(&["bert_uncased"], "vocab.txt"), |bytes| {
        let vocab = String::from_utf8_lossy(bytes);
        use_tokenizer(&Tokenizer::from_wordpiece(&vocab, &TokenizerConfig::default()).map_err(text)?)
    })
}

/// The vocabulary and the merges of the same folder, one of them damaged.
pub fn vocab_merges() -> Parser {
    let folder = fixtures("tokenizers").join("clip_files");
    let whole = ["vocab.json", "merges.txt"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    let seeds = whole.iter().map(|text| text.clone().into_bytes()).collect();
    Parser::new("vocab.json or merges.txt", seeds, move |bytes| {
        let damaged = String::from_utf8_lossy(bytes);
        let config = TokenizerConfig::default();
        let vocab = Tokenizer::from_vocab_merges(&damaged, &whole[1], &config);
        let merges = Tokenizer::from_vocab_merges(&whole[0], &damaged, &config);
        match (vocab, merges) {
            (Err(error), Err(_)) => Err(text(error)),
            (one, other) => [one, other].iter().flatten().try_for_each(use_tokenizer),
        }
    })
}

/// The vocabulary inside a GGUF file: its header is damaged, and what can still be read is used.
pub fn gguf_vocabulary() -> Parser {
    let seed = vocabulary_file();
    Parser::new("gguf vocabulary", vec![seed], |bytes| {
        let file = Rc::new(MemoryBytes::new("model.gguf", bytes.to_vec()));
        let files = block_on(run::Files::open(Source::File(file))).map_err(text)?;
        use_tokenizer(&*block_on(files.tokenizer()).map_err(text)?)
    })
}

/// A GGUF file of one tensor with a vocabulary of llama's kind.
fn vocabulary_file() -> Vec<u8> {
    use format::gguf::{Array, Metadata, TensorSpec, Value, Writer};
    let pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "l", "o", "lo", "Hel", "H", "e", "▁world", "w", "r", "d", ","];
    let strings = pieces.iter().map(|piece| piece.to_string()).collect();
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", Value::String("llama".into()));
    metadata.insert("llama.attention.head_count", Value::U32(1));
    metadata.insert("tokenizer.ggml.model", Value::String("llama".into()));
    metadata.insert("tokenizer.ggml.tokens", Value::Array(Array::String(strings)));
    metadata
        .insert("tokenizer.ggml.scores", Value::Array(Array::F32((0..pieces.len()).map(|i| -(i as f32)).collect())));
    let kinds = (0..pieces.len()).map(|i| [2, 3, 3, 6].get(i).copied().unwrap_or(1)).collect();
    metadata.insert("tokenizer.ggml.token_type", Value::Array(Array::I32(kinds)));
    metadata.insert("tokenizer.ggml.bos_token_id", Value::U32(1));
    metadata.insert("tokenizer.ggml.unknown_token_id", Value::U32(0));
    let spec = TensorSpec { name: "t".into(), shape: vec![4], dtype: format::Dtype::Quant(format::QuantType::F32) };
    let mut writer = Writer::begin(Vec::new(), "model.gguf", &metadata, &[spec]).unwrap();
    writer.append(&[0; 16]).unwrap();
    writer.finish().unwrap()
}

/// The templates of the fixtures that render, each with its case.
fn template_cases() -> Vec<Value> {
    let entries = std::fs::read_dir(fixtures("templates")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let cases = paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    cases.filter(|case: &Value| render(case["template"].as_str().unwrap(), &case["messages"]).is_ok()).collect()
}

fn render(template: &str, messages: &Value) -> Result<(), String> {
    let template = ChatTemplate::new("chat_template.jinja", template).map_err(text)?;
    let special_tokens = [("bos_token".to_string(), "<s>".to_string()), ("eos_token".to_string(), "</s>".to_string())];
    let conversation = Conversation {
        messages,
        tools: None,
        add_generation_prompt: true,
        special_tokens: &special_tokens,
        more: Map::new(),
        now: 1_722_000_000,
    };
    template.render(&conversation).map_err(text).map(drop)
}

pub fn chat_template() -> Parser {
    let seeds = template_cases().iter().map(|case| case["template"].as_str().unwrap().into()).collect();
    let plain = json!([{"role": "user", "content": "Hi 你好"}]);
    let parts = json!([{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}]);
    let all: Vec<Value> =
        [plain, parts].into_iter().chain(template_cases().iter().map(|c| c["messages"].clone())).collect();
    Parser::new("chat template", seeds, move |bytes| {
        let template = std::str::from_utf8(bytes).map_err(text)?;
        let mut outcome = Err(String::new());
        for messages in &all {
            outcome = render(template, messages);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    })
}

pub fn messages() -> Parser {
    let cases = template_cases();
    let seeds = cases.iter().map(|case| case["messages"].to_string().into_bytes()).collect();
    let templates: Vec<String> = cases.iter().map(|case| case["template"].as_str().unwrap().to_string()).collect();
    Parser::new("messages", seeds, move |bytes| {
        let messages: Value = serde_json::from_slice(bytes).map_err(text)?;
        let mut outcome = Err(String::new());
        for template in &templates {
            outcome = render(template, &messages);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    })
}

pub fn generation_config() -> Parser {
    let seed = json!({"eos_token_id": [2, 5], "temperature": 0.7, "top_k": 40, "top_p": 0.9, "do_sample": true,
        "repetition_penalty": 1.1, "bos_token_id": 1});
    Parser::new("generation_config.json", vec![seed.to_string().into_bytes()], |bytes| {
        let config = std::str::from_utf8(bytes).map_err(text)?;
        let sampler = GenerationConfig::from_json(Some(config), None).map_err(text)?.sampler();
        draw(sampler, &[1.0, 2.0, f32::NAN, -1.0])
    })
}

/// Settings and logits of any bits.
pub fn sampler_values() -> Parser {
    let usual: Vec<u8> = [0.8f32, 0.9, 0.05, 1.1, 0.5, 0.5, 3.0, 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut numbers = Numbers::new(7);
    let seeds = (0..8).map(|i| {
        let logits = numbers.normals(40 * i + 1);
        [usual.clone(), logits.iter().flat_map(|v| v.to_le_bytes()).collect()].concat()
    });
    Parser::new("sampler values", seeds.collect(), |bytes| {
        let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let at = |i: usize| values.get(i).copied().unwrap_or(0.0);
        let config = SamplerConfig {
            temperature: at(0),
            top_p: at(1),
            min_p: at(2),
            repetition_penalty: at(3),
            presence_penalty: at(4),
            frequency_penalty: at(5),
            top_k: at(6).to_bits() % 50,
            logit_bias: vec![(at(7).to_bits(), at(7))],
            seed: None,
        };
        draw(config, values.get(8..).unwrap_or(&[]))
    })
}

fn draw(config: SamplerConfig, logits: &[f32]) -> Result<(), String> {
    let mut sampler = Sampler::new(SamplerConfig { seed: Some(1), ..config }).map_err(text)?;
    for history in [&[][..], &[0, 1, 1, u32::MAX]] {
        let id = sampler.sample(&mut logits.to_vec(), history) as usize;
        assert!(id < logits.len().max(1), "token {id} of {}", logits.len());
    }
    Ok(())
}
