//! Segment Anything: an encoder for pictures, and a small decoder that answers prompts with masks.
//!
//! Paper: Kirillov et al. 2023, arXiv:2304.02643. Reference: `SamModel` of transformers.
//!
//! Axis letters: B pictures, N prompts a picture, T tokens of a prompt, h, w rows and columns of patches, C width.

mod decoder;
mod encoder;
mod loss;
mod names;
mod prompts;

use graph::{Act, Builder, DType, Dim};

use super::{Look, Reads};
use crate::{Error, Fields};
pub(super) use decoder::{Decoded, Seen, decode, layers};
pub use decoder::{Decoder, Form};
pub use encoder::Encoder;
pub(super) use encoder::{check_window, neck};
pub use loss::{Weighed, mask_loss};
pub use names::{counts_from_first, former_name, published_config};
pub use prompts::{Labels, PromptEncoder, TRAINED_ROWS};
pub(super) use prompts::{Written, cells, features, mask, pixels, placed};

/// What is fixed for one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The encoder of pictures.
    pub encoder: Encoder,
    /// Prompts and masks; the encoder alone has none.
    pub answers: Option<Answers>,
}

/// What answers prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The encoder of prompts.
    pub prompts: PromptEncoder,
    /// The decoder of masks.
    pub decoder: Decoder,
}

impl Answers {
    /// Reads the configurations of prompts and masks.
    ///
    /// # Errors
    /// A field is wrong, or the widths differ.
    pub fn read(config: &Fields<'_>, form: Form) -> Result<Self, Error> {
        let empty = serde_json::Value::Object(serde_json::Map::new());
        let none = Fields::new(config.file(), &empty)?;
        let part = |name: &str| -> Result<_, Error> { config.object(name) };
        let prompts = PromptEncoder::read(&part("prompt_encoder_config")?.unwrap_or(none))?;
        let decoder = Decoder::read(&part("mask_decoder_config")?.unwrap_or(none), form)?;
        if prompts.n_embd != decoder.n_embd {
            let reason = format!("has width {}, the mask decoder {}", prompts.n_embd, decoder.n_embd);
            return Err(config.fail("prompt_encoder_config", reason));
        }
        Ok(Self { prompts, decoder })
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong, or parts do not fit each other.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let empty = serde_json::Value::Object(serde_json::Map::new());
        let none = Fields::new(config.file(), &empty)?;
        let encoder = Encoder::read(&config.object("vision_config")?.unwrap_or(none))?;
        let answers = Answers::read(config, Form::First)?;
        if encoder.n_out != answers.prompts.n_embd || encoder.grid() != answers.prompts.grid {
            let reason = format!("yields {} by {:?}, prompts have others", encoder.n_out, encoder.grid());
            return Err(config.fail("vision_config", reason));
        }
        Ok(Self { encoder, answers: Some(answers) })
    }

    /// Reads the configuration of the encoder alone.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn encoder_alone(config: &Fields<'_>) -> Result<Self, Error> {
        let own = config.object("vision_config")?.unwrap_or(*config);
        Ok(Self { encoder: Encoder::read(&own)?, answers: None })
    }
}

/// Writes the graph. A broken shape rule shows when it is finished.
pub fn write(g: &Builder, cfg: &Config, look: &Look) {
    let look = &match cfg.answers {
        Some(_) => Look { pictures: look.pictures.max(1), ..*look },
        None => *look,
    };
    let shown = if cfg.answers.is_some() { "vision." } else { "" };
    let seen = (look.reads != Reads::Rest).then(|| encoder::write(g, &cfg.encoder, look, shown)); // [B, h, w, C]
    let Some(answers) = &cfg.answers else {
        seen.into_iter().for_each(|seen| g.output("last_hidden_state", seen.channels_first()));
        return;
    };
    if look.reads == Reads::Pictures {
        seen.into_iter().for_each(|seen| g.output("image_embeddings", seen.channels_first()));
        return;
    }
    answer(g, answers, look, seen);
}

/// Writes a step of training: what [`loss::write`] says. A broken shape rule shows when the graph is finished.
pub fn train(g: &Builder, cfg: &Config, look: &Look) {
    let Some(answers) = &cfg.answers else { return };
    let pictures = look.pictures.max(1);
    let seen = encoder::write(g, &cfg.encoder, &Look { pictures, ..*look }, "");
    let prompts = prompts::for_training(g, &answers.prompts, pictures);
    let decoded = decode(g, &answers.decoder, pictures, Seen { coarse: seen, fine: None }, prompts, &Dim::from('N'));
    loss::write(g, decoded, answers.prompts.grid.map(|n| 4 * n), Weighed::default());
}

/// Reads prompts and embeddings, unless these are just made [B, h, w, C], and yields masks.
pub(super) fn answer<'g>(g: &'g Builder, cfg: &Answers, look: &Look, seen: Option<graph::Var<'g>>) {
    let [h, w] = cfg.prompts.grid;
    let seen = seen.unwrap_or_else(|| {
        let shape = [look.pictures.max(1).into(), Dim::from(cfg.prompts.n_embd), h.into(), w.into()];
        g.input("image_embeddings", DType::F32, shape).channels_last()
    });
    let prompts = prompts::write(g, &cfg.prompts, look);
    decoder::write(g, &cfg.decoder, look, seen, prompts);
}

/// The activation of most parts.
pub(super) const ACT: Act = Act::Gelu;
