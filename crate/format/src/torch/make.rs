//! What a pickle asks for by name: the parts of a state dict, made without calling anything.

use super::Broken;
use super::pickle::{MOST, Machine};
use super::value::{Global, Id, Node, Storage, Tensor};

/// The most dimensions of a tensor.
const MAX_RANK: usize = 16;

impl<'a> Machine<'a> {
    /// Something of a module, by name: refused unless a state dict needs it.
    pub(super) fn global(&mut self, op: u8) -> Result<(), Broken> {
        let (module, name) = if op == 0x93 {
            let parts = self.popped(2)?;
            let text = |id: Id| self.text(id).ok_or_else(|| self.broken("a name is no text"));
            (text(parts[0])?, text(parts[1])?)
        } else {
            let text = |line: &'a [u8]| std::str::from_utf8(line).unwrap_or("?");
            (text(self.line()?), text(self.line()?))
        };
        match Global::named(module, name) {
            Some(global) if op != b'i' => self.push(Node::Global(global)),
            _ => Err(Broken::Unsupported(format!(
                "the pickle asks for {module}.{name}, which is no part of a state dict; nothing of it was run"
            ))),
        }
    }

    /// What lies beside the pickle: `("storage", type, key, location, numel)`.
    pub(super) fn persistent(&mut self) -> Result<(), Broken> {
        let id = self.pop()?;
        let Node::Tuple(parts) = &self.nodes[id] else { return Err(self.broken("a storage is no tuple")) };
        let [kind, ty, key, _, numel, ref views @ ..] = parts[..] else {
            return Err(self.broken("a storage has too few parts"));
        };
        if views.iter().any(|view| !matches!(self.nodes[*view], Node::Other)) {
            return Err(Broken::Unsupported("a storage that is a view of another".into()));
        }
        let (Node::Global(Global::Storage(element)), Node::Int(numel)) = (&self.nodes[ty], &self.nodes[numel]) else {
            return Err(self.broken("a storage has no type or size"));
        };
        let (true, Some(_), Ok(numel)) = (self.text(kind) == Some("storage"), self.text(key), u64::try_from(*numel))
        else {
            return Err(self.broken("a storage has no name or size"));
        };
        self.push(Node::Storage(Storage { element: *element, key, numel }))
    }

    pub(super) fn reduce(&mut self) -> Result<(), Broken> {
        let parts = self.popped(2)?;
        let (Node::Global(global), Node::Tuple(args)) = (&self.nodes[parts[0]], &self.nodes[parts[1]]) else {
            return Err(self.broken("it calls what has no name"));
        };
        // None of them takes more.
        let args: Vec<Id> = args.iter().take(8).copied().collect();
        match (*global, &args[..]) {
            (Global::OrderedDict, []) => self.push(Node::Dict(Vec::new())),
            (Global::OrderedDict, [items]) => self.dict_of(*items),
            (Global::RebuildTensor, [storage, offset, size, stride, ..]) => {
                let tensor = self.tensor(*storage, *offset, *size, *stride);
                let tensor =
                    tensor.ok_or_else(|| self.broken("a tensor is not made of storage, offset, size and stride"))?;
                self.push(Node::Tensor(Box::new(tensor)))
            }
            (Global::RebuildParameter, [tensor, ..]) => match &self.nodes[*tensor] {
                Node::Tensor(tensor) => {
                    let tensor = tensor.clone();
                    self.push(Node::Tensor(tensor))
                }
                _ => Err(self.broken("a parameter is not made of a tensor")),
            },
            (Global::Size, [items]) => self.push_again(*items),
            _ => Err(self.broken("a part of a state dict is called with other arguments")),
        }
    }

    /// A dictionary of a list of pairs.
    fn dict_of(&mut self, items: Id) -> Result<(), Broken> {
        let (Node::List(items) | Node::Tuple(items)) = &self.nodes[items] else {
            return Err(self.broken("a dictionary is not made of pairs"));
        };
        let pair = |id: &Id| match &self.nodes[*id] {
            Node::List(pair) | Node::Tuple(pair) => pair.first_chunk::<2>().map(|[key, value]| (*key, *value)),
            _ => None,
        };
        let pairs: Option<Vec<(Id, Id)>> = items.iter().map(pair).collect();
        let pairs = pairs.ok_or_else(|| self.broken("a dictionary is not made of pairs"))?;
        self.copied += pairs.len();
        if self.copied > MOST {
            return Err(self.broken("it copies too much"));
        }
        self.push(Node::Dict(pairs))
    }

    fn tensor(&self, storage: Id, offset: Id, size: Id, stride: Id) -> Option<Tensor> {
        let (Node::Storage(storage), Node::Int(offset)) = (&self.nodes[storage], &self.nodes[offset]) else {
            return None;
        };
        let numbers = |id: Id| {
            let (Node::Tuple(items) | Node::List(items)) = &self.nodes[id] else { return None };
            if items.len() > MAX_RANK {
                return None;
            }
            let number = |id: &Id| match self.nodes[*id] {
                Node::Int(number) => usize::try_from(number).ok(),
                _ => None,
            };
            items.iter().map(number).collect::<Option<Vec<usize>>>()
        };
        let (size, stride) = (numbers(size)?, numbers(stride)?);
        let offset = u64::try_from(*offset).ok()?;
        (size.len() == stride.len()).then_some(Tensor { storage: *storage, offset, size, stride })
    }

    /// Attributes of a dictionary, such as the versions of modules, say nothing about tensors.
    pub(super) fn build(&mut self) -> Result<(), Broken> {
        self.pop()?;
        match self.stack.last().map(|top| &self.nodes[*top]) {
            Some(Node::Dict(_)) => Ok(()),
            _ => Err(self.broken("it sets attributes of what is no dictionary")),
        }
    }
}
