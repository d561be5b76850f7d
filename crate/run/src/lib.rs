//! Sessions and tasks: from text to tokens, from logits to the next one, and back to text; word vectors.
#![cfg_attr(not(feature = "tasks"), expect(dead_code, reason = "the module that chats leaves the rest out"))]

pub mod adapter;
mod bench;
mod chat;
mod constraints;
mod ctranslate2;
mod device;
mod error;
mod files;
mod forward;
mod found;
mod generate;
mod generation_config;
mod held;
mod import;
mod load;
mod memory;
mod model;
mod package;
mod progress;
mod quantize;
mod random;
mod sampler;
mod search;
mod session;
mod step;
mod stream;
pub mod tasks;
mod template;
pub mod tokenizer;
mod trial;
mod words;

pub use adapter::Adapter;
pub use bench::{BenchOptions, Figures, PartFigures, PassFigures, bench, bench_pass};
pub use chat::Chat;
pub use constraints::Constraints;
pub use device::{Device, DeviceChoice, Precision, Program, RunCost, Weights};
pub use error::Error;
pub use files::Files;
pub use forward::{Bound, Field, ForwardInputs, Show};
pub use found::Found;
pub use generate::{CHUNK, Completion, Finish, GenerateOptions, Listener};
pub use generation_config::GenerationConfig;
pub use model::{Info, LoadOptions, Model};
pub use package::{Package, Source};
pub use progress::Progress;
pub use quantize::{Planned, merge_plan, plan as quantize_plan, quantize};
pub use sampler::{Sampler, SamplerConfig, argmax};
pub use search::{Beam, BeamConfig, BeamSearch, EarlyStopping, SearchOptions};
pub use session::Session;
pub use stream::TextStream;
pub use tasks::Reader;
pub use template::{ChatTemplate, Conversation};
pub use tokenizer::{Add, Special, SpecialTokens, Tokenizer, TokenizerConfig};
pub use trial::Trial;
pub use words::{AnalogyReport, AnalogySet, Neighbour, SectionReport, WordVectors};

// What the skins need of the packages below.
pub use cpu::pool::{Pool, serve as serve_pool};
pub use graph::Tensor;
pub use models::{Parts, SHAPES, Task, shape_config};
