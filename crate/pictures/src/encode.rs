//! Pixels to PNG files.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::{Error, picture::pixels};

/// A PNG file of grey values: [H, W].
///
/// # Errors
/// [`Error::Size`] if there are not that many values.
pub fn png_grey(width: usize, height: usize, grey: &[u8]) -> Result<Vec<u8>, Error> {
    png(width, height, grey, ExtendedColorType::L8, 1)
}

/// A PNG file of red, green, blue and alpha: [H, W, 4].
///
/// # Errors
/// [`Error::Size`] if there are not that many values.
pub fn png_rgba(width: usize, height: usize, rgba: &[u8]) -> Result<Vec<u8>, Error> {
    png(width, height, rgba, ExtendedColorType::Rgba8, 4)
}

fn png(width: usize, height: usize, data: &[u8], color: ExtendedColorType, each: usize) -> Result<Vec<u8>, Error> {
    if data.len() != pixels(width, height)? * each {
        return Err(Error::Size(format!("{} bytes are no {width}×{height} pixels of {each} bytes", data.len())));
    }
    let mut file = Vec::new();
    let written = PngEncoder::new(&mut file).write_image(data, width as u32, height as u32, color);
    written.map_err(|error| Error::Size(error.to_string()))?;
    Ok(file)
}
