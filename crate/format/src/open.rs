//! Opening checkpoints: which file is which, shards, and the checks that need more than one tensor.

use crate::checkpoint::RopeHeads;
use crate::safetensors::{self, MAX_TENSORS, StringMap};
use crate::{Bytes, Checkpoint, Dtype, Error, Folder, QuantType, TensorInfo, gguf, names, torch};
use indexmap::IndexMap;
use indexmap::map::Entry;
use std::collections::HashMap;
use std::rc::Rc;

/// What a folder's weights are called, in the order of preference.
const WHOLE: [&str; 4] = [
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
    "model.fp16.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
];
/// The indices of weights in several files.
const INDEXED: [&str; 2] = ["model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.json"];
/// The same of PyTorch's own format.
const PICKLED: [&str; 2] = ["pytorch_model.bin", "diffusion_pytorch_model.bin"];
/// The indices of such files.
const INDEXED_PICKLED: [&str; 2] = ["pytorch_model.bin.index.json", "diffusion_pytorch_model.bin.index.json"];
/// Weights that are not read.
const REFUSED: [&str; 3] = ["tf_model.h5", "flax_model.msgpack", "model.ckpt"];
/// The longest index. The largest published one has about nine megabytes.
const LONGEST_INDEX: u64 = 32 << 20;
/// The most files of one checkpoint.
const MAX_SHARDS: usize = 4096;

impl Checkpoint {
    /// Opens the weights of a folder in a published layout: one safetensors file, or an index and its shards, or the same
    /// of PyTorch's files.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there are none; [`Error::Unsupported`] if there are only weights of another kind (those of
    /// TensorFlow, for example); whatever is wrong with a file.
    pub async fn open_folder(folder: &dyn Folder) -> Result<Checkpoint, Error> {
        for file in WHOLE {
            if let Some(bytes) = folder.open(file).await? {
                return Checkpoint::safetensors(vec![bytes]).await;
            }
        }
        for file in INDEXED {
            if let Some(bytes) = folder.open(file).await? {
                return open_shards(folder, &*bytes, Kind::Safetensors).await;
            }
        }
        for file in PICKLED {
            if let Some(bytes) = folder.open(file).await? {
                return pickled(bytes).await;
            }
        }
        for file in INDEXED_PICKLED {
            if let Some(bytes) = folder.open(file).await? {
                return open_shards(folder, &*bytes, Kind::Pickled).await;
            }
        }
        for file in REFUSED {
            if let Some(bytes) = folder.open(file).await? {
                let reason = "weights of this kind are not read; convert them to model.safetensors";
                return Err(Error::unsupported(bytes.name(), reason));
            }
        }
        Err(Error::not_found(&format!("{}/{}", folder.name(), WHOLE[0])))
    }

