//! Values that no recipe may have.

use super::{Activations, DataSpec, Layout, Optimizer, Recipe};

/// A field and what is wrong with it.
pub type Wrong = (String, String);

/// The most tokens of one step, in all batches together.
const LARGEST_STEP: usize = 1 << 26;
/// The most tokens of a sequence.
const LONGEST: usize = 1 << 20;

pub fn check(recipe: &Recipe) -> Result<(), Wrong> {
    start(recipe)?;
    steps(recipe)?;
    between("train.context", recipe.train.context as f64, 2.0, LONGEST as f64)?;
    share("regularization.dropout", recipe.regularization.dropout, 0.9)?;
    share("regularization.label_smoothing", recipe.regularization.label_smoothing, 0.5)?;
    lora(recipe)?;
    sources(&recipe.data)
}

/// What recipes have in common that are learned in steps.
pub fn steps(recipe: &Recipe) -> Result<(), Wrong> {
    named("name", &recipe.name)?;
    if recipe.output.as_os_str().is_empty() {
        return wrong("output", "is empty");
    }
    share("validation", recipe.validation, 0.5)?;
    training(recipe)?;
    optimizer(&recipe.optimizer)?;
    schedule(recipe)?;
    intervals(recipe)?;
    guard(recipe)
}

/// The texts of any recipe.
pub fn sources(all: &[DataSpec]) -> Result<(), Wrong> {
    if all.is_empty() {
        return wrong("data", "names no texts");
    }
    for (at, data) in all.iter().enumerate() {
        named(&format!("data[{at}].name"), &data.name)?;
        if all[..at].iter().any(|other| other.name == data.name) {
            return wrong(&format!("data.{}", data.name), "is the name of two sources");
        }
        source(data)?;
    }
    Ok(())
}

pub fn wrong<T>(field: &str, reason: impl Into<String>) -> Result<T, Wrong> {
    Err((field.into(), reason.into()))
}

pub fn named(field: &str, text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() { wrong(field, "is empty") } else { Ok(()) }
}

pub fn share(field: &str, value: f64, most: f64) -> Result<(), Wrong> {
    if (0.0..=most).contains(&value) { Ok(()) } else { wrong(field, format!("is {value}, expected 0 to {most}")) }
}

pub fn between(field: &str, value: f64, least: f64, most: f64) -> Result<(), Wrong> {
    if value >= least && value <= most {
        return Ok(());
    }
    wrong(field, format!("is {value}, expected {least} to {most}"))
}

pub fn count(field: &str, value: usize, most: usize) -> Result<(), Wrong> {
    if (1..=most).contains(&value) { Ok(()) } else { wrong(field, format!("is {value}, expected 1 to {most}")) }
}

/// Either a new model with its tokenizer, or one to go on from.
fn start(recipe: &Recipe) -> Result<(), Wrong> {
    if recipe.start.is_some() {
        if !recipe.model.is_empty() {
            return wrong("model", "cannot be given beside start, whose configuration holds");
        }
        if recipe.tokenizer.is_some() {
            return wrong("tokenizer", "cannot be given beside start, whose tokenizer holds");
        }
        return Ok(());
    }
    if recipe.model.is_empty() {
        return wrong("model", "is missing; it holds the fields of config.json");
    }
    if recipe.model.contains_key("vocab_size") {
        return wrong("model.vocab_size", "is the tokenizer's and cannot be given here");
    }
    let Some(tokenizer) = &recipe.tokenizer else { return wrong("tokenizer", "is missing") };
    between("tokenizer.vocab_size", tokenizer.vocab_size as f64, 259.0, 1_000_000.0)?;
    count("tokenizer.max_token_length", tokenizer.max_token_length, 1024)?;
    between("tokenizer.fraction", tokenizer.fraction, 1e-6, 1.0)
}

fn training(recipe: &Recipe) -> Result<(), Wrong> {
    let train = &recipe.train;
    if train.steps == 0 {
        return wrong("train.steps", "is 0");
    }
    count("train.batch", train.batch, 1 << 16)?;
    count("train.accumulate", train.accumulate, 1 << 16)?;
    count("train.context", train.context, LONGEST)?;
    let tokens = train.batch.checked_mul(train.accumulate).and_then(|n| n.checked_mul(train.context));
    match tokens {
        Some(tokens) if tokens <= LARGEST_STEP => Ok(()),
        Some(_) | None => wrong("train.batch", format!("makes steps of more than {LARGEST_STEP} tokens")),
    }
}

