//! `dynasty segment`

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use format::AtomicFile;
use indicatif::ProgressBar;
use pictures::masks::{self, Cutout, RleForm};
use pictures::{Mask, Picture, Rle};
use run::Package;
use run::tasks::segment::{
    Background, Described, Kind, Object, Options, Point, Prompt, Step, Told, Wanted, Watch, Words,
};
use run::tasks::{Matcher, Segmenter};
use serde_json::{Map, Value, json};

use crate::args::{MasksArg, Search, Segment};
use crate::failure::Failure;
use crate::{look, source};

/// A mask and what is said about it.
struct Found {
    mask: Mask,
    about: Map<String, Value>,
}

pub async fn run(args: Segment) -> Result<(), Failure> {
    let asked = prompts(&args)?;
    let search = !args.text.is_empty() || args.everything;
    if asked.is_empty() && !search {
        return Err(Failure("nothing is asked: give --point, --box, --object, --text or --everything".into()));
    }
    let options = options(&args.search);
    options.check().map_err(|error| Failure(error.to_string()))?;
    for path in &args.out {
        form(path)?;
    }
    let picture = look::read(&args.image)?;
    let clip = match &args.clip {
        Some(path) if !args.text.is_empty() => Some(Package::open(source::open(path)?).await?),
        _ => None,
    };
    let mut segmenter = Segmenter::new(source::load(&args.model).await?).await?;
    segmenter.set_image(picture.clone()).await?;
    let mut found = answered(&segmenter, &asked, args.masks).await?;
    if search {
        let objects = searched(&segmenter, &options).await?;
        if let Some(clip) = clip {
            let matcher = Matcher::new(source::load_package(clip, &args.model.device).await?).await?;
            let described = seen_objects(&matcher, &picture, &objects).await?;
            for text in &args.text {
                let words = Words { text: text.clone(), least: args.search.least, margin: args.search.margin };
                let fitting = words.find(&matcher, &described).await?;
                found.extend(fitting.into_iter().map(|(cosine, object)| {
                    let mut found = object_found(object);
                    found.about.insert("text".into(), json!(text));
                    found.about.insert("score".into(), json!(cosine));
                    found
                }));
            }
        }
        if args.everything {
            found.extend(objects.into_iter().map(object_found));
        }
    }
    write(&args, &picture, &found)
}

/// The masks of prompts.
async fn answered(segmenter: &Segmenter, asked: &[Prompt], which: MasksArg) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for (number, prompt) in asked.iter().enumerate() {
        let mut answers = segmenter.predict(prompt).await?;
        if which == MasksArg::Best {
            answers.sort_by(|a, b| b.score.total_cmp(&a.score));
            answers.truncate(1);
        }
        found.extend(answers.into_iter().map(|answer| {
            let mut about = Map::new();
            about.insert("prompt".into(), json!(number));
            about.insert("score".into(), json!(answer.score));
            about.insert("stability_score".into(), json!(answer.stability));
            Found { mask: answer.mask, about }
        }));
    }
    Ok(found)
}

/// Everything in the picture, with a bar of the points that were asked.
async fn searched(segmenter: &Segmenter, options: &Options) -> Result<Vec<Object>, Failure> {
    let bar = ProgressBar::new(0).with_message("searching");
    let mut step = |step: Step| {
        bar.set_length(step.all_points as u64);
        bar.set_position(step.points as u64);
        ControlFlow::Continue(())
    };
    let found = segmenter.everything(options, &mut Watch { step: &mut step, pause: None }).await;
    bar.finish_and_clear();
    Ok(found?.unwrap_or_default())
}

/// What the words are compared with, with a bar of the objects.
async fn seen_objects(matcher: &Matcher, picture: &Picture, objects: &[Object]) -> Result<Described, Failure> {
    let bar = ProgressBar::new(objects.len() as u64).with_message("comparing");
    let mut step = |told: Told| {
        bar.set_position(told.done as u64);
        ControlFlow::Continue(())
    };
    let watch = &mut Watch { step: &mut step, pause: None };
    let described = Described::new(matcher, picture, objects, Background::default(), watch).await;
    bar.finish_and_clear();
    described?.ok_or_else(|| Failure("the comparison was ended".into()))
}

fn object_found(object: Object) -> Found {
    let crop = object.crop;
    let about = json!({
        "predicted_iou": object.predicted_iou,
        "stability_score": object.stability_score,
        "point_coords": [object.point],
        "crop_box": [crop.left, crop.top, crop.width(), crop.height()],
    });
    let about = about.as_object().cloned().unwrap_or_default();
    Found { mask: object.rle.decode(), about }
}

fn options(search: &Search) -> Options {
    Options {
        points_per_side: search.points_per_side,
        points_per_batch: search.points_per_batch,
        pred_iou_thresh: search.pred_iou_thresh,
        stability_score_thresh: search.stability_score_thresh,
        stability_score_offset: search.stability_score_offset,
        mask_threshold: search.mask_threshold,
        box_nms_thresh: search.box_nms_thresh,
        crop_n_layers: search.crop_n_layers,
        crop_nms_thresh: search.crop_nms_thresh,
        crop_overlap_ratio: search.crop_overlap_ratio,
        crop_n_points_downscale_factor: search.crop_n_points_downscale_factor,
        min_mask_region_area: search.min_mask_region_area,
    }
}