    /// Opens one file: GGUF, safetensors or a checkpoint of PyTorch, told apart by their first bytes. Of a pickle nothing
    /// is ever executed.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is empty or neither; [`Error::Unsupported`] if it is known not to be weights that are
    /// read here; whatever is wrong with it.
    pub async fn open_file(file: Rc<dyn Bytes>) -> Result<Checkpoint, Error> {
        if file.is_empty() {
            return Err(Error::damaged(file.name(), 0, "the file is empty"));
        }
        let start = file.read(0..file.len().min(torch::MAGIC_LEN)).await?;
        if start.starts_with(gguf::MAGIC) {
            return Checkpoint::gguf(file).await;
        }
        if torch::known(&start) {
            return pickled(file).await;
        }
        let known = [
            (&b"\x80\x02"[..], "a Python pickle, not a checkpoint of torch.save; convert it to safetensors"),
            (b"\x89HDF", "an HDF5 file; its weights are not read alone"),
            (b"version ", "a Git LFS pointer, not the file it stands for"),
            (b"GGJT", "a GGML file from before GGUF; convert it"),
        ];
        if let Some((_, reason)) = known.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(Error::unsupported(file.name(), reason));
        }
        Checkpoint::safetensors(vec![file]).await
    }

    /// Reads the headers of safetensors files that make one checkpoint.
    ///
    /// # Errors
    /// As [`safetensors::read_header`], and [`Error::Tensor`] if two files have a tensor of the same name.
    pub async fn safetensors(files: Vec<Rc<dyn Bytes>>) -> Result<Checkpoint, Error> {
        let mut tensors = IndexMap::new();
        for (index, file) in files.iter().enumerate() {
            for (name, info) in safetensors::read_header(&**file, index).await? {
                insert(&mut tensors, &**file, name, info)?;
            }
        }
        Ok(Checkpoint::new(files, tensors))
    }

    /// Reads the header of a GGUF file. llama.cpp's tensor names become the checkpoint's, and rows that llama.cpp
    /// reordered are read in the checkpoint's order; files of `dynasty quantize` are left as they are.
    ///
    /// # Errors
    /// As [`gguf::read_header`], and [`Error::Tensor`] if a tensor's type is not read here, its rows are not whole
    /// blocks, or it does not lie in the file, aligned and apart from others.
    pub async fn gguf(file: Rc<dyn Bytes>) -> Result<Checkpoint, Error> {
        let header = gguf::read_header(&*file).await?;
        let arch = header.metadata.str("general.architecture").unwrap_or("").to_string();
        let mut tensors = IndexMap::with_capacity(header.tensors.len());
        for raw in &header.tensors {
            let info = check_gguf(&*file, raw, &header, &arch)?;
            insert(&mut tensors, &*file, info.name.clone(), info)?;
        }
        check_apart(&*file, &tensors)?;
        let rope = if names::rope_permuted(&arch) { Some(rope_heads(&*file, &arch, &header.metadata)?) } else { None };
        let checkpoint = Checkpoint::new(vec![file], tensors).with_metadata(header.metadata);
        match rope {
            Some(rope) => checkpoint.with_rope(rope),
            None => Ok(checkpoint),
        }
    }
}

fn insert(
    tensors: &mut IndexMap<String, TensorInfo>,
    file: &dyn Bytes,
    name: String,
    info: TensorInfo,
) -> Result<(), Error> {
    if tensors.len() == MAX_TENSORS {
        return Err(Error::tensor(file.name(), &name, format!("more than {MAX_TENSORS} tensors")));
    }
    match tensors.entry(name) {
        Entry::Occupied(entry) => Err(Error::tensor(file.name(), entry.key(), "the name comes twice")),
        Entry::Vacant(entry) => {
            entry.insert(info);
            Ok(())
        }
    }
}

/// What shards are.
#[derive(Clone, Copy)]
enum Kind {
    Safetensors,
    Pickled,
}

/// The parts of an index that matter.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: StringMap,
}

/// A checkpoint of PyTorch.
#[cfg(feature = "pickle")]
async fn pickled(file: Rc<dyn Bytes>) -> Result<Checkpoint, Error> {
    torch::open(file).await
}

/// The module that chats leaves their reader out.
#[cfg(not(feature = "pickle"))]
async fn pickled(file: Rc<dyn Bytes>) -> Result<Checkpoint, Error> {
    Err(Error::unsupported(file.name(), "checkpoints of PyTorch are not read here; convert it to safetensors"))
}

/// Opens the shards that an index names. Only tensors that the index puts into a shard are taken from it.
async fn open_shards(folder: &dyn Folder, index: &dyn Bytes, kind: Kind) -> Result<Checkpoint, Error> {
    if index.len() > LONGEST_INDEX {
        return Err(Error::damaged(index.name(), LONGEST_INDEX, "too large for an index of weights"));
    }
    let json = index.read(0..index.len()).await?;
    let parsed: Result<Index, _> = serde_json::from_slice(&json);
    let parsed = parsed.map_err(|error| Error::damaged(index.name(), 0, format!("no index of weights: {error}")))?;
    let weight_map = parsed.weight_map.0;
    let mut shards: IndexMap<&str, ()> = IndexMap::new();
    for (tensor, shard) in &weight_map {
        if !crate::stays_inside(shard) {
            return Err(Error::tensor(
                index.name(),
                tensor,
                format!("the file name {shard:?} leads out of the folder"),
            ));
        }
        shards.insert(shard, ());
    }
    if shards.is_empty() || shards.len() > MAX_SHARDS {
        return Err(Error::damaged(index.name(), 0, format!("it names {} files", shards.len())));
    }
    let (mut files, mut tensors, mut strides) = (Vec::new(), IndexMap::new(), HashMap::new());
    for (index, &shard) in shards.keys().enumerate() {
        let file = folder.open(shard).await?;
        let file = file.ok_or_else(|| Error::not_found(&format!("{}/{shard}", folder.name())))?;
        let opened = match kind {
            Kind::Safetensors => Checkpoint::safetensors(vec![file.clone()]).await?,
            Kind::Pickled => pickled(file.clone()).await?,
        };
        let (own, mut strided) = opened.into_parts();
        for (name, info) in own {
            if weight_map.get(&name).is_some_and(|wanted| wanted == shard) {
                strides.extend(strided.remove_entry(&name));
                insert(&mut tensors, &*file, name, TensorInfo { file: index, ..info })?;
            }
        }
        files.push(file);
    }
    for (tensor, shard) in &weight_map {
        if !tensors.contains_key(tensor) {
            return Err(Error::tensor(index.name(), tensor, format!("it is not in {shard}")));
        }
    }
    Ok(Checkpoint::new(files, tensors).with_strides(strides))
}

