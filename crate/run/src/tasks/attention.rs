//! Where the layers of a model look in a picture: what each patch attends to, layer by layer and head by head, and
//! attention rollout through all layers (Abnar & Zuidema 2020, arXiv:2005.00928).

use graph::{Dim, Graph, Taps, Tensor};
use models::{Call, Model as Family, Vision};
use pictures::{Picture, Processed};

use super::Viewer;
use super::seen::pixel_values;
use crate::{Error, ForwardInputs};

/// Attention of one picture is kept up to so many bytes; while the model runs it takes twice as many.
const MOST: u64 = 512 << 20;

/// The attention of every layer in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Rows and columns of patches.
    pub grid: [usize; 2],
    /// The part of the picture that the patches cover, in its pixels: left, top, right, bottom.
    pub area: [f32; 4],
    /// Heads, H.
    pub heads: usize,
    /// Tokens, T: some of the model's own, then the patches.
    pub tokens: usize,
    /// Of each layer [H, T, T]; each row sums to 1.
    layers: Vec<Vec<f32>>,
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The first token, which stands for the whole picture.
    Picture,
    /// A patch, counted row by row.
    Patch(usize),
}

/// Which weights are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A head of a layer.
    Head(usize, usize),
    /// The mean of a layer's heads.
    Mean(usize),
    /// Rollout: the product of all layers, of which each is the mean of its heads and, in equal parts, what passes by.
    Rollout,
}

impl Viewer {
    /// Whether the model has a first token that looks at patches.
    pub fn attends(&self) -> bool {
        self.attended().is_some()
    }

    /// The model, if it has a first token that looks at patches.
    fn attended(&self) -> Option<&Vision> {
        match &self.model().package().model {
            Family::Vision(vision) if vision.prompts().is_none() && vision.patches().is_some() => Some(vision),
            _ => None,
        }
    }

    /// Where the model looks in a picture.
    ///
    /// # Errors
    /// The model has no first token that looks at patches, its attention is too large to be kept, or the device fails.
    pub async fn attention(&self, picture: &Picture) -> Result<Attention, Error> {
        let package = self.model().package();
        let patches = self
            .attended()
            .and_then(Vision::patches)
            .ok_or_else(|| self.looker.cannot("look at patches from a first token"))?;
        let prepared = self.processor().process(picture)?;
        let grid = patches.grid([prepared.shape.0, prepared.shape.1]);
        let area = covered(&prepared, grid, patches.patch);
        let (call, inputs) = ForwardInputs::new([pixel_values(&[prepared])?]).bind(&package.model)?;
        let layers = self.probs(call, &inputs).await?;
        Attention::new(grid, area, layers)
    }

    /// Probabilities of each layer, [1, H, T, T].
    async fn probs(&self, call: Call, inputs: &[(String, Tensor)]) -> Result<Vec<Tensor>, Error> {
        let package = self.model().package();
        let graph = package.build(&call, Taps::new(["*blocks.*.attn.probs", "picture.block.*.attn.probs"]))?;
        let needed = bytes(&graph);
        if needed > MOST {
            return Err(Error::Memory { name: package.name(), needed, available: MOST });
        }
        let wanted: Vec<bool> = graph.outputs.iter().map(|output| output.name.ends_with(".probs")).collect();
        let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let outputs = self.model().run_once(graph, &inputs).await?;
        Ok(outputs.into_iter().zip(wanted).filter_map(|(tensor, wanted)| wanted.then_some(tensor)).collect())
    }
}

/// Bytes of the probabilities of one picture among a graph's results.
fn bytes(graph: &Graph) -> u64 {
    let probs = graph.outputs.iter().filter(|output| output.name.ends_with(".probs"));
    let values = |dims: &[Dim]| dims.iter().filter_map(Dim::known).map(|n| n as u64).product::<u64>();
    probs.map(|output| 4 * values(&graph.value(output.port).shape)).sum()
}

