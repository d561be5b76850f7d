//! The command line.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use run::DeviceChoice;

use crate::picture_args::{ClassifyImage, Segment};

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
