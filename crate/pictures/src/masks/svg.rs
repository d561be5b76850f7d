//! Masks as vector pictures.

use std::fmt::Write;

use super::{Mask, contour, simplified};

/// Colours that neighbours in the list tell apart, also for most colour-blind eyes (Okabe and Ito 2008).
pub(crate) const COLORS: [[u8; 3]; 8] = [
    [0x00, 0x72, 0xb2],
    [0xe6, 0x9f, 0x00],
    [0x00, 0x9e, 0x73],
    [0xd5, 0x5e, 0x00],
    [0x56, 0xb4, 0xe9],
    [0xcc, 0x79, 0xa7],
    [0xf0, 0xe4, 0x42],
    [0x99, 0x99, 0x99],
];

/// An SVG file with one path for each mask, `mask-0` and so on; holes are left out by the even–odd rule. With a
/// `tolerance` of 0 a path is the mask exactly, with a larger one corners nearer than that many pixels are left out.
pub fn svg(width: usize, height: usize, masks: &[Mask], tolerance: f64) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n"
    );
    for (i, mask) in masks.iter().enumerate() {
        let [r, g, b] = COLORS[i % COLORS.len()];
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "<path id=\"mask-{i}\" fill=\"#{r:02x}{g:02x}{b:02x}\" fill-rule=\"evenodd\" d=\"{}\"/>",
            path(mask, tolerance)
        );
    }
    text.push_str("</svg>\n");
    text
}

/// The rings of a mask as the `d` of a path.
fn path(mask: &Mask, tolerance: f64) -> String {
    let mut path = String::new();
    for polygon in mask.polygons() {
        for ring in std::iter::once(&polygon.outer).chain(&polygon.holes) {
            close(&mut path, &simplified(ring, tolerance));
        }
    }
    path
}

fn close(path: &mut String, ring: &contour::Ring) {
    for (i, [x, y]) in ring.iter().enumerate() {
        let _ = write!(path, "{}{x} {y}", if i == 0 { 'M' } else { 'L' });
    }
    path.push('Z');
}
