//! `preprocessor_config.json`, in its old and its new forms.

use serde_json::Value;

use super::{Processor, Size};
use crate::{Error, Filter};

/// Means and deviations of ImageNet.
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
/// −1 to 1.
const STANDARD: ([f32; 3], [f32; 3]) = ([0.5; 3], [0.5; 3]);
/// Means and deviations of CLIP's pictures.
const CLIP: ([f32; 3], [f32; 3]) = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.261_302_6, 0.275_777_1]);

/// The longest side that a configuration may ask for, in pixels.
const LONGEST_SIDE: u64 = 1 << 14;

/// What a kind of processor does where its file says nothing.
struct Defaults {
    /// The name without `ImageProcessor`.
    kind: &'static str,
    /// The models that use it, where there is no file.
    models: &'static [&'static str],
    filter: Filter,
    size: Size,
    crop: Option<usize>,
    normalize: ([f32; 3], [f32; 3]),
    pad: Option<usize>,
}

const KINDS: [Defaults; 6] = [
    Defaults {
        kind: "ViT",
        models: &["vit"],
        filter: Filter::Bilinear,
        size: Size::Exact(224, 224),
        crop: None,
        normalize: STANDARD,
        pad: None,
    },
    Defaults {
        kind: "DeiT",
        models: &["deit"],
        filter: Filter::Bicubic,
        size: Size::Exact(256, 256),
        crop: Some(224),
        normalize: STANDARD,
        pad: None,
    },
    Defaults {
        kind: "CLIP",
        models: &["clip", "clip_vision_model"],
        filter: Filter::Bicubic,
        size: Size::Shortest(224),
        crop: Some(224),
        normalize: CLIP,
        pad: None,
    },
    Defaults {
        kind: "Bit",
        models: &["dinov2", "dinov2_with_registers"],
        filter: Filter::Bicubic,
        size: Size::Shortest(224),
        crop: Some(224),
        normalize: CLIP,
        pad: None,
    },
    Defaults {
        kind: "Sam",
        models: &["sam", "mobile_sam"],
        filter: Filter::Bilinear,
        size: Size::Longest(1024),
        crop: None,
        normalize: IMAGENET,
        pad: Some(1024),
    },
    Defaults {
        kind: "Sam2",
        models: &["sam2", "sam2_video"],
        filter: Filter::Bilinear,
        size: Size::Exact(1024, 1024),
        crop: None,
        normalize: IMAGENET,
        pad: None,
    },
];

impl Processor {
    /// Reads `preprocessor_config.json`, or the part `image_processor` of `processor_config.json`. A file that does not
    /// say its kind is read as the model's type has it.
    ///
    /// # Errors
    /// [`Error::Config`] with the name `file` if it is of an unknown kind, or a field has a value that makes no sense.
    pub fn from_json(file: &str, config: &Value, model_type: &str) -> Result<Self, Error> {
        let config = if config["image_processor"].is_object() { &config["image_processor"] } else { config };
        let kind = ["image_processor_type", "feature_extractor_type"].iter().find_map(|key| config[*key].as_str());
        let defaults = match kind {
            Some(kind) => KINDS.iter().find(|defaults| defaults.kind == bare(kind)),
            None => KINDS.iter().find(|defaults| defaults.models.contains(&model_type)),
        };
        match defaults {
            Some(defaults) => Fields { file, config }.processor(defaults),
            None => Err(Error::config(file, format!("unknown image processor {:?}", kind.unwrap_or(model_type)))),
        }
    }

    /// What a model of that type uses where no file says it, brought to its side in pixels.
    pub fn of_model(model_type: &str, side: Option<usize>) -> Option<Self> {
        let defaults = KINDS.iter().find(|defaults| defaults.models.contains(&model_type))?;
        let mut processor = Fields { file: "", config: &Value::Null }.processor(defaults).ok()?;
        if let Some(side) = side {
            processor.size = Some(match defaults.size {
                // The same margin around the part that is cut out.
                Size::Exact(h, _) => defaults.crop.map_or(Size::Exact(side, side), |crop| {
                    let whole = side * h / crop;
                    Size::Exact(whole, whole)
                }),
                Size::Longest(_) => Size::Longest(side),
                Size::Shortest(_) | Size::Between(..) | Size::Within(..) => Size::Shortest(side),
            });
            processor.crop = defaults.crop.map(|_| (side, side));
            processor.pad = defaults.pad.map(|_| (side, side));
        }
        Some(processor)
    }
}

/// `ViT` of `ViTImageProcessor`, `ViTImageProcessorFast` and `ViTFeatureExtractor`.
fn bare(kind: &str) -> &str {
    let kind = ["Fast", "Pil"].iter().find_map(|end| kind.strip_suffix(end)).unwrap_or(kind);
    ["ImageProcessor", "FeatureExtractor"].iter().find_map(|end| kind.strip_suffix(end)).unwrap_or(kind)
}

/// The fields of a file. One that is `null` is as good as missing.
struct Fields<'a> {
    file: &'a str,
    config: &'a Value,
}

