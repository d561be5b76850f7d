//! How a text is searched for: settings by the reference library's names, the search itself, and its loop on a device.

mod beams;
mod decode;

use serde_json::Value;

use crate::Error;

pub use beams::{Beam, BeamSearch};
pub(crate) use decode::{Rows, Search};

/// The most beams; each is a row of the cache.
const MOST_BEAMS: usize = 256;

/// When a search ends before its longest text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyStopping {
    /// `false`: as soon as no beam, were it to end now, would be better than the worst finished text.
    #[default]
    Likely,
    /// `true`: as soon as there are as many finished texts as beams.
    Enough,
    /// `"never"`: when no beam can become better any more.
    Never,
}

/// How beams are searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeamConfig {
    /// Texts that are followed at once.
    pub beams: usize,
    /// A finished text's score is its log-probability divided by its length to this power.
    pub length_penalty: f64,
    /// When it ends.
    pub early_stopping: EarlyStopping,
}

/// Settings of a search. What is `None` stays as those below say: a call's lie over those of the model's files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchOptions {
    /// Texts that are followed at once; 1 takes the likeliest token each time.
    pub num_beams: Option<usize>,
    /// See [`BeamConfig::length_penalty`].
    pub length_penalty: Option<f64>,
    /// When a search ends.
    pub early_stopping: Option<EarlyStopping>,
    /// No run of this many tokens comes twice; 0 for any.
    pub no_repeat_ngram: Option<usize>,
    /// No end before this length, what the decoder began with among it.
    pub min_length: Option<usize>,
    /// The length at which a text ends, what the decoder began with among it.
    pub max_length: Option<usize>,
    /// No end before this many new tokens.
    pub min_new_tokens: Option<usize>,
    /// The most new tokens; comes before `max_length`.
    pub max_new_tokens: Option<usize>,
    /// The first new token.
    pub forced_bos: Option<u32>,
}

impl SearchOptions {
    /// Reads what `find` yields by the library's names: the file and the value.
    ///
    /// # Errors
    /// A value is of another type, or out of bounds.
    pub(crate) fn read<'v>(find: impl Fn(&str) -> Option<(&'v str, &'v Value)>) -> Result<Self, Error> {
        let whole = |key: &str| match find(key) {
            Some((file, value)) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
                Some(n) => Ok(Some(n)),
                None => Err(Error::config(file, format!("{key} is {value}, expected a whole number"))),
            },
            None => Ok(None),
        };
        let number = |key: &str| match find(key) {
            Some((file, value)) => match value.as_f64().filter(|n| n.is_finite()) {
                Some(n) => Ok(Some(n)),
                None => Err(Error::config(file, format!("{key} is {value}, expected a number"))),
            },
            None => Ok(None),
        };
        let early = match find("early_stopping") {
            None => None,
            Some((file, value)) => Some(EarlyStopping::from_json(value).ok_or_else(|| {
                Error::config(file, format!("early_stopping is {value}, expected true, false or \"never\""))
            })?),
        };
        let num_beams = whole("num_beams")?;
        if let (Some(beams), Some((file, _))) = (num_beams, find("num_beams")) {
            check_beams(beams).map_err(|reason| Error::config(file, format!("num_beams {reason}")))?;
        }
        Ok(Self {
            num_beams,
            length_penalty: number("length_penalty")?,
            early_stopping: early,
            no_repeat_ngram: whole("no_repeat_ngram_size")?,
            min_length: whole("min_length")?,
            max_length: whole("max_length")?,
            min_new_tokens: whole("min_new_tokens")?,
            max_new_tokens: whole("max_new_tokens")?,
            forced_bos: None,
        })
    }

    /// These settings, and those of `below` where they say nothing.
    pub fn over(&self, below: &Self) -> Self {
        // Both lengths are one setting: who gives one of them means the length.
        let own_length = self.max_new_tokens.is_some() || self.max_length.is_some();
        let length = if own_length { self } else { below };
        let own_least = self.min_new_tokens.is_some() || self.min_length.is_some();
        let least = if own_least { self } else { below };
        Self {
            num_beams: self.num_beams.or(below.num_beams),
            length_penalty: self.length_penalty.or(below.length_penalty),
            early_stopping: self.early_stopping.or(below.early_stopping),
            no_repeat_ngram: self.no_repeat_ngram.or(below.no_repeat_ngram),
            min_length: least.min_length,
            max_length: length.max_length,
            min_new_tokens: least.min_new_tokens,
            max_new_tokens: length.max_new_tokens,
            forced_bos: self.forced_bos.or(below.forced_bos),
        }
    }

    /// The search, if there is more than one beam.
    ///
    /// # Errors
    /// [`Error::Sampler`] names a setting that has no meaning.
    pub fn beams(&self) -> Result<Option<BeamConfig>, Error> {
        let beams = self.num_beams.unwrap_or(1);
        check_beams(beams).map_err(|reason| Error::sampler("num_beams", reason))?;
        let length_penalty = self.length_penalty.unwrap_or(1.0);
        if !length_penalty.is_finite() {
            return Err(Error::sampler("length_penalty", format!("{length_penalty} is not a number")));
        }
        let early_stopping = self.early_stopping.unwrap_or_default();
        Ok((beams > 1).then_some(BeamConfig { beams, length_penalty, early_stopping }))
    }

    /// The length at which a text ends that began with `start` tokens, if there is one.
    pub(crate) fn longest(&self, start: usize) -> Option<usize> {
        match (self.max_new_tokens, self.max_length) {
            (Some(most), _) => Some(start.saturating_add(most)),
            // What is too long already is not cut to nothing.
            (None, most) => most.filter(|most| *most > start),
        }
    }
}

