//! What lies under a mask, cut out of a picture.

use super::svg::COLORS;
use super::{Bounds, Mask};
use crate::{Error, Picture};

/// A part of a picture: what is not under the mask is transparent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutout {
    /// Where it lies in the picture.
    pub bounds: Bounds,
    /// Red, green, blue and alpha: [H, W, 4].
    pub rgba: Vec<u8>,
}

impl Cutout {
    /// Cuts what is under a mask out, no larger than the mask needs. Alpha of the picture stays.
    ///
    /// # Errors
    /// [`Error::Size`] if mask and picture have different sizes; [`Error::Mask`] if the mask is empty.
    pub fn new(picture: &Picture, mask: &Mask) -> Result<Self, Error> {
        same_size(picture, mask)?;
        let bounds = mask.bounds().ok_or_else(|| Error::Mask("it is empty, there is nothing to cut out".into()))?;
        let (colors, _) = picture.rgb().as_chunks::<3>();
        let mut rgba = Vec::with_capacity(4 * bounds.width() * bounds.height());
        for y in bounds.top..bounds.bottom {
            for at in y * mask.width + bounds.left..y * mask.width + bounds.right {
                let alpha = picture.alpha().map_or(255, |alpha| alpha[at]);
                let [r, g, b] = colors[at];
                rgba.extend(if mask.inside[at] { [r, g, b, alpha] } else { [0; 4] });
            }
        }
        Ok(Self { bounds, rgba })
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// None that a cut-out of a picture can have.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        crate::png_rgba(self.bounds.width(), self.bounds.height(), &self.rgba)
    }
}

fn same_size(picture: &Picture, mask: &Mask) -> Result<(), Error> {
    if (picture.width(), picture.height()) == (mask.width, mask.height) {
        return Ok(());
    }
    let (w, h) = (picture.width(), picture.height());
    Err(Error::Size(format!("a mask of {}×{} pixels does not fit a picture of {w}×{h}", mask.width, mask.height)))
}

/// A PNG file that is white where the mask is and black elsewhere.
///
/// # Errors
/// None that a mask can have.
#[cfg(not(target_arch = "wasm32"))]
pub fn mask_png(mask: &Mask) -> Result<Vec<u8>, Error> {
    let grey: Vec<u8> = mask.inside.iter().map(|inside| if *inside { 255 } else { 0 }).collect();
    crate::png_grey(mask.width, mask.height, &grey)
}

/// A picture of many masks, transparent where there is none: each in a colour of its own, the first on top.
/// [H, W, 4].
pub fn overlay(width: usize, height: usize, masks: &[Mask]) -> Vec<u8> {
    let mut rgba = vec![0; 4 * width * height];
    for (i, mask) in masks.iter().enumerate().rev() {
        let [r, g, b] = COLORS[i % COLORS.len()];
        let (pixels, _) = rgba.as_chunks_mut::<4>();
        for (pixel, _) in pixels.iter_mut().zip(&mask.inside).filter(|(_, inside)| **inside) {
            *pixel = [r, g, b, 255];
        }
    }
    rgba
}

/// [`overlay`] as a PNG file.
///
/// # Errors
/// [`Error::Size`] if there are too many pixels.
#[cfg(not(target_arch = "wasm32"))]
pub fn overlay_png(width: usize, height: usize, masks: &[Mask]) -> Result<Vec<u8>, Error> {
    crate::picture::pixels(width, height)?;
    crate::png_rgba(width, height, &overlay(width, height, masks))
}
