//! Which answers to keep.

use super::CropBox;

/// How near a box's side may come to the side of its crop, in pixels.
const NEAR: f32 = 20.0;

/// Whether a box, in the crop's own pixels with the last ones inside, touches a side of the crop that is no side of
/// the picture (of that height and width): what it holds is probably cut off.
pub fn on_crop_edge(own: [usize; 4], crop: &CropBox, (height, width): (usize, usize)) -> bool {
    let offsets = [crop.left, crop.top, crop.left, crop.top];
    let sides = [crop.left, crop.top, crop.right, crop.bottom];
    let ends = [0, 0, width, height];
    let near = |a: usize, b: usize| (a as f32 - b as f32).abs() <= NEAR;
    (0..4).any(|i| {
        let at = own[i] + offsets[i];
        near(at, sides[i]) && !near(at, ends[i])
    })
}

/// The places of the boxes that are left when of two that overlap more than `threshold` the one of the lower score goes,
/// the best first. A box is [left, top, right, bottom].
///
/// Source: <https://github.com/pytorch/vision>, `torchvision/csrc/ops/cpu/nms_kernel.cpp`.
pub fn nms(boxes: &[[f32; 4]], scores: &[f32], threshold: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..boxes.len().min(scores.len())).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut kept: Vec<usize> = Vec::new();
    for at in order {
        if !kept.iter().any(|better| f64::from(overlap(boxes[*better], boxes[at])) > threshold) {
            kept.push(at);
        }
    }
    kept
}

/// The common area of two boxes over that of both.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |[left, top, right, bottom]: [f32; 4]| (right - left) * (bottom - top);
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let common = width * height;
    common / (area(a) + area(b) - common)
}
