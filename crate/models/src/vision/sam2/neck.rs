//! From the encoder's scales to one width, coarse ones added to finer ones.
//!
//! Paper: Lin et al. 2017, arXiv:1612.03144. Reference: `Sam2VisionNeck` of transformers, whose sinusoidal positions only
//! a video's memory reads.

use graph::{Bias, Builder, Stored, Var, Window};

use super::hiera::Hiera;
use crate::vision::sam::Decoder;
use crate::{Error, Fields};

/// What is fixed for one neck.
#[derive(Clone, Debug, PartialEq)]
pub struct Neck {
    /// Width of what is yielded.
    pub width: usize,
    /// The convolution of each scale.
    pub window: Window,
    /// Scales that the next coarser one is added to.
    pub top_down: Vec<usize>,
}

impl Neck {
    /// Reads a configuration.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn read(config: &Fields<'_>) -> Result<Self, Error> {
        let levels = config.size_or("num_feature_levels", 3)?;
        if levels != 3 {
            return Err(config.fail("num_feature_levels", format!("is {levels}, the decoder reads 3")));
        }
        let padding = config.number_or("fpn_padding", 0.0)?.clamp(0.0, 64.0) as usize;
        let kernel = config.size_or("fpn_kernel_size", 1)?.min(64);
        let top_down = match config.value("fpn_top_down_levels") {
            Some(list) => {
                let levels = list.as_array().into_iter().flatten().filter_map(serde_json::Value::as_u64);
                levels.map(|level| level as usize).collect()
            }
            None => vec![2, 3],
        };
        let window = Window::square(kernel, config.size_or("fpn_stride", 1)?, padding);
        Ok(Self { width: config.size_or("fpn_hidden_size", 256)?, window, top_down })
    }

    /// Whether the scales of an encoder fit.
    ///
    /// # Errors
    /// Their widths are others.
    pub fn check(&self, config: &Fields<'_>, encoder: &Hiera) -> Result<(), Error> {
        let widths: Vec<usize> = encoder.stages.iter().rev().map(|stage| stage.n_embd).collect();
        let named = config.sizes("backbone_channel_list")?;
        if named.is_empty() || named == widths {
            return Ok(());
        }
        Err(config.fail("backbone_channel_list", format!("is {named:?}, the encoder's stages have {widths:?}")))
    }
}

/// The three finest scales [B, h, w, C] as the decoder reads them, from the finest.
pub(super) fn write<'g>(g: &'g Builder, cfg: &Neck, decoder: &Decoder, scales: &[Var<'g>]) -> [Var<'g>; 3] {
    let (w, n, c) = (g.weights(), scales.len(), decoder.n_embd);
    let mut levels: Vec<Var<'g>> = Vec::new();
    for (i, scale) in scales.iter().enumerate().rev() {
        let at = w.at("vision_encoder.neck.convs").at(n - 1 - i);
        let own = scale.conv2d(&at, cfg.width, cfg.window, Bias::Add, None);
        let coarser = levels.last().filter(|_| cfg.top_down.contains(&i));
        levels.push(coarser.map_or(own, |coarser| own + doubled(*coarser)));
    }
    let level = |i: usize| levels[n - 1 - i];
    let project = |i: usize, name: &str, width: usize| {
        let whole = Window::square(1, 1, 0);
        level(i).conv2d(&w.at("mask_decoder").at(name), width, whole, Bias::Add, None)
    };
    let no_memory = w.tensor("no_memory_embedding", [1, 1, cfg.width], Stored::AsDeclared);
    [project(0, "conv_s0", c / 8), project(1, "conv_s1", c / 4), level(2) + no_memory.reshape([1, 1, 1, cfg.width])]
}

/// Each place as four: [B, h, w, C] → [B, 2h, 2w, C].
fn doubled(x: Var<'_>) -> Var<'_> {
    let ([h, w], b, c) = (x.height_width(), x.dim(0), x.dim(3));
    let apart = x.reshape([b.clone(), h.into(), 1.into(), w.into(), 1.into(), c.clone()]);
    let spread = apart.expand([b.clone(), h.into(), 2.into(), w.into(), 2.into(), c.clone()]);
    spread.reshape([b, (2 * h).into(), (2 * w).into(), c])
}
