//! Families that look at pictures.

pub mod clip;
pub mod dinov2;
mod look;
pub mod mobile_sam;
mod patches;
pub mod sam;
pub mod sam2;
pub mod vit;

use graph::Builder;

use crate::call::{Call, Head};
use crate::family::Task;
use crate::{Error, Fields};
pub use look::{Look, Prompts, Reads};
pub use patches::Patches;

/// The configuration of a checkpoint that was published without one, told by the shapes of its tensors.
pub fn published_config(shape: impl Fn(&str) -> Option<Vec<usize>>) -> Option<serde_json::Value> {
    sam::published_config(&shape).or_else(|| sam2::published_config(&shape))
}

/// A configured model that looks at pictures.
#[derive(Clone, Debug, PartialEq)]
pub enum Vision {
    /// ViT and DeiT.
    Vit(vit::Config),
    /// DINOv2, with and without registers.
    Dinov2(dinov2::Config),
    /// CLIP, both towers or one.
    Clip(clip::Config),
    /// Segment Anything.
    Sam(sam::Config),
    /// MobileSAM.
    MobileSam(mobile_sam::Config),
    /// SAM 2, for pictures.
    Sam2(sam2::Config),
}

impl Vision {
    /// Reads a configuration, if the architecture is one of these.
    ///
    /// # Errors
    /// A field is missing or wrong.
    pub fn read(name: &str, config: &Fields<'_>) -> Result<Option<Self>, Error> {
        let vit = |kind, head| vit::Config::read(config, kind, head).map(Self::Vit);
        let dinov2 = |registers, task| dinov2::Config::read(config, registers, task).map(Self::Dinov2);
        let read = match name {
            "ViTModel" => vit(vit::Kind::Vit, vit::Head::Base),
            "ViTForImageClassification" => vit(vit::Kind::Vit, vit::Head::Classes),
            "DeiTModel" => vit(vit::Kind::Deit, vit::Head::Base),
            "DeiTForImageClassification" => vit(vit::Kind::Deit, vit::Head::Classes),
            "DeiTForImageClassificationWithTeacher" => vit(vit::Kind::Deit, vit::Head::WithTeacher),
            "Dinov2Model" => dinov2(false, Task::Base),
            "Dinov2ForImageClassification" => dinov2(false, Task::ImageClassification),
            "Dinov2WithRegistersModel" => dinov2(true, Task::Base),
            "Dinov2WithRegistersForImageClassification" => dinov2(true, Task::ImageClassification),
            "CLIPModel" => clip::Config::both(config).map(Self::Clip),
            "CLIPTextModel" => clip::Config::text(config, clip::Head::Tower).map(Self::Clip),
            "CLIPTextModelWithProjection" => clip::Config::text(config, clip::Head::Projected).map(Self::Clip),
            "CLIPVisionModel" => clip::Config::pictures(config, clip::Head::Tower).map(Self::Clip),
            "CLIPVisionModelWithProjection" => clip::Config::pictures(config, clip::Head::Projected).map(Self::Clip),
            "CLIPForImageClassification" => clip::Config::pictures(config, clip::Head::Classes).map(Self::Clip),
            "SamModel" => sam::Config::read(config).map(Self::Sam),
            "MobileSam" => mobile_sam::Config::read(config).map(Self::MobileSam),
            "Sam2Model" | "Sam2VideoModel" => sam2::Config::read(config).map(Self::Sam2),
            "SamVisionModel" => sam::Config::encoder_alone(config).map(Self::Sam),
            _ => return Ok(None),
        };
        read.map(Some)
    }

