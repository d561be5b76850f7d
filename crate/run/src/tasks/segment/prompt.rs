//! What points at something in a picture.

use graph::Tensor;

use super::Seen;
use crate::Error;

/// Whether a point lies on what is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On it.
    Inside,
    /// Beside it.
    Outside,
}

/// A place in a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
    /// Whether it lies on what is meant.
    pub kind: Kind,
}

/// How many masks are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Three for a single point, which may mean several things; one for all other prompts.
    #[default]
    Fitting,
    /// One.
    One,
    /// Three.
    Three,
}

/// What is meant: at least one of points, a box and a mask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    /// Points on it and beside it.
    pub points: Vec<Point>,
    /// Left, top, right and bottom of a box around it, in the picture's pixels.
    pub area: Option<[f32; 4]>,
    /// The small logits of an earlier answer.
    pub mask: Option<Vec<f32>>,
    /// How many masks are wanted.
    pub wanted: Wanted,
}

/// The most points of a prompt.
const MOST: usize = 1024;

impl Prompt {
    /// One point on what is meant.
    pub fn at(x: f32, y: f32) -> Self {
        Self { points: vec![Point { x, y, kind: Kind::Inside }], ..Self::default() }
    }

    /// A box around what is meant.
    pub fn around(area: [f32; 4]) -> Self {
        Self { area: Some(area), ..Self::default() }
    }

    /// What the model reads, all about one picture.
    pub(super) fn inputs(&self, seen: &Seen, mask: Option<[usize; 2]>) -> Result<Vec<(String, Tensor)>, Error> {
        if self.points.is_empty() && self.area.is_none() && self.mask.is_none() {
            return Err(Error::Prompt("says nothing: it has neither a point nor a box nor a mask".into()));
        }
        if self.points.len() > MOST {
            return Err(Error::Prompt(format!("has {} points, at most {MOST} are read", self.points.len())));
        }
        let (height, width) = (seen.picture.height(), seen.picture.width());
        let scaled = |[x, y]: [f32; 2]| [x * seen.scale[0], y * seen.scale[1]];
        let mut inputs = Vec::new();
        let mut push = |name: &str, tensor| inputs.push((name.to_string(), tensor));
        if !self.points.is_empty() {
            let n = self.points.len();
            let places = self.points.iter().map(|point| point.inside(width, height).map(scaled));
            let places = places.collect::<Result<Vec<_>, _>>()?.concat();
            let labels = self.points.iter().map(|point| i32::from(point.kind == Kind::Inside)).collect();
            push("input_points", Tensor::f32([1, 1, n, 2], places)?);
            push("input_labels", Tensor::i32([1, 1, n], labels)?);
        }
        if let Some(area) = self.area {
            let [left, top, right, bottom] = clipped(area, width, height)?;
            push("input_boxes", Tensor::f32([1, 1, 4], [scaled([left, top]), scaled([right, bottom])].concat())?);
        }
        if let Some(logits) = &self.mask {
            let fits = mask.filter(|[h, w]| h * w == logits.len());
            let Some([h, w]) = fits else {
                let expected = mask.map_or("none".to_string(), |[h, w]| format!("{h}×{w}"));
                return Err(Error::Prompt(format!("has a mask of {} values, expected {expected}", logits.len())));
            };
            push("input_masks", Tensor::f32([1, 1, h, w], logits.clone())?);
        }
        let three = match self.wanted {
            Wanted::Fitting => self.points.len() == 1 && self.area.is_none() && self.mask.is_none(),
            Wanted::One => false,
            Wanted::Three => true,
        };
        push("multimask_output", Tensor::i32([1], vec![i32::from(three)])?);
        Ok(inputs)
    }
}

impl Point {
    /// Its place, if that lies in a picture.
    fn inside(&self, width: usize, height: usize) -> Result<[f32; 2], Error> {
        let lies = |v: f32, n: usize| v >= 0.0 && v <= n as f32;
        if lies(self.x, width) && lies(self.y, height) {
            return Ok([self.x, self.y]);
        }
        let Self { x, y, .. } = self;
        Err(Error::Prompt(format!("has a point at {x}, {y} outside of the picture of {width}×{height} pixels")))
    }
}

/// The part of a box that lies in the picture.
fn clipped([left, top, right, bottom]: [f32; 4], width: usize, height: usize) -> Result<[f32; 4], Error> {
    let shown = format!("{left}, {top}, {right}, {bottom}");
    // Also refuses what is no number.
    if !(left < right && top < bottom) {
        return Err(Error::Prompt(format!("has an empty box: {shown} is not left, top, right, bottom")));
    }
    let (w, h) = (width as f32, height as f32);
    if !(left < w && top < h && right > 0.0 && bottom > 0.0) {
        return Err(Error::Prompt(format!("has a box {shown} outside of the picture of {width}×{height} pixels")));
    }
    Ok([left.max(0.0), top.max(0.0), right.min(w), bottom.min(h)])
}
