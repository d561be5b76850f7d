//! The command line of what is done with texts.

use std::path::PathBuf;

use clap::Args as Group;

use super::shared::{DeviceArg, ModelArgs, SamplerArgs, SearchArgs};

#[derive(Group)]
pub struct Chat {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// The system message.
    #[arg(long)]
    pub system: Option<String>,
}

#[derive(Group)]
pub struct Generate {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub sampler: SamplerArgs,
    #[command(flatten)]
    pub search: SearchArgs,
    #[arg(long)]
    pub prompt: String,
    /// Print `{"token_ids": […], "text": "…"}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Words {
    /// Word vectors: word2vec text or binary, headerless text (GloVe), or GGUF.
    #[arg(long, required_unless_present = "recipe")]
    pub model: Option<PathBuf>,
    /// Learn word vectors as a recipe says, and write them.
    #[arg(long, value_name = "FILE", conflicts_with = "model", group = "task")]
    pub recipe: Option<PathBuf>,
    /// The words nearest to this one.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true, group = "task")]
    pub nearest: Option<String>,
    /// A is to B as C is to the answer.
    #[arg(long, num_args = 3, value_names = ["A", "B", "C"], allow_hyphen_values = true, group = "task")]
    pub analogy: Vec<String>,
    /// Count the questions of a list, such as questions-words.txt, that the vectors answer.
    #[arg(long, value_name = "FILE", group = "task")]
    pub evaluate: Option<PathBuf>,
    /// Write the words into a file in another format.
    #[arg(long, value_name = "FILE", group = "task")]
    pub out: Option<PathBuf>,
    /// text, headerless, binary, binary-lines, or a quant type for GGUF
    #[arg(long = "as", default_value = "text", value_name = "FORMAT")]
    pub format: String,
    /// How many words to show.
    #[arg(long, default_value_t = 10)]
    pub top: usize,
    /// Print `{"neighbours": [{"word", "score"}]}`, or the counts.
    #[arg(long)]
    pub json: bool,
    /// Words are searched on the processor.
    #[arg(long, value_enum, default_value_t = DeviceArg::Auto)]
    pub device: DeviceArg,
    /// Threads on the processor; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
}

#[derive(Group)]
pub struct Embed {
    #[command(flatten)]
    pub model: ModelArgs,
    /// A text; may be given several times.
    #[arg(long, required_unless_present = "image")]
    pub text: Vec<String>,
    /// A picture; may be given several times.
    #[arg(long)]
    pub image: Vec<PathBuf>,
    /// How the tokens' vectors become one: mean, cls or max; by default as the model's makers do it.
    #[arg(long)]
    pub pooling: Option<String>,
    /// Leave the vectors as long as they are.
    #[arg(long)]
    pub no_normalize: bool,
    /// Print `{"embeddings": [[...]]}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct FillMask {
    #[command(flatten)]
    pub model: ModelArgs,
    /// A text with the vocabulary's mask in it, [MASK] or <mask>.
    #[arg(long)]
    pub text: String,
    /// How many words for each mask.
    #[arg(long, default_value_t = 5)]
    pub top: usize,
    /// Print `{"masks": [{"position", "candidates": [{"score", "token", "token_str", "sequence"}]}]}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Classify {
    #[command(flatten)]
    pub model: ModelArgs,
    /// A text; may be given several times.
    #[arg(long, required = true)]
    pub text: Vec<String>,
    /// The second text of a pair, one for each text.
    #[arg(long)]
    pub pair: Vec<String>,
    /// Print `{"classes": [[{"label", "score"}]]}`, or for models of words
    /// `{"entities": [[{"label", "score", "word", "start", "end"}]]}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Answer {
    #[command(flatten)]
    pub model: ModelArgs,
    /// What is asked.
    #[arg(long)]
    pub question: String,
    /// The text that holds the answer.
    #[arg(long)]
    pub text: String,
    /// How many answers.
    #[arg(long, default_value_t = 1)]
    pub top: usize,
    /// Tokens of an answer at most.
    #[arg(long, default_value_t = 15)]
    pub longest: usize,
    /// Print `{"answers": [{"score", "start", "end", "answer"}]}`.
    #[arg(long)]
    pub json: bool,
}

/// What is written from which texts.
#[derive(Group)]
pub struct WriteArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// A text; may be given several times.
    #[arg(long, required = true)]
    pub text: Vec<String>,
    /// What is put before each text; by default what the model's configuration says for the task.
    #[arg(long, allow_hyphen_values = true)]
    pub prefix: Option<String>,
    #[command(flatten)]
    pub search: SearchArgs,
    #[command(flatten)]
    pub sampler: SamplerArgs,
}

#[derive(Group)]
pub struct Translate {
    #[command(flatten)]
    pub write: WriteArgs,
    /// The language of the texts, as the model writes it.
    #[arg(long)]
    pub source_lang: Option<String>,
    /// The language that is wanted, as the model writes it.
    #[arg(long)]
    pub target_lang: Option<String>,
    /// Print `{"translations": [{"text", "token_ids", "finish"}]}`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Summarize {
    #[command(flatten)]
    pub write: WriteArgs,
    /// Print `{"summaries": [{"text", "token_ids", "finish"}]}`.
    #[arg(long)]
    pub json: bool,
}
