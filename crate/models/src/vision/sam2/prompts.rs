//! The encoder of prompts. It differs from the first generation's in what stands beside points and boxes.
//!
//! Reference: `Sam2PromptEncoder` of transformers.

use graph::{Builder, DType, Dim, Scope, Stored, Tensor, Var};

use super::Config;
use crate::vision::Look;
use crate::vision::sam::{PromptEncoder, Written, cells, features, mask, pixels, placed};

/// The tables of an encoder.
struct Tables<'g> {
    g: &'g Builder,
    /// Waves of places.
    waves: Scope<'g>,
    /// Beside, on, and the corners of a box [4, C].
    kinds: Var<'g>,
    /// No point [1, C].
    none: Var<'g>,
}

/// `n` rows that are no point: [B·N, n, C].
fn nothing<'g>(tables: &Tables<'g>, prompts: &Dim, n: usize, c: usize) -> Var<'g> {
    tables.none.reshape([1, 1, c]).expand([prompts.clone(), n.into(), c.into()])
}

/// A row for each point by its label, with a row behind that is no point unless a box follows: [B·N, T, C].
fn points<'g>(tables: &Tables<'g>, cfg: &PromptEncoder, pictures: usize, alone: bool) -> Var<'g> {
    let (g, c, n, t) = (tables.g, cfg.n_embd, Dim::from('N'), Dim::from('T'));
    let prompts = n.clone() * Dim::from(pictures);
    let places = g.input("input_points", DType::F32, [pictures.into(), n.clone(), t.clone(), 2.into()]);
    let labels = g.input("input_labels", DType::I32, [pictures.into(), n, t.clone()]);
    let labels = labels.reshape([prompts.clone(), t.clone()]);
    let found = pixels(g, &tables.waves, cfg, places, prompts.clone() * t.clone());
    let found = found.reshape([prompts.clone(), t, c.into()]);
    let (Ok(placed), Ok(zeros)) = (placed(g, labels), Tensor::f32([2, c], vec![0.0; 2 * c])) else { return found };
    // As the rows of labels are counted: beside, on, no point, padding, a place alone, the corners.
    let (first, corners) = (tables.kinds.slice(0, 0, 2), tables.kinds.slice(0, 2, 2));
    let kinds = first.concat(&[tables.none, g.constant(zeros), corners], 0); // [7, C]
    let points = found * placed + kinds.gather_rows(labels); // [B·N, T, C]
    if alone { points.concat(&[nothing(tables, &prompts, 1, c)], 1) } else { points }
}

/// Two corners of each box, and a row that is no point: [B·N, 3, C].
fn boxes<'g>(tables: &Tables<'g>, cfg: &PromptEncoder, pictures: usize) -> Var<'g> {
    let (c, prompts) = (cfg.n_embd, Dim::from('N') * Dim::from(pictures));
    let corners = tables.g.input("input_boxes", DType::F32, [pictures.into(), Dim::from('N'), 4.into()]);
    let found = pixels(tables.g, &tables.waves, cfg, corners, prompts.clone() * Dim::from(2));
    let found = found.reshape([prompts.clone(), 2.into(), c.into()]) + tables.kinds.slice(0, 2, 2);
    found.concat(&[nothing(tables, &prompts, 1, c)], 1)
}

/// Beside, on, and the corners of a box: [4, C].
fn kinds<'g>(w: &Scope<'g>, c: usize, apart: bool) -> Var<'g> {
    let w = w.at("point_embed");
    if !apart {
        return w.tensor("weight", [4, c], Stored::AsDeclared);
    }
    let [first, rest @ ..] = [0, 1, 2, 3].map(|i| w.at(i).weight([1, c]));
    first.concat(&rest, 0)
}

/// Writes the prompts.
pub(super) fn write<'g>(g: &'g Builder, whole: &Config, look: &Look) -> Written<'g> {
    let cfg = &whole.answers.prompts;
    let (w, given, pictures, c) = (g.weights().at("prompt_encoder"), look.prompts, look.pictures.max(1), cfg.n_embd);
    let tables = Tables {
        g,
        waves: w.at("shared_embedding"),
        kinds: kinds(&w, c, whole.kinds_apart),
        none: w.at("not_a_point_embed").weight([1, c]),
    };
    let points = given.points.then(|| points(&tables, cfg, pictures, !given.boxes));
    let boxes = given.boxes.then(|| boxes(&tables, cfg, pictures));
    let tokens = match (points, boxes) {
        (Some(points), Some(boxes)) => points.concat(&[boxes], 1),
        // An empty point and what stands behind points.
        (points, boxes) => points.or(boxes).unwrap_or_else(|| nothing(&tables, &Dim::from(pictures), 2, c)),
    };
    let none = w.at("no_mask_embed").weight([1, c]).reshape([1, 1, c]);
    let dense = if given.masks { mask(g, &w.at("mask_embed"), cfg, pictures) } else { none };
    let waves = g.weights().at("shared_image_embedding");
    let places = cells(g, cfg.grid).map_or(none, |cells| features(&waves, cells, c));
    Written { tokens: Some(tokens), dense, own: false, hidden: None, places }
}
