//! Making a tokenizer: byte-level BPE, by the tokenizers library.
//!
//! Sennrich et al. 2016, arXiv:1508.07909; bytes as GPT-2 takes them. Digits stand alone. Ties between merges are
//! decided by the ids of their halves, so the same texts give the same tokenizer.

use run::Files;
use serde_json::{Value, json};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::{PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::Error;
use crate::recipe::TokenizerSpec;

/// Stands before each document and, as the next one's beginning, ends it.
pub const BOUNDARY: &str = "<|endoftext|>";
/// Begins a turn of a conversation.
pub const TURN: &str = "<|im_start|>";
/// Ends a turn.
pub const TURN_END: &str = "<|im_end|>";

/// How messages become a text.
pub const CHAT_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
    {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
    {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// The texts of a tokenizer's files, by their names.
pub type TokenizerFiles = Vec<(String, String)>;

/// Makes a tokenizer from texts.
///
/// # Errors
/// The texts hold nothing to merge, or the library refuses them.
pub fn train(spec: &TokenizerSpec, texts: impl Iterator<Item = String> + Send) -> Result<TokenizerFiles, Error> {
    let failed = |error: tokenizers::Error| Error::tokenizer("tokenizer.json", error);
    let mut tokenizer = untrained().map_err(failed)?;
    let special = [BOUNDARY, TURN, TURN_END].map(|text| AddedToken::from(text, true));
    let trainer = BpeTrainerBuilder::new()
        .vocab_size(spec.vocab_size)
        .min_frequency(spec.min_frequency)
        .max_token_length(Some(spec.max_token_length))
        .special_tokens(special.to_vec())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    tokenizer.train(&mut TrainerWrapper::BpeTrainer(trainer), texts).map_err(failed)?;
    let boundary = tokenizer.token_to_id(BOUNDARY).unwrap_or(0);
    let processor = json!({
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": BOUNDARY, "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [
            {"SpecialToken": {"id": BOUNDARY, "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {BOUNDARY: {"id": BOUNDARY, "ids": [boundary], "tokens": [BOUNDARY]}},
    });
    let processor: TemplateProcessing = serde_json::from_value(processor).map_err(|error| failed(error.into()))?;
    tokenizer.with_post_processor(Some(processor));
    let text = tokenizer.to_string(true).map_err(failed)?;
    Ok(files(text, boundary, tokenizer.token_to_id(TURN_END).unwrap_or(2)))
}

fn untrained() -> tokenizers::Result<Tokenizer> {
    let model = BPE::builder().cache_capacity(1 << 16).build()?;
    let mut tokenizer = Tokenizer::new(model);
    let bytes = ByteLevel::new(false, true, true);
    let parts: Vec<PreTokenizerWrapper> = vec![Digits::new(true).into(), bytes.into()];
    tokenizer.with_pre_tokenizer(Some(Sequence::new(parts)));
    tokenizer.with_decoder(Some(bytes));
    Ok(tokenizer)
}

/// `tokenizer.json` and the settings that go with it.
fn files(tokenizer: String, boundary: u32, turn_end: u32) -> TokenizerFiles {
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOUNDARY,
        "eos_token": BOUNDARY,
        "pad_token": BOUNDARY,
        "additional_special_tokens": [TURN, TURN_END],
        "clean_up_tokenization_spaces": false,
        "chat_template": CHAT_TEMPLATE,
    });
    let generation = json!({
        "bos_token_id": boundary, "eos_token_id": [boundary, turn_end], "pad_token_id": boundary,
        "do_sample": true, "temperature": 0.4, "top_p": 0.9,
    });
    let pretty = |value: &Value| format!("{value:#}\n");
    vec![
        ("tokenizer.json".into(), tokenizer),
        ("tokenizer_config.json".into(), pretty(&config)),
        ("generation_config.json".into(), pretty(&generation)),
    ]
}

/// The texts of a model's tokenizer; those that are not there are left out.
///
/// # Errors
/// A file cannot be read.
pub async fn read_files(files: &Files) -> Result<TokenizerFiles, Error> {
    const NAMES: [&str; 9] = [
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "generation_config.json",
        "chat_template.jinja",
        "vocab.json",
        "merges.txt",
        "vocab.txt",
        "added_tokens.json",
    ];
    let mut texts = TokenizerFiles::new();
    for name in NAMES {
        texts.extend(files.text(name).await?.map(|text| (name.to_string(), text)));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> impl Iterator<Item = String> + Send {
        (0..200).map(|i| format!("Once upon a time there was a little dog number {i}. 你好，世界。"))
    }

    fn spec(vocab_size: usize) -> TokenizerSpec {
        TokenizerSpec { vocab_size, min_frequency: 2, max_token_length: 24, fraction: 1.0 }
    }

    #[test]
    fn the_same_texts_give_the_same_tokenizer() {
        let first = train(&spec(320), texts()).unwrap();
        assert_eq!(first, train(&spec(320), texts()).unwrap());
    }

    #[test]
    fn our_own_reader_reads_it() {
        let files = train(&spec(330), texts()).unwrap();
        let config = run::TokenizerConfig::from_json(Some(&files[1].1), None).unwrap();
        let tokenizer = run::Tokenizer::from_json(files[0].1.as_bytes(), &config).unwrap();
        assert!((300..=330).contains(&tokenizer.vocab_len()), "{}", tokenizer.vocab_len());
        let text = "A dog, 42 times: 世界 <|im_end|>";
        let ids = tokenizer.encode(text, run::Add::Special).unwrap();
        assert_eq!((ids[0], ids[ids.len() - 1]), (0, 2));
        assert_eq!(tokenizer.decode(&ids, run::Special::Skip).unwrap(), "A dog, 42 times: 世界 ");
        let number = tokenizer.encode("42", run::Add::Nothing).unwrap();
        assert_eq!(number.len(), 2, "digits stand alone");
        assert_eq!(tokenizer.special().eos, Some(0));
    }

    #[test]
    fn the_template_writes_turns() {
        let template = run::ChatTemplate::new("t", CHAT_TEMPLATE).unwrap();
        let chat = run::Chat::new(template, vec![("bos_token".into(), BOUNDARY.into())]);
        let messages = json!([{"role": "user", "content": "Hi"}]);
        let text = chat.render(&messages, None, true).unwrap();
        assert_eq!(text, "<|endoftext|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    }
}
