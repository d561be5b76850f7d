//! A decoded picture.

use crate::Error;

/// The most pixels of a picture: what the largest cameras make, 192 MiB of colours.
pub const MAX_PIXELS: usize = 1 << 26;

/// The longest side of a picture in pixels.
pub const MAX_SIDE: usize = 1 << 16;

/// Eight bits of red, green and blue a pixel, row by row, and alpha where the picture has some.
///
/// Colours are as the file has them: not multiplied by alpha and not laid over a background, which is how the reference
/// library shows pictures to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    alpha: Option<Vec<u8>>,
}

impl Picture {
    /// From red, green and blue: [H, W, 3].
    ///
    /// # Errors
    /// [`Error::Size`] if a side is nothing, there are too many pixels, or the bytes are not as many.
    pub fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self, Error> {
        let pixels = pixels(width, height)?;
        if rgb.len() != 3 * pixels {
            return Err(Error::Size(format!("{} bytes are no {width}×{height} pixels of 3 bytes", rgb.len())));
        }
        Ok(Self { width, height, rgb, alpha: None })
    }

    /// From red, green, blue and alpha, [H, W, 4], as a page's canvas has them. Alpha that hides nothing is left out.
    ///
    /// # Errors
    /// As [`Picture::from_rgb`].
    pub fn from_rgba(width: usize, height: usize, rgba: &[u8]) -> Result<Self, Error> {
        let pixels = pixels(width, height)?;
        if rgba.len() != 4 * pixels {
            return Err(Error::Size(format!("{} bytes are no {width}×{height} pixels of 4 bytes", rgba.len())));
        }
        let rgba = rgba.as_chunks::<4>().0;
        let rgb = rgba.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
        let opaque = rgba.iter().all(|[.., alpha]| *alpha == 255);
        let alpha = (!opaque).then(|| rgba.iter().map(|[.., alpha]| *alpha).collect());
        Ok(Self { width, height, rgb, alpha })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Red, green and blue: [H, W, 3].
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// How much each pixel hides, [H, W], if not all hide everything.
    pub fn alpha(&self) -> Option<&[u8]> {
        self.alpha.as_deref()
    }

    /// The part from `left`, `top` on, of at most this size.
    ///
    /// # Errors
    /// [`Error::Size`] if nothing of it lies in the picture.
    pub fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Result<Self, Error> {
        let right = left.saturating_add(width).min(self.width);
        let bottom = top.saturating_add(height).min(self.height);
        if left >= right || top >= bottom {
            let (w, h) = (self.width, self.height);
            return Err(Error::Size(format!("{width}×{height} from {left}, {top} on do not lie in {w}×{h} pixels")));
        }
        let part = |data: &[u8], each: usize| -> Vec<u8> {
            let row = |y: usize| &data[(y * self.width + left) * each..(y * self.width + right) * each];
            (top..bottom).flat_map(row).copied().collect()
        };
        let alpha = self.alpha.as_deref().map(|alpha| part(alpha, 1));
        Ok(Self { width: right - left, height: bottom - top, rgb: part(&self.rgb, 3), alpha })
    }
}

/// The number of pixels of a picture.
pub(crate) fn pixels(width: usize, height: usize) -> Result<usize, Error> {
    match width.checked_mul(height) {
        Some(0) => Err(Error::Size(format!("{width}×{height} pixels are nothing"))),
        Some(pixels) if pixels <= MAX_PIXELS && width.max(height) <= MAX_SIDE => Ok(pixels),
        Some(_) | None => Err(Error::Size(format!(
            "{width}×{height} pixels are too many, at most {MAX_PIXELS} and {MAX_SIDE} a side are read"
        ))),
    }
}