fn optimizer(optimizer: &Optimizer) -> Result<(), Wrong> {
    between("optimizer.learning_rate", optimizer.learning_rate, f64::MIN_POSITIVE, 10.0)?;
    for beta in optimizer.betas {
        if !(0.0..1.0).contains(&beta) {
            return wrong("optimizer.betas", format!("has {beta}, expected 0 to less than 1"));
        }
    }
    between("optimizer.eps", optimizer.eps, 1e-30, 1.0)?;
    between("optimizer.weight_decay", optimizer.weight_decay, 0.0, 10.0)?;
    between("optimizer.momentum", optimizer.momentum, 0.0, 0.9999)?;
    between("optimizer.clip", optimizer.clip, 0.0, f64::MAX)?;
    match optimizer.ema {
        Some(ema) => between("optimizer.ema", ema, 0.0, 0.999_999),
        None => Ok(()),
    }
}

fn schedule(recipe: &Recipe) -> Result<(), Wrong> {
    let (warmup, steps) = (recipe.schedule.warmup, recipe.train.steps);
    if warmup > steps {
        return wrong("schedule.warmup", format!("is {warmup}, more than the {steps} steps"));
    }
    share("schedule.floor", recipe.schedule.floor, 1.0)
}

fn intervals(recipe: &Recipe) -> Result<(), Wrong> {
    let checkpoints = &recipe.checkpoints;
    if checkpoints.every == 0 {
        return wrong("checkpoints.every", "is 0");
    }
    if checkpoints.activations == Activations::Every(0) {
        return wrong("checkpoints.activations", "is every 0th block");
    }
    count("checkpoints.keep", checkpoints.keep, 10_000)?;
    if recipe.evaluation.every > 0 {
        count("evaluation.batches", recipe.evaluation.batches, 1 << 20)?;
        if recipe.validation == 0.0 {
            return wrong("evaluation.every", "needs held-out documents: validation is 0");
        }
    }
    if recipe.sampling.every > 0 && recipe.sampling.prompts.is_empty() {
        return wrong("sampling.prompts", "is empty");
    }
    if recipe.slice.max_seconds == Some(0) {
        return wrong("slice.max_seconds", "is 0");
    }
    between("sampling.temperature", recipe.sampling.temperature, 0.0, 100.0)
}

fn guard(recipe: &Recipe) -> Result<(), Wrong> {
    between("guard.spike", recipe.guard.spike, 1.01, 1e6)?;
    between("guard.slower", recipe.guard.slower, 0.01, 1.0)?;
    count("guard.patience", recipe.guard.patience as usize, 10_000)
}

fn lora(recipe: &Recipe) -> Result<(), Wrong> {
    let Some(lora) = &recipe.lora else { return Ok(()) };
    if recipe.start.is_none() {
        return wrong("lora", "needs start, the model beside which adapters are trained");
    }
    count("lora.rank", lora.rank, 1 << 12)?;
    between("lora.alpha", lora.alpha, 1e-6, 1e6)?;
    share("lora.dropout", lora.dropout, 0.9)?;
    if lora.targets.is_empty() {
        return wrong("lora.targets", "is empty");
    }
    lora.targets.iter().try_for_each(|target| named("lora.targets", target))
}

fn source(data: &DataSpec) -> Result<(), Wrong> {
    let field = |name: &str| format!("data.{}.{name}", data.name);
    named(&field("licence"), &data.licence)?;
    if data.files.is_empty() {
        return wrong(&field("files"), "is empty");
    }
    between(&field("weight"), data.weight, 0.0, 1000.0)?;
    let pairs = data.layout == Layout::Pairs;
    if pairs && (data.prompt.is_none() || data.answer.is_none()) {
        return wrong(&field("prompt"), "and answer are needed for pairs");
    }
    if !pairs && (data.prompt.is_some() || data.answer.is_some()) {
        return wrong(&field("prompt"), "and answer are for pairs only");
    }
    let asked = data.prompt.as_ref().is_some_and(|prompt| prompt.contains("{topic}"));
    if asked == data.topics.is_empty() {
        return wrong(&field("topics"), "belong to a prompt with {topic}, and it to them");
    }
    if data.separator.is_some() && data.layout != Layout::Text {
        return wrong(&field("separator"), "is for text only");
    }
    if data.separator.as_ref().is_some_and(String::is_empty) {
        return wrong(&field("separator"), "is empty");
    }
    if !data.roles.is_empty() && data.layout != Layout::Dialogue {
        return wrong(&field("roles"), "are for dialogues only");
    }
    Ok(())
}
