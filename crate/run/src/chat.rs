//! From messages to a prompt.

use serde_json::{Map, Value};
use web_time::{SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::template::{ChatTemplate, Conversation};

/// A chat template with the special tokens it may write.
#[derive(Clone, Debug, PartialEq)]
pub struct Chat {
    template: ChatTemplate,
    special_tokens: Vec<(String, String)>,
}

impl Chat {
    /// A template and the texts of special tokens by name, such as `bos_token`.
    pub fn new(template: ChatTemplate, special_tokens: Vec<(String, String)>) -> Self {
        Self { template, special_tokens }
    }

    /// The prompt of a conversation that the model is to answer or, without `add_generation_prompt`, its plain text.
    ///
    /// # Errors
    /// The template refuses the messages, or takes too much time or memory.
    pub fn render(
        &self,
        messages: &Value,
        tools: Option<&Value>,
        add_generation_prompt: bool,
    ) -> Result<String, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64);
        self.template.render(&Conversation {
            messages,
            tools,
            add_generation_prompt,
            special_tokens: &self.special_tokens,
            more: Map::new(),
            now,
        })
    }
}
