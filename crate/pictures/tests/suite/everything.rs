//! Crops, points, edges, overlapping boxes and upscaled logits.

use dynasty_pictures::everything::{CropBox, Grid, Options, nms, on_crop_edge};
use dynasty_pictures::masks::Frame;
use serde_json::Value;

use super::{Tensors, json, number, numbers};

fn cases(part: &str) -> Vec<Value> {
    json("masks/cases.json")[part].as_array().unwrap().clone()
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

#[test]
fn crops_and_points_are_the_librarys() {
    for case in cases("crops") {
        let options = Options {
            points_per_side: number(&case["points"]),
            crop_n_layers: number(&case["layers"]),
            crop_overlap_ratio: case["ratio"].as_f64().unwrap(),
            crop_n_points_downscale_factor: number(&case["factor"]),
            ..Options::default()
        };
        let size = numbers(&case["size"]);
        let grid = Grid::new((size[0], size[1]), &options);
        let wanted = case["crops"].as_array().unwrap();
        assert_eq!(grid.crops.len(), wanted.len(), "{size:?}");
        for (crop, wanted) in grid.crops.iter().zip(wanted) {
            assert_eq!([crop.left, crop.top, crop.right, crop.bottom][..], numbers(&wanted["box"]), "{size:?}");
            assert_eq!(crop.layer, number(&wanted["layer"]));
            let points = Grid::points(crop, &options);
            let wanted: Vec<Vec<f32>> = wanted["points"].as_array().unwrap().iter().map(floats).collect();
            assert_eq!(points.len(), wanted.len(), "{size:?}");
            for (point, wanted) in points.iter().zip(&wanted) {
                assert!(
                    (point[0] - wanted[0]).abs() < 1e-3 && (point[1] - wanted[1]).abs() < 1e-3,
                    "{point:?} {wanted:?}"
                );
            }
        }
    }
}

#[test]
fn edges_of_crops_are_the_librarys() {
    let mut near = 0;
    for case in cases("edges") {
        let crop = numbers(&case["crop"]);
        let crop = CropBox { left: crop[0], top: crop[1], right: crop[2], bottom: crop[3], layer: 1 };
        let own = numbers(&case["box"]).try_into().unwrap();
        assert_eq!(on_crop_edge(own, &crop, (151, 201)), case["near"].as_bool().unwrap(), "{crop:?} {own:?}");
        near += usize::from(case["near"].as_bool().unwrap());
    }
    assert!(near > 5);
}

#[test]
fn boxes_are_suppressed_as_torchvision_does() {
    for case in cases("nms") {
        let boxes: Vec<[f32; 4]> =
            case["boxes"].as_array().unwrap().iter().map(|b| floats(b).try_into().unwrap()).collect();
        let kept = nms(&boxes, &floats(&case["scores"]), case["threshold"].as_f64().unwrap());
        assert_eq!(kept, numbers(&case["kept"]));
    }
}

#[test]
fn logits_are_upscaled_as_torch_does() {
    let tensors = Tensors::open("masks/upscale.safetensors");
    for (i, case) in cases("upscale").iter().enumerate() {
        let original = numbers(&case["original"]);
        let part = case["part"].as_array().map(|_| numbers(&case["part"]));
        let padded = part.map(|part| {
            let side = number(&case["model"]);
            ((side, side), (part[0], part[1]))
        });
        let frame = Frame { padded, original: (original[0], original[1]) };
        let (shape, low) = tensors.floats(&format!("{i}.low"));
        let (_, whole) = tensors.floats(&format!("{i}.whole"));
        let mut got = Vec::new();
        frame.rows(&low, (shape[0], shape[1]), |row| got.extend_from_slice(row)).unwrap();
        assert_eq!(got.len(), whole.len());
        let most = got.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-4, "{i}: off by {most}");
        let upscaled = frame.upscale(&low, (shape[0], shape[1]), 0.0, 3.0).unwrap();
        assert!((f64::from(upscaled.stability) - case["stability"].as_f64().unwrap()).abs() < 1e-3, "{i}");
        let bounds = upscaled.mask.bounds().unwrap();
        // The library's ends are inside.
        assert_eq!([bounds.left, bounds.top, bounds.right - 1, bounds.bottom - 1][..], numbers(&case["box"]), "{i}");
    }
    let frame = Frame { padded: Some(((8, 8), (9, 8))), original: (4, 4) };
    assert!(frame.upscale(&[0.0; 4], (2, 2), 0.0, 1.0).is_err());
    assert!(frame.upscale(&[0.0; 3], (2, 2), 0.0, 1.0).is_err());
}

#[test]
fn options_are_checked() {
    let check = |options: Options, name: &str| {
        let error = options.check().unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    };
    Options::default().check().unwrap();
    check(Options { points_per_side: 0, ..Options::default() }, "points_per_side");
    check(Options { points_per_batch: 0, ..Options::default() }, "points_per_batch");
    check(Options { crop_n_layers: 6, ..Options::default() }, "crop_n_layers");
    check(Options { crop_overlap_ratio: f64::NAN, ..Options::default() }, "crop_overlap_ratio");
    check(Options { crop_n_points_downscale_factor: 0, ..Options::default() }, "crop_n_points_downscale_factor");
    check(Options { box_nms_thresh: f64::INFINITY, ..Options::default() }, "box_nms_thresh");
}
