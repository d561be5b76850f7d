//! The inputs of models that answer prompts with masks.

use graph::Tensor;
use models::vision::sam::{Labels, PromptEncoder};
use models::{Call, Look, Prompts, Reads, Vision};

use super::ForwardInputs;
use super::inputs::Bound;
use super::pictures::{LARGEST, flag, floats, pixels};
use crate::Error;

/// What such a model knows.
const KNOWN: [&str; 7] = [
    "pixel_values",
    "image_embeddings",
    "input_points",
    "input_labels",
    "input_boxes",
    "input_masks",
    "multimask_output",
];

/// What the graph reads.
///
/// # Errors
/// A tensor is missing, unknown to the model, or has a shape that does not fit.
pub(super) fn bind(given: &ForwardInputs, model: &Vision, cfg: &PromptEncoder) -> Result<Bound, Error> {
    given.only(&KNOWN)?;
    let mut bound = Vec::new();
    let (pictures, look) = if given.get("image_embeddings").is_some() {
        if given.get("pixel_values").is_some() {
            return Err(given.fail("pixel_values", "is given together with image_embeddings".into()));
        }
        let [rows, columns] = cfg.grid;
        let seen = shaped(given, "image_embeddings", [None, Some(cfg.n_embd), Some(rows), Some(columns)])?;
        let seen = seen.ok_or_else(|| given.fail("image_embeddings", "is missing".into()))?;
        let pictures = seen.shape[0];
        bound.push(("image_embeddings".to_string(), seen));
        (pictures, Look { reads: Reads::Rest, ..Look::default() })
    } else {
        let (pixels, look) = pixels(given, model)?;
        let pictures = pixels.shape[0];
        bound.push(("pixel_values".to_string(), pixels));
        (pictures, look)
    };
    let (prompts, more) = prompts(given, cfg, pictures)?;
    bound.extend(more);
    Ok((Call::look(Look { pictures, prompts, ..look }), bound))
}

/// Points, boxes and masks as the graph reads them, all prompts of all pictures in a row.
fn prompts(
    given: &ForwardInputs,
    cfg: &PromptEncoder,
    pictures: usize,
) -> Result<(Prompts, Vec<(String, Tensor)>), Error> {
    let mut bound = Vec::new();
    let points = shaped(given, "input_points", [Some(pictures), None, None, Some(2)])?;
    let each = points.as_ref().map(|points| points.shape[1]);
    let boxes = shaped(given, "input_boxes", [Some(pictures), each, Some(4)])?;
    let [rows, columns] = cfg.grid.map(|n| Some(4 * n));
    let masks = shaped(given, "input_masks", [Some(pictures), Some(1), rows, columns])?;
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
