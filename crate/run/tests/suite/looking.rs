//! What models say of pictures, against the reference library (`tests/fixtures/make_looking.py`).

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;

use dynasty_run::tasks::attention::{From, Shown};
use dynasty_run::tasks::segment::{
    Background, Described, Kind, Options, Point, Prompt, Step, Told, Wanted, Watch, Words,
};
use dynasty_run::tasks::{Matcher, Normalize, Segmenter, TEMPLATE, Viewer};
use dynasty_run::{DeviceChoice, LoadOptions, Model, Source};
use format::{Checkpoint, DirFolder, FileBytes};
use pictures::{Mask, Picture, Rle, decode};

use crate::shared::fixture;

fn model(folder: PathBuf) -> Model {
    let source = Source::Folder(Rc::new(DirFolder::new(&folder).unwrap()));
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    pollster::block_on(Model::open(source, &options, &mut |_| ())).unwrap()
}

pub fn picture(i: usize) -> Picture {
    let name = format!("looking/{i}.png");
    decode(&name, &std::fs::read(fixture(&name)).unwrap()).unwrap()
}

/// Shape and values of a committed result.
fn wanted(name: &str) -> (Vec<usize>, Vec<f32>) {
    read("looking/values.safetensors", name)
}

/// The same about attention.
fn attended(name: &str) -> (Vec<usize>, Vec<f32>) {
    read("looking/attention.safetensors", name)
}

fn read(file: &str, name: &str) -> (Vec<usize>, Vec<f32>) {
    let file = FileBytes::open(fixture(file)).unwrap();
    let file = pollster::block_on(Checkpoint::open_file(Rc::new(file))).unwrap();
    pollster::block_on(file.read_f32(name)).unwrap()
}

#[track_caller]
fn near(what: &str, got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let norm = wanted.iter().map(|value| value * value).sum::<f32>().sqrt();
    let off = got.iter().zip(wanted).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
    assert!(off <= 1e-4 * norm.max(1e-3), "{what}: off by {} of {norm}", off / norm);
}

#[test]
fn classes_of_pictures() {
    pollster::block_on(async {
        let viewer = Viewer::new(model(fixture("models/vit_labels"))).await.unwrap();
        let classes = viewer.classify(&[picture(0), picture(1)]).await.unwrap();
        let (_, wanted) = wanted("vit");
        for (classes, wanted) in classes.iter().zip(wanted.chunks(3)) {
            assert!(classes.windows(2).all(|pair| pair[0].score >= pair[1].score));
            let by_number =
                ["cat", "dog", "bird"].map(|label| classes.iter().find(|c| c.label == label).unwrap().score);
            near("vit", &by_number, wanted);
        }
        let refused = viewer.embed(&[picture(0)], Normalize::No).await.unwrap_err().to_string();
        assert!(refused.contains("vit_labels: does not embed pictures"), "{refused}");
        assert!(!viewer.reads());
    });
}

