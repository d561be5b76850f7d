//! From a picture to what a model reads: resize, cut, scale, normalise, pad, as the reference library's image
//! processors do it with Pillow.
//!
//! Source: <https://github.com/huggingface/transformers>, `image_processing_backends.py` (`PilBackend`) and
//! `image_transforms.py`.

mod config;
mod size;

use std::ops::Range;

use crate::{Error, Filter, Picture, Window, resize};
use size::Size;

/// The most pixels that a model is given: 192 MiB of values.
const MOST: usize = 1 << 24;

/// How pictures are prepared for a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Processor {
    /// The size to which a picture is brought, if it is.
    size: Option<Size>,
    filter: Filter,
    /// The height and width that are cut out of the middle.
    crop: Option<(usize, usize)>,
    /// What bytes are multiplied with.
    factor: Option<f64>,
    /// Mean and standard deviation of red, green and blue.
    normalize: Option<([f32; 3], [f32; 3])>,
    /// The height and width to which zeros are added, below and to the right.
    pad: Option<(usize, usize)>,
}

/// A prepared picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Processed {
    /// What the model reads: [3, H, W].
    pub pixel_values: Vec<f32>,
    /// H and W.
    pub shape: (usize, usize),
    /// Height and width of the picture as it came.
    pub original: (usize, usize),
    /// Height and width after resizing and before cropping and padding.
    pub resized: (usize, usize),
}

impl Processor {
    /// Prepares a picture.
    ///
    /// # Errors
    /// [`Error::Size`] if what the configuration asks for is too large, or larger than what it pads to.
    pub fn process(&self, picture: &Picture) -> Result<Processed, Error> {
        let original = (picture.height(), picture.width());
        let resized = match self.size {
            Some(size) => size.of(original)?,
            None => original,
        };
        let shape = self.crop.unwrap_or(resized);
        let (rows, columns) = (Part::new(resized.0, shape.0), Part::new(resized.1, shape.1));
        let window = Window { x: columns.from.clone(), y: rows.from.clone() };
        let filter = if self.size.is_some() { self.filter } else { Filter::Nearest };
        let cut = resize(picture, resized.1, resized.0, filter, &window)?;
        let padded = self.pad.unwrap_or(shape);
        if padded.0 < shape.0 || padded.1 < shape.1 {
            return Err(Error::Size(format!("{shape:?} is more than the {padded:?} (height, width) to be padded to")));
        }
        let pixels = padded.0.saturating_mul(padded.1);
        if pixels > MOST {
            let (h, w) = padded;
            return Err(Error::Size(format!("{w}×{h} pixels for the model are too many, at most {MOST} are made")));
        }
        let mut values = vec![0.0; 3 * pixels];
        for (channel, plane) in values.chunks_exact_mut(padded.0 * padded.1).enumerate() {
            self.fill(plane, padded.1, channel, &cut, (rows.at, columns.at), shape);
        }
        Ok(Processed { pixel_values: values, shape: padded, original, resized })
    }

    /// Writes one channel of a cut-out picture, and black around it up to `shape`, into a plane of rows of `stride`.
    fn fill(
        &self,
        plane: &mut [f32],
        stride: usize,
        channel: usize,
        cut: &Picture,
        at: (usize, usize),
        shape: (usize, usize),
    ) {
        let table = self.table(channel);
        let (cut_pixels, _) = cut.rgb().as_chunks::<3>();
        for row in plane.chunks_exact_mut(stride).take(shape.0) {
            row[..shape.1].fill(table[0]);
        }
        for (row, from) in plane[at.0 * stride..].chunks_exact_mut(stride).zip(cut_pixels.chunks_exact(cut.width())) {
            for (value, pixel) in row[at.1..].iter_mut().zip(from) {
                *value = table[usize::from(pixel[channel])];
            }
        }
    }

    /// What each byte of a channel becomes. Rounded where the library rounds: after scaling, and after each step of
    /// normalising.
    fn table(&self, channel: usize) -> [f32; 256] {
        std::array::from_fn(|byte| {
            let scaled = match self.factor {
                Some(factor) => (byte as f64 * factor) as f32,
                None => byte as f32,
            };
            match self.normalize {
                Some((mean, std)) => (scaled - mean[channel]) / std[channel],
                None => scaled,
            }
        })
    }
}

/// What of one axis is cut out of the middle, and where it lies in the result.
struct Part {
    from: Range<usize>,
    at: usize,
}

impl Part {
    fn new(old: usize, new: usize) -> Self {
        if new <= old {
            let start = (old - new) / 2;
            return Self { from: start..start + new, at: 0 };
        }
        // As the library: padded to `new` with the larger half in front, and cut at ⌊(old − new) / 2⌋ + that half.
        let pad = (new - old).div_ceil(2);
        Self { from: 0..old, at: pad }
    }
}
