//! One forward pass with the names of the reference library.

mod inputs;
mod pictures;
mod prompts;

use graph::{Taps, Tensor};

use models::{Call, Look, Prompts, Reads};

use crate::held::Held;
use crate::{Error, Model};
pub use inputs::{Bound, ForwardInputs};

/// What to show beside the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// `attentions.N`
    pub attentions: bool,
    /// `hidden_states.N`
    pub hidden_states: bool,
}

/// A named result: shape and values.
pub type Field = (String, Vec<usize>, Vec<f32>);

impl Model {
    /// Runs whole sequences without a cache.
    ///
    /// # Errors
    /// An input is missing, unknown or does not fit, a token or position is outside the model's tables, or the device
    /// fails.
    pub async fn forward(&self, given: &ForwardInputs, show: Show) -> Result<Vec<Field>, Error> {
        let model = &self.package().model;
        let (call, inputs) = given.bind(model)?;
        let graph = self.package().build(&call, show.taps())?;
        let names: Vec<String> = graph.outputs.iter().map(|o| reference_name(&o.name)).collect();
        let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let outputs = self.run_once(graph, &inputs).await?;
        let field = |(name, tensor): (String, Tensor)| {
            let mut shape = tensor.shape.clone();
            if model.family() == "sam" && (name.starts_with("vision_att") || name.starts_with("att")) {
                // There windows and heads are one axis.
                let heads = shape.remove(1);
                shape[0] *= heads;
            }
            Ok((name, shape, tensor.as_f32()?.to_vec()))
        };
        names.into_iter().zip(outputs).map(field).collect()
    }
}

impl Model {
    /// Looks at pictures [B, channels, H, W], once for many answers: their embeddings by name, each [B, C, h, w].
    ///
    /// # Errors
    /// The model answers no prompts, the shape does not fit, or the device fails.
    pub async fn embed_pictures(&self, pixels: Tensor) -> Result<Vec<(String, Tensor)>, Error> {
        let given = ForwardInputs::new([("pixel_values".to_string(), pixels)]);
        let (call, inputs) = given.bind(&self.package().model)?;
        let look = Look { reads: Reads::Pictures, prompts: Prompts::default(), ..call.look };
        self.run_named(Call { look, ..call }, &inputs).await
    }

    /// Answers prompts about pictures that were looked at: `iou_scores` [B, N, n], `pred_masks` [B, N, n, 4h, 4w], and
    /// of SAM 2 `object_score_logits` [B, N, 1]. `prompts` has `input_points` [B, N, T, 2], `input_labels` [B, N, T],
    /// `input_boxes` [B, N, 4], `input_masks` [B, 1, 4h, 4w] and `multimask_output`, each if it is wanted, in pixels of
    /// the model's own picture.
    ///
    /// # Errors
    /// A tensor does not fit, or the device fails.
    pub async fn answer(
        &self,
        seen: &[(String, Tensor)],
        prompts: &ForwardInputs,
    ) -> Result<Vec<(String, Tensor)>, Error> {
        let given = seen.iter().fold(prompts.clone(), |given, (name, tensor)| given.with(name, tensor.clone()));
        let (call, inputs) = given.bind(&self.package().model)?;
        self.run_named(call, &inputs).await
    }

    /// The same about a picture that is asked about more than once.
    pub(crate) async fn answer_held(&self, seen: &Held, prompts: &ForwardInputs) -> Result<(), Error> {
        let given = seen.inputs().iter().fold(prompts.clone(), |all, (name, tensor)| all.with(name, tensor.clone()));
        let (call, inputs) = given.bind(&self.package().model)?;
        let own = inputs.iter().filter(|(name, _)| seen.inputs().iter().all(|(held, _)| held != name));
        let own: Vec<(&str, &Tensor)> = own.map(|(name, tensor)| (name.as_str(), tensor)).collect();
        self.run_held(call, seen, &own).await.map(drop)
    }

    /// The results of a call with their names.
    async fn run_named(&self, call: Call, inputs: &[(String, Tensor)]) -> Result<Vec<(String, Tensor)>, Error> {
        let graph = self.package().build(&call, Taps::none())?;
        let names = graph.outputs.iter().map(|output| output.name.clone());
        let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        Ok(names.zip(self.run(call, None, &inputs).await?).collect())
    }
}

impl Show {
    fn taps(self) -> Taps {
        let hidden = self.hidden_states.then_some("*hidden.*");
        let probs = self.attentions.then_some("*blocks.*.probs");
        Taps::new([hidden, probs].into_iter().flatten())
    }
}

/// `hidden.N` → `hidden_states.N`, `blocks.N.attn.probs` → `attentions.N`, the same with `encoder.` and `decoder.` in
/// front, and `decoder.blocks.N.cross.probs` → `cross_attentions.N`.
fn reference_name(tap: &str) -> String {
    let (side, rest) = match tap.split_once('.') {
        Some((side @ ("encoder" | "decoder" | "vision" | "mask_decoder"), rest)) => (format!("{side}_"), rest),
        Some(_) | None => (String::new(), tap),
    };
    if let Some(n) = rest.strip_prefix("hidden.") {
        return format!("{side}hidden_states.{n}");
    }
    let block = rest.strip_prefix("blocks.").and_then(|rest| rest.split_once('.'));
    match block {
        Some((n, "attn.probs" | "probs")) => format!("{side}attentions.{n}"),
        Some((n, "cross.probs")) => format!("cross_attentions.{n}"),
        Some(_) | None => tap.to_string(),
    }
}