    /// Leaves out what the checkpoint has no weights for.
    pub fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        match self {
            Self::Vit(cfg) => cfg.fit_to(has),
            Self::Sam2(cfg) => cfg.fit_to(has),
            Self::Dinov2(_) | Self::Clip(_) | Self::Sam(_) | Self::MobileSam(_) => {}
        }
    }

    /// Writes the graph. A broken shape rule shows when it is finished.
    pub fn write(&self, g: &Builder, call: &Call) {
        match self {
            Self::Vit(cfg) if call.head == Head::Loss => vit::train(g, cfg, &call.look),
            Self::Vit(cfg) => vit::write(g, cfg, &call.look),
            Self::Dinov2(cfg) => dinov2::write(g, cfg, &call.look),
            Self::Clip(cfg) => clip::write(g, cfg, call),
            Self::Sam(cfg) if call.head == Head::Loss => sam::train(g, cfg, &call.look),
            Self::Sam(cfg) => sam::write(g, cfg, &call.look),
            Self::MobileSam(cfg) => mobile_sam::write(g, cfg, &call.look),
            Self::Sam2(cfg) => sam2::write(g, cfg, &call.look),
        }
    }

    /// Keeps the first `n` blocks only, for a timed trial.
    pub fn keep_blocks(&mut self, n: usize) {
        let keep = |n_layer: &mut usize| *n_layer = n.min(*n_layer);
        match self {
            Self::Vit(cfg) => keep(&mut cfg.n_layer),
            Self::Dinov2(cfg) => keep(&mut cfg.n_layer),
            Self::Clip(cfg) => {
                cfg.text.iter_mut().for_each(|text| keep(&mut text.tower.n_layer));
                cfg.pictures.iter_mut().for_each(|pictures| keep(&mut pictures.tower.n_layer));
            }
            Self::Sam(cfg) => keep(&mut cfg.encoder.n_layer),
            Self::MobileSam(cfg) => cfg.encoder.depths.iter_mut().for_each(keep),
            Self::Sam2(cfg) => cfg.encoder.stages.iter_mut().for_each(|stage| keep(&mut stage.n_layer)),
        }
    }

    /// The family's name.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Vit(cfg) => cfg.kind.name(),
            Self::Dinov2(_) => "dinov2",
            Self::Clip(_) => "clip",
            Self::Sam(_) => "sam",
            Self::MobileSam(_) => "mobile_sam",
            Self::Sam2(_) => "sam2",
        }
    }

    /// What the head computes.
    pub fn task(&self) -> Task {
        match self {
            Self::Vit(cfg) if cfg.head == vit::Head::Base => Task::Base,
            Self::Vit(_) => Task::ImageClassification,
            Self::Dinov2(cfg) => cfg.task,
            Self::Clip(cfg) if cfg.head == clip::Head::Classes => Task::ImageClassification,
            Self::Clip(_) => Task::Base,
            Self::Sam(cfg) if cfg.answers.is_none() => Task::Base,
            Self::Sam(_) | Self::MobileSam(_) | Self::Sam2(_) => Task::Segmentation,
        }
    }

    /// Blocks, L.
    pub fn n_layer(&self) -> usize {
        match self {
            Self::Vit(cfg) => cfg.n_layer,
            Self::Dinov2(cfg) => cfg.n_layer,
            Self::Clip(cfg) => {
                let pictures = cfg.pictures.as_ref().map(|pictures| pictures.tower.n_layer);
                pictures.or(cfg.text.as_ref().map(|text| text.tower.n_layer)).unwrap_or(0)
            }
            Self::Sam(cfg) => cfg.encoder.n_layer,
            Self::MobileSam(cfg) => cfg.encoder.depths.iter().sum(),
            Self::Sam2(cfg) => cfg.encoder.stages.iter().map(|stage| stage.n_layer).sum(),
        }
    }

    /// Sizes of pictures and patches, if it looks at pictures at all.
    pub fn patches(&self) -> Option<&Patches> {
        match self {
            Self::Vit(cfg) => Some(&cfg.patches),
            Self::Dinov2(cfg) => Some(&cfg.patches),
            Self::Clip(cfg) => cfg.pictures.as_ref().map(|pictures| &pictures.patches),
            Self::Sam(cfg) => Some(&cfg.encoder.patches),
            Self::MobileSam(cfg) => Some(&cfg.encoder.patches),
            Self::Sam2(cfg) => Some(&cfg.encoder.patches),
        }
    }

    /// The tower that reads texts, if there is one.
    pub fn text(&self) -> Option<&clip::Text> {
        match self {
            Self::Clip(cfg) => cfg.text.as_ref(),
            Self::Vit(_) | Self::Dinov2(_) | Self::Sam(_) | Self::MobileSam(_) | Self::Sam2(_) => None,
        }
    }

    /// The encoder of prompts, if there is one.
    pub fn prompts(&self) -> Option<&sam::PromptEncoder> {
        match self {
            Self::Sam(cfg) => cfg.answers.as_ref().map(|answers| &answers.prompts),
            Self::MobileSam(cfg) => Some(&cfg.answers.prompts),
            Self::Sam2(cfg) => Some(&cfg.answers.prompts),
            Self::Vit(_) | Self::Dinov2(_) | Self::Clip(_) => None,
        }
    }

    /// What answers to prompts are made from, once a picture was looked at: name, channels, rows and columns.
    pub fn embeddings(&self) -> Vec<(&'static str, [usize; 3])> {
        match (self, self.prompts()) {
            (Self::Sam2(cfg), _) => cfg.levels().to_vec(),
            (_, Some(prompts)) => vec![("image_embeddings", [prompts.n_embd, prompts.grid[0], prompts.grid[1]])],
            (_, None) => Vec::new(),
        }
    }

    /// Which pictures of another size it takes.
    pub fn sizes(&self) -> Sizes {
        match self {
            Self::Vit(_) | Self::Clip(_) => Sizes::IfAsked,
            Self::Dinov2(_) => Sizes::Any,
            Self::Sam(_) | Self::MobileSam(_) | Self::Sam2(_) => Sizes::Usual,
        }
    }
}

/// Which pictures of another size than the usual a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// None.
    Usual,
    /// Others if `interpolate_pos_encoding` is asked for.
    IfAsked,
    /// All of at least a patch.
    Any,
}
