//! A model's files in memory, to be damaged.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use dynasty_tests::fixtures;
use format::gguf::Writer;
use format::{DirFolder, QuantType};
use pollster::block_on;
use run::{Package, Source};
use serde_json::{Map, Value};

/// Files by name.
#[derive(Clone)]
pub struct Files(BTreeMap<String, Vec<u8>>);

/// The files of a fixture that a model consists of.
pub fn folder(name: &str) -> Files {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(fixtures("models").join(name)).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if file.starts_with("model") || file == "config.json" {
            files.insert(file, std::fs::read(path).unwrap());
        }
    }
    Files(files)
}

/// A fixture as one GGUF file.
pub fn quantized() -> Files {
    let folder = DirFolder::new(fixtures("models/llama_plain")).unwrap();
    let package = block_on(Package::open(Source::Folder(Rc::new(folder)))).unwrap();
    let planned = run::quantize_plan(&package, QuantType::F16).unwrap();
    let begin = |metadata: &_, specs: &[_]| Writer::begin(Vec::new(), "model.gguf", metadata, specs);
    let bytes = block_on(run::quantize(&package, &planned, begin, &mut |_| ())).unwrap().finish().unwrap();
    Files(BTreeMap::from([("model.gguf".to_string(), bytes)]))
}

/// A fixture in llama.cpp's layout.
pub fn converted(name: &str) -> Files {
    let bytes = std::fs::read(fixtures("gguf").join(format!("{name}.gguf"))).unwrap();
    Files(BTreeMap::from([("model.gguf".to_string(), bytes)]))
}

/// A small file of llama2.c: width 8, feed-forward 12, one block, two heads, one for keys, five tokens, context 4.
pub fn llama2c() -> Files {
    let (dim, hidden, vocab, kv, context, head) = (8, 12, 5, 4, 4, 4);
    let floats = vocab * dim + dim + 2 * dim * dim + 2 * kv * dim + dim + 3 * hidden * dim + dim + context * head;
    let mut bytes: Vec<u8> = [8i32, 12, 1, 2, 1, 5, 4].iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.resize(28 + 4 * floats, 0);
    Files(BTreeMap::from([("model.bin".to_string(), bytes)]))
}

/// A small folder of CTranslate2: width 8, feed-forward 12, one block in each half, eight heads, matrices in 8 bits.
pub fn ctranslate2() -> Files {
    let mut variables: Vec<(String, Vec<u32>)> = Vec::new();
    let mut add = |name: String, shape: &[u32]| variables.push((name, shape.to_vec()));
    for (side, tokens) in [("encoder", 6), ("decoder", 5)] {
        add(format!("{side}/embeddings/weight"), &[tokens, 8]);
        let projections: &[(&str, u32, u32)] = match side {
            "encoder" => &[("self_attention/linear_0", 24, 8)],
            _ => &[
                ("self_attention/linear_0", 24, 8),
                ("attention/linear_0", 8, 8),
                ("attention/linear_1", 16, 8),
                ("attention/linear_2", 8, 8),
            ],
        };
        let all = [("self_attention/linear_1", 8, 8), ("ffn/linear_0", 12, 8), ("ffn/linear_1", 8, 12)];
        for (name, rows, cols) in projections.iter().chain(&all) {
            add(format!("{side}/layer_0/{name}/weight"), &[*rows, *cols]);
            add(format!("{side}/layer_0/{name}/bias"), &[*rows]);
        }
        let norms: &[&str] =
            if side == "encoder" { &["self_attention", "ffn"] } else { &["self_attention", "attention", "ffn"] };
        let norms = norms.iter().map(|part| format!("{side}/layer_0/{part}/layer_norm"));
        for norm in norms.chain([format!("{side}/layer_norm")]) {
            add(format!("{norm}/gamma"), &[8]);
            add(format!("{norm}/beta"), &[8]);
        }
    }
    add("decoder/projection/weight".into(), &[5, 8]);
    add("decoder/projection/bias".into(), &[5]);
    let lists = ["<blank>\n<s>\n</s>\nx\ny\n", "<blank>\n<s>\n</s>\na\n"];
    Files(BTreeMap::from([
        ("model.bin".to_string(), ctranslate2_bytes(&variables)),
        ("source_vocabulary.txt".to_string(), lists[0].into()),
        ("target_vocabulary.txt".to_string(), lists[1].into()),
    ]))
}

