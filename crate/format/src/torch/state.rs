//! The state dict in what a pickle made.

use std::collections::HashMap;
use std::ops::Range;

use super::pickle::Machine;
use super::value::{Id, Node, Tensor};
use super::{Broken, Strides};
use crate::TensorInfo;
use crate::safetensors::MAX_TENSORS;

/// Where training programs put the state dict beside other things, in the order of preference.
const WRAPPERS: [&str; 7] = ["state_dict", "model_state_dict", "model", "module", "net", "params", "weights"];
/// The longest name of a tensor or a storage, in bytes.
const LONGEST_NAME: usize = 4096;
/// How deep it is looked for.
const DEPTH: usize = 4;

/// The tensors of a state dict and the names of their storages.
pub(super) struct State {
    pub(super) tensors: Vec<Stored>,
    pub(super) keys: Vec<String>,
}

/// A tensor and which storage it lies in.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) storage: usize,
    tensor: Tensor,
}

impl State {
    /// The dictionary with tensors: the outermost one, or one under a usual name in it.
    pub(super) fn find(machine: &Machine<'_>, mut root: Id) -> Result<State, Broken> {
        for _ in 0..DEPTH {
            let Node::Dict(items) = machine.node(root) else { break };
            if items.iter().any(|(_, value)| matches!(machine.node(*value), Node::Tensor(_))) {
                return State::of(machine, items);
            }
            let under = |name: &str| items.iter().rev().find(|(key, _)| machine.text(*key) == Some(name));
            let inner = WRAPPERS.iter().filter_map(|name| under(name)).map(|(_, value)| *value);
            match { inner }.find(|value| matches!(machine.node(*value), Node::Dict(_))) {
                Some(inner) => root = inner,
                None => break,
            }
        }
        Err(Broken::Unsupported("the pickle holds no state dict of tensors".into()))
    }

    fn of(machine: &Machine<'_>, items: &[(Id, Id)]) -> Result<State, Broken> {
        if items.len() > MAX_TENSORS {
            return Err(Broken::Damaged(0, format!("more than {MAX_TENSORS} tensors")));
        }
        let mut tensors: Vec<Stored> = Vec::new();
        let (mut keys, mut places, mut names) = (Vec::new(), HashMap::new(), HashMap::new());
        for (key, value) in items {
            let (Some(name), Node::Tensor(tensor)) = (machine.text(*key), machine.node(*value)) else { continue };
            let key = machine.text(tensor.storage.key).unwrap_or_default();
            if name.len().max(key.len()) > LONGEST_NAME {
                return Err(Broken::Damaged(0, format!("a name of {} bytes", name.len().max(key.len()))));
            }
            let storage = *places.entry(key).or_insert_with(|| {
                keys.push(key.to_string());
                keys.len() - 1
            });
            let stored = Stored { name: name.to_string(), storage, tensor: (**tensor).clone() };
            // As in a dictionary, the last one of a name counts.
            match names.insert(name, tensors.len()) {
                Some(at) => {
                    tensors[at] = stored;
                    names.insert(name, at);
                }
                None => tensors.push(stored),
            }
        }
        // What training on several devices puts before every name.
        if tensors.iter().all(|tensor| tensor.name.starts_with("module.")) {
            tensors.iter_mut().for_each(|tensor| drop(tensor.name.drain(.."module.".len())));
        }
        Ok(State { tensors, keys })
    }
}

impl Stored {
    /// The tensor in the file, and its strides if it is not stored row by row.
    ///
    /// # Errors
    /// Why it is none of `range`, where its storage lies.
    pub(super) fn placed(&self, range: &Range<u64>) -> Result<(TensorInfo, Option<Strides>), String> {
        let Tensor { storage, offset, size, stride } = &self.tensor;
        let element = storage.element;
        let dtype = element.dtype.ok_or_else(|| format!("element type {} is not supported", element.name))?;
        let length = range.end - range.start;
        if storage.numel.checked_mul(element.bytes).is_none_or(|bytes| bytes > length) {
            return Err(format!("its storage claims {} values of {dtype}, there are {length} bytes", storage.numel));
        }
        let outside = || {
            format!("shape {size:?} with strides {stride:?} from {offset} on leaves its storage of {}", storage.numel)
        };
        let bytes = dtype.tensor_bytes(size).ok_or_else(outside)?;
        let steps = size.iter().zip(stride).map(|(n, step)| (n.saturating_sub(1) as u64).checked_mul(*step as u64));
        let span = steps.into_iter().try_fold(1u64, |sum, step| sum.checked_add(step?)).ok_or_else(outside)?;
        // A tensor without values may begin anywhere.
        let (offset, span) = if bytes == 0 { (0, 0) } else { (*offset, span) };
        if offset.checked_add(span).is_none_or(|end| end > storage.numel) {
            return Err(outside());
        }
        let info = TensorInfo {
            name: self.name.clone(),
            shape: size.clone(),
            dtype,
            file: 0,
            offset: range.start + offset * element.bytes,
            bytes,
        };
        if bytes == 0 || row_by_row(size, stride) {
            return Ok((info, None));
        }
        if bytes > length {
            return Err(format!("shape {size:?} has more values than its storage of {}", storage.numel));
        }
        Ok((info, Some(Strides { steps: stride.clone(), span: span * element.bytes })))
    }
}

/// Whether values follow each other in the order of their indices.
fn row_by_row(size: &[usize], stride: &[usize]) -> bool {
    let mut expected = 1;
    size.iter().zip(stride).rev().filter(|(n, _)| **n != 1).all(|(n, step)| {
        let fits = *step == expected;
        expected *= n;
        fits
    })
}
