//! Recipes: everything that decides how a model comes to be, in one TOML file.
//!
//! A recipe names a model (or one to go on from), a tokenizer, the texts with their licences, and how it is trained.
//! Two runs of one recipe on the same files give the same model. Unknown fields are refused.

pub(crate) mod check;
mod data;
mod place;
pub(crate) mod read;
mod training;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use data::{DataSpec, Layout, Learn, Role, TokenizerSpec};
pub use training::{
    Activations, Checkpoints, Decay, Evaluation, GuardSpec, Lora, Optimizer, Packing, Precision, Regularization, Rule,
    Sampling, Schedule, Slice, Training,
};

use crate::{Error, digest};

/// How a decoder is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the model is called.
    pub name: String,
    /// One sentence about it, for its card.
    #[serde(default)]
    pub description: String,
    /// The folder that is written, seen from the recipe's folder.
    pub output: PathBuf,
    /// The folder of the texts, seen from the recipe's folder.
    #[serde(default)]
    pub data_root: PathBuf,
    /// Decides the first weights, the order of the texts and the dropout.
    #[serde(default)]
    pub seed: u64,
    /// The fields of `config.json` of a model that begins with random weights; `vocab_size` is the tokenizer's.
    #[serde(default)]
    pub model: Map<String, Value>,
    /// The folder of a model to go on from, seen from the recipe's folder: its weights, configuration and tokenizer.
    #[serde(default)]
    pub start: Option<PathBuf>,
    /// How the tokenizer is made; without it that of `start`.
    #[serde(default)]
    pub tokenizer: Option<TokenizerSpec>,
    /// The texts.
    pub data: Vec<DataSpec>,
    /// The share of the documents that is kept for validation.
    #[serde(default = "validation")]
    pub validation: f64,
    /// How long, in which portions.
    pub train: Training,
    /// What changes the weights.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// The learning rate over the steps.
    #[serde(default)]
    pub schedule: Schedule,
    /// What keeps the model from learning by heart.
    #[serde(default)]
    pub regularization: Regularization,
    /// When the state is written to disk.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// When the loss on held-out texts is measured.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// When and how texts are sampled.
    #[serde(default)]
    pub sampling: Sampling,
    /// What is done about losses that are no numbers, or jump.
    #[serde(default)]
    pub guard: GuardSpec,
    /// How long one run may take.
    #[serde(default)]
    pub slice: Slice,
    /// Low-rank adapters are trained beside the projections of `start`, whose weights stay as they are.
    #[serde(default)]
    pub lora: Option<Lora>,
}

fn validation() -> f64 {
    0.01
}

/// The field `kind` of a recipe, as far as the text can be read; recipes of decoders have none.
#[cfg(not(target_arch = "wasm32"))]
pub fn kind(text: &str) -> Option<String> {
    text.parse::<toml::Table>().ok()?.get("kind")?.as_str().map(str::to_string)
}