/// The layout's second version: matrices as bytes with a scale for each row, lists as floats.
fn ctranslate2_bytes(variables: &[(String, Vec<u32>)]) -> Vec<u8> {
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u16 + 1).to_le_bytes());
        bytes.extend(text.bytes().chain([0]));
    };
    let variable = |bytes: &mut Vec<u8>, name: &str, shape: &[u32], size: u8, value: &[u8]| {
        text(bytes, name);
        bytes.push(shape.len() as u8);
        bytes.extend(shape.iter().flat_map(|dim| dim.to_le_bytes()));
        let count: u32 = shape.iter().product();
        bytes.push(size);
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.iter().cycle().take(count as usize * usize::from(size)));
    };
    let matrices = variables.iter().filter(|(_, shape)| shape.len() == 2).count();
    let mut bytes = 2u32.to_le_bytes().to_vec();
    text(&mut bytes, "TransformerBase");
    bytes.extend(2u32.to_le_bytes());
    bytes.extend((variables.len() as u32 + matrices as u32).to_le_bytes());
    for (name, shape) in variables {
        if shape.len() == 2 {
            variable(&mut bytes, name, shape, 1, &[1, 255, 3, 0, 7]);
            variable(&mut bytes, &format!("{name}_scale"), &shape[..1], 4, &100f32.to_le_bytes());
        } else {
            variable(&mut bytes, name, shape, 4, &0.5f32.to_le_bytes());
        }
    }
    bytes
}

impl Files {
    /// Names and bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Vec<u8>)> {
        self.0.iter()
    }

    /// The file, if this is a model of one file.
    pub fn single(&self) -> Option<(&str, Vec<u8>)> {
        let (name, bytes) = self.0.first_key_value()?;
        (self.0.len() == 1 && !name.ends_with(".json") && !name.ends_with(".safetensors"))
            .then(|| (name.as_str(), bytes.clone()))
    }

    /// The bytes of a file of llama2.c, which is alone.
    pub fn llama2c(&self) -> Option<Vec<u8>> {
        self.0.get("model.bin").filter(|_| self.0.len() == 1).cloned()
    }

    /// The file with the weights.
    pub fn weights_name(&self) -> String {
        self.0.keys().find(|name| name.starts_with("model")).unwrap().clone()
    }

    /// The bytes of a file.
    pub fn bytes(&self, file: &str) -> &[u8] {
        &self.0[file]
    }

    /// Puts a file in the place of what was there.
    pub fn put(&mut self, file: &str, bytes: impl Into<Vec<u8>>) {
        self.0.insert(file.into(), bytes.into());
    }

    /// Takes a file away.
    pub fn remove(&mut self, file: &str) {
        self.0.remove(file);
    }

    /// Changes the bytes of a file.
    pub fn edit(&mut self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.0.get_mut(file).unwrap());
    }

    /// Changes a JSON file.
    pub fn json(&mut self, file: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut value: Value = serde_json::from_slice(&self.0[file]).unwrap();
        change(value.as_object_mut().unwrap());
        self.put(file, value.to_string());
    }

    /// Changes the header of a safetensors file.
    pub fn header(&mut self, file: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let (mut header, data) = self.split(file);
        change(&mut header);
        self.joined(file, &Value::Object(header).to_string(), &data);
    }

    /// Puts another text in the place of a safetensors file's header.
    pub fn header_text(&mut self, file: &str, text: &str) {
        let (_, data) = self.split(file);
        self.joined(file, text, &data);
    }

    fn split(&self, file: &str) -> (Map<String, Value>, Vec<u8>) {
        let (length, rest) = self.0[file].split_first_chunk::<8>().unwrap();
        let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
        let header: Value = serde_json::from_slice(header).unwrap();
        (header.as_object().unwrap().clone(), data.to_vec())
    }

    fn joined(&mut self, file: &str, header: &str, data: &[u8]) {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(data);
        self.put(file, bytes);
    }

    /// Writes all files into a folder; the path of the model in it.
    pub fn write(&self, folder: &Path) -> std::path::PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        for (name, bytes) in &self.0 {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        self.single().map_or(folder.to_path_buf(), |(name, _)| folder.join(name))
    }
}
