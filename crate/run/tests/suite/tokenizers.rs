//! Tokenizers of each kind against what the reference libraries made of the same texts, and damaged files.

use crate::shared::{data, fixture, text, tokenizer};
use dynasty_run::tokenizer::ScoreVocabulary;
use dynasty_run::{Add, Special, Tokenizer, TokenizerConfig};
use format::MemoryBytes;
use format::gguf::{Array, Metadata, Value};

/// Compares a folder's cases: ids with special tokens around, and the text without them.
pub fn check_folder(name: &str) {
    let folder = fixture("tokenizers").join(name);
    let tokenizer = tokenizer(&folder);
    let cases: serde_json::Value = serde_json::from_str(&text(folder.join("cases.json"))).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 30, "{name}: only {} cases", cases.len());
    for case in cases {
        let wanted: Vec<u32> = case["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        let ids = tokenizer.encode(case["text"].as_str().unwrap(), Add::Special).unwrap();
        assert_eq!(ids, wanted, "{name}: ids of {}", case["text"]);
        let decoded = tokenizer.decode(&ids, Special::Skip).unwrap();
        assert_eq!(decoded, case["decoded"].as_str().unwrap(), "{name}: text of {}", case["text"]);
    }
}

#[test]
fn byte_bpe() {
    check_folder("byte_bpe");
}

#[test]
fn split_bpe() {
    check_folder("split_bpe");
}

#[test]
fn gpt2_files() {
    check_folder("gpt2_files");
}

#[test]
fn llama_legacy() {
    check_folder("llama_legacy");
}

#[test]
fn llama_metaspace() {
    check_folder("llama_metaspace");
}

/// GPT-2's vocabulary as a GGUF file has it. The vocabulary file beside the vectors has lost its bytes that are no text.
fn gpt2_metadata(files: &std::path::Path) -> Metadata {
    let vocab: serde_json::Value = serde_json::from_str(&text(files.join("encoder.json"))).unwrap();
    let vocab = vocab.as_object().unwrap();
    let mut tokens = vec![String::new(); vocab.len()];
    for (token, id) in vocab {
        tokens[id.as_u64().unwrap() as usize] = token.clone();
    }
    let kinds = tokens.iter().map(|token| if token == "<|endoftext|>" { 3 } else { 1 }).collect();
    let merges = text(files.join("vocab.bpe"));
    let merges = merges.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_string).collect();
    let mut metadata = Metadata::default();
    metadata.insert("tokenizer.ggml.model", Value::String("gpt2".into()));
    metadata.insert("tokenizer.ggml.pre", Value::String("gpt-2".into()));
    metadata.insert("tokenizer.ggml.tokens", Value::Array(Array::String(tokens)));
    metadata.insert("tokenizer.ggml.token_type", Value::Array(Array::I32(kinds)));
    metadata.insert("tokenizer.ggml.merges", Value::Array(Array::String(merges)));
    metadata.insert("tokenizer.ggml.eos_token_id", Value::U32(50256));
    metadata
}

#[test]
fn gguf_gpt2_gives_the_ids_of_the_test_vectors() {
    let (Some(files), Some(vectors)) = (data("tokenizers/gpt2"), data("tokenizers/ggml-vocab")) else { return };
    let tokenizer = Tokenizer::from_gguf(&gpt2_metadata(&files)).unwrap();
    let (texts, wanted) =
        (text(vectors.join("ggml-vocab-gpt-2.gguf.inp")), text(vectors.join("ggml-vocab-gpt-2.gguf.out")));
    let texts: Vec<&str> = texts.split("\n__ggml_vocab_test__\n").collect();
    let wanted: Vec<&str> = wanted.lines().collect();
    assert!(texts.len() >= wanted.len() && wanted.len() > 40, "{} texts, {} lines", texts.len(), wanted.len());
    for (text, line) in texts.iter().zip(wanted) {
        let wanted: Vec<u32> = line.split_whitespace().map(|id| id.parse().unwrap()).collect();
        let ids = tokenizer.encode(text, Add::Nothing).unwrap();
        assert_eq!(ids, wanted, "{text:?}");
        assert_eq!(tokenizer.decode(&ids, Special::Show).unwrap(), *text);
    }
}