impl Recipe {
    /// Reads and checks a recipe; `file` names it in errors.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the field and the reason.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        read::parse(file, text, check::check)
    }

    /// Reads and checks a recipe, and resolves its folders from the recipe's own.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Recipe`] if it is no recipe.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (mut recipe, base) = read::open(path, Self::parse)?;
        recipe.output = base.join(&recipe.output);
        recipe.data_root = base.join(&recipe.data_root);
        recipe.start = recipe.start.map(|start| base.join(start));
        Ok(recipe)
    }

    /// One without texts, all but what is given as it is by default.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn without_texts(name: String, output: PathBuf, train: Training) -> Self {
        Self {
            name,
            description: String::new(),
            output,
            data_root: PathBuf::new(),
            seed: 0,
            model: Map::new(),
            start: None,
            tokenizer: None,
            data: Vec::new(),
            validation: validation(),
            train,
            optimizer: Optimizer::default(),
            schedule: Schedule::default(),
            regularization: Regularization::default(),
            checkpoints: Checkpoints::default(),
            evaluation: Evaluation::default(),
            sampling: Sampling::default(),
            guard: GuardSpec::default(),
            slice: Slice::default(),
            lora: None,
        }
    }

    /// A digest of all that decides the weights but the files themselves: a checkpoint goes on only under the same one.
    pub fn digest(&self) -> String {
        let deciding = Self {
            description: String::new(),
            output: PathBuf::new(),
            data_root: PathBuf::new(),
            start: self.start.as_ref().and_then(|start| start.file_name()).map(PathBuf::from),
            tokenizer: None,
            data: Vec::new(),
            checkpoints: Checkpoints { activations: self.checkpoints.activations, ..Checkpoints::default() },
            evaluation: Evaluation::default(),
            sampling: Sampling::default(),
            slice: Slice::default(),
            ..self.clone()
        };
        let weights: Vec<(&str, u64)> = self.data.iter().map(|data| (&*data.name, data.weight.to_bits())).collect();
        // Recipes without adapters keep the digest that they had before there were any.
        let deciding = format!("{deciding:?}").replace(", lora: None }", " }");
        digest::of_bytes(format!("{deciding} {weights:?}").as_bytes())
    }

    /// Whether training draws random masks.
    pub fn drops(&self) -> bool {
        self.regularization.dropout > 0.0 || self.lora.as_ref().is_some_and(|lora| lora.dropout > 0.0)
    }

    /// Tokens of one step.
    pub fn step_tokens(&self) -> u64 {
        (self.train.batch * self.train.accumulate * self.train.context) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        name = "small"
        output = "out"
        [model]
        hidden_size = 32
        [tokenizer]
        vocab_size = 300
        [[data]]
        name = "stories"
        files = ["stories.txt"]
        layout = "text"
        licence = "public domain"
        [train]
        steps = 10
        batch = 2
        context = 16
    "#;

    #[track_caller]
    fn check_error(change: (&str, &str), wanted: &str) {
        let text = SMALL.replace(change.0, change.1);
        assert_ne!(text, SMALL, "nothing was changed");
        let error = Recipe::parse("recipe.toml", &text).unwrap_err().to_string();
        assert!(error.starts_with("recipe.toml: ") && error.contains(wanted), "{error}");
        assert!(!error.contains('\n'));
    }

    #[test]
    fn defaults_are_filled_in() {
        let recipe = Recipe::parse("recipe.toml", SMALL).unwrap();
        assert_eq!((recipe.train.accumulate, recipe.step_tokens()), (1, 32));
        assert_eq!(recipe.optimizer.rule, Rule::Adamw);
    }

    #[test]
    fn wrong_fields_are_named() {
        check_error(("batch = 2", "batch = 0"), "train.batch: is 0");
        check_error(("batch = 2", "batches = 2"), "train.batches: unknown field `batches`");
        check_error(("batch = 2", "batch = \"two\""), "train.batch: invalid type");
        check_error(("batch = 2", ""), "train: missing field `batch`");
        check_error(("layout = \"text\"", "layout = \"pdf\""), "data.layout: unknown variant `pdf`");
        check_error(("[train]", "[train"), "line 13: ");
        check_error(("licence = \"public domain\"", "licence = \"\""), "data.stories.licence: is empty");
        check_error(("[model]\n        hidden_size = 32", "[model]"), "model: ");
        check_error(
            ("context = 16", "context = 16\n[optimizer]\nlearning_rate = -1.0"),
            "optimizer.learning_rate: is -1",
        );
        check_error(("context = 16", "context = 16\n[optimizer]\nbetas = [0.9, 1.0]"), "optimizer.betas: ");
        check_error(("context = 16", "context = 16\n[schedule]\nwarmup = 11"), "schedule.warmup: is 11");
        check_error(
            ("context = 16", "context = 16\n[regularization]\ndropout = nan"),
            "regularization.dropout: is NaN",
        );
    }

    #[test]
    fn the_digest_is_of_what_decides_the_weights() {
        let digest = |text: &str| Recipe::parse("r", text).unwrap().digest();
        let own = digest(SMALL);
        assert_eq!(own, digest(&SMALL.replace("\"out\"", "\"elsewhere\"")));
        assert_eq!(own, digest(&format!("{SMALL}\n[sampling]\nevery = 3\nprompts = ['a']")));
        assert_ne!(own, digest(&SMALL.replace("batch = 2", "batch = 3")));
        assert_ne!(own, digest(&SMALL.replace("hidden_size = 32", "hidden_size = 64")));
        assert_ne!(own, digest(&SMALL.replace("layout", "weight = 0.5\nlayout")));
        assert_ne!(own, digest(&format!("{SMALL}\n[optimizer]\nclip = 2.0")));
    }
}
