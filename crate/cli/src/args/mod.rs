//! The command line.

mod models;
mod pictures;
mod shared;
mod texts;
mod training;

use clap::{Parser, Subcommand};

pub use models::{Bench, ChatTemplate, Forward, Import, Inspect, Quantize, Serve, Tokenize};
pub use pictures::{ClassifyImage, MasksArg, Search, Segment};
pub use shared::{DeviceArg, DeviceArgs, ModelArgs, SamplerArgs, SearchArgs};
pub use texts::{Answer, Chat, Classify, Embed, FillMask, Generate, Summarize, Translate, Words, WriteArgs};
pub use training::{Lora, LoraCommand, Merge, Stories, Train};

/// The Transformer family on your own machine, and in a page.
#[derive(Parser)]
#[command(name = "dynasty", version, about)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Talk with a model in the terminal.
    Chat(Chat),
    /// Continue a prompt.
    Generate(Generate),
    /// Run a model once on tensors, named as the reference library names them.
    Forward(Forward),
    /// Cut out what is pointed at in a picture, what words mean, or everything.
    Segment(Box<Segment>),
    /// Tell what pictures show, by the model's classes or by labels of one's own.
    ClassifyImage(ClassifyImage),
    /// Turn texts or pictures into vectors that are near each other where they mean alike.
    Embed(Embed),
    /// Guess masked words.
    FillMask(FillMask),
    /// Tell the class of texts, or of the words in them.
    Classify(Classify),
    /// Find the answer to a question in a text.
    Answer(Answer),
    /// Translate texts.
    Translate(Translate),
    /// Summarise texts.
    Summarize(Summarize),
    /// Show the token ids of a text.
    Tokenize(Tokenize),
    /// Render messages by the model's chat template.
    ChatTemplate(ChatTemplate),
    /// Show a model's configuration, tensors, sizes and graph.
    Inspect(Inspect),
    /// Write a model as one GGUF file.
    Quantize(Quantize),
    /// Turn a llama2.c model and tokenizer into one GGUF file.
    Import(Import),
    /// Search word vectors: neighbours, analogies, and how many analogy questions they answer.
    Words(Words),
    /// Measure speed.
    Bench(Bench),
    /// Train a model by a recipe.
    Train(Train),
    /// Add adapters to a model's weights, or take them off again.
    Lora(Lora),
    /// Let a model write texts to learn from, filtered.
    Stories(Stories),
    /// Serve the pages and models on this machine.
    Serve(Serve),
}
