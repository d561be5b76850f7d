//! Resizing as Pillow does it, to the last bit: filters widened by the scale, two passes, whole numbers.
//!
//! Source: Pillow, `src/libImaging/Resample.c` (the filters, `precompute_coeffs`, `normalize_coeffs_8bpc`) and
//! `Geometry.c` (nearest).

use std::ops::Range;

use crate::{Error, Picture, picture::pixels};

/// Bits behind the point of a coefficient: 32 of an integer less 8 of a value and 2 for sums above one.
const PRECISION: u32 = 32 - 8 - 2;

/// How pixels between pixels are made. The numbers are Pillow's, which preprocessor files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The nearest pixel.
    Nearest = 0,
    /// A windowed sinc of three lobes.
    Lanczos = 1,
    /// A triangle.
    Bilinear = 2,
    /// Cubic with a = −1/2 (Keys 1981).
    Bicubic = 3,
    /// The mean of the pixels below.
    Box = 4,
    /// A sinc in a Hamming window.
    Hamming = 5,
}

/// A part of a resized picture: columns and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Columns.
    pub x: Range<usize>,
    /// Rows.
    pub y: Range<usize>,
}

impl Filter {
    /// By Pillow's number.
    pub fn from_number(number: u64) -> Option<Self> {
        let all = [Self::Nearest, Self::Lanczos, Self::Bilinear, Self::Bicubic, Self::Box, Self::Hamming];
        all.into_iter().find(|filter| *filter as u64 == number)
    }

    /// How far it reaches to each side at scale 1.
    fn support(self) -> f64 {
        match self {
            Self::Nearest => 0.0,
            Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// Its height at `x`.
    fn at(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
        let far = x.abs();
        match self {
            Self::Nearest => 0.0,
            Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear => (1.0 - far).max(0.0),
            Self::Hamming if far >= 1.0 => 0.0,
            Self::Hamming => sinc(far) * (0.54 + 0.46 * (far * std::f64::consts::PI).cos()),
            Self::Bicubic if far < 1.0 => ((A + 2.0) * far - (A + 3.0)) * far * far + 1.0,
            Self::Bicubic if far < 2.0 => (((far - 5.0) * far + 8.0) * far - 4.0) * A,
            Self::Bicubic => 0.0,
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

/// What one axis becomes: for each new pixel of the window the first old one and its coefficients.
struct Axis {
    firsts: Vec<usize>,
    /// Where each pixel's coefficients begin, and the end of the last.
    starts: Vec<usize>,
    coefficients: Vec<i32>,
}

impl Axis {
    fn new(old: usize, new: usize, window: &Range<usize>, filter: Filter) -> Self {
        let scale = old as f64 / new as f64;
        let wider = scale.max(1.0);
        let support = filter.support() * wider;
        let mut axis = Self { firsts: Vec::new(), starts: vec![0], coefficients: Vec::new() };
        let mut weights = Vec::new();
        for place in window.clone() {
            let center = (place as f64 + 0.5) * scale;
            // Casts towards zero, where nothing is left of zero.
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(old);
            weights.clear();
            weights.extend((first..end).map(|x| filter.at((x as f64 - center + 0.5) * (1.0 / wider))));
            let sum: f64 = weights.iter().sum();
            let fixed = |weight: &f64| {
                let part = if sum == 0.0 { *weight } else { weight / sum };
                // Rounded away from zero.
                (part * f64::from(1u32 << PRECISION) + 0.5f64.copysign(part)) as i32
            };
            axis.coefficients.extend(weights.iter().map(fixed));
            axis.firsts.push(first);
            axis.starts.push(axis.coefficients.len());
        }
        axis
    }

    /// New pixel `i` of the window: the first old one and the coefficients.
    fn taps(&self, i: usize) -> (usize, &[i32]) {
        (self.firsts[i], &self.coefficients[self.starts[i]..self.starts[i + 1]])
    }

    /// The old pixels that any new one reads.
    fn reach(&self) -> Range<usize> {
        let ends = (0..self.firsts.len()).map(|i| self.firsts[i] + self.starts[i + 1] - self.starts[i]);
        self.firsts.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }
}

/// A sum of values times coefficients as a byte.
fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

const HALF: i32 = 1 << (PRECISION - 1);

/// Resizes a picture to `width` × `height` pixels, and gives a window of the result, without alpha. What is computed
/// and allocated grows with the window, not with the size.
///
/// ```
/// # use dynasty_pictures::{Filter, Picture, Window, resize};
/// let picture = Picture::from_rgb(2, 1, vec![0, 0, 0, 100, 200, 40])?;
/// let mean = resize(&picture, 1, 1, Filter::Bilinear, &Window { x: 0..1, y: 0..1 })?;
/// assert_eq!(mean.rgb(), [50, 100, 20]);
/// # Ok::<(), dynasty_pictures::Error>(())
/// ```
///
/// # Errors
/// [`Error::Size`] if the window is empty, too large, or not in the result.
pub fn resize(
    picture: &Picture,
    width: usize,
    height: usize,
    filter: Filter,
    window: &Window,
) -> Result<Picture, Error> {
    pixels(window.x.len(), window.y.len())?;
    if window.x.end > width || window.y.end > height {
        return Err(Error::Size(format!("the part {window:?} does not lie in {width}×{height} pixels")));
    }
    let rgb = if filter == Filter::Nearest {
        nearest(picture, width, height, window)
    } else {
        filtered(picture, width, height, filter, window)
    };
    Picture::from_rgb(window.x.len(), window.y.len(), rgb)
}

/// The order of the passes, which rounding makes a difference of, is that of Pillow 13: columns come first where they
/// shrink by more than twice as many pixels as rows do.
fn filtered(picture: &Picture, width: usize, height: usize, filter: Filter, window: &Window) -> Vec<u8> {
    let columns = Axis::new(picture.width(), width, &window.x, filter);
    let rows = Axis::new(picture.height(), height, &window.y, filter);
    let lost = |old: usize, new: usize| old as i64 - new as i64;
    let (lost_x, lost_y) = (lost(picture.width(), width), lost(picture.height(), height));
    let all = Plane { width: picture.width(), rgb: picture.rgb() };
    // A side that keeps its length is copied, without rounding.
    let across = |plane: Plane<'_>, y: &Range<usize>| match lost_x {
        0 => plane.part(&window.x, y),
        _ => plane.across(&columns, y),
    };
    if lost_y == 0 {
        return across(all, &window.y);
    }
    if lost_y > 0 && lost_y > 2 * lost_x {
        let middle = all.down(&rows, 0);
        return across(Plane { width: picture.width(), rgb: &middle }, &(0..window.y.len()));
    }
    let reach = rows.reach();
    let middle = across(all, &reach);
    Plane { width: window.x.len(), rgb: &middle }.down(&rows, reach.start)
}

/// Rows of pixels.
struct Plane<'a> {
    width: usize,
    rgb: &'a [u8],
}

impl Plane<'_> {
    fn part(&self, x: &Range<usize>, y: &Range<usize>) -> Vec<u8> {
        let row = |y: usize| &self.rgb[3 * (y * self.width + x.start)..3 * (y * self.width + x.end)];
        y.clone().flat_map(row).copied().collect()
    }

    /// The pass along some of the rows.
    fn across(&self, axis: &Axis, rows: &Range<usize>) -> Vec<u8> {
        let mut out = Vec::with_capacity(3 * rows.len() * axis.firsts.len());
        for row in self.rgb.chunks_exact(3 * self.width).take(rows.end).skip(rows.start) {
            let (row, _) = row.as_chunks::<3>();
            for i in 0..axis.firsts.len() {
                let (first, taps) = axis.taps(i);
                let mut sums = [HALF; 3];
                for (pixel, tap) in row[first..].iter().zip(taps) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += i32::from(*value) * tap;
                    }
                }
                out.extend(sums.map(byte));
            }
        }
        out
    }

