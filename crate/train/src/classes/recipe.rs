//! Recipes of models that say what a picture shows: `kind = "classes"`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::augment::Augment;
use crate::recipe::check::{self, Wrong, between, count, named, share, wrong};
use crate::recipe::{Checkpoints, Evaluation, GuardSpec, Optimizer, Schedule, Slice, Training, read};
use crate::{Error, digest};

/// What a recipe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Classes of pictures.
    Classes,
}

/// How a model that tells pictures apart comes to be. Two runs of one recipe on the same files give the same model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Says that it is one of these.
    pub kind: Kind,
    /// What the model is called.
    pub name: String,
    /// One sentence about it, for its card.
    #[serde(default)]
    pub description: String,
    /// The folder that is written, seen from the recipe's folder.
    pub output: PathBuf,
    /// The folder of the data, seen from the recipe's folder.
    #[serde(default)]
    pub data_root: PathBuf,
    /// Decides the first weights, which pictures are held out, their order and how they are changed.
    #[serde(default)]
    pub seed: u64,
    /// The fields of the `config.json` of a `ViTForImageClassification` without its labels.
    pub model: Map<String, Value>,
    /// What is learned from.
    pub data: PicturesSpec,
    /// How pictures are changed before they are learned from.
    #[serde(default)]
    pub augment: Augment,
    /// The share of the pictures that is kept for validation.
    #[serde(default = "validation")]
    pub validation: f64,
    /// How long, in which portions.
    pub train: Train,
    /// What changes the weights.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// The learning rate over the steps.
    #[serde(default)]
    pub schedule: Schedule,
    /// When the state is written to disk.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// When held-out pictures are asked about.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// What is done about losses that are no numbers, or jump.
    #[serde(default)]
    pub guard: GuardSpec,
    /// How long one run may take.
    #[serde(default)]
    pub slice: Slice,
}

/// Two idx files: square grey pictures, and the number of each one's class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PicturesSpec {
    /// What the source is called.
    pub name: String,
    /// The pictures under the data root, plain or gzip.
    pub pictures: PathBuf,
    /// Their labels, likewise.
    pub labels: PathBuf,
    /// What the classes are called, from number 0 on.
    pub classes: Vec<String>,
    /// The licence under which they may be used, for the model's card.
    pub licence: String,
    /// Whom to name, for the model's card.
    #[serde(default)]
    pub credit: String,
}

/// How long, in which portions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Changes of the weights.
    pub steps: u64,
    /// Pictures of a step.
    pub batch: usize,
}

fn validation() -> f64 {
    0.1
}

impl Recipe {
    /// Reads and checks a recipe; `file` names it in errors.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the field and the reason.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        read::parse(file, text, Self::check)
    }

    /// Reads and checks a recipe, and resolves its paths from the recipe's own folder.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Recipe`] if it is none of these.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (mut recipe, base) = read::open(path, Self::parse)?;
        recipe.output = base.join(&recipe.output);
        recipe.data_root = base.join(&recipe.data_root);
        Ok(recipe)
    }

    /// The configuration of the model.
    pub fn config(&self) -> Value {
        let mut config = self.model.clone();
        let classes = self.data.classes.iter().enumerate();
        let names: Map<String, Value> = classes.clone().map(|(i, name)| (i.to_string(), json!(name))).collect();
        let numbers: Map<String, Value> = classes.map(|(i, name)| (name.clone(), json!(i))).collect();
        for (field, value) in [
            ("architectures", json!(["ViTForImageClassification"])),
            ("model_type", json!("vit")),
            ("num_channels", json!(3)),
            ("id2label", names.into()),
            ("label2id", numbers.into()),
            ("torch_dtype", json!("float32")),
        ] {
            config.insert(field.into(), value);
        }
        Value::Object(config)
    }

    /// The side of the model's pictures.
    pub fn side(&self) -> usize {
        self.model.get("image_size").and_then(Value::as_u64).map_or(224, |side| side as usize)
    }

    /// What trainers of all kinds read.
    pub fn common(&self) -> crate::Recipe {
        let train = Training::things(self.train.steps, self.train.batch, 1);
        crate::Recipe {
            description: self.description.clone(),
            data_root: self.data_root.clone(),
            seed: self.seed,
            model: self.model.clone(),
            validation: self.validation,
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            checkpoints: self.checkpoints.clone(),
            evaluation: self.evaluation.clone(),
            guard: self.guard.clone(),
            slice: self.slice.clone(),
            ..crate::Recipe::without_texts(self.name.clone(), self.output.clone(), train)
        }
    }

    /// A digest of all that decides the weights but the pictures themselves.
    pub fn digest(&self) -> String {
        let deciding = Self {
            description: String::new(),
            output: PathBuf::new(),
            data_root: PathBuf::new(),
            checkpoints: Checkpoints { activations: self.checkpoints.activations, ..Checkpoints::default() },
            evaluation: Evaluation::default(),
            slice: Slice::default(),
            ..self.clone()
        };
        digest::of_bytes(format!("{deciding:?}").as_bytes())
    }

    fn check(&self) -> Result<(), Wrong> {
        check::steps(&self.common())?;
        named("data.name", &self.data.name)?;
        named("data.licence", &self.data.licence)?;
        between("data.classes", self.data.classes.len() as f64, 2.0, 256.0)?;
        for (at, class) in self.data.classes.iter().enumerate() {
            named("data.classes", class)?;
            if self.data.classes[..at].contains(class) {
                return wrong("data.classes", format!("names {class} twice"));
            }
        }
        count("train.batch", self.train.batch, 1 << 12)?;
        if self.model.get("image_size").is_some_and(|side| !side.is_u64() && !side.is_i64()) {
            return wrong("model.image_size", "is no whole number");
        }
        count("model.image_size", self.side(), 1 << 10)?;
        let Augment { shift, turn, scale, slant, colours } = self.augment;
        between("augment.shift", f64::from(shift), 0.0, self.side() as f64)?;
        between("augment.turn", f64::from(turn), 0.0, 180.0)?;
        between("augment.slant", f64::from(slant), 0.0, 1.0)?;
        share("augment.colours", f64::from(colours), 1.0)?;
        let [least, most] = scale.map(f64::from);
        between("augment.scale", least, 0.1, 10.0)?;
        between("augment.scale", most, least, 10.0)
    }
}
