//! The inputs of models that answer prompts with masks.

use graph::Tensor;
use models::vision::sam::{Labels, PromptEncoder};
use models::{Call, Look, Prompts, Reads, Vision};

use super::ForwardInputs;
use super::inputs::Bound;
use super::pictures::{LARGEST, flag, floats, pixels};
use crate::Error;

/// What such a model knows beside the embeddings of pictures.
const KNOWN: [&str; 6] =
    ["pixel_values", "input_points", "input_labels", "input_boxes", "input_masks", "multimask_output"];

/// What the graph reads.
///
/// # Errors
/// A tensor is missing, unknown to the model, or has a shape that does not fit.
pub(super) fn bind(given: &ForwardInputs, model: &Vision, cfg: &PromptEncoder) -> Result<Bound, Error> {
    let levels = model.embeddings();
    let known: Vec<&str> = KNOWN.into_iter().chain(levels.iter().map(|(name, _)| *name)).collect();
    given.only(&known)?;
    let mut bound = Vec::new();
    let seen = levels.iter().find(|(name, _)| given.get(name).is_some());
    let (pictures, look) = if let Some((name, _)) = seen {
        if given.get("pixel_values").is_some() {
            return Err(given.fail("pixel_values", format!("is given together with {name}")));
        }
        let mut pictures = None;
        for (name, [channels, rows, columns]) in levels {
            let seen = shaped(given, name, [pictures, Some(channels), Some(rows), Some(columns)])?;
            let seen = seen.ok_or_else(|| given.fail(name, "is missing".into()))?;
            pictures = Some(seen.shape[0]);
            bound.push((name.to_string(), seen));
        }
        (pictures.unwrap_or(1), Look { reads: Reads::Rest, ..Look::default() })
    } else {
        let (pixels, look) = pixels(given, model)?;
        let pictures = pixels.shape[0];
        bound.push(("pixel_values".to_string(), pixels));
        (pictures, look)
    };
    let stretch = matches!(model, Vision::Sam2(_));
    let (prompts, more) = prompts(given, cfg, pictures, stretch)?;
    bound.extend(more);
    Ok((Call::look(Look { pictures, prompts, ..look }), bound))
}

/// Points, boxes and masks as the graph reads them, all prompts of all pictures in a row. Masks of another size are
/// brought to the model's if `stretch` says so.
fn prompts(
    given: &ForwardInputs,
    cfg: &PromptEncoder,
    pictures: usize,
    stretch: bool,
) -> Result<(Prompts, Vec<(String, Tensor)>), Error> {
    let mut bound = Vec::new();
    let points = shaped(given, "input_points", [Some(pictures), None, None, Some(2)])?;
    let each = points.as_ref().map(|points| points.shape[1]);
    let boxes = shaped(given, "input_boxes", [Some(pictures), each, Some(4)])?;
    let size = cfg.grid.map(|n| 4 * n);
    let [rows, columns] = size.map(|n| Some(n).filter(|_| !stretch));
    let masks = shaped(given, "input_masks", [Some(pictures), Some(1), rows, columns])?;
    let masks = masks.map(|masks| stretched(masks, size)).transpose()?;
    let multimask = flag(given, "multimask_output", true)?;
    let asked = Prompts { points: points.is_some(), boxes: boxes.is_some(), masks: masks.is_some(), multimask };
    match points {
        Some(points) => bound.extend(labelled(given, points)?),
        None if given.get("input_labels").is_some() => {
            return Err(given.fail("input_labels", "is given without input_points".into()));
        }
        None => {}
    }
    bound.extend(boxes.map(|boxes| ("input_boxes".to_string(), boxes)));
    bound.extend(masks.map(|masks| ("input_masks".to_string(), masks)));
    Ok((asked, bound))
}

/// Points [B, N, T, 2], and for each the row of its label.
fn labelled(given: &ForwardInputs, points: Tensor) -> Result<[(String, Tensor); 2], Error> {
    let [b, n, t, _] = points.shape[..] else { return Err(given.fail("input_points", "has not four axes".into())) };
    let labels = match shaped(given, "input_labels", [Some(b), Some(n), Some(t)])? {
        Some(labels) => labels.as_f32()?.iter().map(|label| Labels::row(*label)).collect(),
        None => vec![Labels::row(1.0); b * n * t],
    };
    let labels = Tensor::i32([b, n, t], labels)?;
    Ok([("input_points".to_string(), points), ("input_labels".to_string(), labels)])
}

/// Masks [B, 1, H, W] in another size, bilinear and as smooth as `antialias` makes them: [B, 1, h, w].
fn stretched(masks: Tensor, [h, w]: [usize; 2]) -> Result<Tensor, Error> {
    let [b, _, rows, columns] = masks.shape[..] else { return Ok(masks) };
    if [rows, columns] == [h, w] {
        return Ok(masks);
    }
    let across = |values: &[f32]| smooth(values, w);
    let wide: Vec<f32> = masks.as_f32()?.chunks(columns).flat_map(across).collect(); // [B, H, w]
    let mut made = vec![0.0; b * h * w];
    for picture in 0..b {
        for x in 0..w {
            let column: Vec<f32> = (0..rows).map(|y| wide[(picture * rows + y) * w + x]).collect();
            smooth(&column, h).into_iter().enumerate().for_each(|(y, value)| made[(picture * h + y) * w + x] = value);
        }
    }
    Ok(Tensor::f32([b, 1, h, w], made)?)
}

/// A row in another length, by a triangle as wide as a sample of the result where that is wider.
fn smooth(row: &[f32], to: usize) -> Vec<f32> {
    let scale = row.len() as f64 / to as f64;
    let wide = scale.max(1.0);
    let sample = |i: usize| {
        let center = (i as f64 + 0.5) * scale;
        let first = (center - wide + 0.5).max(0.0) as usize;
        let end = ((center + wide + 0.5) as usize).min(row.len());
        let weight = |x: usize| (1.0 - ((x as f64 + 0.5 - center) / wide).abs()).max(0.0);
        let total: f64 = (first..end).map(weight).sum();
        ((first..end).map(|x| weight(x) * f64::from(row[x])).sum::<f64>() / total) as f32
    };
    (0..to).map(sample).collect()
}

/// A tensor of floats, if it is there, of the sizes that are known.
fn shaped<const R: usize>(
    given: &ForwardInputs,
    name: &str,
    sizes: [Option<usize>; R],
) -> Result<Option<Tensor>, Error> {
    let Some(tensor) = floats(given, name)? else { return Ok(None) };
    let fits = tensor.shape.len() == R
        && tensor.shape.iter().zip(sizes).all(|(size, wanted)| wanted.map_or(*size > 0, |wanted| *size == wanted))
        && tensor.len() <= LARGEST;
    if !fits {
        let sizes: Vec<String> = sizes.iter().map(|n| n.map_or("any".into(), |n| n.to_string())).collect();
        let reason = format!("has shape {:?}, expected [{}]", tensor.shape, sizes.join(", "));
        return Err(given.fail(name, reason));
    }
    Ok(Some(tensor))
}