/// The vocabulary of bge out of a GGUF file whose numbers after it are damaged.
fn bge_metadata(file: &std::path::Path) -> Metadata {
    let bytes = std::fs::read(file).unwrap();
    let key = b"tokenizer.ggml.tokens";
    let mut at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 8;
    let number = |at: &mut usize| {
        *at += 8;
        u64::from_le_bytes(bytes[*at - 8..*at].try_into().unwrap()) as usize
    };
    let count = number(&mut at);
    let mut tokens = Vec::new();
    for _ in 0..count {
        let len = number(&mut at);
        tokens.push(String::from_utf8(bytes[at..at + len].to_vec()).unwrap());
        at += len;
    }
    let mut metadata = Metadata::default();
    let named = [("unknown", 100), ("cls", 101), ("seperator", 102), ("mask", 103), ("padding", 0)];
    for (key, id) in named {
        metadata.insert(format!("tokenizer.ggml.{key}_token_id"), Value::U32(id));
    }
    metadata.insert("tokenizer.ggml.model", Value::String("bert".into()));
    metadata.insert("tokenizer.ggml.tokens", Value::Array(Array::String(tokens)));
    metadata
}

#[test]
fn gguf_bert_gives_the_ids_of_the_test_vectors() {
    let Some(vectors) = data("tokenizers/ggml-vocab") else { return };
    let tokenizer = Tokenizer::from_gguf(&bge_metadata(&vectors.join("ggml-vocab-bert-bge.gguf"))).unwrap();
    let (texts, wanted) =
        (text(vectors.join("ggml-vocab-bert-bge.gguf.inp")), text(vectors.join("ggml-vocab-bert-bge.gguf.out")));
    let (texts, wanted): (Vec<&str>, Vec<&str>) =
        (texts.split("\n__ggml_vocab_test__\n").collect(), wanted.lines().collect());
    assert!(texts.len() >= wanted.len() && wanted.len() > 40, "{} texts, {} lines", texts.len(), wanted.len());
    for (text, line) in texts.iter().zip(wanted) {
        let wanted: Vec<u32> = line.split_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(tokenizer.encode(text, Add::Nothing).unwrap(), wanted, "{text:?}");
        let around = [&[101][..], &wanted, &[102]].concat();
        assert_eq!(tokenizer.encode(text, Add::Special).unwrap(), around, "{text:?}");
    }
}

#[test]
fn clip_gives_the_ids_of_its_published_vocabulary() {
    let Some(file) = data("tokenizers/clip/bpe_simple_vocab_16e6.txt.gz") else { return };
    let mut merges = String::new();
    let file = std::fs::File::open(file).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut merges).unwrap();
    // As CLIP's own code makes its vocabulary: letters, letters that end a word, merges, two names.
    let merges: Vec<&str> = merges.lines().skip(1).take(49152 - 256 - 2).collect();
    let printable = (b'!'..=b'~').chain(0xA1..=0xAC).chain(0xAE..=0xFF).map(char::from);
    let others = (0..68).filter_map(|n| char::from_u32(0x100 + n));
    let letters: Vec<String> = printable.chain(others).map(String::from).collect();
    let ends = letters.iter().map(|letter| format!("{letter}</w>"));
    let made = merges.iter().map(|merge| merge.replace(' ', ""));
    let names = ["<|startoftext|>", "<|endoftext|>"].map(String::from);
    let tokens = letters.iter().cloned().chain(ends).chain(made).chain(names);
    let vocab: serde_json::Map<String, serde_json::Value> = tokens.zip(0..).map(|(t, id)| (t, id.into())).collect();
    let vocab = serde_json::to_string(&vocab).unwrap();
    let tokenizer = Tokenizer::from_vocab_merges(&vocab, &merges.join("\n"), &TokenizerConfig::default()).unwrap();
    let ids = tokenizer.encode("A photo of a cat, 😀!", Add::Special).unwrap();
    assert_eq!(ids, [49406, 320, 1125, 539, 320, 2368, 267, 12832, 256, 49407]);
    assert_eq!(tokenizer.decode(&ids, Special::Skip).unwrap(), "a photo of a cat , 😀!");
}

