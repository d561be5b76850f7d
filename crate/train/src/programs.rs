//! The graphs of training: gradients added up in the weight store, and the change of weights by them.

use graph::{Adapters, Builder, Checkpointing, DType, Graph, Reduce, Taps, Training, Update, Var, WeightSpec};
use models::{Call, Model};

use crate::recipe::{Activations, Rule};
use crate::{Error, Recipe, lora};

/// Names of the state that belongs to a weight: `kind/name`.
pub const GRADIENT: &str = "grad";
/// AdamW's mean.
pub const MEAN: &str = "adamw.m";
/// AdamW's mean square.
pub const SQUARE: &str = "adamw.v";
/// The step that momentum repeats.
pub const MOMENTUM: &str = "sgd.v";
/// The averaged weight.
pub const AVERAGE: &str = "ema";

/// The kinds of state that last from step to step.
pub fn state_kinds(recipe: &Recipe) -> Vec<&'static str> {
    let optimizer = &recipe.optimizer;
    let mut kinds = match optimizer.rule {
        Rule::Adamw => vec![MEAN, SQUARE],
        Rule::Sgd if optimizer.momentum > 0.0 => vec![MOMENTUM],
        Rule::Sgd => Vec::new(),
    };
    kinds.extend(optimizer.ema.map(|_| AVERAGE));
    kinds
}

/// The name under which a weight is kept as it is to be used: averaged, if the recipe says so.
pub fn model_name(recipe: &Recipe, spec: &WeightSpec) -> String {
    if recipe.optimizer.ema.is_some() { format!("{AVERAGE}/{}", spec.name) } else { spec.name.clone() }
}

/// The names of all else that training needs to go on with a weight.
pub fn state_names(recipe: &Recipe, spec: &WeightSpec) -> Vec<String> {
    let kinds = state_kinds(recipe).into_iter().filter(|kind| *kind != AVERAGE);
    let own = recipe.optimizer.ema.map(|_| spec.name.clone());
    kinds.map(|kind| format!("{kind}/{}", spec.name)).chain(own).collect()
}

/// How many numbers the rule reads from the host.
pub fn hyper_len(rule: Rule) -> usize {
    match rule {
        Rule::Adamw => 4,
        Rule::Sgd => 2,
    }
}

/// What becomes of the gradients in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// They are replaced.
    First,
    /// They are added to.
    More,
}

