//! Files to pictures.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::picture::pixels;
use crate::{Error, Picture};

/// The most bytes that decoding may allocate: 16 bits of four channels of every pixel, and as much again.
const MOST_BYTES: u64 = 1 << 30;

/// Decodes a PNG, JPEG, WebP, GIF or BMP file, told apart by its bytes and not by its name. Of moving pictures it gives
/// the first frame; it turns pictures as their EXIF data say, and keeps the upper eight bits of sixteen.
///
/// # Errors
/// [`Error::Picture`] with the name `file` if it is none of them, is damaged or cut off, or has too many pixels, which
/// is found before they are allocated.
pub fn decode(file: &str, bytes: &[u8]) -> Result<Picture, Error> {
    let fail = |reason: &dyn std::fmt::Display| Error::picture(file, reason);
    if bytes.is_empty() {
        return Err(fail(&"the file is empty"));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| fail(&error))?;
    let Some(format) = reader.format().filter(ImageFormat::reading_enabled) else {
        return Err(fail(&"no picture of a kind that is read here (PNG, JPEG, WebP, GIF, BMP)"));
    };
    if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
        return Err(fail(&"the JPEG picture is cut off"));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let broken = |error: ImageError| fail(&format!("damaged {} picture: {error}", name(format)));
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    pixels(width as usize, height as usize).map_err(|error| fail(&error))?;
    // A picture whose EXIF data are broken is shown as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
    decoded.apply_orientation(orientation);
    picture(decoded).map_err(|error| fail(&error))
}

fn picture(mut decoded: DynamicImage) -> Result<Picture, Error> {
    keep_upper_bytes(&mut decoded);
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    if decoded.color().has_alpha() {
        return Picture::from_rgba(width, height, &decoded.into_rgba8());
    }
    Picture::from_rgb(width, height, decoded.into_rgb8().into_raw())
}

/// Makes each sample of sixteen bits the one that has its upper byte twice, which conversion to eight bits then keeps.
fn keep_upper_bytes(decoded: &mut DynamicImage) {
    let upper = |samples: &mut [u16]| samples.iter_mut().for_each(|sample| *sample = (*sample >> 8) * 257);
    match decoded {
        DynamicImage::ImageLuma16(image) => upper(image),
        DynamicImage::ImageLumaA16(image) => upper(image),
        DynamicImage::ImageRgb16(image) => upper(image),
        DynamicImage::ImageRgba16(image) => upper(image),
        _ => {}
    }
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        _ => "other",
    }
}

/// Whether a JPEG file has the marker of its end; the decoder would fill up what is missing with grey. Segments are
/// passed by their lengths, because what they hold may be a JPEG file of its own.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    let mut scanning = false;
    while let Some(&[first, kind]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()) {
        match (first, kind) {
            (0xff, 0xd9) => return true,
            // Fill bytes, stuffed bytes and restarts.
            (0xff, 0xff) => at += 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, _) => {
                let Some(length) = bytes.get(at + 2..).and_then(|rest| rest.first_chunk::<2>()) else { return false };
                at += 2 + usize::from(u16::from_be_bytes(*length));
                scanning = kind == 0xda;
            }
            _ if scanning => at += 1,
            // Neither data of a scan nor a marker: the decoder says what it thinks of it.
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Rgb};

    use super::*;

    /// Rounding would make 2 of 0x01FF.
    #[test]
    fn upper_bytes_of_sixteen_bits() {
        let deep = ImageBuffer::from_raw(2, 1, vec![0x01ff_u16, 0xfe80, 0xffff, 0x0080, 0x7f7f, 0x80fe]);
        let mut png = Cursor::new(Vec::new());
        let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = deep.unwrap();
        deep.write_to(&mut png, ImageFormat::Png).unwrap();
        let seen = decode("deep.png", png.get_ref()).unwrap();
        assert_eq!(seen.rgb(), [0x01, 0xfe, 0xff, 0x00, 0x7f, 0x80]);
    }
}