#[test]
fn every_named_pre_tokenizer_builds_and_keeps_the_text() {
    let Some(files) = data("tokenizers/gpt2") else { return };
    let mut metadata = gpt2_metadata(&files);
    for name in [
        "default",
        "gpt-2",
        "llama-bpe",
        "qwen2",
        "smollm",
        "starcoder",
        "falcon",
        "tekken",
        "gpt-4o",
        "deepseek-llm",
        "deepseek-coder",
        "deepseek-v3",
        "bloom",
        "viking",
        "superbpe",
    ] {
        metadata.insert("tokenizer.ggml.pre", Value::String(name.into()));
        let tokenizer = Tokenizer::from_gguf(&metadata).unwrap();
        for text in ["I'LL we'll 12345 x", "  a\n\n b\t", "你好，HelloWorld! $x<=^~|", ""] {
            let ids = tokenizer.encode(text, Add::Nothing).unwrap();
            assert_eq!(tokenizer.decode(&ids, Special::Show).unwrap(), text, "{name}");
        }
    }
    let digits = |name: &str, metadata: &mut Metadata| {
        metadata.insert("tokenizer.ggml.pre", Value::String(name.into()));
        let tokenizer = Tokenizer::from_gguf(metadata).unwrap();
        let ids = tokenizer.encode("1234", Add::Nothing).unwrap();
        ids.iter().map(|&id| tokenizer.id_to_token(id).unwrap().len()).max()
    };
    assert_eq!(digits("smollm", &mut metadata), Some(1));
    assert_eq!(digits("qwen2", &mut metadata), Some(1));
    assert_eq!(digits("llama-bpe", &mut metadata), Some(3));
    metadata.insert("tokenizer.ggml.pre", Value::String("unheard-of".into()));
    assert!(Tokenizer::from_gguf(&metadata).is_err_and(|error| error.to_string().contains("unheard-of")));
}

#[test]
fn gpt2_files_and_gguf_agree() {
    let Some(files) = data("tokenizers/gpt2") else { return };
    let (vocab, merges) = (text(files.join("encoder.json")), text(files.join("vocab.bpe")));
    let one = Tokenizer::from_vocab_merges(&vocab, &merges, &TokenizerConfig::default()).unwrap();
    let other = Tokenizer::from_gguf(&gpt2_metadata(&files)).unwrap();
    assert_eq!((one.vocab_len(), one.special().eos), (50257, Some(50256)));
    for text in ["Hello, world! 你好 😀", "a<|endoftext|>b", "  x  \n\n\ty", "I'll we've 1234"] {
        assert_eq!(one.encode(text, Add::Special).unwrap(), other.encode(text, Add::Special).unwrap(), "{text:?}");
    }
    assert_eq!(one.encode("a<|endoftext|>b", Add::Nothing).unwrap(), [64, 50256, 65]);
}

#[test]
fn tinystories_gives_the_reference_ids_and_text() {
    let Some(folder) = data("tinystories-656k") else { return };
    let tokenizer = tokenizer(&folder);
    let reference: serde_json::Value = serde_json::from_str(&text(folder.join("reference.json"))).unwrap();
    let ids = |key: &str| -> Vec<u32> {
        reference[key].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
    };
    assert_eq!(tokenizer.encode(reference["prompt"].as_str().unwrap(), Add::Special).unwrap(), ids("prompt_ids"));
    assert_eq!(tokenizer.decode(&ids("ids"), Special::Show).unwrap(), reference["text"].as_str().unwrap());
    assert_eq!((tokenizer.special().bos, tokenizer.special().eos), (Some(1), Some(2)));
}

