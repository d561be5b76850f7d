//! The command line of what is done with a model and its files.

use std::path::PathBuf;

use clap::Args as Group;

use super::shared::{DeviceArgs, ModelArgs};

#[derive(Group)]
pub struct Forward {
    #[command(flatten)]
    pub model: ModelArgs,
    /// A safetensors file.
    #[arg(long)]
    pub inputs: PathBuf,
    /// A safetensors file that is written.
    #[arg(long)]
    pub outputs: PathBuf,
    /// Also write `attentions.N`.
    #[arg(long)]
    pub attentions: bool,
    /// Also write `hidden_states.N`.
    #[arg(long)]
    pub hidden_states: bool,
}

#[derive(Group)]
pub struct Tokenize {
    #[arg(long)]
    pub model: PathBuf,
    #[arg(long)]
    pub text: String,
    /// Print `{"ids": […]}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct ChatTemplate {
    #[arg(long)]
    pub model: PathBuf,
    /// A JSON list of messages.
    #[arg(long)]
    pub messages: PathBuf,
    /// A JSON list of tools.
    #[arg(long)]
    pub tools: Option<PathBuf>,
    /// End with the beginning of an answer.
    #[arg(long)]
    pub add_generation_prompt: bool,
    /// Print `{"text": "…"}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Inspect {
    #[arg(long)]
    pub model: PathBuf,
    /// Show the graph.
    #[arg(long)]
    pub graph: bool,
    /// Show every tensor.
    #[arg(long)]
    pub tensors: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Quantize {
    /// A folder or file.
    pub model: PathBuf,
    /// f16, q8_0, q4_0, q4_k or q6_k
    #[arg(long = "type")]
    pub ty: String,
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Group)]
pub struct Import {
    /// The model's `.bin`.
    pub model: PathBuf,
    /// The tokenizer's `.bin`.
    #[arg(long)]
    pub tokenizer: PathBuf,
    /// f32, f16, q8_0, q4_0, q4_k or q6_k
    #[arg(long = "type", default_value = "f32")]
    pub ty: String,
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Group)]
pub struct Bench {
    #[arg(long, required_unless_present = "shape")]
    pub model: Option<PathBuf>,
    /// Random weights of a well-known size instead of a model.
    #[arg(long, conflicts_with = "model")]
    pub shape: Option<String>,
    /// The type of the random weights.
    #[arg(long, default_value = "q8_0")]
    pub quant: String,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[arg(long, default_value_t = 128)]
    pub prompt: usize,
    #[arg(long, default_value_t = 64)]
    pub tokens: usize,
    /// Measured runs, at least five.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Serve {
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Folders and files that the pages offer.
    #[arg(long)]
    pub models: Option<PathBuf>,
    /// The built site.
    #[arg(long)]
    pub site: Option<PathBuf>,
    /// Leave out the cross-origin isolation headers.
    #[arg(long)]
    pub no_isolation: bool,
    /// Where models run that programs ask by the OpenAI API.
    #[command(flatten)]
    pub device: DeviceArgs,
}
