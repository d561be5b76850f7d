//! The files of llama2.c: a header of seven integers, then f32 tensors in a fixed order; and its tokenizer.
//!
//! Source: <https://github.com/karpathy/llama2.c>, `run.c` (`memory_map_weights`, `build_tokenizer`), version 0.

use crate::checkpoint::RopeHeads;
use crate::{Bytes, Checkpoint, Dtype, Error, QuantType, TensorInfo};
use indexmap::IndexMap;
use std::rc::Rc;

/// The header's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Width of the residual stream.
    pub dim: usize,
    /// Width inside the feed-forward layers.
    pub hidden_dim: usize,
    /// Number of blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Number of tokens.
    pub vocab_size: usize,
    /// Whether the output matrix is the embedding.
    pub tied: bool,
    /// The longest context.
    pub seq_len: usize,
}

impl Config {
    /// The header's 28 bytes.
    fn parse(file: &str, header: &[u8]) -> Result<Config, Error> {
        let mut numbers = [0i32; 7];
        for (number, bytes) in numbers.iter_mut().zip(header.as_chunks::<4>().0) {
            *number = i32::from_le_bytes(*bytes);
        }
        let [dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab, seq_len] = numbers;
        let plausible = [dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab.saturating_abs(), seq_len];
        if plausible.iter().any(|&number| number <= 0 || number > 1 << 24) {
            return Err(Error::damaged(file, 0, format!("{numbers:?} is no llama2.c header")));
        }
        if n_layers > 1 << 12 {
            return Err(Error::damaged(file, 8, format!("{n_layers} layers are too many")));
        }
        if dim % (2 * n_heads) != 0 || n_heads % n_kv_heads != 0 {
            let reason = format!("{n_heads} heads, {n_kv_heads} for keys, do not divide a width of {dim}");
            return Err(Error::damaged(file, 0, reason));
        }
        let [dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len] = plausible.map(|n| n as usize);
        let tied = vocab > 0;
        Ok(Config { dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, tied, seq_len })
    }

    /// The `config.json` of the same model in the published layout.
    pub fn json(&self) -> String {
        let value = serde_json::json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": self.dim,
            "intermediate_size": self.hidden_dim,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": self.n_heads,
            "num_key_value_heads": self.n_kv_heads,
            "vocab_size": self.vocab_size,
            "max_position_embeddings": self.seq_len,
            "tie_word_embeddings": self.tied,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "attention_bias": false,
            "mlp_bias": false,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "torch_dtype": "float32",
        });
        value.to_string()
    }
}

/// Opens a model: its header's numbers and its tensors under the names of a Llama checkpoint, query and key rows in
/// that checkpoint's order.
///
/// # Errors
/// [`Error::Damaged`] if the header is not plausible or the file's length is not exactly what it implies.
pub async fn open(file: Rc<dyn Bytes>) -> Result<(Config, Checkpoint), Error> {
    if file.len() < 28 {
        return Err(Error::damaged(file.name(), 0, "too short for a llama2.c header"));
    }
    let config = Config::parse(file.name(), &file.read(0..28).await?)?;
    let mut layout = Layout { tensors: IndexMap::new(), offset: 28, file_len: file.len() };
    layout.fill(&config).map_err(|(tensor, reason)| Error::tensor(file.name(), &tensor, reason))?;
    if layout.offset != file.len() {
        let reason = format!("{} bytes follow the last tensor", file.len() - layout.offset);
        return Err(Error::damaged(file.name(), layout.offset, reason));
    }
    let rope = RopeHeads { query: config.n_heads, key: config.n_kv_heads };
    let checkpoint = Checkpoint::new(vec![file], layout.tensors).with_rope(rope)?;
    Ok((config, checkpoint))
}

/// Tensors laid one after the other.
struct Layout {
    tensors: IndexMap<String, TensorInfo>,
    offset: u64,
    file_len: u64,
}