#[test]
fn llama2c_writes_the_reference_text() {
    let Some(folder) = data("tinyllama-260k") else { return };
    let bytes = MemoryBytes::new("tok512.bin", std::fs::read(folder.join("tok512.bin")).unwrap());
    let read = pollster::block_on(format::llama2c::read_tokenizer(&bytes)).unwrap();
    let tokenizer = Tokenizer::from_scores(ScoreVocabulary::from_llama2c("tok512.bin", &read).unwrap());
    let reference: serde_json::Value = serde_json::from_str(&text(folder.join("reference.json"))).unwrap();
    for key in ["empty_prompt", "zoo"] {
        let case = &reference[key];
        let ids: Vec<u32> = case["ids"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect();
        let wanted = case["text"].as_str().unwrap();
        assert_eq!(tokenizer.decode(&ids, Special::Skip).unwrap(), wanted, "{key}");
        let round_trip = tokenizer.encode(wanted, Add::Special).unwrap();
        assert_eq!(tokenizer.decode(&round_trip, Special::Skip).unwrap(), wanted, "{key}");
    }
    assert_eq!(tokenizer.encode("Zoo 你", Add::Special).unwrap().first(), Some(&1));
}

/// The same vocabulary once as `tokenizer.json` and once as GGUF's scores: each merge's token scored by its rank.
#[test]
fn gguf_scores_agree_with_the_same_merges_by_rank() {
    let folder = fixture("tokenizers/llama_legacy");
    let json: serde_json::Value = serde_json::from_str(&text(folder.join("tokenizer.json"))).unwrap();
    let vocab = json["model"]["vocab"].as_object().unwrap();
    let mut tokens = vec![String::new(); vocab.len()];
    for (token, id) in vocab {
        tokens[id.as_u64().unwrap() as usize] = token.clone();
    }
    let mut scores = vec![-1e6; tokens.len()];
    for (rank, merge) in json["model"]["merges"].as_array().unwrap().iter().enumerate() {
        let token = format!("{}{}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap());
        scores[vocab[&token].as_u64().unwrap() as usize] = -(rank as f32);
    }
    let kinds = tokens.iter().enumerate().map(|(id, token)| match id {
        0 => 2,
        1 | 2 => 3,
        _ if token.starts_with("<0x") => 6,
        _ => 1,
    });
    let mut metadata = Metadata::default();
    metadata.insert("tokenizer.ggml.model", Value::String("llama".into()));
    metadata.insert("tokenizer.ggml.token_type", Value::Array(Array::I32(kinds.collect())));
    metadata.insert("tokenizer.ggml.tokens", Value::Array(Array::String(tokens)));
    metadata.insert("tokenizer.ggml.scores", Value::Array(Array::F32(scores)));
    metadata.insert("tokenizer.ggml.bos_token_id", Value::U32(1));
    metadata.insert("tokenizer.ggml.eos_token_id", Value::U32(2));
    metadata.insert("tokenizer.ggml.unknown_token_id", Value::U32(0));
    let (scored, ranked) = (Tokenizer::from_gguf(&metadata).unwrap(), tokenizer(&folder));
    for text in ["Hello world", "the cat's house", "小猫说：你好", "  two  spaces ", "a</s>b", "", "😀 naïve 1987"]
    {
        let ids = scored.encode(text, Add::Special).unwrap();
        assert_eq!(ids, ranked.encode(text, Add::Special).unwrap(), "{text:?}");
        assert_eq!(
            scored.decode(&ids, Special::Skip).unwrap(),
            ranked.decode(&ids, Special::Skip).unwrap(),
            "{text:?}"
        );
    }
}

#[test]
fn bytes_of_tokens_make_the_text() {
    for name in ["byte_bpe", "llama_legacy"] {
        let tokenizer = tokenizer(&fixture("tokenizers").join(name));
        let ids = tokenizer.encode("a cat 😀 你", Add::Nothing).unwrap();
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| tokenizer.token_bytes(id).unwrap()).collect();
        assert_eq!(String::from_utf8(bytes).unwrap().trim_start(), "a cat 😀 你", "{name}");
        assert_eq!(tokenizer.token_bytes(1_000_000), None);
    }
}

#[test]
fn a_configuration_says_what_goes_around_a_text() {
    let json = std::fs::read(fixture("tokenizers/byte_bpe/tokenizer.json")).unwrap();
    let ids = |config: &str| {
        let config = TokenizerConfig::from_json(Some(config), None).unwrap();
        let tokenizer = Tokenizer::from_json(&json, &config).unwrap();
        let special = tokenizer.special();
        (tokenizer.encode("", Add::Special).unwrap(), special.bos, special.eos)
    };
    let named = r#""bos_token": "<|begin|>", "eos_token": {"content": "<|end|>"}"#;
    let (own, bos, eos) = ids(&format!("{{{named}}}"));
    let (bos, eos) = (bos.unwrap(), eos.unwrap());
    assert_eq!(own, [bos]);
    assert_eq!(ids(&format!("{{{named}, \"add_bos_token\": false}}")).0, [0; 0]);
    assert_eq!(ids(&format!("{{{named}, \"add_bos_token\": true, \"add_eos_token\": true}}")).0, [bos, eos]);
    let fresh = TokenizerConfig::from_json(Some(r#"{"eos_token": "<|fresh|>"}"#), None).unwrap();
    let fresh = Tokenizer::from_json(&json, &fresh).unwrap();
    let id = fresh.special().eos.unwrap();
    assert!(fresh.is_special(id) && fresh.encode("<|fresh|>", Add::Nothing).unwrap() == [id]);
}

#[test]
fn damaged_files_are_one_line_errors() {
    let json = |text: &str| Tokenizer::from_json(text.as_bytes(), &TokenizerConfig::default());
    let deep = format!("{{\"model\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let sequences =
        (0..10).fold("null".to_string(), |inner, _| format!(r#"{{"type":"Sequence","normalizers":[{inner}]}}"#));
    let cases = [
        ("", "empty"),
        ("{", "open"),
        ("[]", "list"),
        ("{}", "no model"),
        (&deep, "deep"),
        ("\u{0}", "nul"),
        (r#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}"#, "merge outside the vocabulary"),
        (r#"{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}"#, "negative id"),
        (
            r###"{"model":{"type":"BPE","vocab":{"a":0,"##":1},"merges":[["a","a"]],"continuing_subword_prefix":"##"}}"###,
            "prefix",
        ),
        (
            r#"{"model":{"type":"BPE","vocab":{},"merges":[]},"decoder":{"type":"Strip","content":" ","start":0,"stop":9}}"#,
            "strip",
        ),
        (
            r#"{"model":{"type":"BPE","vocab":{},"merges":[]},"pre_tokenizer":{"type":"FixedLength","length":0}}"#,
            "length",
        ),
        (
            r#"{"model":{"type":"BPE","vocab":{},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(("},"behavior":"Isolated","invert":false}}"#,
            "regex",
        ),
        (
            r#"{"model":{"type":"BPE","vocab":{},"merges":[]},"post_processor":{"type":"Sequence","processors":[{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}}]}}"#,
            "token of a template",
        ),
        (
            r#"{"model":{"type":"BPE","vocab":{},"merges":[]},"post_processor":{"type":"Unnamed","single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[],"special_tokens":{}}}"#,
            "second text of a template for one",
        ),
        (
            &format!(r#"{{"model":{{"type":"BPE","vocab":{{}},"merges":[]}},"normalizer":{sequences}}}"#),
            "nested sequences",
        ),
    ];
    for (text, name) in cases {
        let error = json(text).map(|_| ()).expect_err(name).to_string();
        assert!(error.starts_with("tokenizer.json: ") && !error.contains('\n'), "{name}: {error}");
    }
    let merges = |merges| Tokenizer::from_vocab_merges(r#"{"a": 0}"#, merges, &TokenizerConfig::default()).map(|_| ());
    assert!(merges("#version\na").is_err_and(|error| error.to_string().starts_with("merges.txt: line 2")));
    assert!(merges("a b").is_err());
    assert!(Tokenizer::from_gguf(&Metadata::default()).is_err());
    assert!(TokenizerConfig::from_json(Some("[]"), None).is_err());
}

/// Cuts and changes bytes of a real file; whatever comes out must be an answer, not a panic.
#[test]
fn mutated_files_never_panic() {
    for name in ["byte_bpe", "split_bpe", "llama_legacy"] {
        let good = std::fs::read(fixture("tokenizers").join(name).join("tokenizer.json")).unwrap();
        let mut state = 0x2545_F491_4F6C_DD1Du64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        for _ in 0..300 {
            let mut bytes = good.clone();
            for _ in 0..1 + next(4) {
                let at = next(bytes.len());
                match next(4) {
                    0 => bytes[at] = b"0[]{}\",:tn9-"[next(12)],
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes[at] ^= 1 << next(8),
                    _ => {
                        let end = (at + next(40)).min(bytes.len());
                        let piece = bytes[at..end].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            if let Ok(tokenizer) = Tokenizer::from_json(&bytes, &TokenizerConfig::default()) {
                let ids = tokenizer.encode("Hello the  cat 小猫 😀 <|end|>12", Add::Special).unwrap_or_default();
                let _ = tokenizer.decode(&ids, Special::Skip);
            }
        }
    }
}