    /// The pass along columns, where the first row here is row `top` of the axis.
    fn down(&self, axis: &Axis, top: usize) -> Vec<u8> {
        let stride = 3 * self.width;
        let mut out = Vec::with_capacity(stride * axis.firsts.len());
        let mut sums = vec![HALF; stride];
        for i in 0..axis.firsts.len() {
            let (first, taps) = axis.taps(i);
            sums.fill(HALF);
            for (row, tap) in self.rgb[(first - top) * stride..].chunks_exact(stride).zip(taps) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += i32::from(*value) * tap;
                }
            }
            out.extend(sums.iter().map(|sum| byte(*sum)));
        }
        out
    }
}

/// The pixel below the middle of each new one.
fn nearest(picture: &Picture, width: usize, height: usize, window: &Window) -> Vec<u8> {
    let xs = nearest_places(picture.width(), width, &window.x);
    let ys = nearest_places(picture.height(), height, &window.y);
    let (pixels, _) = picture.rgb().as_chunks::<3>();
    ys.iter().flat_map(|y| xs.iter().flat_map(move |x| pixels[y * picture.width() + x])).collect()
}

/// Pillow adds the scale up, pixel by pixel, and so do we.
fn nearest_places(old: usize, new: usize, window: &Range<usize>) -> Vec<usize> {
    let scale = old as f64 / new as f64;
    let mut at = scale * 0.5;
    let mut places = Vec::with_capacity(window.len());
    for place in 0..window.end {
        if place >= window.start {
            places.push((at as usize).min(old - 1));
        }
        at += scale;
    }
    places
}
