//! Checkpoints of PyTorch: a pickle that describes tensors, and their values beside it.
//!
//! Two containers: the zip archive that `torch.save` writes since 1.6 (entries `data.pkl` and `data/N`, stored), and the
//! row of pickles before it. A pickle is a program that may call anything; here it is read by a machine that knows the
//! few opcodes and the few names that a state dict needs, calls nothing, and refuses everything else by its name.
//!
//! Source: <https://github.com/pytorch/pytorch>, `torch/serialization.py`, `torch/_utils.py`; opcodes:
//! <https://github.com/python/cpython>, `Lib/pickletools.py`.

mod legacy;
mod make;
mod pickle;
mod state;
mod strided;
mod value;
mod zip;

use std::rc::Rc;

use crate::{Bytes, Checkpoint, Error};
use pickle::Machine;
use state::{State, Stored};

pub(crate) use strided::Strides;

/// The first bytes of a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";
/// The first bytes of the older container: a pickle of protocol 2 of a magic number.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// How many bytes tell a checkpoint of PyTorch.
pub(crate) const MAGIC_LEN: u64 = LEGACY.len() as u64;

/// The longest pickle. That of a model of a hundred thousand tensors has about fifteen megabytes.
const LONGEST: u64 = 32 << 20;

/// What is wrong, and where in the pickle: [`Error`] without the file's name.
enum Broken {
    /// The bytes contradict the format.
    Damaged(usize, String),
    /// They are sound, but of a kind that is not read here.
    Unsupported(String),
    /// The pickle goes on where the bytes end.
    Short,
}

impl Broken {
    /// With the name of the file, and where in it the pickle begins.
    fn of(self, file: &dyn Bytes, start: u64) -> Error {
        match self {
            Broken::Damaged(at, reason) => Error::damaged(file.name(), start + at as u64, reason),
            Broken::Unsupported(reason) => Error::unsupported(file.name(), reason),
            Broken::Short => Error::damaged(file.name(), start, "the pickle is cut off"),
        }
    }
}

/// Whether a file that begins so is a checkpoint of PyTorch.
pub(crate) fn known(start: &[u8]) -> bool {
    start.starts_with(ZIP) || start.starts_with(LEGACY)
}

/// Opens a file of `torch.save`, in either container.
///
/// # Errors
/// [`Error::Damaged`] if the container or the pickle in it is; [`Error::Unsupported`] if it is another file, if the
/// pickle asks for anything but the parts of a state dict, which the message names, or if values are compressed or in
/// big-endian order; [`Error::Tensor`] if a tensor does not lie in its storage.
pub(crate) async fn open(file: Rc<dyn Bytes>) -> Result<Checkpoint, Error> {
    let start = file.read(0..file.len().min(MAGIC_LEN)).await?;
    if start.starts_with(ZIP) {
        return open_zip(file).await;
    }
    if start.starts_with(LEGACY) {
        let (tensors, storages) = legacy::read(&*file).await?;
        return finish(file, tensors, &storages);
    }
    Err(Error::unsupported(file.name(), "not a checkpoint that torch.save writes; convert it to model.safetensors"))
}

async fn open_zip(file: Rc<dyn Bytes>) -> Result<Checkpoint, Error> {
    let archive = zip::Archive::read(&*file).await?;
    let Some(pickle) = archive.find(|name| name.ends_with("/data.pkl") || name == "data.pkl") else {
        return Err(Error::unsupported(file.name(), "a zip archive without data.pkl, not a checkpoint of PyTorch"));
    };
    let root = pickle.name.strip_suffix("data.pkl").unwrap_or_default().to_string();
    let mut headers = zip::Window::new(&*file);
    if let Some(order) = archive.entry(&format!("{root}byteorder")) {
        let range = order.data(&mut headers).await?;
        if range.end - range.start > 16 || file.read(range).await?.trim_ascii() != b"little" {
            return Err(Error::unsupported(file.name(), "its values are not in little-endian order"));
        }
    }
    let range = pickle.data(&mut headers).await?;
    if range.end - range.start > LONGEST {
        return Err(Error::damaged(file.name(), range.start, "the pickle is too long for a state dict"));
    }
    let data = file.read(range.clone()).await?;
    let mut machine = Machine::new(&data);
    let root_id = machine.run().map_err(|broken| broken.of(&*file, range.start))?;
    let state = State::find(&machine, root_id).map_err(|broken| broken.of(&*file, range.start))?;
    let mut storages = Vec::with_capacity(state.keys.len());
    for key in &state.keys {
        let Some(entry) = archive.entry(&format!("{root}data/{key}")) else {
            return Err(Error::damaged(file.name(), range.start, format!("the archive has no data/{key}")));
        };
        storages.push(entry.data(&mut headers).await?);
    }
    finish(file, state.tensors, &storages)
}

/// The tensors with their places in the file, each checked against its storage.
fn finish(file: Rc<dyn Bytes>, tensors: Vec<Stored>, storages: &[std::ops::Range<u64>]) -> Result<Checkpoint, Error> {
    let mut infos = indexmap::IndexMap::with_capacity(tensors.len());
    let mut strides = std::collections::HashMap::new();
    for tensor in tensors {
        let (info, stride) = tensor
            .placed(&storages[tensor.storage])
            .map_err(|reason| Error::tensor(file.name(), &tensor.name, reason))?;
        if let Some(stride) = stride {
            strides.insert(info.name.clone(), stride);
        }
        infos.insert(info.name.clone(), info);
    }
    Ok(Checkpoint::new(vec![file], infos).with_strides(strides))
}