/// Where models look, and what flows through all their layers, as `make_attention.py` computes them.
#[test]
fn where_models_look() {
    pollster::block_on(async {
        for folder in ["models/vit_labels", "models/deit_labels", "models/dinov2_registers", "looking/clip"] {
            let name = folder.split('/').next_back().unwrap();
            let viewer = Viewer::new(model(fixture(folder))).await.unwrap();
            let seen = viewer.attention(&picture(0)).await.unwrap();
            let (shape, wanted_rollout) = attended(&format!("{name}.rollout"));
            let (patches, n) = (seen.grid[0] * seen.grid[1], shape[0]);
            assert_eq!((n, shape[1]), (1 + patches, patches), "{name}");
            for (from, wanted) in wanted_rollout.chunks(patches).enumerate() {
                near(name, &seen.map(Shown::Rollout, who(from)).unwrap(), wanted);
            }
            let (shape, wanted) = attended(&format!("{name}.probs"));
            assert_eq!(shape, [seen.layers(), seen.heads, 1 + patches, patches], "{name}");
            for (at, wanted) in wanted.chunks(patches).enumerate() {
                let (from, head) = (at % n, at / n % seen.heads);
                let layer = at / n / seen.heads;
                near(name, &seen.map(Shown::Head(layer, head), who(from)).unwrap(), wanted);
            }
            let heads = (0..seen.heads).map(|head| seen.map(Shown::Head(0, head), From::Picture).unwrap());
            let sum = heads.reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect()).unwrap();
            let mean: Vec<f32> = sum.iter().map(|value| value / seen.heads as f32).collect();
            near(name, &seen.map(Shown::Mean(0), From::Picture).unwrap(), &mean);
            for (shown, from) in [
                (Shown::Head(seen.layers(), 0), From::Picture),
                (Shown::Head(0, seen.heads), From::Picture),
                (Shown::Rollout, From::Patch(patches)),
            ] {
                assert_eq!(seen.map(shown, from), None);
            }
        }
        // All of a picture of 50×37 where it is pressed into a square; else what is cut out of the middle.
        let viewer = Viewer::new(model(fixture("models/vit_labels"))).await.unwrap();
        assert_eq!(viewer.attention(&picture(0)).await.unwrap().area, [0.0, 0.0, 50.0, 37.0]);
        let viewer = Viewer::new(model(fixture("looking/clip"))).await.unwrap();
        let [left, top, right, bottom] = viewer.attention(&picture(0)).await.unwrap().area;
        assert!((left - 6.0).abs() < 2.0 && (right - 44.0).abs() < 2.5, "{left} {right}");
        assert_eq!((top, bottom), (0.0, 37.0));
        let sam = Viewer::new(model(fixture("models/sam_points"))).await.unwrap();
        let refused = sam.attention(&picture(0)).await.unwrap_err().to_string();
        assert!(refused.contains("does not look at patches"), "{refused}");
    });
}

fn who(from: usize) -> From {
    if from == 0 { From::Picture } else { From::Patch(from - 1) }
}