impl Fields<'_> {
    fn processor(&self, defaults: &Defaults) -> Result<Processor, Error> {
        let square = !matches!(defaults.size, Size::Shortest(_));
        let square = self.flag("default_to_square", square)?;
        let size = match self.get("size") {
            Some(value) => self.size(value, square)?,
            None => defaults.size,
        };
        let filter = match self.get("resample") {
            Some(value) => value
                .as_u64()
                .and_then(Filter::from_number)
                .ok_or_else(|| self.fail("resample", "is none of Pillow's filters, 0 to 5"))?,
            None => defaults.filter,
        };
        let factor = match self.get("rescale_factor") {
            Some(value) => self.number("rescale_factor", value)?,
            None => 1.0 / 255.0,
        };
        let (mean, std) = defaults.normalize;
        let normalize = (self.channels("image_mean", mean)?, self.channels("image_std", std)?);
        if normalize.1.contains(&0.0) {
            return Err(self.fail("image_std", "holds a zero"));
        }
        let crop = self.sides("crop_size", defaults.crop)?;
        let pad = self.sides("pad_size", defaults.pad)?;
        let crops = self.flag("do_center_crop", defaults.crop.is_some())?;
        let pads = self.flag("do_pad", defaults.pad.is_some())?;
        if crops && crop.is_none() {
            return Err(self.fail("crop_size", "is missing"));
        }
        Ok(Processor {
            size: self.flag("do_resize", true)?.then_some(size),
            filter,
            crop: crop.filter(|_| crops),
            factor: self.flag("do_rescale", true)?.then_some(factor),
            normalize: self.flag("do_normalize", true)?.then_some(normalize),
            pad: pad.filter(|_| pads),
        })
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn fail(&self, key: &str, reason: &str) -> Error {
        Error::config(self.file, format!("{key} {reason}"))
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, Error> {
        match self.get(key) {
            Some(value) => value.as_bool().ok_or_else(|| self.fail(key, "is neither true nor false")),
            None => Ok(default),
        }
    }

    fn number(&self, key: &str, value: &Value) -> Result<f64, Error> {
        let number = value.as_f64().filter(|number| number.is_finite());
        number.ok_or_else(|| self.fail(key, "is no number"))
    }

    /// Three numbers, or one for all channels.
    fn channels(&self, key: &str, default: [f32; 3]) -> Result<[f32; 3], Error> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let Some(list) = value.as_array() else { return Ok([self.number(key, value)? as f32; 3]) };
        let list = list.iter().map(|value| Ok(self.number(key, value)? as f32)).collect::<Result<Vec<f32>, _>>()?;
        list.try_into().map_err(|_| self.fail(key, "is not three numbers"))
    }

    fn side(&self, key: &str, value: &Value) -> Result<usize, Error> {
        let whole = value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as u64));
        match whole.filter(|side| (1..=LONGEST_SIDE).contains(side)) {
            Some(side) => Ok(side as usize),
            None => Err(self.fail(key, &format!("holds a side that is not 1 to {LONGEST_SIDE} pixels"))),
        }
    }

    /// A height and width: one number for both, a list, or by name.
    fn sides(&self, key: &str, default: Option<usize>) -> Result<Option<(usize, usize)>, Error> {
        let Some(value) = self.get(key) else { return Ok(default.map(|side| (side, side))) };
        match self.size_of(key, value, true)? {
            Size::Exact(h, w) => Ok(Some((h, w))),
            Size::Shortest(_) | Size::Between(..) | Size::Longest(_) | Size::Within(..) => {
                Err(self.fail(key, "has no height and width"))
            }
        }
    }

    fn size(&self, value: &Value, square: bool) -> Result<Size, Error> {
        self.size_of("size", value, square)
    }

    fn size_of(&self, key: &str, value: &Value, square: bool) -> Result<Size, Error> {
        if let Some(list) = value.as_array() {
            return match &list[..] {
                [h, w] => Ok(Size::Exact(self.side(key, h)?, self.side(key, w)?)),
                _ => Err(self.fail(key, "is not two numbers")),
            };
        }
        let Some(named) = value.as_object() else {
            let side = self.side(key, value)?;
            return Ok(if square { Size::Exact(side, side) } else { Size::Shortest(side) });
        };
        let side = |name: &str| match named.get(name).filter(|value| !value.is_null()) {
            Some(value) => self.side(key, value).map(Some),
            None => Ok(None),
        };
        let pair = |a: &str, b: &str| Ok::<_, Error>(side(a)?.zip(side(b)?));
        if let Some((shortest, longest)) = pair("shortest_edge", "longest_edge")? {
            return Ok(Size::Between(shortest, longest));
        }
        if let Some(shortest) = side("shortest_edge")? {
            return Ok(Size::Shortest(shortest));
        }
        if let Some(longest) = side("longest_edge")? {
            return Ok(Size::Longest(longest));
        }
        if let Some((h, w)) = pair("max_height", "max_width")? {
            return Ok(Size::Within(h, w));
        }
        match pair("height", "width")? {
            Some((h, w)) => Ok(Size::Exact(h, w)),
            None => Err(self.fail(key, "names neither height and width nor an edge")),
        }
    }
}
