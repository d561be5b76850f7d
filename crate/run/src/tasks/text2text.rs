//! What people do with models that write a text from another one: translate, summarise.

use serde::Serialize;
use serde_json::Value;

use super::Reader;
use crate::generate::Listener;
use crate::{Error, Finish, GenerateOptions, SearchOptions};
use models::Task;

/// How texts are translated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TranslateOptions {
    /// The language of the texts, as the model writes it: `en`, `en_XX`.
    pub source: Option<String>,
    /// The language that is wanted.
    pub target: Option<String>,
    /// How it is written.
    pub writing: WriteOptions,
}

/// How a text is written from another one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteOptions {
    /// What is put before each text; by default what the model's files say.
    pub prefix: Option<String>,
    /// The sampler, the search, where to stop. Settings of the task lie between these and the model's own.
    pub generate: GenerateOptions,
}

/// A text that was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Generated {
    /// The text, without special tokens.
    pub text: String,
    /// Its tokens, without the one that ends it.
    pub token_ids: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
}

/// What the model's files say about a task.
#[derive(Default)]
struct Habit {
    prefix: Option<String>,
    search: SearchOptions,
}

impl Reader {
    /// Translates texts one after the other; the listener hears all of them.
    ///
    /// # Errors
    /// The model has no encoder and decoder, does not know a language, or the device fails.
    pub async fn translate(
        &self,
        texts: &[String],
        options: &TranslateOptions,
        listener: &mut Listener<'_>,
    ) -> Result<Vec<Generated>, Error> {
        self.needs(Task::Seq2SeqLm, "translate")?;
        let mut habit = self.translation(texts, options)?;
        let codes = self.codes(options)?;
        habit.search.forced_bos = codes.target;
        if let (None, Some(code)) = (&habit.prefix, codes.before) {
            habit.prefix = Some(code);
        }
        self.write_all(texts, habit, codes.source, &options.writing, listener).await
    }

    /// Summarises texts one after the other; the listener hears all of them.
    ///
    /// # Errors
    /// The model has no encoder and decoder, or the device fails.
    pub async fn summarize(
        &self,
        texts: &[String],
        options: &WriteOptions,
        listener: &mut Listener<'_>,
    ) -> Result<Vec<Generated>, Error> {
        self.needs(Task::Seq2SeqLm, "summarise")?;
        let habit = match self.config("task_specific_params").get("summarization") {
            Some(said) => self.habit(said)?,
            None => Habit::default(),
        };
        self.write_all(texts, habit, None, options, listener).await
    }

    async fn write_all(
        &self,
        texts: &[String],
        habit: Habit,
        source: Option<u32>,
        options: &WriteOptions,
        listener: &mut Listener<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let own = self.config("prefix").as_str().map(str::to_string);
        let prefix = options.prefix.clone().or(habit.prefix).or(own).unwrap_or_default();
        let mut generate = options.generate.clone();
        generate.search = generate.search.over(&habit.search);
        let mut session = self.model.session()?;
        let mut written = Vec::with_capacity(texts.len());
        for text in texts {
            // A text that has the task's prefix already keeps it.
            let has = options.prefix.is_none() && !prefix.trim().is_empty() && text.starts_with(&prefix);
            let whole = if has { text.clone() } else { format!("{prefix}{text}") };
            let mut ids = self.spans(&whole)?.ids;
            if let Some(code) = source {
                self.put_language(&mut ids, code);
            }
            let done = self.model.generate(&mut session, Some(&self.tokenizer), &ids, &generate, listener).await?;
            let cancelled = done.finish == Finish::Cancelled;
            written.push(Generated { text: done.text, token_ids: done.token_ids, finish: done.finish });
            if cancelled {
                break;
            }
        }
        Ok(written)
    }

