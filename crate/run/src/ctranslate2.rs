//! Folders of CTranslate2: a model and plain lists of tokens, read as a package like any other.

use format::gguf::{Metadata, Value as Meta};
use format::{Checkpoint, Folder, ctranslate2, read_text};
use serde_json::{Value, json};

use crate::Error;

/// The texts under which the lists are kept beside the tensors.
pub(crate) const LISTS: [&str; 2] = ["source_vocabulary.json", "target_vocabulary.json"];

/// The most tokens of a list.
const MOST: usize = 1 << 22;

/// Opens a folder of this kind; nothing where it is of another.
///
/// # Errors
/// A file is missing or damaged.
pub(crate) async fn open(folder: &dyn Folder) -> Result<Option<Checkpoint>, Error> {
    let Some(file) = folder.open(ctranslate2::FILE).await? else { return Ok(None) };
    let settings = match read_text(folder, "config.json").await? {
        Some(text) => {
            let name = format!("{}/config.json", folder.name());
            serde_json::from_str::<Value>(&text).map_err(|error| Error::config(&name, error))?
        }
        None => json!({}),
    };
    // A folder of the library has a configuration of its own.
    if settings["model_type"].is_string() || settings["architectures"].is_array() {
        return Ok(None);
    }
    let signs = Signs::read(&settings);
    let shared = list(folder, "shared_vocabulary").await?;
    let side = async |name| match &shared {
        Some(shared) => Ok(shared.clone()),
        None => {
            list(folder, name).await?.ok_or_else(|| Error::Missing { file: format!("{}/{name}.txt", folder.name()) })
        }
    };
    let [source, target] =
        [side("source_vocabulary").await?, side("target_vocabulary").await?].map(|list| signs.complete(list));
    let (mut config, mut checkpoint) = ctranslate2::open(file).await?;
    for (tokens, field) in [(&source, "vocab_size"), (&target, "decoder_vocab_size")] {
        let held = config[field].as_u64().unwrap_or(0) as usize;
        if tokens.len() > held {
            let reason = format!("has a table of {held} tokens, the vocabulary has {}", tokens.len());
            return Err(Error::config(checkpoint.name(), reason));
        }
    }
    let id = |name: &str| target.iter().position(|token| token == name);
    config["eos_token_id"] = json!(id(&signs.eos));
    config["decoder_start_token_id"] = json!(id(&signs.start));
    config["bos_token_id"] = json!(id(&signs.bos));
    let tokens = json!({
        "bos_token": signs.bos, "eos_token": signs.eos, "unk_token": signs.unk,
        "add_bos_token": settings["add_source_bos"] == true, "add_eos_token": settings["add_source_eos"] == true,
    });
    let mut metadata = Metadata::default();
    let texts = [
        ("config.json", config.to_string()),
        ("tokenizer_config.json", tokens.to_string()),
        (LISTS[0], json!(source).to_string()),
        (LISTS[1], json!(target).to_string()),
    ];
    for (name, text) in texts {
        metadata.insert(format!("dynasty.{name}"), Meta::String(text));
    }
    checkpoint.metadata = Some(metadata);
    Ok(Some(checkpoint))
}

/// Reads the tokens of a list that was kept.
///
/// # Errors
/// It is no list of texts.
pub(crate) fn kept(file: &str, text: &str) -> Result<Vec<String>, Error> {
    let list: Vec<String> = serde_json::from_str(text).map_err(|error| Error::config(file, error))?;
    if list.len() > MOST {
        return Err(Error::config(file, format!("{} tokens are too many", list.len())));
    }
    Ok(list)
}

/// A vocabulary as JSON, or as text of one token a line.
async fn list(folder: &dyn Folder, name: &str) -> Result<Option<Vec<String>>, Error> {
    let file = |end: &str| format!("{name}.{end}");
    if let Some(text) = read_text(folder, &file("json")).await? {
        return kept(&format!("{}/{name}.json", folder.name()), &text).map(Some);
    }
    let Some(text) = read_text(folder, &file("txt")).await? else { return Ok(None) };
    let list: Vec<String> = text.strip_suffix('\n').unwrap_or(&text).split('\n').map(str::to_string).collect();
    if list.len() > MOST {
        return Err(Error::config(
            &format!("{}/{name}.txt", folder.name()),
            format!("{} tokens are too many", list.len()),
        ));
    }
    Ok(Some(list))
}

/// The tokens that are no text.
struct Signs {
    bos: String,
    eos: String,
    unk: String,
    start: String,
}

impl Signs {
    fn read(settings: &Value) -> Self {
        let text = |key: &str, default: &str| settings[key].as_str().unwrap_or(default).to_string();
        let bos = text("bos_token", "<s>");
        Self {
            start: text("decoder_start_token", &bos),
            eos: text("eos_token", "</s>"),
            unk: text("unk_token", "<unk>"),
            bos,
        }
    }

    /// A list without an unknown token has one at its end.
    fn complete(&self, mut list: Vec<String>) -> Vec<String> {
        if !list.contains(&self.unk) {
            list.push(self.unk.clone());
        }
        list
    }
}