/// The part of a picture that its patches cover; what a processor cuts off and what no whole patch covers is left out.
fn covered(prepared: &Processed, grid: [usize; 2], patch: [usize; 2]) -> [f32; 4] {
    let along = |original: usize, resized: usize, shape: usize, patches: usize, patch: usize| {
        let scale = original as f32 / resized as f32;
        // Cut out of the middle; negative where there is black around it.
        let from = (resized as f32 - shape as f32) / 2.0;
        [from * scale, (from.floor() + (patches * patch) as f32) * scale]
    };
    let (original, resized, shape) = (prepared.original, prepared.resized, prepared.shape);
    let [top, bottom] = along(original.0, resized.0, shape.0, grid[0], patch[0]);
    let [left, right] = along(original.1, resized.1, shape.1, grid[1], patch[1]);
    [left, top, right, bottom]
}

impl Attention {
    fn new(grid: [usize; 2], area: [f32; 4], probs: Vec<Tensor>) -> Result<Self, Error> {
        let wrong = |shape: &[usize]| Error::Value { tensor: "probs".into(), reason: format!("has shape {shape:?}") };
        let Some([1, heads, tokens, keys]) = probs.first().map(|first| &first.shape[..]) else {
            return Err(wrong(&[]));
        };
        let (heads, tokens) = (*heads, *tokens);
        if *keys != tokens || tokens <= grid[0] * grid[1] || probs.iter().any(|one| one.shape != probs[0].shape) {
            return Err(wrong(&probs[0].shape));
        }
        let layers = probs.iter().map(|one| Ok(one.as_f32()?.to_vec())).collect::<Result<_, Error>>()?;
        Ok(Self { grid, area, heads, tokens, layers })
    }

    /// Layers, L.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// How much each patch is looked at, row by row. What goes to the model's own tokens is left out, so the sum may be
    /// less than 1. Nothing if there is no such layer, head or patch.
    pub fn map(&self, shown: Shown, from: From) -> Option<Vec<f32>> {
        let row = match from {
            From::Picture => 0,
            From::Patch(i) if i < self.patches() => self.own() + i,
            From::Patch(_) => return None,
        };
        let mut weights = match shown {
            Shown::Head(layer, head) if head < self.heads => self.row(self.layers.get(layer)?, head, row).to_vec(),
            Shown::Head(..) => return None,
            Shown::Mean(layer) => self.mean(self.layers.get(layer)?, row),
            Shown::Rollout => self.rollout(row),
        };
        Some(weights.split_off(self.own()))
    }

    fn patches(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// Tokens before the patches.
    fn own(&self) -> usize {
        self.tokens - self.patches()
    }

    fn row<'a>(&self, layer: &'a [f32], head: usize, row: usize) -> &'a [f32] {
        &layer[(head * self.tokens + row) * self.tokens..][..self.tokens]
    }

    /// A row of the mean of a layer's heads.
    fn mean(&self, layer: &[f32], row: usize) -> Vec<f32> {
        let mut mean = vec![0.0; self.tokens];
        for head in 0..self.heads {
            for (sum, weight) in mean.iter_mut().zip(self.row(layer, head, row)) {
                *sum += weight / self.heads as f32;
            }
        }
        mean
    }

    /// A row of Ã_L · … · Ã_1 with Ã = (A + I) / 2: a row times one matrix after the other, from the last layer on.
    fn rollout(&self, row: usize) -> Vec<f32> {
        let mut flow = vec![0.0; self.tokens];
        flow[row] = 1.0;
        for layer in self.layers.iter().rev() {
            let mut next: Vec<f32> = flow.iter().map(|weight| weight / 2.0).collect();
            for (row, weight) in flow.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                let each = weight / (2.0 * self.heads as f32);
                for head in 0..self.heads {
                    for (sum, weight) in next.iter_mut().zip(self.row(layer, head, row)) {
                        *sum += each * weight;
                    }
                }
            }
            flow = next;
        }
        flow
    }
}
