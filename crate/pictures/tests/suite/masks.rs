//! Run lengths, boxes, outlines and small regions.

use dynasty_pictures::masks::{Cutout, RleForm, Small, mask_png, overlay, polygons, segmentation, simplified, svg};
use dynasty_pictures::{Mask, Picture, Rle, decode};
use serde_json::Value;

use super::{json, mask, number, numbers};

fn each(mut test: impl FnMut(&str, &Value, &Mask)) {
    let cases = json("masks/cases.json");
    for case in cases["masks"].as_array().unwrap() {
        test(case["name"].as_str().unwrap(), case, &mask(&case["rows"]));
    }
}

#[test]
fn run_lengths_are_cocos() {
    each(|name, case, mask| {
        let rle = Rle::encode(mask);
        let counts: Vec<usize> = rle.counts().iter().map(|count| *count as usize).collect();
        assert_eq!(counts, numbers(&case["counts"]), "{name}");
        assert_eq!(rle.text(), case["text"].as_str().unwrap(), "{name}");
        assert_eq!(Rle::from_text(rle.height, rle.width, &rle.text()).unwrap(), rle, "{name}");
        assert_eq!(rle.decode(), *mask, "{name}");
        assert_eq!((rle.area(), mask.area()), (number(&case["area"]), number(&case["area"])), "{name}");
        let bounds = rle.bounds().map_or([0; 4], |bounds| bounds.xywh());
        assert_eq!(bounds[..], numbers(&case["xywh"]), "{name}");
        assert_eq!(rle.bounds(), mask.bounds(), "{name}");
    });
}

/// Fills rings by the even–odd rule: a pixel is inside if a line from its middle to the left crosses an odd number of
/// upright sides.
fn filled(width: usize, height: usize, rings: &[&Vec<[u32; 2]>]) -> Vec<bool> {
    let mut crossings = vec![0; width * height];
    for ring in rings {
        for (i, [x, y0]) in ring.iter().enumerate() {
            let [next, y1] = ring[(i + 1) % ring.len()];
            for y in (*y0).min(y1)..(*y0).max(y1) {
                assert_eq!(*x, next, "sides are upright or level");
                (*x as usize..width).for_each(|x| crossings[y as usize * width + x] += 1);
            }
        }
    }
    crossings.iter().map(|crossings| crossings % 2 == 1).collect()
}

/// Twice the area of a ring, positive if it turns clockwise on a screen.
fn area(ring: &[[u32; 2]]) -> i64 {
    let at = |i: usize| ring[i % ring.len()].map(i64::from);
    (0..ring.len()).map(|i| at(i)[0] * at(i + 1)[1] - at(i + 1)[0] * at(i)[1]).sum()
}

#[test]
fn outlines_give_the_mask_back() {
    each(|name, case, mask| {
        let polygons = mask.polygons();
        assert_eq!(polygons.len(), number(&case["parts"]), "{name}: parts");
        let holes: usize = polygons.iter().map(|polygon| polygon.holes.len()).sum();
        assert_eq!(holes, number(&case["holes"]), "{name}: holes");
        let rings: Vec<_> = polygons.iter().flat_map(|p| std::iter::once(&p.outer).chain(&p.holes)).collect();
        assert_eq!(filled(mask.width(), mask.height(), &rings), mask.inside(), "{name}");
        for polygon in &polygons {
            assert!(area(&polygon.outer) > 0 && polygon.holes.iter().all(|hole| area(hole) < 0), "{name}");
            let holes: i64 = polygon.holes.iter().map(|hole| area(hole)).sum();
            assert!(area(&polygon.outer) + holes > 0, "{name}: a hole belongs to another part");
        }
        let sum: i64 = rings.iter().map(|ring| area(ring)).sum();
        assert_eq!(sum, 2 * mask.area() as i64, "{name}");
        for ring in rings {
            let corner = |i: usize| ring[i % ring.len()];
            let turns =
                (0..ring.len()).all(|i| (corner(i)[0] == corner(i + 1)[0]) != (corner(i + 1)[0] == corner(i + 2)[0]));
            assert!(turns, "{name}: a corner on a line");
        }
    });
}

