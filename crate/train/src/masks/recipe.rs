//! Recipes of models that answer prompts with masks: `kind = "masks"`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::scene::Scene;
use crate::recipe::check::{self, Wrong, between, count, named, wrong};
use crate::recipe::{Checkpoints, Evaluation, GuardSpec, Optimizer, Schedule, Slice, Training, read};
use crate::{Error, digest};

/// What a recipe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Masks.
    Masks,
}

/// How a model that answers prompts comes to be. Two runs of one recipe on the same file give the same model.
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
    /// Decides the first weights and the scenes.
    #[serde(default)]
    pub seed: u64,
    /// The fields of the `config.json` of a `SamModel`.
    pub model: Map<String, Value>,
    /// What scenes are made of.
    pub data: AtlasSpec,
    /// How they are made.
    #[serde(default)]
    pub scenes: SceneSpec,
    /// The share of the things that is kept for validation.
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
    /// When held-out things are asked about.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// What is done about losses that are no numbers, or jump.
    #[serde(default)]
    pub guard: GuardSpec,
    /// How long one run may take.
    #[serde(default)]
    pub slice: Slice,
}

/// A picture of square cells with alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtlasSpec {
    /// What the source is called.
    pub name: String,
    /// The picture under the data root.
    pub file: PathBuf,
    /// Pixels of a cell's side.
    pub side: usize,
    /// Cells, row by row.
    pub count: usize,
    /// The licence under which they may be used, for the model's card.
    pub licence: String,
    /// Whom to name, for the model's card.
    #[serde(default)]
    pub credit: String,
}

/// How scenes are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SceneSpec {
    /// The fewest and the most things in one.
    pub objects: [usize; 2],
    /// The least and the largest side of a thing, in sides of the scene.
    pub scale: [f32; 2],
    /// The share of scenes that are no square.
    pub oblong: f32,
    /// Prompts about each.
    pub prompts: usize,
}

impl Default for SceneSpec {
    fn default() -> Self {
        Self { objects: [1, 5], scale: [0.18, 0.8], oblong: 0.4, prompts: 4 }
    }
}

/// How long, in which portions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Changes of the weights.
    pub steps: u64,
    /// Scenes of a step.
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
        config.insert("architectures".into(), json!(["SamModel"]));
        config.insert("model_type".into(), json!("sam"));
        Value::Object(config)
    }

    /// The side of the model's pictures.
    pub fn side(&self) -> usize {
        self.part("vision_config", "image_size", 1024)
    }

    /// The side of its masks.
    pub fn small(&self) -> usize {
        4 * self.side() / self.part("vision_config", "patch_size", 16).max(1)
    }

    fn part(&self, part: &str, field: &str, default: usize) -> usize {
        self.model.get(part).and_then(|part| part[field].as_u64()).map_or(default, |n| n as usize)
    }

    /// The objects of a scene that are asked about: each in turn until there are enough.
    pub(super) fn objects(&self, scene: &Scene) -> impl Iterator<Item = u8> + use<> {
        let objects = if scene.objects.is_empty() { vec![1] } else { scene.objects.clone() };
        objects.into_iter().cycle().take(self.scenes.prompts)
    }

    /// What trainers of all kinds read.
    pub fn common(&self) -> crate::Recipe {
        let train = Training::things(self.train.steps, self.train.batch, self.scenes.prompts);
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

    /// A digest of all that decides the weights but the picture itself.
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
        count("data.side", self.data.side, 1 << 12)?;
        count("data.count", self.data.count, 1 << 20)?;
        count("train.batch", self.train.batch, 1 << 12)?;
        let [least, most] = self.scenes.objects;
        if least == 0 || most < least || most > 64 {
            return wrong("scenes.objects", format!("is {:?}, expected two numbers from 1 to 64", self.scenes.objects));
        }
        let [least, most] = self.scenes.scale.map(f64::from);
        between("scenes.scale", least, 0.02, 2.0)?;
        between("scenes.scale", most, least, 2.0)?;
        between("scenes.oblong", f64::from(self.scenes.oblong), 0.0, 1.0)?;
        between("scenes.prompts", self.scenes.prompts as f64, 2.0, 64.0)?;
        let (side, small) = (self.side(), self.small());
        if !(16..=1 << 12).contains(&side) || small == 0 || !side.is_multiple_of(small) {
            return wrong(
                "model",
                format!("has pictures of {side} and masks of {small}, expected whole pixels a pixel"),
            );
        }
        Ok(())
    }
}
