//! A loaded model: weights on a device and the programs prepared for it.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use graph::{StateSpec, Taps, Tensor};
use models::{Call, Head, Mask, Parts, Task};

use crate::device::{Device, DeviceChoice, Program, RunCost, State, Weights};
use crate::held::Halves;
use crate::package::{Package, Source};
use crate::step::Step;
use crate::trial::{self, Chosen, Trial};
use crate::{Error, GenerationConfig, Progress, Session, bench, load};

/// How a model is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOptions {
    /// Where it runs.
    pub device: DeviceChoice,
    /// Threads on the processor.
    pub threads: usize,
    /// Tokens a session can hold; by default the smaller of the model's and what fits.
    pub context: Option<usize>,
    /// Bytes that weights and caches may take together.
    pub memory: u64,
    /// Bytes that one session's cache takes at most where no `context` is asked for.
    pub cache: u64,
    /// What trials of earlier visits found.
    pub known: Vec<Trial>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            threads: 1,
            context: None,
            memory: 16 << 30,
            cache: 512 << 20,
            known: Vec::new(),
        }
    }
}

/// What a loaded model is and where it runs, for people.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Info {
    /// The model's name.
    pub name: String,
    /// The family, such as `llama`.
    pub family: String,
    /// Weight values.
    pub parameters: u64,
    /// Bytes of the weights on the device.
    pub weight_bytes: u64,
    /// Tokens a session can hold.
    pub context: usize,
    /// The device.
    pub device: String,
    /// The matrix kernels.
    pub kernels: Vec<String>,
    /// Why this device.
    pub reason: String,
    /// Whether there is a chat template.
    pub chat: bool,
}

/// A loaded model.
pub struct Model {
    package: Package,
    device: Device,
    weights: Weights,
    programs: RefCell<HashMap<Call, Program>>,
    /// Programs of calls that share inputs.
    halves: RefCell<HashMap<Call, Halves>>,
    states: Vec<StateSpec>,
    context: usize,
    reason: String,
    trial: Option<Trial>,
    parameters: u64,
    /// Read at the first answer, not at each: in a page every file is a request.
    generation: OnceCell<GenerationConfig>,
}

/// Tokens of the calls that [`Model::warm`] makes: a prompt long enough for the kernels of long ones, and one token.
const WARM: [(Head, usize); 4] = [(Head::Logits, 8), (Head::Logits, 1), (Head::TopK(40), 1), (Head::Greedy, 1)];

/// How long [`Model::warm`] lets a model read: so many passes, or until they have taken so long.
struct Reading {
    tokens: usize,
    passes: usize,
    milliseconds: f64,
}

const READING: Reading = Reading { tokens: 128, passes: 8, milliseconds: 600.0 };