#[test]
fn small_regions_go_as_in_the_reference() {
    each(|name, case, mask| {
        for removed in case["removed"].as_array().unwrap() {
            let islands = removed["islands"].as_bool().unwrap();
            let small = if islands { Small::Islands } else { Small::Holes };
            let got = mask.without_small(small, number(&removed["area"]));
            let wanted = (!removed["rows"].is_null()).then(|| super::mask(&removed["rows"]));
            assert_eq!(got, wanted, "{name}: {small:?} below {}", removed["area"]);
        }
    });
}

#[test]
fn simple_outlines_stay_near() {
    each(|name, _, mask| {
        for polygon in mask.polygons() {
            let simple = simplified(&polygon.outer, 1.0);
            assert!(simple.len() <= polygon.outer.len() && simple.len() >= 3, "{name}");
            assert!(simple.iter().all(|corner| polygon.outer.contains(corner)), "{name}");
        }
    });
    // A staircase of single pixels becomes its slope.
    let stairs = Mask::new(40, 40, (0..1600).map(|i| i % 40 >= i / 40).collect()).unwrap();
    let ring = &stairs.polygons()[0].outer;
    assert_eq!((ring.len(), &simplified(ring, 0.0)), (82, ring));
    assert!(simplified(ring, 1.0).len() <= 5, "{:?}", simplified(ring, 1.0));
}

#[test]
fn json_is_in_cocos_words() {
    each(|name, case, mask| {
        let rle = Rle::encode(mask);
        let size = serde_json::json!([mask.height(), mask.width()]);
        let text = segmentation(&rle, RleForm::Text);
        assert_eq!((&text["size"], &text["counts"]), (&size, &case["text"]), "{name}");
        assert_eq!(segmentation(&rle, RleForm::Counts)["counts"], case["counts"], "{name}");
        let outlines = polygons(mask, 0.0);
        assert_eq!(outlines.as_array().unwrap().len(), number(&case["parts"]), "{name}");
        let holes: usize = outlines.as_array().unwrap().iter().map(|p| p["holes"].as_array().unwrap().len()).sum();
        assert_eq!(holes, number(&case["holes"]), "{name}");
    });
}

#[test]
fn files_show_the_mask() {
    let square = Mask::new(4, 3, [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0].map(|v| v == 1).to_vec()).unwrap();
    let text = svg(4, 3, std::slice::from_ref(&square), 0.0);
    assert!(
        text.contains("viewBox=\"0 0 4 3\"") && text.contains("fill-rule=\"evenodd\" d=\"M1 1L3 1L3 3L1 3Z\""),
        "{text}"
    );
    let png = decode("mask.png", &mask_png(&square).unwrap()).unwrap();
    assert!(png.rgb().iter().step_by(3).zip(square.inside()).all(|(value, inside)| (*value == 255) == *inside));

    let rgba: Vec<u8> = (0..48).map(|i| if i % 4 == 3 { 200 } else { i }).collect();
    let picture = Picture::from_rgba(4, 3, &rgba).unwrap();
    let mut corner = square.inside().to_vec();
    corner[5] = false;
    let cut = Cutout::new(&picture, &Mask::new(4, 3, corner).unwrap()).unwrap();
    assert_eq!(cut.bounds.xywh(), [1, 1, 2, 2]);
    assert_eq!(cut.rgba, [0, 0, 0, 0, 24, 25, 26, 200, 36, 37, 38, 200, 40, 41, 42, 200]);
    let empty = Mask::new(4, 3, vec![false; 12]).unwrap();
    assert!(Cutout::new(&picture, &empty).unwrap_err().to_string().contains("empty"));
    assert!(Cutout::new(&picture, &Mask::new(3, 4, vec![true; 12]).unwrap()).unwrap_err().to_string().contains("fit"));

    let all = Mask::new(4, 3, vec![true; 12]).unwrap();
    let both = overlay(4, 3, &[square.clone(), all]);
    assert_ne!(both[..4], both[4 * 5..4 * 6]);
    assert_eq!(overlay(4, 3, std::slice::from_ref(&square))[..4], [0; 4]);
    assert_eq!(square.placed(2, 1, 7, 5).unwrap().bounds().unwrap().xywh(), [3, 2, 2, 2]);
    assert!(square.placed(4, 1, 7, 5).is_err());
    assert_eq!(square.iou(&Mask::new(4, 3, vec![true; 12]).unwrap()), 4.0 / 12.0);
}
