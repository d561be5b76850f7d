//! `dynasty segment`, `classify-image` and `embed --image`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn dynasty(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dynasty")).args(args).output().unwrap()
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name).display().to_string()
}

fn json(args: &[&str]) -> Value {
    let output = dynasty(&[args, &["--device", "cpu", "--json"]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refused(args: &[&str], expected: &str) {
    let output = dynasty(args);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{args:?}");
    assert!(told.lines().count() == 1 && told.contains(expected), "{args:?}: {told}");
}

/// A folder that is empty at first and removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dynasty-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn masks_of_prompts() {
    let (picture, model) = (fixture("looking/0.png"), fixture("models/sam_points"));
    let folder = Folder::new("segment");
    let (file, svg, png) = (folder.file("a.json"), folder.file("a.svg"), folder.file("a.png"));
    let said = json(&[
        "segment",
        &picture,
        "--model",
        &model,
        "--point",
        "20,9",
        "--point",
        "1,30,0",
        "--object",
        "4,5,18,29",
        "--out",
        &file,
        "--out",
        &svg,
        "--out",
        &png,
        "--polygons",
    ]);
    assert_eq!(said["size"], serde_json::json!([37, 50]));
    let masks = said["masks"].as_array().unwrap();
    assert_eq!(masks.len(), 2);
    for (i, mask) in masks.iter().enumerate() {
        assert_eq!(mask["prompt"], i);
        let text = mask["segmentation"]["counts"].as_str().unwrap();
        let rle = pictures::Rle::from_text(37, 50, text).unwrap();
        assert_eq!(mask["area"], rle.area());
        assert_eq!(mask["bbox"], serde_json::json!(rle.bounds().unwrap().xywh()));
        assert_eq!(mask["polygons"].as_array().unwrap().len(), rle.decode().polygons().len());
    }
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written, said);
    assert!(std::fs::read_to_string(&svg).unwrap().contains("id=\"mask-1\""));
    let seen = pictures::decode("a.png", &std::fs::read(&png).unwrap()).unwrap();
    assert_eq!((seen.width(), seen.height(), seen.alpha().is_some()), (50, 37, true));

    let three = json(&["segment", &picture, "--model", &model, "--point", "20,9", "--masks", "all", "--uncompressed"]);
    assert_eq!(three["masks"].as_array().unwrap().len(), 3);
    assert!(three["masks"][0]["segmentation"]["counts"].is_array());
    let cut = ["segment", &picture, "--model", &model, "--box", "4,5,18,29", "--cutout", "--out", &png];
    let best = json(&cut);
    let seen = pictures::decode("a.png", &std::fs::read(&png).unwrap()).unwrap();
    assert_eq!(
        serde_json::json!([seen.width(), seen.height()]).as_array().unwrap()[..],
        best["masks"][0]["bbox"].as_array().unwrap()[2..]
    );
}

#[test]
fn everything_and_words() {
    let (picture, model, clip) = (fixture("looking/0.png"), fixture("models/sam_points"), fixture("looking/clip"));
    let search = [
        "--points-per-side",
        "6",
        "--pred-iou-thresh",
        "0.24",
        "--stability-score-thresh",
        "0.2",
        "--stability-score-offset",
        "0.05",
        "--mask-threshold",
        "0.25",
        "--box-nms-thresh",
        "0.985",
    ];
    let all = json(&[&["segment", &picture, "--model", &model, "--everything"][..], &search].concat());
    let masks = all["masks"].as_array().unwrap();
    assert!(!masks.is_empty() && masks[0]["point_coords"][0].as_array().unwrap().len() == 2);
    let words = ["segment", &picture, "--model", &model, "--text", "newest wide", "--clip", &clip, "--least", "-1"];
    let found = json(&[&words[..], &["--margin", "2"], &search].concat());
    assert_eq!(found["masks"].as_array().unwrap().len(), masks.len());
    assert_eq!(found["masks"][0]["text"], "newest wide");
}

#[test]
fn classes_and_vectors() {
    let (a, b) = (fixture("looking/0.png"), fixture("looking/1.png"));
    let said = json(&["classify-image", &a, &b, "--model", &fixture("models/vit_labels"), "--top", "2"]);
    assert_eq!(said["classes"].as_array().unwrap().len(), 2);
    assert_eq!(said["classes"][0].as_array().unwrap().len(), 2);
    let clip = fixture("looking/clip");
    let said = json(&["classify-image", &a, "--model", &clip, "--label", "low lower", "--label", "the end"]);
    let scores: f64 = said["classes"][0].as_array().unwrap().iter().map(|class| class["score"].as_f64().unwrap()).sum();
    assert!((scores - 1.0).abs() < 1e-5);
    let said = json(&["embed", "--image", &a, "--text", "low lower", "--model", &clip]);
    assert_eq!(said["embeddings"].as_array().unwrap().len(), 2);
    assert_eq!(said["embeddings"][0].as_array().unwrap().len(), said["embeddings"][1].as_array().unwrap().len());
}

#[test]
fn what_cannot_be_is_one_line() {
    let (picture, sam) = (fixture("looking/0.png"), fixture("models/sam_points"));
    let segment = |more: &[&str], expected: &str| {
        let start = ["segment", &picture, "--device", "cpu", "--model", &sam];
        refused(&[&start[..], more].concat(), expected);
    };
    segment(&[], "nothing is asked");
    segment(&["--point", "60,3"], "outside of the picture of 50×37");
    segment(&["--point=-1,3"], "outside of the picture");
    segment(&["--point", "a,3"], "is no list of numbers");
    segment(&["--point", "1,2,3"], "0 or 1");
    segment(&["--box", "5,5,5,9"], "empty box");
    segment(&["--box", "5,5,9"], "left,top,right,bottom");
    segment(&["--box", "1,1,9,9", "--box", "2,2,9,9", "--point", "3,3"], "--object");
    segment(&["--text", "a dog"], "--clip");
    segment(&["--everything", "--points-per-side", "0"], "points_per_side");
    segment(&["--point", "3,3", "--out", "mask.tiff"], "neither .json");
    refused(&["segment", "no/such.png", "--model", &sam, "--point", "1,1"], "no/such.png");
    let text = fixture("README.md");
    refused(&["segment", &text, "--model", &sam, "--point", "1,1"], "no picture of a kind");
    let labels = fixture("models/vit_labels");
    refused(&["segment", &picture, "--device", "cpu", "--model", &labels, "--point", "1,1"], "does not cut out");
    refused(&["classify-image", &picture, "--device", "cpu", "--model", &sam], "does not know classes");
    let evil = fixture("torch/system.pt");
    refused(&["classify-image", &picture, "--device", "cpu", "--model", &evil], "posix.system");
}

/// A picture of 56 pixels with lines between places, dark on light.
fn drawn(places: &[[f32; 2]]) -> Vec<u8> {
    let ink = |i: usize| {
        let at = [(i % 56) as f32, (i / 56) as f32];
        let far = places.windows(2).map(|line| {
            let [from, to] = [line[0], line[1]];
            let (along, here) = ([to[0] - from[0], to[1] - from[1]], [at[0] - from[0], at[1] - from[1]]);
            let length = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
            let share = ((here[0] * along[0] + here[1] * along[1]) / length).clamp(0.0, 1.0);
            (here[0] - share * along[0]).hypot(here[1] - share * along[1])
        });
        let nearest = far.fold(f32::MAX, f32::min);
        (255.0 * (nearest - 1.8).clamp(0.0, 1.0)) as u8
    };
    (0..56 * 56).map(ink).collect()
}

/// The model in `models-quantized` reads digits that were drawn for no other purpose, in either ink.
#[test]
fn the_own_model_reads_digits() {
    let folder = Folder::new("digits");
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models-quantized/tiny-vit-q8_0.gguf");
    let zero: Vec<[f32; 2]> = (0..=24)
        .map(|i| (i as f32 / 24.0 * std::f32::consts::TAU).sin_cos())
        .map(|(sin, cos)| [28.0 + 11.0 * sin, 28.0 - 19.0 * cos])
        .collect();
    let digits: [(&str, &[[f32; 2]]); 4] = [
        ("0", &zero),
        ("1", &[[29.0, 9.0], [28.0, 47.0]]),
        ("4", &[[22.0, 10.0], [16.0, 30.0], [38.0, 30.0], [36.0, 12.0], [35.0, 48.0]]),
        ("7", &[[15.0, 11.0], [41.0, 11.0], [32.0, 30.0], [26.0, 48.0]]),
    ];
    for (digit, places) in digits {
        let grey = drawn(places);
        let light: Vec<u8> = grey.iter().map(|grey| 255 - grey).collect();
        for (ink, grey) in [("dark", grey), ("light", light)] {
            let file = folder.file("digit.png");
            std::fs::write(&file, pictures::png_grey(56, 56, &grey).unwrap()).unwrap();
            let said = json(&["classify-image", &file, "--model", &model.display().to_string()]);
            let best = &said["classes"][0][0];
            assert_eq!(best["label"], digit, "{ink}: {said}");
            assert!(best["score"].as_f64().unwrap() > 0.5, "{ink}: {said}");
        }
    }
}