impl Model {
    /// Checks the files, opens the device, loads the weights.
    ///
    /// # Errors
    /// A file is damaged, the model does not fit, or the device cannot be opened.
    pub async fn open(
        source: Source,
        options: &LoadOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Error> {
        let package = Package::open(source).await?;
        Self::load(package, options, progress).await
    }

    /// Loads a checked package.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub async fn load(
        package: Package,
        options: &LoadOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Error> {
        let graph = package.build(&Call::forward(Mask::None), Taps::none())?;
        package.find(&graph)?;
        let states = package.build_plain(&Call::step(Head::Logits))?.states;
        let context = choose_context(&package, &states, options)?;
        let Chosen { device, reason, trial } = trial::choose(&package, options).await?;
        let mut weights = device.weights();
        load::load(&device, &package, &graph, &mut weights, progress).await?;
        let parameters = graph.weights.iter().map(|w| w.shape.iter().product::<usize>() as u64).sum();
        let (programs, halves) = Default::default();
        let generation = OnceCell::new();
        Ok(Self { package, device, weights, programs, halves, states, context, reason, trial, parameters, generation })
    }

    /// The checked files.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The defaults of generation that come with the model.
    ///
    /// # Errors
    /// A file is damaged.
    pub async fn generation(&self) -> Result<&GenerationConfig, Error> {
        if let Some(known) = self.generation.get() {
            return Ok(known);
        }
        let read = self.package.files.generation().await?;
        Ok(self.generation.get_or_init(|| read))
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Bytes of the weights on the device.
    pub fn weight_bytes(&self) -> u64 {
        self.weights.bytes()
    }

    /// Tokens a session can hold.
    pub fn context(&self) -> usize {
        self.context
    }

    /// What it is and where it runs.
    ///
    /// # Errors
    /// The chat template is damaged.
    pub async fn info(&self) -> Result<Info, Error> {
        Ok(Info {
            name: self.package.name(),
            family: self.package.model.family().into(),
            parameters: self.parameters,
            weight_bytes: self.weights.bytes(),
            context: self.context,
            device: self.device.describe(),
            kernels: self.weights.kernels(),
            reason: self.reason.clone(),
            chat: self.package.files.chat().await?.is_some(),
        })
    }

    /// The timed trial that chose the device, if one was made now: worth remembering for the next visit.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref()
    }

    /// Prepares the programs of an answer. Where kernels are compiled when they first run, each runs once on a session
    /// of its own, so that the first token does not wait for a compiler.
    ///
    /// # Errors
    /// As [`Device::run`].
    pub async fn warm(&self, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let n_vocab = self.package.model.n_vocab();
        if self.package.model.task() != Task::CausalLm {
            return self.warm_reading(progress).await;
        }
        let heads: Vec<(Head, usize)> =
            WARM.into_iter().filter(|(head, _)| !matches!(head, Head::TopK(k) if *k >= n_vocab)).collect();
        let total = heads.len();
        for (done, (head, tokens)) in heads.into_iter().enumerate() {
            progress(Progress::Compile { done, total });
            if self.device.compiles() {
                let tokens = tokens.min(self.context);
                let mut state = self.state(1, tokens)?;
                let step = Step { head, ids: vec![0; tokens], rows: 1, from: 0, total: tokens };
                step.run(self, &mut state, None).await?;
            } else {
                let call = Call::step(head);
                let program = self.program(call)?;
                self.programs.borrow_mut().insert(call, program);
            }
        }
        progress(Progress::Compile { done: total, total });
        Ok(())
    }

    /// Reads random texts for a short while, where kernels are compiled when they first run, and in a page, whose browser
    /// optimises the module while it runs: the first passes take up to three times as long as later ones.
    async fn warm_reading(&self, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let (parts, task) = (self.package.model.parts(), self.package.model.task());
        let reads = parts == Parts::Encoder || (parts == Parts::EncoderDecoder && task == Task::Seq2SeqLm);
        if !reads || !(self.device.compiles() || cfg!(target_arch = "wasm32")) {
            return Ok(());
        }
        let tokens = READING.tokens.min(self.package.model.longest().max(1));
        let (mut done, mut milliseconds) = (0, 0.0);
        while done < READING.passes && milliseconds < READING.milliseconds {
            progress(Progress::Compile { done, total: READING.passes });
            milliseconds += bench::pass(self, tokens, done as u64).await?;
            done += 1;
        }
        progress(Progress::Compile { done: READING.passes, total: READING.passes });
        Ok(())
    }

    /// An empty session of one row.
    ///
    /// # Errors
    /// There is not enough memory.
    pub fn session(&self) -> Result<Session, Error> {
        Ok(Session::new(self.state(1, self.context)?))
    }

    /// Empty caches of `rows` rows of `capacity` tokens.
    pub(crate) fn state(&self, rows: usize, capacity: usize) -> Result<State, Error> {
        self.device.session(&self.states, rows, capacity)
    }

    /// Runs the decoder once. Programs are prepared at the first call of their kind and kept.
    ///
    /// # Errors
    /// As [`Device::run`].
    pub async fn run(
        &self,
        call: Call,
        state: Option<&mut State>,
        inputs: &[(&str, &Tensor)],
    ) -> Result<Vec<Tensor>, Error> {
        let mut program = self.program(call)?;
        let outputs = self.device.run(&mut program, state, inputs).await;
        self.programs.borrow_mut().insert(call, program);
        outputs
    }

    /// Takes the program of a call, which is prepared if there is none.
    fn program(&self, call: Call) -> Result<Program, Error> {
        match self.programs.borrow_mut().remove(&call) {
            Some(program) => Ok(program),
            None => self.device.prepare(self.package.build(&call, Taps::none())?, &self.weights),
        }
    }

    /// Takes the programs of a call that shares inputs, if they were prepared.
    pub(crate) fn take_halves(&self, call: Call) -> Option<Halves> {
        self.halves.borrow_mut().remove(&call)
    }

    /// Keeps them for the next call.
    pub(crate) fn keep_halves(&self, call: Call, halves: Halves) {
        self.halves.borrow_mut().insert(call, halves);
    }

    /// Prepares a graph with the model's weights.
    pub(crate) fn prepare(&self, graph: graph::Graph) -> Result<Program, Error> {
        self.device.prepare(graph, &self.weights)
    }

    /// Memory of the device without caches, for inputs that it shall keep.
    pub(crate) fn shelf(&self) -> Result<State, Error> {
        self.device.session(&[], 1, 1)
    }

    /// Bytes of the buffers that its programs keep from run to run.
    pub fn held_bytes(&self) -> u64 {
        self.programs.borrow().values().map(Program::bytes).sum()
    }

    /// What the last run of this kind cost, if there was one.
    pub fn cost(&self, call: Call) -> Option<RunCost> {
        self.programs.borrow().get(&call).map(Program::cost)
    }

    /// Prepares and runs a graph of its own once, for taps.
    ///
    /// # Errors
    /// As [`Device::run`].
    pub async fn run_once(&self, graph: graph::Graph, inputs: &[(&str, &Tensor)]) -> Result<Vec<Tensor>, Error> {
        let mut program = self.device.prepare(graph, &self.weights)?;
        self.device.run(&mut program, None, inputs).await
    }
}

/// The session's capacity: what was asked for, else the smaller of the model's and what fits.
fn choose_context(package: &Package, states: &[StateSpec], options: &LoadOptions) -> Result<usize, Error> {
    let per_token: u64 = states.iter().map(|s| 8 * (s.n_kv_head * s.head_dim) as u64).sum();
    let weights = package.checkpoint().weight_bytes();
    let longest = package.model.max_positions();
    let context = match options.context {
        Some(context) if package.model.has_learned_positions() => context.min(longest),
        Some(context) => context,
        None => longest.min((options.cache / per_token.max(1)) as usize).max(1),
    };
    let needed = weights.saturating_add(per_token.saturating_mul(context as u64));
    if needed > options.memory {
        return Err(Error::Memory { name: package.name(), needed, available: options.memory });
    }
    Ok(context)
}