/// One GGUF tensor, checked against its type and the file, under the checkpoint's name.
fn check_gguf(file: &dyn Bytes, raw: &gguf::RawTensor, header: &gguf::Header, arch: &str) -> Result<TensorInfo, Error> {
    let failed = |reason: String| Error::tensor(file.name(), &raw.name, reason);
    let dtype = gguf::dtype_of(raw.type_id);
    let dtype: Dtype = dtype.ok_or_else(|| failed(format!("ggml type {} is not supported", raw.type_id)))?;
    let shape: Option<Vec<usize>> = raw.dims.iter().rev().map(|&dim| usize::try_from(dim).ok()).collect();
    let sized = shape.and_then(|shape| dtype.tensor_bytes(&shape).map(|bytes| (shape, bytes)));
    let (shape, bytes) = sized.ok_or_else(|| failed(format!("dimensions {:?} do not fit {dtype}", raw.dims)))?;
    if !raw.offset.is_multiple_of(header.alignment) {
        return Err(failed(format!("offset {} is not aligned to {}", raw.offset, header.alignment)));
    }
    let offset = header.data_start.checked_add(raw.offset);
    let end = offset.and_then(|offset| offset.checked_add(bytes));
    match (offset, end) {
        (Some(offset), Some(end)) if end <= file.len() || bytes == 0 => {
            // A tensor without values may be described past the end; nothing of it is there to read.
            let offset = offset.min(file.len());
            let name = names::to_checkpoint(arch, &raw.name).unwrap_or_else(|| raw.name.clone());
            if names::plus_one(arch, &name) && dtype != Dtype::Quant(QuantType::F32) {
                return Err(failed(format!("a norm of {dtype}, expected F32")));
            }
            Ok(TensorInfo { name, shape, dtype, file: 0, offset, bytes })
        }
        _ => Err(failed(format!("{bytes} bytes at {} do not lie in a file of {} bytes", raw.offset, file.len()))),
    }
}

/// Whether no two tensors share a byte.
fn check_apart(file: &dyn Bytes, tensors: &IndexMap<String, TensorInfo>) -> Result<(), Error> {
    let mut order: Vec<&TensorInfo> = tensors.values().filter(|info| info.bytes > 0).collect();
    order.sort_by_key(|info| info.offset);
    for pair in order.windows(2) {
        if pair[0].offset + pair[0].bytes > pair[1].offset {
            let reason = format!("it overlaps {} at byte {}", pair[0].name, pair[1].offset);
            return Err(Error::tensor(file.name(), &pair[1].name, reason));
        }
    }
    Ok(())
}

/// The numbers of heads that llama.cpp's order of rows depends on.
fn rope_heads(file: &dyn Bytes, arch: &str, metadata: &gguf::Metadata) -> Result<RopeHeads, Error> {
    let heads = |key: &str| metadata.u64(&format!("{arch}.attention.{key}")).and_then(|n| usize::try_from(n).ok());
    let query = heads("head_count").filter(|&n| n > 0 && n <= 1 << 20);
    let Some(query) = query else {
        return Err(Error::damaged(file.name(), 0, format!("no metadata {arch}.attention.head_count")));
    };
    let key = heads("head_count_kv").unwrap_or(query);
    if key == 0 || key > query {
        return Err(Error::damaged(file.name(), 0, format!("{arch}.attention.head_count_kv is {key}")));
    }
    Ok(RopeHeads { query, key })
}
