//! SAM 2 for pictures: an encoder of four scales, and the first generation's decoder with a view of the finer ones.
//!
//! Paper: Ravi et al. 2024, arXiv:2408.00714. Reference: `Sam2Model` of transformers. Checkpoints for videos have the
//! same weights and others for their memory, which a picture does not need.
//!
//! Axis letters: B pictures, N prompts a picture, T tokens of a prompt, h, w rows and columns of patches, C width.

mod answer;
mod hiera;
mod names;
mod neck;
mod prompts;

use graph::{Builder, DType, Dim};

use super::sam::{Answers, Form, Seen};
use super::{Look, Reads};
use crate::{Error, Fields};
pub use answer::Choice;
pub use hiera::Hiera;
pub use names::{former_name, published_config};
pub use neck::Neck;

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The encoder of pictures.
    pub encoder: Hiera,
    /// What brings its scales to one width.
    pub neck: Neck,
    /// What answers prompts.
    pub answers: Answers,
    /// Which mask answers a prompt that is clear.
    pub choice: Choice,
    /// Whether each kind of point has a table of its own, as first published.
    pub kinds_apart: bool,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong, or parts do not fit each other.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let empty = serde_json::Value::Object(serde_json::Map::new());
        let none = Fields::new(config.file(), &empty)?;
        let vision = config.object("vision_config")?.unwrap_or(none);
        let neck = Neck::read(&vision)?;
        let encoder = Hiera::read(&vision.object("backbone_config")?.unwrap_or(none), finest(&vision)?)?;
        neck.check(&vision, &encoder)?;
        let answers = Answers::read(config, Form::Second)?;
        let grid = encoder.grid(2);
        if neck.width != answers.prompts.n_embd || grid != answers.prompts.grid {
            let reason = format!("yields {} by {grid:?}, prompts have others", neck.width);
            return Err(config.fail("vision_config", reason));
        }
        let choice = Choice::read(&config.object("mask_decoder_config")?.unwrap_or(none))?;
        Ok(Self { encoder, neck, answers, choice, kinds_apart: false })
    }

    /// First published checkpoints have a table for each kind of point.
    pub(crate) fn fit_to(&mut self, has: impl Fn(&str) -> bool) {
        self.kinds_apart = crate::resolve("prompt_encoder.point_embed.0.weight", has).is_some();
    }

    /// What the encoder yields and the decoder reads: name, channels, rows and columns.
    pub fn levels(&self) -> [(&'static str, [usize; 3]); 3] {
        let (c, [h, w]) = (self.answers.decoder.n_embd, self.answers.prompts.grid);
        [(LEVELS[0], [c / 8, 4 * h, 4 * w]), (LEVELS[1], [c / 4, 2 * h, 2 * w]), (LEVELS[2], [c, h, w])]
    }
}

/// The names of a picture's embeddings, from the finest.
const LEVELS: [&str; 3] = ["image_embeddings.0", "image_embeddings.1", "image_embeddings.2"];

/// Rows and columns of the finest scale, `backbone_feature_sizes[0]`.
fn finest(vision: &Fields<'_>) -> Result<[usize; 2], Error> {
    let Some(sizes) = vision.value("backbone_feature_sizes") else { return Ok([256; 2]) };
    let side = |i: usize| sizes[0][i].as_u64().map(|n| n as usize).filter(|n| (4..=4096).contains(n));
    match (side(0), side(1)) {
        (Some(h), Some(w)) => Ok([h, w]),
        _ => Err(vision.fail("backbone_feature_sizes", format!("is {sizes}, expected pairs of rows and columns"))),
    }
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, look: &Look) {
    let pictures = look.pictures.max(1);
    let look = &Look { pictures, ..*look };
    let levels = if look.reads == Reads::Rest {
        cfg.levels().map(|(name, [c, h, w])| {
            g.input(name, DType::F32, [pictures.into(), Dim::from(c), h.into(), w.into()]).channels_last()
        })
    } else {
        let scales = hiera::write(g, &cfg.encoder, look);
        let levels = neck::write(g, &cfg.neck, &cfg.answers.decoder, &scales); // [B, h, w, C], from the finest
        LEVELS.iter().zip(levels).for_each(|(name, level)| g.output(*name, level.channels_first()));
        levels
    };
    if look.reads != Reads::Pictures {
        let [whole, half, coarse] = levels;
        let seen = Seen { coarse, fine: Some([whole, half]) };
        answer::write(g, cfg, look, seen, prompts::write(g, cfg, look));
    }
}