impl Layout {
    /// All tensors in the file's order: each kind for all blocks before the next kind.
    fn fill(&mut self, config: &Config) -> Result<(), (String, String)> {
        let Config { dim, hidden_dim, n_heads, n_kv_heads, vocab_size, seq_len, .. } = *config;
        let kv_dim = dim / n_heads * n_kv_heads;
        self.add("model.embed_tokens.weight".into(), &[vocab_size, dim])?;
        let blocks: [(&str, &[usize]); 9] = [
            ("input_layernorm", &[dim]),
            ("self_attn.q_proj", &[dim, dim]),
            ("self_attn.k_proj", &[kv_dim, dim]),
            ("self_attn.v_proj", &[kv_dim, dim]),
            ("self_attn.o_proj", &[dim, dim]),
            ("post_attention_layernorm", &[dim]),
            ("mlp.gate_proj", &[hidden_dim, dim]),
            ("mlp.down_proj", &[dim, hidden_dim]),
            ("mlp.up_proj", &[hidden_dim, dim]),
        ];
        for (part, shape) in blocks {
            for layer in 0..config.n_layers {
                self.add(format!("model.layers.{layer}.{part}.weight"), shape)?;
            }
        }
        self.add("model.norm.weight".into(), &[dim])?;
        // Tables of cosines and sines that no reader uses any more.
        self.skip("rotary tables", &[seq_len, dim / n_heads])?;
        if !config.tied {
            self.add("lm_head.weight".into(), &[vocab_size, dim])?;
        }
        Ok(())
    }

    fn add(&mut self, name: String, shape: &[usize]) -> Result<(), (String, String)> {
        let offset = self.offset;
        let bytes = self.skip(&name, shape)?;
        let dtype = Dtype::Quant(QuantType::F32);
        let info = TensorInfo { name: name.clone(), shape: shape.to_vec(), dtype, file: 0, offset, bytes };
        self.tensors.insert(name, info);
        Ok(())
    }

    /// Passes a tensor and gives its length.
    fn skip(&mut self, name: &str, shape: &[usize]) -> Result<u64, (String, String)> {
        let bytes = Dtype::Quant(QuantType::F32).tensor_bytes(shape);
        match bytes.filter(|&bytes| bytes <= self.file_len - self.offset) {
            Some(bytes) => {
                self.offset += bytes;
                Ok(bytes)
            }
            None => {
                Err((name.to_string(), format!("shape {shape:?} at byte {} does not lie in the file", self.offset)))
            }
        }
    }
}

/// The tokens of a llama2.c tokenizer, by their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokenizer {
    /// The bytes of the longest token.
    pub max_token_length: usize,
    /// Score and bytes of each token. The first three are unknown, begin and end; 3 to 258 are `<0x00>` to `<0xFF>`.
    pub tokens: Vec<(f32, Vec<u8>)>,
}

/// Reads a tokenizer file (`tok512.bin`, `tokenizer.bin`).
///
/// # Errors
/// [`Error::Damaged`] if it ends in the middle of a token, or a token is longer than the header allows.
pub async fn read_tokenizer(file: &dyn Bytes) -> Result<Tokenizer, Error> {
    /// The largest vocabularies of this kind have 32,000 tokens.
    const LONGEST: u64 = 16 << 20;
    if file.len() > LONGEST {
        return Err(Error::damaged(file.name(), LONGEST, "too large for a llama2.c tokenizer"));
    }
    let data = file.read(0..file.len()).await?;
    let broken = |at: usize, reason: &str| Error::damaged(file.name(), at as u64, reason);
    let word = |at: usize| data.get(at..)?.first_chunk::<4>().copied();
    let longest = word(0).ok_or_else(|| broken(0, "too short for a llama2.c tokenizer"))?;
    let max_token_length = u32::from_le_bytes(longest) as usize;
    let (mut tokens, mut at) = (Vec::new(), 4);
    while at < data.len() {
        let (Some(score), Some(length)) = (word(at), word(at + 4)) else {
            return Err(broken(at, "the file ends in the middle of a token"));
        };
        let length = u32::from_le_bytes(length) as usize;
        if length > max_token_length {
            return Err(broken(at + 4, "a token is longer than the header says the longest is"));
        }
        let bytes = data.get(at + 8..).and_then(|rest| rest.get(..length));
        let bytes = bytes.ok_or_else(|| broken(at + 8, "the file ends in the middle of a token"))?;
        tokens.push((f32::from_le_bytes(score), bytes.to_vec()));
        at += 8 + length;
    }
    Ok(Tokenizer { max_token_length, tokens })
}