#[test]
fn vectors_of_pictures() {
    pollster::block_on(async {
        let viewer = Viewer::new(model(fixture("models/dinov2_base"))).await.unwrap();
        let vectors = viewer.embed(&[picture(0), picture(1)], Normalize::No).await.unwrap();
        near("dinov2", &vectors.concat(), &wanted("dinov2").1);
        let unit = viewer.embed(&[picture(1)], Normalize::Yes).await.unwrap();
        assert!((unit[0].iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(viewer.classify(&[picture(0)]).await.unwrap_err().to_string().contains("does not know classes"));
        // A model without a pooled result gives its first token.
        let viewer = Viewer::new(model(fixture("models/vit_no_pooler"))).await.unwrap();
        assert_eq!(viewer.embed(&[picture(0)], Normalize::No).await.unwrap()[0].len(), 20);
    });
}

#[test]
fn labels_for_pictures() {
    pollster::block_on(async {
        let matcher = Matcher::new(model(fixture("looking/clip"))).await.unwrap();
        let labels = ["low lower", "newest wide", "the end"].map(str::to_string);
        let (_, wanted_fit) = wanted("clip.fit");
        for (i, wanted) in wanted_fit.chunks(3).enumerate() {
            let fit = matcher.fit(&picture(i), &labels, TEMPLATE).await.unwrap();
            let score = |label: &String| fit.iter().find(|found| found.label == *label).unwrap().score;
            near("clip", &labels.each_ref().map(score), wanted);
        }
        let texts = labels.map(|label| TEMPLATE.replace("{}", &label));
        let vectors = matcher.embed_texts(&texts).await.unwrap();
        near("texts", &vectors.concat(), &wanted("clip.texts").1);
        let vectors = matcher.viewer().embed(&[picture(0), picture(1)], Normalize::No).await.unwrap();
        near("pictures", &vectors.concat(), &wanted("clip.pictures").1);
        assert!(matcher.fit(&picture(0), &[], TEMPLATE).await.unwrap_err().to_string().contains("no labels"));
        let no_texts = Matcher::new(model(fixture("models/vit_base"))).await.err().unwrap().to_string();
        assert!(no_texts.contains("does not read texts"), "{no_texts}");
    });
}

fn points(list: &[(f32, f32, Kind)]) -> Vec<Point> {
    list.iter().map(|(x, y, kind)| Point { x: *x, y: *y, kind: *kind }).collect()
}

/// As in the script.
fn prompts() -> Vec<Prompt> {
    use Kind::{Inside, Outside};
    vec![
        Prompt::at(20.0, 9.0),
        Prompt { points: points(&[(20.0, 9.0, Inside), (1.0, 30.0, Outside)]), ..Prompt::default() },
        Prompt::around([4.0, 5.0, 18.0, 29.0]),
        Prompt { points: points(&[(12.0, 20.0, Outside)]), ..Prompt::around([2.0, 2.0, 20.0, 36.0]) },
        Prompt {
            points: points(&[(3.0, 3.0, Inside), (10.0, 10.0, Inside), (15.0, 30.0, Outside)]),
            wanted: Wanted::Three,
            ..Prompt::default()
        },
    ]
}

/// The masks of a tensor [N, H, W].
fn masks(name: &str) -> Vec<Mask> {
    let (shape, values) = wanted(name);
    let each = shape[1] * shape[2];
    let mask = |values: &[f32]| Mask::new(shape[2], shape[1], values.iter().map(|v| *v > 0.5).collect()).unwrap();
    values.chunks(each).map(mask).collect()
}

async fn segmenter() -> Segmenter {
    segmenter_of("sam_points").await
}

async fn segmenter_of(name: &str) -> Segmenter {
    Segmenter::new(model(fixture(&format!("models/{name}")))).await.unwrap()
}

/// Every prompt about every picture, as the library answers it.
async fn compare_answers(segmenter: &mut Segmenter, kind: &str) {
    for i in 0..2 {
        segmenter.set_image(picture(i)).await.unwrap();
        for (j, prompt) in prompts().iter().enumerate() {
            let name = format!("{kind}.{i}.{j}");
            let answers = segmenter.predict(prompt).await.unwrap();
            let scores: Vec<f32> = answers.iter().map(|answer| answer.score).collect();
            near(&name, &scores, &wanted(&format!("{name}.scores")).1);
            let logits: Vec<f32> = answers.iter().flat_map(|answer| answer.logits.clone()).collect();
            near(&name, &logits, &wanted(&format!("{name}.logits")).1);
            for (answer, wanted) in answers.iter().zip(masks(&format!("{name}.masks"))) {
                assert_eq!((answer.mask.width(), answer.mask.height()), (wanted.width(), wanted.height()));
                assert!(answer.mask.iou(&wanted) > 0.99, "{name}: {}", answer.mask.iou(&wanted));
            }
        }
    }
}

#[test]
fn answers_to_prompts() {
    pollster::block_on(async {
        let mut segmenter = segmenter().await;
        compare_answers(&mut segmenter, "sam").await;
        // An answer may be a further prompt.
        let first = segmenter.predict(&Prompt::at(5.0, 5.0)).await.unwrap().swap_remove(1);
        let again = Prompt { mask: Some(first.logits.clone()), ..Prompt::at(5.0, 5.0) };
        let again = segmenter.predict(&again).await.unwrap();
        assert_eq!(again.len(), 1);
        assert_ne!(again[0].logits, first.logits);
    });
}

/// SAM 2 brings pictures to a square, so that prompts grow by axis; MobileSAM pads them as the first does.
#[test]
fn other_generations() {
    pollster::block_on(async {
        compare_answers(&mut segmenter_of("sam2_points").await, "sam2").await;
        let mut mobile = segmenter_of("mobile_sam").await;
        mobile.set_image(picture(1)).await.unwrap();
        let answers = mobile.predict(&Prompt::at(5.0, 40.0)).await.unwrap();
        assert_eq!(answers.len(), 3);
        let side = answers[0].logits_shape.0;
        // Below the margin at the right: a mask of the part that the picture takes.
        let inside = |x: usize, y: usize| answers[0].logits[y * side + x] > 0.0;
        let mask = &answers[0].mask;
        let (w, h) = (mask.width(), mask.height());
        let same = (0..w * h).filter(|i| {
            let (x, y) = (i % w, i / w);
            // Of 21×44 pixels the longer side fills the square, the shorter its left 21/44.
            inside((x * side / h).min(side - 1), y * side / h) == mask.inside()[*i]
        });
        assert!(same.count() * 10 > w * h * 7);
    });
}

#[test]
fn prompts_that_mean_nothing() {
    pollster::block_on(async {
        let mut segmenter = segmenter().await;
        let none = segmenter.predict(&Prompt::at(1.0, 1.0)).await.unwrap_err().to_string();
        assert!(none.contains("about no picture"), "{none}");
        segmenter.set_image(picture(0)).await.unwrap();
        for (prompt, expected) in [
            (Prompt::default(), "says nothing"),
            (Prompt::at(50.5, 1.0), "a point at 50.5, 1 outside of the picture of 50×37 pixels"),
            (Prompt::at(-1.0, 1.0), "outside"),
            (Prompt::at(1.0, f32::NAN), "outside"),
            (Prompt::around([5.0, 5.0, 5.0, 9.0]), "an empty box"),
            (Prompt::around([9.0, 5.0, 5.0, 9.0]), "an empty box"),
            (Prompt::around([f32::NAN; 4]), "an empty box"),
            (Prompt::around([60.0, 5.0, 70.0, 9.0]), "outside of the picture"),
            (Prompt { mask: Some(vec![0.0; 7]), ..Prompt::default() }, "a mask of 7 values, expected 40×40"),
            (Prompt { points: vec![points(&[(1.0, 1.0, Kind::Inside)])[0]; 2000], ..Prompt::default() }, "2000 points"),
        ] {
            let error = segmenter.predict(&prompt).await.unwrap_err().to_string();
            assert!(error.starts_with("the prompt ") && error.contains(expected), "{error}");
        }
        // A box may reach beyond the picture.
        let within = segmenter.predict(&Prompt::around([2.0, 3.0, 50.0, 37.0])).await.unwrap();
        assert_eq!(segmenter.predict(&Prompt::around([2.0, 3.0, 500.0, 40.0])).await.unwrap(), within);
        let other = Segmenter::new(model(fixture("models/vit_labels"))).await.err().unwrap().to_string();
        assert!(other.contains("does not cut out"), "{other}");
    });
}

/// Options under which random weights find something.
fn options() -> Options {
    Options {
        points_per_side: 6,
        points_per_batch: 7,
        pred_iou_thresh: 0.24,
        stability_score_thresh: 0.2,
        stability_score_offset: 0.05,
        mask_threshold: 0.25,
        box_nms_thresh: 0.985,
        ..Options::default()
    }
}

#[test]
fn everything_in_a_picture() {
    pollster::block_on(async {
        let mut segmenter = segmenter().await;
        segmenter.set_image(picture(0)).await.unwrap();
        let mut steps = Vec::new();
        let mut step = |step: Step| {
            steps.push(step);
            ControlFlow::Continue(())
        };
        let mut watch = Watch { step: &mut step, pause: None };
        let found = segmenter.everything(&options(), &mut watch).await.unwrap().unwrap();
        let (scores, wanted_masks) = (wanted("everything.scores").1, masks("everything.masks"));
        assert_eq!(found.len(), wanted_masks.len());
        for ((object, score), wanted) in found.iter().zip(scores).zip(&wanted_masks) {
            assert!((object.predicted_iou - score).abs() < 1e-4, "{} {score}", object.predicted_iou);
            let mask = object.rle.decode();
            assert!(mask.iou(wanted) > 0.99, "{}", mask.iou(wanted));
            assert_eq!(mask.bounds(), Some(object.bounds));
        }
        assert_eq!((steps.len(), steps.last().unwrap().points, steps[0].all_points), (1 + 6, 36, 36));
    });
}

#[test]
fn everything_in_crops_and_without_small_regions() {
    pollster::block_on(async {
        let mut segmenter = segmenter().await;
        segmenter.set_image(picture(0)).await.unwrap();
        let go = &mut |_| ControlFlow::Continue(());
        let crops = Options { crop_n_layers: 1, crop_nms_thresh: 0.99, ..options() };
        let found = segmenter.everything(&crops, &mut Watch { step: go, pause: None }).await.unwrap().unwrap();
        assert!(!found.is_empty());
        for object in &found {
            assert_eq!((object.rle.width, object.rle.height), (50, 37));
            let (bounds, crop) = (object.bounds, object.crop);
            assert!(bounds.left >= crop.left && bounds.right <= crop.right, "{object:?}");
            assert!(bounds.top >= crop.top && bounds.bottom <= crop.bottom, "{object:?}");
        }
        let clean = Options { min_mask_region_area: 30, ..options() };
        let go = &mut |_| ControlFlow::Continue(());
        let found = segmenter.everything(&clean, &mut Watch { step: go, pause: None }).await.unwrap().unwrap();
        assert!(!found.is_empty());
        for object in &found {
            let polygons = object.rle.decode().polygons();
            let large = |rle: &Rle| rle.area() >= 30 || polygons.len() == 1;
            assert!(large(&object.rle));
        }
        let stop = &mut |_| ControlFlow::Break(());
        assert_eq!(segmenter.everything(&options(), &mut Watch { step: stop, pause: None }).await.unwrap(), None);
        let go = &mut |_| ControlFlow::Continue(());
        let wrong = Options { points_per_side: 0, ..options() };
        let wrong = segmenter.everything(&wrong, &mut Watch { step: go, pause: None }).await.unwrap_err().to_string();
        assert!(wrong.contains("points_per_side"), "{wrong}");
    });
}

#[test]
fn words_mean_objects() {
    pollster::block_on(async {
        let mut segmenter = segmenter().await;
        segmenter.set_image(picture(0)).await.unwrap();
        let matcher = Matcher::new(model(fixture("looking/clip"))).await.unwrap();
        let go = &mut |_| ControlFlow::Continue(());
        let found = segmenter.everything(&options(), &mut Watch { step: go, pause: None }).await.unwrap().unwrap();
        let mut told = Vec::new();
        let mut step = |how_far: Told| {
            told.push(how_far.done);
            ControlFlow::Continue(())
        };
        let watch = &mut Watch { step: &mut step, pause: None };
        let described = Described::new(&matcher, &picture(0), &found, Background::Kept, watch).await.unwrap().unwrap();
        assert_eq!((told[0], told.last(), described.objects()), (0, Some(&found.len()), &found[..]));
        let stop = &mut |_| ControlFlow::Break(());
        let watch = &mut Watch { step: stop, pause: None };
        let ended = Described::new(&matcher, &picture(0), &found, Background::Grey, watch).await.unwrap();
        assert_eq!(ended, None);
        let all = Words { least: -1.0, margin: 2.0, ..Words::new("newest wide") };
        let rated = all.find(&matcher, &described).await.unwrap();
        assert_eq!(rated.len(), found.len());
        assert!(rated.windows(2).all(|pair| pair[0].0 >= pair[1].0));
        let texts = matcher.embed_texts(&["newest wide".to_string()]).await.unwrap();
        for (cosine, object) in &rated {
            let bounds = object.bounds;
            let cut = picture(0).crop(bounds.left, bounds.top, bounds.width(), bounds.height()).unwrap();
            let vector = matcher.viewer().embed(&[cut], Normalize::Yes).await.unwrap();
            let product: f32 = vector[0].iter().zip(&texts[0]).map(|(a, b)| a * b).sum();
            assert!((cosine - product).abs() < 1e-4);
        }
        let best = Words { margin: 0.0, ..all.clone() }.find(&matcher, &described).await.unwrap();
        assert_eq!(best[0], rated[0]);
        let none = Words { least: 1.1, ..all }.find(&matcher, &described).await.unwrap();
        assert!(none.is_empty());
        let empty = Words::new(" ").find(&matcher, &described).await.unwrap_err().to_string();
        assert!(empty.contains("no words"), "{empty}");
    });
}