/// The objects that are asked for: the one of points and a box, further boxes, and those given whole.
fn prompts(args: &Segment) -> Result<Vec<Prompt>, Failure> {
    let points = args.point.iter().map(|text| point("--point", text)).collect::<Result<Vec<_>, _>>()?;
    let boxes = args.area.iter().map(|text| four("--box", text)).collect::<Result<Vec<_>, _>>()?;
    if !points.is_empty() && boxes.len() > 1 {
        return Err(Failure("points and several boxes: say which belong together with --object".into()));
    }
    let wanted = if args.masks == MasksArg::All { Wanted::Three } else { Wanted::Fitting };
    let mut asked: Vec<Prompt> = match points.is_empty() {
        true => boxes.into_iter().map(|area| Prompt { wanted, ..Prompt::around(area) }).collect(),
        false => vec![Prompt { points, area: boxes.first().copied(), mask: None, wanted }],
    };
    for text in &args.object {
        let mut prompt = Prompt { wanted, ..Prompt::default() };
        for part in text.split(';') {
            match part.split(',').count() {
                4 if prompt.area.is_some() => return Err(Failure(format!("--object {text}: has two boxes"))),
                4 => prompt.area = Some(four("--object", part)?),
                _ => prompt.points.push(point("--object", part)?),
            }
        }
        asked.push(prompt);
    }
    Ok(asked)
}

fn numbers(option: &str, text: &str) -> Result<Vec<f32>, Failure> {
    let number = |part: &str| part.trim().parse::<f32>().ok().filter(|number| number.is_finite());
    let numbers: Option<Vec<f32>> = text.split(',').map(number).collect();
    numbers.ok_or_else(|| Failure(format!("{option} {text}: is no list of numbers")))
}

fn point(option: &str, text: &str) -> Result<Point, Failure> {
    match numbers(option, text)?[..] {
        [x, y] | [x, y, 1.0] => Ok(Point { x, y, kind: Kind::Inside }),
        [x, y, 0.0] => Ok(Point { x, y, kind: Kind::Outside }),
        _ => Err(Failure(format!("{option} {text}: is not x,y with 0 or 1 behind it"))),
    }
}

fn four(option: &str, text: &str) -> Result<[f32; 4], Failure> {
    let numbers = numbers(option, text)?;
    numbers.try_into().map_err(|_| Failure(format!("{option} {text}: is not left,top,right,bottom")))
}

/// What a file holds, by its ending.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Svg,
    Png,
}

fn form(path: &Path) -> Result<Form, Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("json") => Ok(Form::Json),
        Some("svg") => Ok(Form::Svg),
        Some("png") => Ok(Form::Png),
        _ => Err(Failure::file(path, "neither .json nor .svg nor .png")),
    }
}

fn write(args: &Segment, picture: &Picture, found: &[Found]) -> Result<(), Failure> {
    for path in &args.out {
        let bytes = content(args, form(path)?, picture, found).map_err(|error| Failure::file(path, error))?;
        let mut file = AtomicFile::create(path)?;
        file.write_all(&bytes).map_err(|error| Failure::file(path, error))?;
        file.commit()?;
    }
    if args.json {
        println!("{}", described(args, picture, found));
    } else if args.out.is_empty() {
        for Found { mask, about } in found {
            let bounds = mask.bounds().map_or([0; 4], |bounds| bounds.xywh());
            println!("{} pixels in {bounds:?} {}", mask.area(), Value::Object(about.clone()));
        }
    }
    Ok(())
}

fn content(args: &Segment, form: Form, picture: &Picture, found: &[Found]) -> Result<Vec<u8>, pictures::Error> {
    let (width, height) = (picture.width(), picture.height());
    let masks = || -> Vec<Mask> { found.iter().map(|found| found.mask.clone()).collect() };
    match form {
        Form::Json => Ok(format!("{}\n", described(args, picture, found)).into_bytes()),
        Form::Svg => Ok(masks::svg(width, height, &masks(), args.tolerance).into_bytes()),
        Form::Png if args.cutout => {
            let mut inside = vec![false; width * height];
            for found in found {
                inside.iter_mut().zip(found.mask.inside()).for_each(|(any, one)| *any |= one);
            }
            Cutout::new(picture, &Mask::new(width, height, inside)?)?.png()
        }
        Form::Png => match found {
            [found] => masks::mask_png(&found.mask),
            _ => masks::overlay_png(width, height, &masks()),
        },
    }
}

/// `{"size": [height, width], "masks": [{"segmentation", "area", "bbox", …}]}`
fn described(args: &Segment, picture: &Picture, found: &[Found]) -> Value {
    let form = if args.uncompressed { RleForm::Counts } else { RleForm::Text };
    let one = |Found { mask, about }: &Found| {
        let mut value = Map::new();
        value.insert("segmentation".into(), masks::segmentation(&Rle::encode(mask), form));
        value.insert("area".into(), json!(mask.area()));
        value.insert("bbox".into(), json!(mask.bounds().map_or([0; 4], |bounds| bounds.xywh())));
        value.extend(about.clone());
        if args.polygons {
            value.insert("polygons".into(), masks::polygons(mask, args.tolerance));
        }
        Value::Object(value)
    };
    let all: Vec<Value> = found.iter().map(one).collect();
    json!({ "size": [picture.height(), picture.width()], "masks": all })
}
