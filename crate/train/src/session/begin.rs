//! From a recipe to a session: a new model, one to go on from, or a checkpoint.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::rc::Rc;

use format::DirFolder;
use graph::{Taps, WeightSpec};
use models::{Call, Model};
use run::{Device, Package, Source};
use serde_json::Value;

use super::{Event, Listen, METRICS, Options, Session, stored};
use crate::checkpoint::{self, Belongs, Opened, State};
use crate::feed::{self, Feed, Position};
use crate::guard::Guard;
use crate::metrics::{Log, Record};
use crate::prepare::{self, Prepared, Step};
use crate::trainer::{Trainer, Values};
use crate::{Error, Recipe, export, initial};

/// Makes everything ready for the first, or the next, step. `threads` are those of sampling.
///
/// # Errors
/// Texts, tokenizer, model or checkpoints are missing, damaged or do not fit each other; there are checkpoints, but
/// they are not to be resumed; another run trains in this folder.
pub async fn begin<'r>(
    recipe: &'r Recipe,
    device: Device,
    threads: usize,
    options: &Options,
    listen: &mut Listen<'_>,
) -> Result<Session<'r>, Error> {
    let lock = lock(&recipe.output)?;
    if !options.resume && !checkpoint::steps(&recipe.output)?.is_empty() {
        let reason = "holds checkpoints; --resume goes on from them";
        return Err(Error::checkpoint(&recipe.output.display().to_string(), reason));
    }
    let prepared = prepare::prepare(recipe, &mut |step| {
        let _ = listen(Event::Prepare(&step));
    })
    .await?;
    let start = start(recipe).await?;
    let config = match &start {
        Some(package) => package.config.clone(),
        None => export::config(recipe, prepared.encoder.tokenizer().vocab_len(), prepared.encoder.boundary()),
    };
    let model = read_model(&config, &prepared)?;
    let belongs = Belongs {
        recipe: recipe.digest(),
        corpus: prepared.keys.corpus.clone(),
        tokenizer: prepared.keys.tokenizer.clone(),
    };
    let opened = if options.resume { checkpoint::open_newest(&recipe.output, &belongs)? } else { None };
    for error in opened.iter().flat_map(|opened| &opened.refused) {
        let _ = listen(Event::Prepare(&Step::Note(format!("{error}; the one before is used"))));
    }
    let specs = model.build(&Call::train(), Taps::none())?.weights;
    let values = match (&opened, &start) {
        (Some(opened), _) => stored(recipe, &specs, &opened.folder).await?,
        (None, Some(package)) => loaded(package, &model).await?,
        (None, None) => drawn(recipe, &config, &specs, model.n_layer()),
    };
    let trainer = Trainer::new(recipe, &model, Rc::new(device), &values)?;
    let written = opened.as_ref().map(|opened| opened.state.step);
    let state = opened.map_or_else(|| fresh(&belongs), |Opened { state, .. }| state);
    let (tokens, boundary) = (prepared.tokens.clone(), prepared.encoder.boundary());
    let feed = Feed::new(recipe, tokens, boundary, state.position)?;
    let held_out = match recipe.evaluation.every {
        0 => Vec::new(),
        _ => feed::held_out(recipe, &prepared.tokens, boundary)?,
    };
    let log = Log::open(&recipe.output.join(METRICS), state.metrics)?;
    let mut session = Session {
        recipe,
        prepared,
        config,
        model,
        belongs,
        trainer,
        feed,
        held_out,
        state,
        log,
        written,
        threads,
        _lock: lock,
    };
    let record = Record::Run {
        step: session.state.step,
        device: session.trainer.device().describe(),
        parameters: session.trainer.parameters(),
        tokens: session.prepared.tokens.trained(),
    };
    let _ = session.tell(record, listen)?;
    Ok(session)
}

fn fresh(belongs: &Belongs) -> State {
    State {
        step: 0,
        updates: 0,
        tokens: 0,
        position: Position::default(),
        guard: Guard::default(),
        metrics: 0,
        milliseconds: 0,
        recipe: belongs.recipe.clone(),
        corpus: belongs.corpus.clone(),
        tokenizer: belongs.tokenizer.clone(),
    }
}

/// Keeps other runs out of an output folder.
fn lock(output: &Path) -> Result<File, Error> {
    fs::create_dir_all(output).map_err(|error| Error::io(output, error))?;
    let path = output.join(".lock");
    let file = File::create(&path).map_err(|error| Error::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::io(output, "another run trains in this folder")),
        Err(TryLockError::Error(error)) => Err(Error::io(&path, error)),
    }
}

/// The model to go on from.
async fn start(recipe: &Recipe) -> Result<Option<Package>, Error> {
    let Some(start) = prepare::start(recipe)? else { return Ok(None) };
    let source = Source::Folder(Rc::new(DirFolder::new(start)?));
    Ok(Some(Package::open(source).await?))
}

/// The configured family, if the vocabulary is the tokenizer's.
fn read_model(config: &Value, prepared: &Prepared) -> Result<Model, Error> {
    let model = Model::read("recipe: model", config)?;
    let (have, need) = (model.n_vocab(), prepared.encoder.tokenizer().vocab_len());
    if have < need {
        let reason = format!("has {need} tokens, the model knows {have}");
        return Err(Error::tokenizer("tokenizer.json", reason));
    }
    Ok(model)
}

/// The first weights of a new model.
fn drawn(recipe: &Recipe, config: &Value, specs: &[WeightSpec], n_layer: usize) -> Values {
    let deviation = config["initializer_range"].as_f64().unwrap_or(initial::DEVIATION);
    let draw = |spec: &WeightSpec| (spec.name.clone(), initial::values(spec, recipe.seed, deviation, n_layer));
    specs.iter().map(draw).collect()
}

/// The weights of a model to go on from, as the graph sees them.
async fn loaded(package: &Package, model: &Model) -> Result<Values, Error> {
    let graph = model.build(&Call::train(), Taps::none())?;
    let mut values = Values::new();
    for (spec, found) in graph.weights.iter().zip(package.find(&graph)?) {
        let (_, held) = package.checkpoint().read_f32(&found.name).await?;
        let held = match (found.transpose, &*spec.shape) {
            (true, [n, k]) => export::transposed(&held, *k, *n),
            _ => held,
        };
        values.insert(spec.name.clone(), held);
    }
    Ok(values)
}
