//! Masks as JSON, in COCO's words.

use serde_json::{Value, json};

use super::{Mask, Rle, simplified};

/// How run lengths are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RleForm {
    /// As text.
    #[default]
    Text,
    /// As a list of numbers.
    Counts,
}

/// `{"size": [height, width], "counts": …}`
pub fn segmentation(rle: &Rle, form: RleForm) -> Value {
    let counts = match form {
        RleForm::Text => json!(rle.text()),
        RleForm::Counts => json!(rle.counts()),
    };
    json!({ "size": [rle.height, rle.width], "counts": counts })
}

/// `[{"outer": [[x, y], …], "holes": [[[x, y], …], …]}, …]`, corners nearer than `tolerance` pixels to a line left out.
pub fn polygons(mask: &Mask, tolerance: f64) -> Value {
    let polygon = |polygon: super::Polygon| {
        let holes: Vec<_> = polygon.holes.iter().map(|hole| simplified(hole, tolerance)).collect();
        json!({ "outer": simplified(&polygon.outer, tolerance), "holes": holes })
    };
    mask.polygons().into_iter().map(polygon).collect()
}
