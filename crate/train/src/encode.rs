//! From documents to tokens, and which of them are learned.

use std::sync::Arc;

use run::{Add, Chat, Tokenizer};
use serde_json::{Value, json};

use crate::Error;
use crate::data::{Document, Message};
use crate::recipe::{Learn, Role};
use crate::tokens::Token;

/// Writes documents as tokens. Each begins with the tokenizer's boundary token, which also ends the one before it.
pub struct Encoder {
    tokenizer: Arc<Tokenizer>,
    chat: Option<Chat>,
    boundary: u32,
}

impl Encoder {
    /// A tokenizer and, for conversations, its chat template.
    ///
    /// # Errors
    /// The tokenizer has no token that begins or ends a text.
    pub fn new(tokenizer: Arc<Tokenizer>, chat: Option<Chat>) -> Result<Self, Error> {
        let special = tokenizer.special();
        let boundary = special.bos.or(special.eos);
        let boundary =
            boundary.ok_or_else(|| Error::tokenizer("tokenizer", "has no token that begins or ends a text"))?;
        Ok(Self { tokenizer, chat, boundary })
    }

    /// The token between two documents.
    pub fn boundary(&self) -> u32 {
        self.boundary
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The tokens of a document.
    ///
    /// # Errors
    /// The vocabulary cannot write it; the chat template refuses it, or does not write one message after another.
    pub fn encode(&self, document: &Document, learn: Learn) -> Result<Vec<Token>, Error> {
        let spans = match document {
            Document::Text(text) => vec![(text.clone(), true)],
            Document::Dialogue(messages) => self.render(messages, learn)?,
        };
        let mut tokens = vec![Token { id: self.boundary, learn: learn == Learn::All }];
        for (text, learn) in spans {
            let ids = self.tokenizer.encode(&text, Add::Nothing)?;
            // A template may begin with the boundary token too.
            let begun = usize::from(tokens.len() == 1 && ids.first() == Some(&self.boundary));
            tokens.extend(ids.into_iter().skip(begun).map(|id| Token { id, learn }));
        }
        Ok(tokens)
    }

    /// The pieces of a conversation's text, and whether they are learned.
    fn render(&self, messages: &[Message], learn: Learn) -> Result<Vec<(String, bool)>, Error> {
        let chat = self.chat.as_ref();
        let chat = chat.ok_or_else(|| Error::tokenizer("tokenizer_config.json", "has no chat template"))?;
        let all: Vec<Value> = messages.iter().map(|m| json!({"role": m.role.name(), "content": m.content})).collect();
        if learn == Learn::All {
            return Ok(vec![(chat.render(&Value::Array(all), None, false)?, true)]);
        }
        let mut pieces = Vec::new();
        let mut done = String::new();
        for (at, _) in messages.iter().enumerate().filter(|(_, message)| message.role == Role::Assistant) {
            let before = if at == 0 { String::new() } else { chat.render(&all[..at].to_vec().into(), None, true)? };
            let after = chat.render(&all[..=at].to_vec().into(), None, false)?;
            let broken = || Error::tokenizer("chat template", format!("does not write message {at} after the others"));
            let asked = if at == 0 { "" } else { before.strip_prefix(&done).ok_or_else(broken)? };
            pieces.push((asked.to_string(), false));
            pieces.push((after.strip_prefix(&before).ok_or_else(broken)?.to_string(), true));
            done = after;
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe;
    use crate::recipe::TokenizerSpec;

    fn encoder() -> Encoder {
        let spec = TokenizerSpec { vocab_size: 259, min_frequency: 2, max_token_length: 8, fraction: 1.0 };
        let files = bpe::train(&spec, ["text".to_string()].into_iter()).unwrap();
        let config = run::TokenizerConfig::from_json(Some(&files[1].1), None).unwrap();
        let tokenizer = Tokenizer::from_json(files[0].1.as_bytes(), &config).unwrap();
        let template = run::ChatTemplate::new("t", bpe::CHAT_TEMPLATE).unwrap();
        let chat = Chat::new(template, vec![("bos_token".into(), bpe::BOUNDARY.into())]);
        Encoder::new(Arc::new(tokenizer), Some(chat)).unwrap()
    }

    fn said(tokens: &[Token], learn: bool) -> String {
        let ids: Vec<u32> = tokens.iter().filter(|token| token.learn == learn).map(|token| token.id).collect();
        encoder().tokenizer.decode(&ids, run::Special::Show).unwrap()
    }

    #[test]
    fn only_what_the_assistant_says_is_learned() {
        let say = |role, content: &str| Message { role, content: content.into() };
        let turns = vec![
            say(Role::User, "Hi"),
            say(Role::Assistant, "Hello"),
            say(Role::User, "Bye"),
            say(Role::Assistant, "So long"),
            say(Role::User, "?"),
        ];
        let document = Document::Dialogue(turns);
        let tokens = encoder().encode(&document, Learn::Assistant).unwrap();
        assert_eq!(said(&tokens, true), "Hello<|im_end|>\nSo long<|im_end|>\n");
        let asked = "<|endoftext|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n\
                     <|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(said(&tokens, false), asked);
        let all = encoder().encode(&document, Learn::All).unwrap();
        assert!(all.iter().all(|token| token.learn));
        assert_eq!(all.iter().filter(|token| token.id == 0).count(), 1, "one boundary");
    }

    #[test]
    fn a_text_is_learned_whole() {
        let tokens = encoder().encode(&Document::Text("Ab".into()), Learn::All).unwrap();
        assert_eq!(said(&tokens, true), "<|endoftext|>Ab");
    }
}
