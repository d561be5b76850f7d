//! What many commands ask: which model, on which device, how tokens are drawn.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};
use run::DeviceChoice;

/// Which model on which device.
#[derive(Group)]
pub struct ModelArgs {
    /// A folder in a published layout, or one file.
    #[arg(long)]
    pub model: PathBuf,
    /// A folder of low-rank adapters in PEFT's layout, to lie over the model's projections.
    #[arg(long)]
    pub adapter: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Group)]
pub struct DeviceArgs {
    /// Where it runs.
    #[arg(long, value_enum, default_value_t = DeviceArg::Auto)]
    pub device: DeviceArg,
    /// Threads on the processor; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Tokens that a session can hold.
    #[arg(long)]
    pub context: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceArg {
    Cpu,
    Wgpu,
    Auto,
}

impl From<DeviceArg> for DeviceChoice {
    fn from(arg: DeviceArg) -> Self {
        match arg {
            DeviceArg::Cpu => Self::Cpu,
            DeviceArg::Wgpu => Self::Gpu,
            DeviceArg::Auto => Self::Auto,
        }
    }
}

/// How tokens are drawn. Without these the model's own generation settings hold.
#[derive(Group)]
pub struct SamplerArgs {
    /// 0 takes the likeliest token.
    #[arg(long)]
    pub temperature: Option<f32>,
    #[arg(long)]
    pub top_k: Option<u32>,
    #[arg(long)]
    pub top_p: Option<f32>,
    #[arg(long)]
    pub min_p: Option<f32>,
    #[arg(long)]
    pub repetition_penalty: Option<f32>,
    #[arg(long)]
    pub presence_penalty: Option<f32>,
    #[arg(long)]
    pub frequency_penalty: Option<f32>,
    /// The same seed draws the same text.
    #[arg(long)]
    pub seed: Option<u64>,
    /// A text that ends the answer; may be given several times.
    #[arg(long)]
    pub stop: Vec<String>,
    /// The most new tokens.
    #[arg(long)]
    pub max_tokens: Option<usize>,
}

/// How texts are searched for. Without these the model's own generation settings hold.
#[derive(Group)]
pub struct SearchArgs {
    /// How many texts are followed at once; 1 takes the likeliest token each time.
    #[arg(long)]
    pub num_beams: Option<usize>,
    /// Scores are divided by the length to this power; above 0 favours long texts.
    #[arg(long, allow_hyphen_values = true)]
    pub length_penalty: Option<f64>,
    /// When a search ends: true, false or never.
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub early_stopping: Option<String>,
    /// No run of this many tokens comes twice.
    #[arg(long)]
    pub no_repeat_ngram_size: Option<usize>,
    /// No end before this length.
    #[arg(long)]
    pub min_length: Option<usize>,
}
