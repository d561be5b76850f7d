//! The command line of training, and of what is trained on.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

use super::shared::{DeviceArg, ModelArgs, SamplerArgs};

#[derive(Group)]
pub struct Train {
    /// What is made, from what, how: a TOML file.
    #[arg(long)]
    pub recipe: PathBuf,
    /// Go on from the newest checkpoint.
    #[arg(long)]
    pub resume: bool,
    /// Only make the tokenizer and the tokens.
    #[arg(long, conflicts_with = "resume")]
    pub prepare: bool,
    /// The folder of the texts, instead of the recipe's.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The folder that is written, instead of the recipe's.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// The model to go on from, instead of the recipe's.
    #[arg(long)]
    pub start: Option<PathBuf>,
    /// Seconds after which a checkpoint is written and the run ends.
    #[arg(long)]
    pub max_seconds: Option<u64>,
    /// Where it runs; auto is the processor.
    #[arg(long, value_enum, default_value_t = DeviceArg::Auto)]
    pub device: DeviceArg,
    /// Threads on the processor; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
}

#[derive(Group)]
pub struct Lora {
    #[command(subcommand)]
    pub command: LoraCommand,
}

#[derive(Subcommand)]
pub enum LoraCommand {
    /// Write a model with its adapters added to the weights.
    Merge(Merge),
    /// Write the model that was there before, from one to whose weights adapters were added.
    Unmerge(Merge),
}

#[derive(Group)]
pub struct Merge {
    /// The model: a folder in a published layout, or one file.
    #[arg(long)]
    pub model: PathBuf,
    /// The adapters: a folder in PEFT's layout.
    #[arg(long)]
    pub adapter: PathBuf,
    /// The type of the weights that change; all others stay as they are.
    #[arg(long = "type", default_value = "f32")]
    pub ty: String,
    /// The GGUF file that is written.
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Group)]
pub struct Stories {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// JSON lines; what is there already is kept.
    #[arg(long)]
    pub out: PathBuf,
    /// Texts in all.
    #[arg(long)]
    pub count: u64,
    /// Beginnings, one a line, taken in turn; without it the model begins.
    #[arg(long)]
    pub openings: Option<PathBuf>,
    /// The fewest words of a text.
    #[arg(long, default_value_t = 60)]
    pub min_words: usize,
    /// The most words of a text.
    #[arg(long, default_value_t = 320)]
    pub max_words: usize,
}
