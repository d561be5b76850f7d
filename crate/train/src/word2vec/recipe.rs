//! Recipes of word vectors: `kind = "word2vec"`, the texts, and how the vectors are learned.

use std::path::{Path, PathBuf};

use format::QuantType;
use serde::{Deserialize, Serialize};

use super::Options;
use crate::Error;
use crate::recipe::DataSpec;
use crate::recipe::check::{self, Wrong, between, count, named, share, wrong};
use crate::recipe::read;

/// What a recipe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Word vectors.
    Word2vec,
}

/// How word vectors come to be. Two runs of one recipe on the same files give the same vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Says that it is one of these.
    pub kind: Kind,
    /// What the vectors are called.
    pub name: String,
    /// One sentence about them, for their card.
    #[serde(default)]
    pub description: String,
    /// The GGUF file that is written, seen from the recipe's folder.
    pub output: PathBuf,
    /// How its vectors are stored.
    #[serde(default = "quant")]
    pub quant: String,
    /// The folder of the texts, seen from the recipe's folder.
    #[serde(default)]
    pub data_root: PathBuf,
    /// Decides the first values, the order of the texts and what is drawn.
    #[serde(default)]
    pub seed: u64,
    /// Which words get a vector.
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// How they are learned.
    #[serde(default)]
    pub train: Options,
    /// The texts.
    pub data: Vec<DataSpec>,
}

/// Which words get a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vocabulary {
    /// Words that come less often get none.
    pub min_count: u64,
    /// The most words, the most frequent ones.
    pub max_words: usize,
    /// Words that are taken out of the texts.
    pub ignore: Vec<String>,
}

impl Default for Vocabulary {
    fn default() -> Vocabulary {
        Vocabulary { min_count: 5, max_words: 1 << 20, ignore: Vec::new() }
    }
}

/// The most values of one window's rows.
const WIDEST: usize = 1 << 18;

fn quant() -> String {
    "q8_0".into()
}

impl Recipe {
    /// Whether a text is a recipe of word vectors and not of another kind of model, as far as it can be read.
    pub fn is_meant(text: &str) -> bool {
        let kind = text.parse::<toml::Table>().ok().and_then(|table| table.get("kind").cloned());
        kind.is_some_and(|kind| kind.as_str() == Some("word2vec"))
    }

    /// Reads and checks a recipe; `file` names it in errors.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the field and the reason.
    pub fn parse(file: &str, text: &str) -> Result<Recipe, Error> {
        read::parse(file, text, Self::check)
    }

    /// Reads and checks a recipe, and resolves its paths from the recipe's own folder.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Recipe`] if it is no recipe of word vectors.
    pub fn open(path: &Path) -> Result<Recipe, Error> {
        let (mut recipe, base) = read::open(path, Self::parse)?;
        recipe.output = base.join(&recipe.output);
        recipe.data_root = base.join(&recipe.data_root);
        Ok(recipe)
    }

    /// How the vectors are stored.
    pub(super) fn quant(&self) -> Option<QuantType> {
        QuantType::parse(&self.quant)
    }

    fn check(&self) -> Result<(), Wrong> {
        named("name", &self.name)?;
        if self.output.as_os_str().is_empty() {
            return wrong("output", "is empty");
        }
        check::sources(&self.data)?;
        if let Some(data) = self.data.iter().find(|data| data.weight != 1.0) {
            return wrong(&format!("data.{}.weight", data.name), "is for decoders only; here every text is taken once");
        }
        let options = &self.train;
        count("train.dim", options.dim, 1 << 14)?;
        match self.quant() {
            None => return wrong("quant", format!("{:?} is no quant type", self.quant)),
            Some(ty) if ty.row_bytes(options.dim).is_none() => {
                return wrong("train.dim", format!("is {}, no whole blocks of {ty}", options.dim));
            }
            Some(_) => {}
        }
        if self.vocabulary.min_count == 0 {
            return wrong("vocabulary.min_count", "is 0, expected 1 or more");
        }
        count("vocabulary.max_words", self.vocabulary.max_words, 1 << 24)?;
        count("train.window", options.window as usize, 1000)?;
        count("train.negatives", options.negatives, 1000)?;
        if (2 * options.window as usize + options.negatives + 2) * options.dim > WIDEST {
            return wrong("train.window", "and train.negatives are too large for vectors of this width");
        }
        between("train.power", options.power, -10.0, 10.0)?;
        share("train.subsample", options.subsample, 1.0)?;
        count("train.epochs", options.epochs as usize, 1 << 20)?;
        between("train.learning_rate", options.learning_rate, f64::MIN_POSITIVE, 10.0)?;
        between("train.floor", options.floor, 1e-9, 1.0)
    }
}
