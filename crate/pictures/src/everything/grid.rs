//! Where to ask: crops of a picture, and a grid of points in each.

use super::Options;

/// A part of a picture that is looked at on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// After the last column.
    pub right: usize,
    /// After the last row.
    pub bottom: usize,
    /// Its round: 0 is the whole picture.
    pub layer: usize,
}

impl CropBox {
    /// Columns.
    pub fn width(&self) -> usize {
        self.right - self.left
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.bottom - self.top
    }
}

/// The crops of a picture, the whole one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The crops.
    pub crops: Vec<CropBox>,
}

impl Grid {
    /// For a picture of that height and width.
    pub fn new((height, width): (usize, usize), options: &Options) -> Self {
        let mut crops = vec![CropBox { left: 0, top: 0, right: width, bottom: height, layer: 0 }];
        for layer in 1..=options.crop_n_layers {
            let side = 1usize << layer;
            let short = height.min(width) as f64;
            let overlap = (options.crop_overlap_ratio * short * (2.0 / side as f64)) as usize;
            let length = |whole: usize| (overlap * (side - 1) + whole).div_ceil(side);
            let (crop_w, crop_h) = (length(width), length(height));
            for column in 0..side {
                for row in 0..side {
                    let (left, top) = ((crop_w - overlap) * column, (crop_h - overlap) * row);
                    let (right, bottom) = ((left + crop_w).min(width), (top + crop_h).min(height));
                    // A picture of a few pixels has no room for all of them.
                    if left < right && top < bottom {
                        crops.push(CropBox { left, top, right, bottom, layer });
                    }
                }
            }
        }
        Self { crops }
    }

    /// The points to ask in a crop, row by row, in its own pixels: [x, y].
    pub fn points(crop: &CropBox, options: &Options) -> Vec<[f32; 2]> {
        let factor = options.crop_n_points_downscale_factor.saturating_pow(crop.layer as u32);
        let side = options.points_per_side / factor;
        let part = |i: usize| (i as f64 + 0.5) / side as f64;
        let point = |row: usize, column: usize| {
            [(part(column) * crop.width() as f64) as f32, (part(row) * crop.height() as f64) as f32]
        };
        (0..side).flat_map(|row| (0..side).map(move |column| point(row, column))).collect()
    }
}