/// The loss of a batch and its gradients, which go into the store.
///
/// # Shapes
/// `input_ids`, `position_ids` [B, T], `targets`, `loss_weights` [B·T], with dropout `rng` [2] → `loss` [1],
/// last `square` [1]: the sum of the squares of all stored gradients. Models that look at pictures have inputs of their
/// own.
///
/// # Errors
/// The model has no gradient.
pub fn gradients(
    recipe: &Recipe,
    (model, call): (&Model, &Call),
    adapters: &Adapters,
    stored: Stored,
) -> Result<Graph, Error> {
    let more = &recipe.regularization;
    let training = Training { dropout: more.dropout as f32, label_smoothing: more.label_smoothing as f32 };
    let g = Builder::for_training(Taps::none(), training).with_adapters(adapters.clone());
    model.write(&g, call)?;
    let Some(loss) = g.result("loss") else { return Err(Error::recipe("recipe", "model", "has no loss")) };
    let trained = g.declared().into_iter().filter(|(name, _)| lora::is_trained(recipe, name));
    let (names, weights): (Vec<String>, Vec<Var<'_>>) = trained.unzip();
    let keep = match recipe.checkpoints.activations {
        Activations::All => Checkpointing::None,
        Activations::Blocks => Checkpointing::EveryBlock,
        Activations::Every(k) => Checkpointing::Every(k),
    };
    let gradients = g.gradients(loss, &weights, keep);
    let mut square: Option<Var<'_>> = None;
    for ((name, weight), gradient) in names.iter().zip(&weights).zip(gradients) {
        let shape: Vec<usize> = weight.shape().iter().filter_map(graph::Dim::known).collect();
        let held = g.weights().tensor(&format!("{GRADIENT}/{name}"), shape, graph::Stored::AsDeclared);
        let sum = match stored {
            Stored::First => gradient,
            Stored::More => held + gradient,
        };
        g.update(Update::Assign, &[held], &[sum]);
        let flat = sum.reshape([sum.shape().elements()]);
        let part = (flat * flat).reduce(Reduce::Sum); // [1]
        square = Some(square.map_or(part, |before| before + part));
    }
    if let Some(square) = square {
        g.output("square", square);
    }
    Ok(g.finish()?)
}

/// The loss of a batch, with nothing dropped and nothing smoothed.
///
/// # Shapes
/// As [`gradients`] → `loss` [1].
///
/// # Errors
/// The configuration breaks a shape rule.
pub fn loss(model: &Model, call: &Call, adapters: &Adapters) -> Result<Graph, Error> {
    let g = Builder::new(Taps::none()).with_adapters(adapters.clone());
    model.write(&g, call)?;
    Ok(g.finish()?)
}

/// Has a graph read weights as they are to be used: averaged, if the recipe says so.
pub fn as_used(recipe: &Recipe, graph: &mut Graph) {
    for spec in graph.weights.iter_mut().filter(|spec| lora::is_trained(recipe, &spec.name)) {
        spec.name = model_name(recipe, spec);
    }
}

/// The change of all weights by their stored gradients.
///
/// # Shapes
/// `hyper` and, for what does not decay, `hyper_plain` [4] or [2], as [`Update`] says; `scale` [1] → nothing.
///
/// # Errors
/// A shape rule is broken.
pub fn change(recipe: &Recipe, specs: &[WeightSpec]) -> Result<Graph, Error> {
    let g = Builder::new(Taps::none());
    let optimizer = &recipe.optimizer;
    let len = hyper_len(optimizer.rule);
    let decayed = g.input("hyper", DType::F32, [len]);
    let plain = g.input("hyper_plain", DType::F32, [len]);
    let scale = g.input("scale", DType::F32, [1]);
    let [beta1, beta2] = optimizer.betas.map(|beta| beta as f32);
    let rule = match optimizer.rule {
        Rule::Adamw => Update::AdamW { beta1, beta2, eps: optimizer.eps as f32 },
        Rule::Sgd => Update::Sgd { momentum: optimizer.momentum as f32 },
    };
    for spec in specs {
        let kinds = state_kinds(recipe).into_iter().filter(|kind| *kind != AVERAGE);
        let changed: Vec<Var<'_>> =
            std::iter::once(read(&g, None, spec)).chain(kinds.map(|k| read(&g, Some(k), spec))).collect();
        let hyper = if spec.shape.len() < 2 { plain } else { decayed };
        g.update(rule, &changed, &[read(&g, Some(GRADIENT), spec), hyper, scale]);
    }
    Ok(g.finish()?)
}

/// The averages of all weights, taken after they have changed.
///
/// # Shapes
/// `ema` [1] → nothing.
///
/// # Errors
/// A shape rule is broken.
pub fn average(specs: &[WeightSpec]) -> Result<Graph, Error> {
    let g = Builder::new(Taps::none());
    let ema = g.input("ema", DType::F32, [1]);
    for spec in specs {
        g.update(Update::Ema, &[read(&g, Some(AVERAGE), spec)], &[read(&g, None, spec), ema]);
    }
    Ok(g.finish()?)
}

/// A weight, or the state of a kind that belongs to it.
fn read<'g>(g: &'g Builder, kind: Option<&str>, spec: &WeightSpec) -> Var<'g> {
    let name = kind.map_or_else(|| spec.name.clone(), |kind| format!("{kind}/{}", spec.name));
    g.weights().tensor(&name, spec.shape.clone(), graph::Stored::AsDeclared)
}