    /// The model's habits for these languages.
    fn translation(&self, texts: &[String], options: &TranslateOptions) -> Result<Habit, Error> {
        let said = self.config("task_specific_params").as_object();
        let pairs: Vec<(&str, &Value)> = said
            .into_iter()
            .flatten()
            .filter_map(|(task, said)| Some((task.strip_prefix("translation_")?, said)))
            .collect();
        let fits = |pair: &str| {
            let (source, target) = pair.split_once("_to_").unwrap_or((pair, ""));
            let like = |wanted: &Option<String>, found| wanted.as_deref().is_none_or(|wanted| wanted == found);
            like(&options.source, source) && like(&options.target, target)
        };
        let mut fitting = pairs.iter().filter(|(pair, _)| fits(pair));
        let known = || pairs.iter().map(|(pair, _)| *pair).collect::<Vec<_>>().join(", ");
        match (fitting.next(), fitting.next()) {
            (Some((_, said)), None) => self.habit(said),
            // A prefix says which languages are meant.
            _ if pairs.is_empty() || options.writing.prefix.is_some() => Ok(Habit::default()),
            (None, _) => Err(self.fails(format!("translate so, but {}", known()))),
            (Some(_), Some(_)) => {
                let prefixes: Vec<&str> = pairs.iter().filter_map(|(_, said)| said["prefix"].as_str()).collect();
                match texts.iter().all(|text| prefixes.iter().any(|prefix| text.starts_with(prefix))) {
                    true => Ok(Habit::default()),
                    false => Err(self.fails(format!("say which languages are meant; it knows {}", known()))),
                }
            }
        }
    }

    fn habit(&self, said: &Value) -> Result<Habit, Error> {
        let search = SearchOptions::read(|key| Some(("config.json", said.get(key).filter(|value| !value.is_null())?)))?;
        Ok(Habit { prefix: said["prefix"].as_str().map(str::to_string), search })
    }

    /// The tokens of the languages, where the vocabulary has some.
    fn codes(&self, options: &TranslateOptions) -> Result<Codes, Error> {
        let mut codes = Codes::default();
        if self.config("task_specific_params").is_object() {
            return Ok(codes);
        }
        let id = |name: &String| self.tokenizer.token_to_id(name);
        let unknown = |name: &String| self.fails(format!("know the language {name:?}"));
        if let Some(name) = &options.target {
            let before = format!(">>{name}<<");
            match (id(&before), id(name)) {
                (Some(_), _) => codes.before = Some(format!("{before} ")),
                (None, Some(code)) if is_language(name) => codes.target = Some(code),
                _ => return Err(unknown(name)),
            }
        }
        if let Some(name) = options.source.as_ref().filter(|_| codes.before.is_none()) {
            codes.source = Some(id(name).filter(|_| is_language(name)).ok_or_else(|| unknown(name))?);
        }
        Ok(codes)
    }

    /// Exchanges the language that the tokenizer puts first or last.
    fn put_language(&self, ids: &mut [u32], code: u32) {
        let names = |id: u32| self.tokenizer.id_to_token(id).is_some_and(|token| is_language(&token));
        let ends = [0, ids.len().saturating_sub(1)];
        if let Some(end) = ends.into_iter().find(|end| ids.get(*end).is_some_and(|id| names(*id))) {
            ids[end] = code;
        }
    }

    fn fails(&self, what: String) -> Error {
        Error::Task { name: self.model.package().name(), what }
    }
}

/// How the languages are told to the model.
#[derive(Default)]
struct Codes {
    /// The token of the texts' language.
    source: Option<u32>,
    /// The token that the translation begins with.
    target: Option<u32>,
    /// What is put before the text (Marian).
    before: Option<String>,
}

/// Whether a token is a language's: `en_XX`, `zh_CN`, `eng_Latn`.
fn is_language(token: &str) -> bool {
    let Some((language, rest)) = token.split_once('_') else { return false };
    let small = |text: &str| text.chars().all(|c| c.is_ascii_lowercase());
    let region = rest.len() == 2 && rest.chars().all(|c| c.is_ascii_uppercase());
    let script = rest.len() == 4 && rest.starts_with(|c: char| c.is_ascii_uppercase()) && small(&rest[1..]);
    (2..=3).contains(&language.len()) && small(language) && (region || script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_languages_are_known_by_their_form() {
        assert!(["en_XX", "zh_CN", "eng_Latn", "ast_Latn"].iter().all(|token| is_language(token)));
        assert!(
            !["en", "_XX", "the_XX_", "en_xx", "EN_XX", "▁en_XX", "eng_latn"].iter().any(|token| is_language(token))
        );
    }
}
