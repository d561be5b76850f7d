//! What a pickle of a state dict is made of.

use crate::{Dtype, QuantType};

/// The number of a node.
pub(super) type Id = usize;

/// A value.
#[derive(Debug)]
pub(super) enum Node {
    /// None, a float, bytes: nothing that a tensor is made of.
    Other,
    Bool(bool),
    Int(i64),
    /// A text: where it begins in the pickle, and its length.
    Text(usize, usize),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(Box<Tensor>),
}

/// The names that a pickle may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    /// A storage of that element type.
    Storage(Element),
}

/// The element type of a storage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Element {
    /// The storage's name without `Storage`.
    pub(super) name: &'static str,
    /// Bytes of a value.
    pub(super) bytes: u64,
    /// What it is here, if it is read.
    pub(super) dtype: Option<Dtype>,
}

/// Values beside the pickle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    pub(super) element: Element,
    /// Its name, a text.
    pub(super) key: Id,
    /// How many values it has.
    pub(super) numel: u64,
}

/// A view of a storage.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) storage: Storage,
    pub(super) offset: u64,
    pub(super) size: Vec<usize>,
    pub(super) stride: Vec<usize>,
}

const STORAGES: [(&str, u64, Option<Dtype>); 11] = [
    ("Float", 4, Some(Dtype::Quant(QuantType::F32))),
    ("Half", 2, Some(Dtype::Quant(QuantType::F16))),
    ("BFloat16", 2, Some(Dtype::Quant(QuantType::BF16))),
    ("Double", 8, Some(Dtype::F64)),
    ("Long", 8, Some(Dtype::I64)),
    ("Int", 4, Some(Dtype::I32)),
    ("Byte", 1, Some(Dtype::U8)),
    ("Bool", 1, Some(Dtype::Bool)),
    ("Short", 2, None),
    ("Char", 1, None),
    ("ComplexFloat", 8, None),
];

impl Global {
    pub(super) fn named(module: &str, name: &str) -> Option<Global> {
        let storage = |name: &str| {
            let name = name.strip_suffix("Storage")?;
            let row = STORAGES.iter().find(|(own, ..)| *own == name);
            row.map(|&(name, bytes, dtype)| Global::Storage(Element { name, bytes, dtype }))
        };
        match (module, name) {
            ("collections", "OrderedDict") => Some(Global::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(Global::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Global::RebuildParameter),
            ("torch", "Size") => Some(Global::Size),
            ("torch" | "torch.cuda", name) => storage(name),
            _ => None,
        }
    }
}