impl EarlyStopping {
    /// By the library's value.
    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(false) => Some(Self::Likely),
            Value::Bool(true) => Some(Self::Enough),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// By its name: `true`, `false` or `never`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "false" => Some(Self::Likely),
            "true" => Some(Self::Enough),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

fn check_beams(beams: usize) -> Result<(), String> {
    match beams {
        1..=MOST_BEAMS => Ok(()),
        _ => Err(format!("is {beams}, expected 1 to {MOST_BEAMS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: &Value) -> Result<SearchOptions, Error> {
        SearchOptions::read(|key| json.get(key).map(|value| ("generation_config.json", value)))
    }

    #[test]
    fn settings_are_read_and_laid_over_each_other() {
        let own = json!({"num_beams": 4, "length_penalty": 2, "early_stopping": "never", "max_length": 20});
        let own = read(&own).unwrap();
        assert_eq!((own.num_beams, own.early_stopping), (Some(4), Some(EarlyStopping::Never)));
        assert_eq!((own.longest(1), own.longest(20)), (Some(20), None));
        let call = SearchOptions { num_beams: Some(1), max_new_tokens: Some(3), ..SearchOptions::default() };
        let both = call.over(&own);
        assert_eq!((both.beams().unwrap(), both.longest(7)), (None, Some(10)));
        assert_eq!(own.beams().unwrap().map(|beams| beams.length_penalty), Some(2.0));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (json, reason) in [
            (json!({"num_beams": 0}), "num_beams is 0, expected 1 to 256"),
            (json!({"num_beams": 1_000_000_000_000u64}), "num_beams is 1000000000000, expected 1 to 256"),
            (json!({"num_beams": "4"}), "num_beams is \"4\", expected a whole number"),
            (json!({"early_stopping": 1}), "early_stopping is 1, expected true, false or \"never\""),
            (json!({"length_penalty": []}), "length_penalty is [], expected a number"),
            (json!({"max_length": -1}), "max_length is -1, expected a whole number"),
        ] {
            assert_eq!(read(&json).unwrap_err().to_string(), format!("generation_config.json: {reason}"));
        }
    }
}
